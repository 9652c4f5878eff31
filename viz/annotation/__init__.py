"""What each line of the user's code costs, beside it: `viz annotate`."""

from viz.annotation.costs import Costs, LineCost, costs_by_line

__all__ = ["Costs", "LineCost", "costs_by_line"]
