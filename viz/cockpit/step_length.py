"""Whether a step was too short or too long: a parabola through the loss and its slope before and after it."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy

__all__ = ["LONGEST", "Side", "alpha"]

LONGEST = 5.0  # what longer steps, and steps uphill, are shown as


class Side(NamedTuple):
    """The loss at one end of a step, and its slope along the step, with the variances of both."""

    loss: float
    slope: float
    loss_variance: float = 0.0
    slope_variance: float = 0.0


def alpha(before: Side, after: Side) -> float:
    """Where the step ended on the parabola, as a length: -1 at its start, 0 in the minimum, 1 as far on the other side.

    Args:
        before: at the start of the step; the slope is that per whole step.
        after: at its end.

    Returns:
        From -1 to `LONGEST`. A parabola that is open below has no minimum: any step is too short (-1). A step uphill
        is too long (`LONGEST`). NaN where a number isn't finite.

    Source: the `Alpha` of Schneider, Dangel and Hennig, "Cockpit: a practical debugging tool for the training of deep
    neural networks", 2021.

    >>> abs(round(alpha(Side(1.0, -2.0), Side(0.0, 0.0)), 9))  # of (1 - t)²: exactly into the minimum
    0.0
    >>> round(alpha(Side(1.0, -4.0), Side(1.0, 4.0)), 9)  # of (1 - 2t)²: to the other side
    1.0
    """
    observed = [before.loss, before.slope, after.loss, after.slope]
    if not all(map(math.isfinite, observed)):
        return math.nan
    variances = numpy.array([before.loss_variance, before.slope_variance, after.loss_variance, after.slope_variance])
    variances = variances if numpy.isfinite(variances).all() else numpy.zeros(4)
    floor = 1e-12 + 1e-6 * float(variances.max())
    weights = 1 / numpy.sqrt(variances + floor)
    rows = numpy.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 1.0, 1.0], [2.0, 1.0, 0.0]])
    shift = before.loss  # the level of the loss doesn't matter, and is large
    wanted = numpy.array([0.0, before.slope, after.loss - shift, after.slope])
    bend, slope, _ = numpy.linalg.lstsq(rows * weights[:, None], wanted * weights, rcond=None)[0]
    if slope >= 0:
        return LONGEST if slope > 0 or bend > 0 else 0.0
    if bend <= 0:
        return -1.0
    return float(min(LONGEST, -2 * bend / slope - 1))
