"""Softmax of the rows of a matrix."""

from __future__ import annotations

from typing import Any

import numpy
from numpy import ndarray

from eagerflow.compiled.loops import softmax as loops
from eagerflow.compiled.pieces import run_rows

__all__ = ["softmax", "softmax_gradient"]


def softmax(rows: ndarray) -> Any:
    """exp(rows) divided by its sum per row."""
    if not rows.size:
        return None
    out = numpy.empty(rows.shape, rows.dtype)
    work = loops.softmax.on(rows, out)
    if work is None:
        return None
    run_rows(work, len(rows), rows.shape[1], rows.size * 0.6)
    return out


def softmax_gradient(g: ndarray, out: ndarray) -> Any:
    """out (g - sum(g out))."""
    found = numpy.empty(out.shape, out.dtype)
    work = loops.softmax_gradient.on(g, out, found)
    if work is None:
        return None
    run_rows(work, len(out), out.shape[1], out.size * 0.3)
    return found
