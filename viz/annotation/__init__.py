"""What each line of the user's code costs: `viz annotate`."""

from viz.annotation.costs import Costs, LineCost, costs_by_line

__all__ = ["Costs", "LineCost", "costs_by_line"]
