"""Layer normalization of the rows of a matrix, a row at a time: it stays in the cache for its second and third pass."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from eagerflow.compiled.jit import compiled
from eagerflow.compiled.pieces import pieces, run, run_rows

__all__ = ["layer_norm", "layer_norm_gradient"]


@compiled("x[rows, n], gamma[n], beta[n], out[rows, n], mean[rows], inverse[rows]")
def _layer_norm(
    x: Any, gamma: Any, beta: Any, out: Any, mean: Any, inverse: Any, epsilon: float, start: int, stop: int
) -> None:
    """out = (x - mean) / √(variance + epsilon) · gamma + beta, for some rows."""
    real = x.dtype.type
    n = x.shape[1]
    for i in range(start, stop):
        total = real(0)
        for j in range(n):
            total += x[i, j]
        center = total / real(n)
        squares = real(0)
        for j in range(n):
            away = x[i, j] - center
            squares += away * away
        spread = squares / real(n) + real(epsilon)
        factor = np.sqrt(spread) / spread  # NaN where squares were too large: a silent 0 would look like a result
        mean[i] = center
        inverse[i] = factor
        for j in range(n):
            out[i, j] = (x[i, j] - center) * factor * gamma[j] + beta[j]


@compiled("g[rows, n], x[rows, n], gamma[n], mean[rows], inverse[rows], d_x[rows, n], sums[parts, two, n]")
def _layer_norm_gradient(
    g: Any, x: Any, gamma: Any, mean: Any, inverse: Any, d_x: Any, sums: Any, start: int, stop: int, part: int
) -> None:
    """d_x for some rows, and what they add to the gradients of gamma and beta, into a part of `sums`.

    With z the normalized x and h = g gamma, d_x = inverse (h - mean(h) - z mean(h z)).
    """
    real = x.dtype.type
    n = x.shape[1]
    of_gamma = sums[part, 0]
    of_beta = sums[part, 1]
    for i in range(start, stop):
        center = mean[i]
        factor = inverse[i]
        total = real(0)
        along = real(0)
        for j in range(n):
            slope = g[i, j] * gamma[j]
            total += slope
            along += slope * (x[i, j] - center)
        total /= real(n)
        along = along * factor * factor / real(n)
        for j in range(n):
            away = x[i, j] - center
            d_x[i, j] = factor * (g[i, j] * gamma[j] - total - away * along)
            of_gamma[j] += g[i, j] * (away * factor)
            of_beta[j] += g[i, j]


_ROWS = 1024  # whose gradients are added up in the arrays' own type


def layer_norm(x: ndarray, gamma: Any, beta: Any, epsilon: float) -> Any:
    """The result, and for each row the mean and 1 / √(variance + epsilon)."""
    rows, width = x.shape
    gamma = np.ones(width, x.dtype) if gamma is None else gamma
    beta = np.zeros(width, x.dtype) if beta is None else beta
    out, (mean, inverse) = np.empty(x.shape, x.dtype), np.empty((2, rows), x.dtype)
    work = _layer_norm.on(x, gamma, beta, out, mean, inverse, epsilon)
    if work is None:
        return None
    run_rows(work, rows, width, rows * width * 0.25)
    return out, mean[:, None], inverse[:, None]


def layer_norm_gradient(g: ndarray, x: ndarray, gamma: Any, mean: ndarray, inverse: ndarray, needs: Any) -> Any:
    """The gradients of x (if needed), gamma and beta."""
    rows, width = x.shape
    gamma = np.ones(width, x.dtype) if gamma is None else gamma
    cuts = pieces(rows, width, _ROWS)
    d_x, sums = np.empty(x.shape, x.dtype), np.zeros((len(cuts), 2, width), x.dtype)
    work = _layer_norm_gradient.on(g, x, gamma, mean.reshape(-1), inverse.reshape(-1), d_x, sums)
    if work is None:
        return None
    run(work, cuts, rows * width * 0.4)
    total = sums.sum(axis=0, dtype="float64").astype(x.dtype)
    return d_x if needs[0] else None, total[0], total[1]
