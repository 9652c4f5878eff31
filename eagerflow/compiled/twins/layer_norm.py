"""Layer normalization of the rows of a matrix."""

from __future__ import annotations

from typing import Any

import numpy
from numpy import ndarray

from eagerflow.compiled.loops import layer_norm as loops
from eagerflow.compiled.pieces import pieces, run, run_rows

__all__ = ["layer_norm", "layer_norm_gradient"]

_ROWS = 1024  # whose gradients are added up in the arrays' own type


def layer_norm(x: ndarray, gamma: Any, beta: Any, epsilon: float) -> Any:
    """The result, and for each row the mean and 1 / √(variance + epsilon)."""
    rows, width = x.shape
    gamma = numpy.ones(width, x.dtype) if gamma is None else gamma
    beta = numpy.zeros(width, x.dtype) if beta is None else beta
    out, (mean, inverse) = numpy.empty(x.shape, x.dtype), numpy.empty((2, rows), x.dtype)
    work = loops.layer_norm.on(x, gamma, beta, out, mean, inverse, epsilon)
    if work is None:
        return None
    run_rows(work, rows, width, rows * width * 0.25)
    return out, mean[:, None], inverse[:, None]


def layer_norm_gradient(g: ndarray, x: ndarray, gamma: Any, mean: ndarray, inverse: ndarray, needs: Any) -> Any:
    """The gradients of x (if needed), gamma and beta."""
    rows, width = x.shape
    gamma = numpy.ones(width, x.dtype) if gamma is None else gamma
    cuts = pieces(rows, width, _ROWS)
    d_x, sums = numpy.empty(x.shape, x.dtype), numpy.zeros((len(cuts), 2, width), x.dtype)
    work = loops.layer_norm_gradient.on(g, x, gamma, mean.reshape(-1), inverse.reshape(-1), d_x, sums)
    if work is None:
        return None
    run(work, cuts, rows * width * 0.4)
    total = sums.sum(axis=0, dtype="float64").astype(x.dtype)
    return d_x if needs[0] else None, total[0], total[1]
