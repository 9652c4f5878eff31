"""Is one column of numbers another one, rounded?"""

from __future__ import annotations

from itertools import pairwise

import numpy

from viz.doctor import thresholds as limits

__all__ = ["is_cut", "is_rounded"]

_CUT_GAPS = 0.98  # of the gaps between labels are smaller than one where a column cuts them may be
_ROUNDED_KINDS = 8  # different values, at least: fewer are classes
_ROUNDED_FIT = 0.1  # of a step, by which a line fitted to a hundred rows may miss what was rounded
_ROUNDED_SPREAD = 0.15  # how far the size of what rounding took away may be from that of an even spread


def is_rounded(coarse: numpy.ndarray, fine: numpy.ndarray) -> bool:
    """Are the values of `coarse` those of `fine`, times a number, plus another, and rounded to a whole step?

    What rounding takes away is spread evenly over a step and never more than half of one. Noise, as of a second
    measurement, isn't: it either stays well within half a step, or goes beyond it now and then.
    """
    kinds = numpy.unique(coarse)
    if not _ROUNDED_KINDS <= len(kinds) < len(numpy.unique(fine)):
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
    return bool(left.max() <= 0.5 + _ROUNDED_FIT and abs(size / even - 1) <= _ROUNDED_SPREAD)


def is_cut(coarse: numpy.ndarray, fine: numpy.ndarray) -> list[float]:
    """At which values of `fine` that of `coarse` changes, where it is made of it by comparing; empty where it isn't.

    Each value of `coarse` has a range of `fine` of its own, and one range begins where the one before ends: what merely
    has a large effect on `fine` leaves gaps between the ranges, or lets them overlap.

    >>> y = numpy.random.default_rng(0).normal(size=400)
    >>> [round(each, 1) for each in is_cut((y > 0.5) * 1.0, y)], is_cut((y > 0.5) * 1.0, y + 9 * (y > 0.5))
    ([0.5], [])
    """
    kinds, at = numpy.unique(coarse, return_inverse=True)
    if not 2 <= len(kinds) <= limits.LEAK_CLASSES or numpy.bincount(at).min() < limits.LEAK_OF_CLASS:
        return []
    parts = sorted((fine[at == i] for i in range(len(kinds))), key=lambda part: float(part.mean()))
    usual = float(numpy.quantile(numpy.diff(numpy.unique(fine)), _CUT_GAPS))
    cuts = []
    for below, above in pairwise(parts):
        low, high = float(below.max()), float(above.min())
        if not low < high <= low + usual:
            return []
        cuts.append((low + high) / 2)
    return cuts
