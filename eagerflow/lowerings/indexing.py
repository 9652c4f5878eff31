"""Rows by their numbers, and gradients added where they came from."""

from __future__ import annotations

import builtins
from typing import Any

import numpy

from eagerflow.core.dtypes import is_half
from eagerflow.core.lowering import lower
from eagerflow.kernels.reduce.scatter import add_at
from eagerflow.ops.arrays.indexing import gather, scatter_index

__all__: list[str] = []


def _take(x: Any, indices: Any, axis: int = 0) -> Any:
    return x.take(indices, axis=axis)  # twice as fast as indexing


lower(gather, _take)


def _one_axis(index: Any) -> int | None:
    """Where an index of integers stands alone, all axes before it taken whole; None for other indices."""
    if index.__class__ is not tuple:
        index = (index,)
    if not index:
        return None
    *before, last = index
    if any(part.__class__ is not builtins.slice or part != builtins.slice(None) for part in before):
        return None
    return len(before) if last.__class__ is numpy.ndarray and last.dtype.kind in "iu" and last.ndim else None


def _add_at(x: Any, index: Any = None, shape: Any = None) -> Any:
    axis = _one_axis(index)
    if axis is None or not (x.dtype.kind == "f" or is_half(x.dtype)):
        return None
    places = index[axis] if index.__class__ is tuple else index
    if x.dtype.itemsize == 2:  # sums of halves in float32, rounded once
        return add_at(shape, axis, places, x.astype(numpy.float32)).astype(x.dtype)
    return add_at(shape, axis, places, x)


lower(scatter_index, _add_at)
