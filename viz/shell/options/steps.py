"""How options name several steps: the same in all commands."""

from __future__ import annotations

import argparse

from viz.chosen_steps import ChosenSteps

__all__ = ["steps"]


def steps(given: str) -> ChosenSteps:
    """The steps that an option names.

    >>> steps("1,5-7"), steps("9:")
    (1,5-7, 9-)
    """
    try:
        return ChosenSteps.parsed(given)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
