"""gelu by its exact definition."""

from __future__ import annotations

from typing import Any

import numpy
from numpy import ndarray

from eagerflow.compiled.loops import gelu as loops
from eagerflow.compiled.pieces import LARGE, run_rows

__all__ = ["gelu"]


def gelu(x: ndarray, keep: bool) -> Any:
    """x Φ(x), and its slope if that is to be kept for the gradient."""
    flat, out = x.reshape(-1), numpy.empty(x.shape, x.dtype)
    slope = numpy.empty(x.shape, x.dtype) if keep else None
    if slope is None:
        work = loops.gelu.on(flat, out.reshape(-1))
    else:
        work = loops.gelu_with_slope.on(flat, out.reshape(-1), slope.reshape(-1))
    if work is None:
        return None
    run_rows(work, x.size, 1, x.size * (0.9 if keep else 0.6), numbers=LARGE)
    return out, slope
