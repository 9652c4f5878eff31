"""Activation functions and their gradients: one pass over flat arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from eagerflow.compiled.kernel import compiled
from eagerflow.compiled.loops.exponential import one_and_exponential

__all__ = ["gelu_tanh", "gelu_tanh_gradient", "masked", "relu_gradient", "sigmoid", "sigmoid_gradient", "silu"]
__all__ += ["silu_gradient", "tanh_gradient"]

_ONE = np.float32(1)


@compiled("g[n], y[n], out[n]; start: int, stop: int", apart=True)
def relu_gradient(g: Any, y: Any, out: Any, start: int, stop: int) -> None:
    """g where y > 0; elsewhere 0 times g, which is NaN of what isn't finite."""
    g, y, out = g[start:stop], y[start:stop], out[start:stop]
    one, zero = g.dtype.type(1), g.dtype.type(0)
    for i in range(g.size):
        out[i] = g[i] * (one if y[i] > zero else zero)


@compiled("x[n], mask: uint8[n], out[n], factor: float; start: int, stop: int", apart=True)
def masked(x: Any, mask: Any, out: Any, factor: float, start: int, stop: int) -> None:
    """x factor where the mask isn't 0; elsewhere 0 times x."""
    x, mask, out = x[start:stop], mask[start:stop], out[start:stop]
    one, zero, times = x.dtype.type(1), x.dtype.type(0), x.dtype.type(factor)
    for i in range(x.size):
        out[i] = x[i] * (one if mask[i] != 0 else zero) * times


@compiled("x[n], out[n]; start: int, stop: int", dtypes=("float32",), apart=True)
def sigmoid(x: Any, out: Any, start: int, stop: int) -> None:
    """1 / (1 + exp(-x))."""
    x, out = x[start:stop], out[start:stop]
    for i in range(x.size):
        out[i] = _ONE / one_and_exponential(-x[i])


@compiled("g[n], y[n], out[n]; start: int, stop: int", apart=True)
def sigmoid_gradient(g: Any, y: Any, out: Any, start: int, stop: int) -> None:
    """g y (1 - y)."""
    g, y, out = g[start:stop], y[start:stop], out[start:stop]
    one = g.dtype.type(1)
    for i in range(g.size):
        out[i] = (one - y[i]) * y[i] * g[i]


@compiled("g[n], y[n], out[n]; start: int, stop: int", apart=True)
def tanh_gradient(g: Any, y: Any, out: Any, start: int, stop: int) -> None:
    """g (1 - y²)."""
    g, y, out = g[start:stop], y[start:stop], out[start:stop]
    one = g.dtype.type(1)
    for i in range(g.size):
        out[i] = (one - y[i] * y[i]) * g[i]


@compiled("x[n], out[n]; start: int, stop: int", dtypes=("float32",), apart=True)
def silu(x: Any, out: Any, start: int, stop: int) -> None:
    """x / (1 + exp(-x))."""
    x, out = x[start:stop], out[start:stop]
    for i in range(x.size):
        out[i] = x[i] / one_and_exponential(-x[i])


@compiled("g[n], x[n], out[n]; start: int, stop: int", dtypes=("float32",), apart=True)
def silu_gradient(g: Any, x: Any, out: Any, start: int, stop: int) -> None:
    """g s (1 + x (1 - s)) for the sigmoid s of x."""
    g, x, out = g[start:stop], x[start:stop], out[start:stop]
    for i in range(g.size):
        s = _ONE / one_and_exponential(-x[i])
        out[i] = ((_ONE - s) * x[i] + _ONE) * s * g[i]


_LINEAR = np.float32((8 / np.pi) ** 0.5)
_CUBIC = np.float32(0.044715 * (8 / np.pi) ** 0.5)
_THREE_CUBIC = np.float32(3 * 0.044715 * (8 / np.pi) ** 0.5)


@compiled("x[n], out[n]; start: int, stop: int", dtypes=("float32",), apart=True)
def gelu_tanh(x: Any, out: Any, start: int, stop: int) -> None:
    """x / (1 + exp(-√(8/π) (x + 0.044715 x³)))."""
    x, out = x[start:stop], out[start:stop]
    for i in range(x.size):
        a = x[i]
        out[i] = a / one_and_exponential(-a * (a * a * _CUBIC + _LINEAR))


@compiled("g[n], x[n], out[n]; start: int, stop: int", dtypes=("float32",), apart=True)
def gelu_tanh_gradient(g: Any, x: Any, out: Any, start: int, stop: int) -> None:
    """g s (1 + x (1 - s) √(8/π) (1 + 3 · 0.044715 x²)), where s is (1 + tanh) / 2."""
    g, x, out = g[start:stop], x[start:stop], out[start:stop]
    for i in range(g.size):
        a = x[i]
        t = a * a
        s = _ONE / one_and_exponential(-a * (t * _CUBIC + _LINEAR))
        out[i] = ((_ONE - s) * ((t * _THREE_CUBIC + _LINEAR) * a) + _ONE) * s * g[i]
