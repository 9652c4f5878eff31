"""Is one column of numbers another one, rounded?"""

from __future__ import annotations

import numpy

from viz.doctor import thresholds as limits

__all__ = ["is_rounded"]


def is_rounded(coarse: numpy.ndarray, fine: numpy.ndarray) -> bool:
    """Are the values of `coarse` those of `fine`, times a number, plus another, and rounded to a whole step?

    What rounding takes away is spread evenly over a step and never more than half of one. Noise, as of a second
    measurement, isn't: it either stays well within half a step, or goes beyond it now and then.
    """
    kinds = numpy.unique(coarse)
    if not limits.ROUNDED_KINDS <= len(kinds) < len(numpy.unique(fine)):
        return False
    gaps = numpy.diff(kinds)
    step = gaps.min()
    steps = gaps / step
    if numpy.abs(steps - steps.round()).max() > limits.ROUNDED_GRID or steps.sum() > limits.ROUNDED_STEPS:
        return False
    slope, offset = numpy.polyfit(fine, coarse, 1)
    left = numpy.abs(coarse - (slope * fine + offset)) / step
    even = 1 / numpy.sqrt(12)  # the standard deviation of what is spread evenly over one
    size = numpy.sqrt((left * left).mean())
    return bool(left.max() <= 0.5 + limits.ROUNDED_FIT and abs(size / even - 1) <= limits.ROUNDED_SPREAD)
