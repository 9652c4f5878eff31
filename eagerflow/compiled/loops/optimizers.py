"""Rules of optimizers: one pass over weights, gradient and slots."""

from __future__ import annotations

from typing import Any

import numpy as np

from eagerflow.compiled.kernel import compiled

__all__ = ["adadelta", "adam", "rmsprop"]


@compiled("w[n], g[n], m[n], v[n], rate: float, new_1: float, new_2: float, epsilon: float")
def adam(w: Any, g: Any, m: Any, v: Any, rate: float, new_1: float, new_2: float, epsilon: float) -> None:
    """m and v approach g and g²; w -= rate m / (√v + epsilon)."""
    real = w.dtype.type
    alpha, of_m, of_v, least = real(rate), real(new_1), real(new_2), real(epsilon)
    for j in range(w.size):
        slope = g[j]
        mean = m[j] + (slope - m[j]) * of_m
        square = v[j] + (slope * slope - v[j]) * of_v
        m[j] = mean
        v[j] = square
        w[j] -= alpha * (mean / (np.sqrt(square) + least))


@compiled("w[n], g[n], v[n], rate: float, rho: float, new: float, epsilon: float")
def rmsprop(w: Any, g: Any, v: Any, rate: float, rho: float, new: float, epsilon: float) -> None:
    """v is a running mean of g²; w -= rate g / √(v + epsilon)."""
    real = w.dtype.type
    alpha, kept, of_v, least = real(rate), real(rho), real(new), real(epsilon)
    for j in range(w.size):
        slope = g[j]
        square = v[j] * kept + slope * slope * of_v
        v[j] = square
        w[j] -= alpha * slope / np.sqrt(square + least)


@compiled("w[n], g[n], squares[n], steps[n], rate: float, rho: float, new: float, epsilon: float")
def adadelta(w: Any, g: Any, squares: Any, steps: Any, rate: float, rho: float, new: float, epsilon: float) -> None:
    """Steps as large as recent ones, over the size of recent gradients."""
    real = w.dtype.type
    alpha, kept, part, least = real(rate), real(rho), real(new), real(epsilon)
    for j in range(w.size):
        slope = g[j]
        square = squares[j] * kept + slope * slope * part
        squares[j] = square
        step = np.sqrt(steps[j] + least) * slope / np.sqrt(square + least)
        steps[j] = steps[j] * kept + step * step * part
        w[j] -= alpha * step
