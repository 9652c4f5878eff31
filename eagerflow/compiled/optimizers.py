"""Rules of optimizers: one pass over weights, gradient and slots."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from eagerflow.compiled.jit import compiled

__all__ = ["_adadelta", "_adam", "_rmsprop"]


@compiled("w[n], g[n], m[n], v[n]")
def _adam_loop(w: Any, g: Any, m: Any, v: Any, rate: float, new_1: float, new_2: float, epsilon: float) -> None:
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


@compiled("w[n], g[n], v[n]")
def _rmsprop_loop(w: Any, g: Any, v: Any, rate: float, rho: float, new: float, epsilon: float) -> None:
    """v is a running mean of g²; w -= rate g / √(v + epsilon)."""
    real = w.dtype.type
    alpha, kept, of_v, least = real(rate), real(rho), real(new), real(epsilon)
    for j in range(w.size):
        slope = g[j]
        square = v[j] * kept + slope * slope * of_v
        v[j] = square
        w[j] -= alpha * slope / np.sqrt(square + least)


@compiled("w[n], g[n], squares[n], steps[n]")
def _adadelta_loop(
    w: Any, g: Any, squares: Any, steps: Any, rate: float, rho: float, new: float, epsilon: float
) -> None:
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


def _rule(loop: Any, takes: Callable[..., tuple[float, ...] | None]) -> Callable[..., Any]:
    """A rule of an optimizer; None where the loop doesn't take its arrays.

    Args:
        loop: compiled.
        takes: gives the numbers that the loop takes, of slots and settings; None where it doesn't take these.
    """

    def bind(xp: Any, w: Any, g: Any, slots: Any, settings: Any, scratch: Any) -> Callable[[], Any] | None:
        numbers = takes(slots, settings) if xp is np else None
        if numbers is None or not all([a.flags.carray for a in (w, *slots)]) or not g.flags.c_contiguous:
            return None
        arrays = (w, g, *slots) if w.ndim == 1 else [a.reshape(-1) for a in (w, g, *slots)]
        work: Callable[[], Any] | None = loop.on(*arrays, *[float(number) for number in numbers])
        return work

    def rule(*args: Any) -> Any:
        work = bind(*args)
        if work is None:
            return None
        work()
        return True

    rule.bind = bind  # type: ignore[attr-defined]
    return rule


def _of_rmsprop(slots: Any, settings: Any) -> tuple[float, ...] | None:
    rate, rho, new, momentum, epsilon, centered = settings
    return None if momentum or centered else (rate, rho, new, epsilon)


# For arrays of all sizes: whether variables are packed or not, their updates have the same bits.
_adam = _rule(_adam_loop, lambda slots, settings: settings if len(slots) == 2 else None)
_rmsprop = _rule(_rmsprop_loop, _of_rmsprop)
_adadelta = _rule(_adadelta_loop, lambda slots, settings: settings)
