"""Rows of arrays by their content: what is the same sample wherever it turns up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy

from eagerflow import Tensor

__all__ = ["host", "keys_of"]


def host(value: Any) -> numpy.ndarray:
    """A tensor or array in the memory of the CPU."""
    return numpy.asarray(value.numpy() if isinstance(value, Tensor) else value)


def keys_of(arrays: Sequence[numpy.ndarray]) -> list[int]:
    """For each row a number that rows of equal content share, in this process."""
    parts = [list(_bytes_of(array)) for array in arrays]
    return [hash(row) for row in zip(*parts)]


def _bytes_of(array: numpy.ndarray) -> Iterable[Any]:
    if array.dtype.kind in "OUST":
        return [str(row.tolist()) if isinstance(row, numpy.ndarray) else str(row) for row in array]
    rows = numpy.ascontiguousarray(array).reshape(len(array), -1)
    if rows.dtype.kind == "f":
        rows = rows + 0.0  # -0.0 is 0.0
    return [row.tobytes() for row in rows]
