"""Activation functions and their gradients on large NumPy arrays, chunk by chunk (see `blocks.py`).

Each function takes arrays for which `blocks.fits` holds and gives new ones. What they avoid: temporaries of the
array's size, `where`, and operations of NumPy that don't use the processor's vectors (`logaddexp`, `sign`, maximum
with a number).
"""

from __future__ import annotations

from typing import Any

import numpy
from numpy import add, divide, exp, greater, log1p, minimum, multiply, ndarray, negative, subtract

from eagerflow.kernels.elementwise.exponential import RATE, raised
from eagerflow.kernels.elementwise.one_pass import one_pass
from eagerflow.kernels.machine.blocks import elementwise, zeros
from eagerflow.kernels.machine.costs import Blocks

__all__ = ["clipped", "elu", "elu_gradient", "gelu_tanh", "gelu_tanh_gradient", "leaky_relu", "leaky_relu_gradient"]
__all__ += ["masked", "relu", "relu_gradient", "sigmoid", "sigmoid_crossentropy", "sigmoid_crossentropy_gradient"]
__all__ += ["sigmoid_gradient", "silu", "silu_gradient", "softplus", "softplus_gradient", "tanh_gradient"]


def clipped(x: ndarray, out: ndarray | None = None) -> Any:
    """max(x, 0) of large arrays; -0.0 stays what it is, where `maximum` makes 0.0 of it."""
    return numpy.clip(x, 0, numpy.inf, out=out)


def _positive(x: ndarray, out: ndarray) -> None:
    """max(x, 0). NumPy's maximum with a number takes four times as long as either."""
    if x.size < Blocks.ZEROS_PAY:
        numpy.maximum(x, zeros(x.size, x.dtype), out=out)
    else:
        clipped(x, out)


def relu(x: ndarray) -> Any:
    """max(x, 0)."""
    return elementwise(_positive, x, nanoseconds=0.2) if x.size < Blocks.ZEROS_PAY else one_pass(clipped, x)


def _where_positive(g: ndarray, y: ndarray, out: ndarray) -> None:
    numpy.copyto(out, greater(y, 0))  # a product with bools would cast them slowly
    multiply(out, g, out=out)


def relu_gradient(g: ndarray, out: ndarray) -> Any:
    """g where out > 0."""
    return elementwise(_where_positive, g, out, nanoseconds=0.4)


def leaky_relu(x: ndarray, slope: float) -> Any:
    """x where positive, slope * x elsewhere, for slopes from 0 to 1."""

    def run(x: ndarray, out: ndarray) -> None:
        multiply(x, slope, out=out)
        numpy.maximum(x, out, out=out)

    return elementwise(run, x, nanoseconds=0.3)


def leaky_relu_gradient(g: ndarray, x: ndarray, negative_slope: float) -> Any:
    """g where x > 0, negative_slope * g elsewhere."""

    def run(g: ndarray, x: ndarray, out: ndarray) -> None:
        numpy.copyto(out, greater(x, 0))
        multiply(out, 1 - negative_slope, out=out)
        add(out, negative_slope, out=out)
        multiply(out, g, out=out)

    return elementwise(run, g, x, nanoseconds=0.6)


def _one_and_exponential(x: ndarray, out: ndarray) -> None:
    """1 + exp(-x)."""
    multiply(x, -RATE, out=out)
    raised(out, out=out)
    add(out, 1, out=out)


def _sigmoid(x: ndarray, out: ndarray) -> None:
    _one_and_exponential(x, out)
    divide(1, out, out=out)


def sigmoid(x: ndarray) -> Any:
    """1 / (1 + exp(-x)). The caller ignores overflow."""
    return elementwise(_sigmoid, x)


def _sigmoid_slope(g: ndarray, y: ndarray, out: ndarray) -> None:
    subtract(1, y, out=out)
    multiply(out, y, out=out)
    multiply(out, g, out=out)


def sigmoid_gradient(g: ndarray, out: ndarray) -> Any:
    """g * out * (1 - out)."""
    return elementwise(_sigmoid_slope, g, out, nanoseconds=0.5)


def _tanh_slope(g: ndarray, y: ndarray, out: ndarray) -> None:
    multiply(y, y, out=out)
    subtract(1, out, out=out)
    multiply(out, g, out=out)


def tanh_gradient(g: ndarray, out: ndarray) -> Any:
    """g * (1 - out * out)."""
    return elementwise(_tanh_slope, g, out, nanoseconds=0.5)


def _silu(x: ndarray, out: ndarray) -> None:
    _one_and_exponential(x, out)
    divide(x, out, out=out)


def silu(x: ndarray) -> Any:
    """x * sigmoid(x). The caller ignores overflow."""
    return elementwise(_silu, x)


def _silu_slope(g: ndarray, x: ndarray, out: ndarray, s: Any) -> None:
    """g s (1 + x (1 - s))."""
    _sigmoid(x, s)
    subtract(1, s, out=out)
    multiply(out, x, out=out)
    add(out, 1, out=out)
    multiply(out, s, out=out)
    multiply(out, g, out=out)


def silu_gradient(g: ndarray, x: ndarray) -> Any:
    """The gradient of `silu`. The caller ignores overflow."""
    return elementwise(_silu_slope, g, x, temporaries=1, nanoseconds=1.5)


def _softplus(x: ndarray, out: ndarray, t: ndarray) -> None:
    """max(x, 0) + log(1 + exp(-|x|))."""
    numpy.abs(x, out=t)
    negative(t, out=t)
    exp(t, out=t)
    log1p(t, out=t)
    _positive(x, out)
    add(out, t, out=out)


def softplus(x: ndarray) -> Any:
    """log(1 + exp(x)), without overflow."""
    return elementwise(_softplus, x, temporaries=1, nanoseconds=1.5)


def _times_sigmoid(g: ndarray, x: ndarray, out: ndarray) -> None:
    _sigmoid(x, out)
    multiply(out, g, out=out)


def softplus_gradient(g: ndarray, x: ndarray) -> Any:
    """g * sigmoid(x). The caller ignores overflow."""
    return elementwise(_times_sigmoid, g, x)


def _crossentropy(target: ndarray, x: ndarray, out: ndarray, t: ndarray) -> None:
    _softplus(x, out, t)
    multiply(target, x, out=t)
    subtract(out, t, out=out)


def sigmoid_crossentropy(target: ndarray, x: ndarray) -> Any:
    """softplus(x) - target * x."""
    return elementwise(_crossentropy, target, x, temporaries=1, nanoseconds=2.0)


def _away_from_target(g: ndarray, target: ndarray, x: ndarray, out: ndarray) -> None:
    _sigmoid(x, out)
    subtract(out, target, out=out)
    multiply(out, g, out=out)


def sigmoid_crossentropy_gradient(g: ndarray, target: ndarray, x: ndarray) -> Any:
    """g * (sigmoid(x) - target). The caller ignores overflow."""
    return elementwise(_away_from_target, g, target, x)


def masked(x: ndarray, mask: Any, scale: float) -> Any:
    """x * scale where the mask is True, 0 elsewhere."""

    def run(x: ndarray, mask: Any, out: ndarray) -> None:
        numpy.copyto(out, mask)  # a product with bools would cast them slowly
        multiply(out, x, out=out)
        multiply(out, scale, out=out)

    return elementwise(run, x, mask, nanoseconds=0.5)


def elu(x: ndarray, alpha: float) -> Any:
    """max(x, 0) + alpha (exp(min(x, 0)) - 1)."""

    def run(x: ndarray, out: ndarray, t: ndarray) -> None:
        minimum(x, zeros(x.size, x.dtype), out=t)
        numpy.expm1(t, out=t)
        multiply(t, alpha, out=t)
        _positive(x, out)
        add(out, t, out=out)

    return elementwise(run, x, temporaries=1)


def elu_gradient(g: ndarray, x: ndarray, out: ndarray, alpha: float) -> Any:
    """g where x > 0, g * (out + alpha) elsewhere."""

    def run(g: ndarray, x: ndarray, y: ndarray, out: ndarray) -> None:
        minimum(y, zeros(y.size, y.dtype), out=out)
        add(out, alpha, out=out)
        if alpha != 1:
            add(out, multiply(greater(x, 0), x.dtype.type(1 - alpha)), out=out)
        multiply(out, g, out=out)

    return elementwise(run, g, x, out, nanoseconds=0.6)


_LINEAR = (8 / numpy.pi) ** 0.5
_CUBIC = 0.044715 * _LINEAR


def _one_and_gelu_exponential(x: ndarray, out: ndarray) -> None:
    """1 + exp(-√(8/π) (x + 0.044715 x³)), which 2 / (1 + tanh) of half of that is."""
    multiply(x, x, out=out)
    multiply(out, -RATE * _CUBIC, out=out)
    add(out, -RATE * _LINEAR, out=out)
    multiply(out, x, out=out)
    raised(out, out=out)
    add(out, 1, out=out)


def _gelu_tanh(x: ndarray, out: ndarray) -> None:
    _one_and_gelu_exponential(x, out)
    divide(x, out, out=out)


def gelu_tanh(x: ndarray) -> Any:
    """x / 2 (1 + tanh(√(2/π) (x + 0.044715 x³)))."""
    with numpy.errstate(over="ignore"):
        return elementwise(_gelu_tanh, x, nanoseconds=1.0)


def _gelu_tanh_slope(g: ndarray, x: ndarray, out: ndarray, s: Any, u: ndarray) -> None:
    """g s (1 + x (1 - s) √(8/π) (1 + 3 * 0.044715 x²)), where s is (1 + tanh) / 2."""
    _one_and_gelu_exponential(x, s)
    divide(1, s, out=s)
    multiply(x, x, out=u)
    multiply(u, 3 * _CUBIC, out=u)
    add(u, _LINEAR, out=u)
    multiply(u, x, out=u)
    subtract(1, s, out=out)
    multiply(out, u, out=out)
    add(out, 1, out=out)
    multiply(out, s, out=out)
    multiply(out, g, out=out)


def gelu_tanh_gradient(g: ndarray, x: ndarray) -> Any:
    """The gradient of `gelu_tanh`."""
    with numpy.errstate(over="ignore"):
        return elementwise(_gelu_tanh_slope, g, x, temporaries=2, nanoseconds=1.6)
