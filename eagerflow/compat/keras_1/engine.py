"""Helpers of `keras.engine` that scripts import."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow.layer.symbolic.session import get_source_inputs

__all__ = ["get_source_inputs", "make_batches", "slice_X", "slice_arrays"]


def slice_X(X: Any, start: Any = None, stop: int | None = None) -> Any:
    """`X[start:stop]`, or the rows `start` names; of a list, those of each array."""
    if isinstance(X, list):
        return [slice_X(x, start, stop) for x in X]
    if hasattr(start, "__len__"):
        return X[numpy.asarray(start)] if isinstance(X, numpy.ndarray) else X[list(start)]
    return X[start:stop]


slice_arrays = slice_X


def make_batches(size: int, batch_size: int) -> list[tuple[int, int]]:
    """Where each batch begins and ends."""
    return [(first, min(first + batch_size, size)) for first in range(0, size, batch_size)]
