"""Sums, extremes, running sums, the largest elements: what NumPy does slowly over short rows and along first axes."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from eagerflow.core.lowering import lower, lower_rule
from eagerflow.kernels.machine.costs import Sums, Top
from eagerflow.kernels.reduce.extremes import extreme_gradient, extreme_over, extreme_with_places
from eagerflow.kernels.reduce.sums import running_sums, sum_over
from eagerflow.kernels.reduce.top import top_positions as quick_top_positions
from eagerflow.ops.arrays.axes import axis_of, kept, listed
from eagerflow.ops.arrays.sorting import top_positions
from eagerflow.ops.reduce.cumulative import cumsum
from eagerflow.ops.reduce.reductions import max as max_of, mean, min as min_of, sum as sum_of

__all__: list[str] = []


def _sum(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    if axis is None:
        return None
    found = sum_over(x, tuple(sorted(set(listed(axis, x.ndim)))))
    return found.reshape(kept(x.shape, axis)) if keepdims and found is not None else found


def _mean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    found = _sum(x, axis, keepdims)
    if found is not None:
        found /= math.prod([x.shape[a] for a in listed(axis, x.ndim)])
    return found


lower(sum_of, _sum, least=Sums.SMALL)
lower(mean, _mean, least=Sums.SMALL)


def _extreme(
    largest: bool, x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None, *, keep: bool
) -> Any:
    """The extreme, and (where `keep`, over neighbouring axes) where it was found."""
    if axis is None or initial is not None:
        return None
    axes = tuple(sorted(set(listed(axis, x.ndim))))
    both = extreme_with_places(x, axes, largest) if keep else None
    found, places = both or (extreme_over(x, axes, largest), None)
    if found is None:
        return None
    return (found.reshape(kept(x.shape, axis)) if keepdims else found), places


def _extreme_gradient(g: Any, x: Any, places: Any) -> Any:
    return None if places is None else extreme_gradient(g, places, x.shape)


for _call, _is_largest in ((max_of, True), (min_of, False)):
    lower(_call, partial(_extreme, _is_largest), least=Sums.SMALL)
    lower_rule(_call, _extreme_gradient)


def _running_sums(x: Any, axis: int | None = None, dtype: Any = None) -> Any:
    return running_sums(x, axis_of(axis, x.ndim)) if dtype is None and axis is not None else None


def _running_sums_gradient(g: Any, axis: Any) -> Any:
    return None if axis is None else running_sums(g, axis_of(axis, g.ndim), backwards=True)


lower(cumsum, _running_sums, least=Sums.SMALL)
lower_rule(cumsum, _running_sums_gradient)
lower(top_positions, quick_top_positions, least=Top.SMALL)
