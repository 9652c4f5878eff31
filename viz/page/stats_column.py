"""The statistics of all tensors, as the page's scripts read them: worked out in columns, since there are many."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy

from viz.facts.json_data import finite
from viz.facts.schema import TensorInfo

__all__ = ["stats_column"]

_MEASURED = ("min", "max", "mean", "std", "nan", "inf", "l2")
_DIGITS = 7  # as many as single precision has
_SEEN = 5  # of values that are only looked at: one more than is shown
_EXACT = 22  # powers of ten up to this one are exact numbers


def stats_column(tensors: Sequence[TensorInfo]) -> list[list[Any] | None]:
    """For each tensor min, max, mean, std, nan, inf, L2 norm, zeros, histogram and preview; None without statistics.

    The norm is the measured one, or follows from mean and std; see `viz.facts.derived_stats.norm`.
    """
    found: list[list[Any] | None] = [None] * len(tensors)
    measured = [tensor for tensor in tensors if tensor.stats is not None]
    sizes = {shape: math.prod(shape) for shape in {tensor.shape for tensor in measured}}
    stats = [tensor.stats for tensor in measured if tensor.stats is not None]
    given = {name: [getattr(each, name) for each in stats] for name in _MEASURED}
    mean, std, nan, inf, l2 = [numpy.array(given[name], numpy.float64) for name in ("mean", "std", "nan", "inf", "l2")]
    counts = numpy.maximum(numpy.array([sizes[tensor.shape] for tensor in measured], numpy.float64) - nan - inf, 0)
    with numpy.errstate(over="ignore"):  # an infinite one is told as such
        norms = numpy.where(numpy.isnan(l2), numpy.hypot(mean, std) * numpy.sqrt(counts), l2)
    columns = [_rounded(given[name]) for name in ("min", "max", "mean", "std")]
    columns += [given["nan"], given["inf"], _rounded([None if norm != norm else norm for norm in norms.tolist()])]
    columns += [[each.zeros for each in stats], [list(each.histogram) for each in stats], _previews(stats)]
    for tensor, row in zip(measured, zip(*columns, strict=True), strict=True):
        found[tensor.id] = list(row)
    return found


def _previews(stats: Sequence[Any]) -> list[list[Any]]:
    flat = iter(_rounded([number for each in stats for number in each.preview], _SEEN))
    return [[next(flat) for _ in each.preview] for each in stats]


def _rounded(numbers: Sequence[float | None], digits: int = _DIGITS) -> list[Any]:
    """Numbers to so many digits, those that JSON can't hold as text, and None as None."""
    values = numpy.array(numbers, numpy.float64)
    with numpy.errstate(all="ignore"):
        shifts = numpy.where(values == 0, 0, digits - 1 - numpy.floor(numpy.log10(numpy.abs(values))))
        usual = numpy.abs(shifts) <= _EXACT  # False for NaN and infinity, too
        powers = 10.0 ** numpy.where(usual, numpy.abs(shifts), 0)
        # Both operands are exact, so the quotient is the number that is nearest to these digits.
        short = numpy.where(shifts >= 0, numpy.rint(values * powers) / powers, numpy.rint(values / powers) * powers)
    found: list[Any] = short.tolist()
    for i in numpy.flatnonzero(~usual).tolist():
        found[i] = None if numbers[i] is None else finite(float(f"{numbers[i]:.{digits}g}"))
    return found
