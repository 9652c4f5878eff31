"""Activation functions and their gradients, elementwise."""

from __future__ import annotations

from typing import Any

import numpy
from numpy import ndarray

from eagerflow.compiled.loops import activations as loops
from eagerflow.compiled.pieces import LARGE, run_rows

__all__ = ["gelu_tanh", "gelu_tanh_gradient", "masked", "relu_gradient", "sigmoid", "sigmoid_gradient"]
__all__ += ["silu", "silu_gradient", "tanh_gradient"]

_MOVED, _COMPUTED = 0.2, 0.4  # nanoseconds for a number: with an exponential the latter


def _made(kernel: Any, nanoseconds: float, *arrays: ndarray, settings: tuple[float, ...] = ()) -> Any:
    """What a kernel makes of arrays of one shape, of which the first has its type."""
    first = arrays[0]
    out = numpy.empty(first.shape, first.dtype)
    work = kernel.on(*[a.reshape(-1) for a in arrays], out.reshape(-1), *settings)
    if work is None:
        return None
    run_rows(work, first.size, 1, first.size * nanoseconds, numbers=LARGE)
    return out


def relu_gradient(g: ndarray, out: ndarray) -> Any:
    """g where out > 0."""
    return _made(loops.relu_gradient, _MOVED, g, out)


def masked(x: ndarray, mask: Any, scale: float) -> Any:
    """x scale where the mask is True, 0 elsewhere."""
    if mask.dtype != bool or not isinstance(scale, (int, float)):
        return None
    return _made(loops.masked, _MOVED, x, mask.view("uint8"), settings=(float(scale),))


def sigmoid(x: ndarray) -> Any:
    """1 / (1 + exp(-x))."""
    return _made(loops.sigmoid, _COMPUTED, x)


def sigmoid_gradient(g: ndarray, out: ndarray) -> Any:
    """g out (1 - out)."""
    return _made(loops.sigmoid_gradient, _MOVED, g, out)


def tanh_gradient(g: ndarray, out: ndarray) -> Any:
    """g (1 - out²)."""
    return _made(loops.tanh_gradient, _MOVED, g, out)


def silu(x: ndarray) -> Any:
    """x / (1 + exp(-x))."""
    return _made(loops.silu, _COMPUTED, x)


def silu_gradient(g: ndarray, x: ndarray) -> Any:
    """The gradient of `silu`."""
    return _made(loops.silu_gradient, _COMPUTED, g, x)


def gelu_tanh(x: ndarray) -> Any:
    """x / 2 (1 + tanh(√(2/π) (x + 0.044715 x³)))."""
    return _made(loops.gelu_tanh, _COMPUTED, x)


def gelu_tanh_gradient(g: ndarray, x: ndarray) -> Any:
    """The gradient of `gelu_tanh`."""
    return _made(loops.gelu_tanh_gradient, _COMPUTED, g, x)
