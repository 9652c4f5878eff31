"""Activation functions that are primitives: those that networks spend time in.

Those composed of other ops are in `activation_forms.py`.
"""

from __future__ import annotations

import math
from typing import Any

from eagerflow.base.typing import Array, Numpy
from eagerflow.core.host_arrays import errstate
from eagerflow.core.op import apply, op
from eagerflow.ops.elementwise.arithmetic import multiply
from eagerflow.ops.elementwise.comparison import greater
from eagerflow.ops.elementwise.exponential import expm1
from eagerflow.ops.elementwise.op_settings import as_number
from eagerflow.ops.elementwise.selection import where
from eagerflow.ops.elementwise.special import erf

__all__ = ["elu", "leaky_relu", "relu", "sigmoid", "silu", "softplus"]

_SQRT_2_OVER_PI = math.sqrt(2 / math.pi)
_DENSITY = 1 / math.sqrt(2 * math.pi)


@op(lambda g, out: g * (out > 0))
def relu(xp: Numpy, x: Array) -> Array:
    """Rectified linear unit (ReLU): elementwise `max(x, 0)`. The derivative at 0 is 0.

    Args:
        x: a tensor of any shape.

    >>> ef.ops.relu([[-1.0, 2.0], [3.0, -4.0]]).tolist()
    [[0.0, 2.0], [3.0, 0.0]]
    """
    return xp.maximum(x, 0)


def _leaky_by_ops(x: Any, negative_slope: Any) -> Any:
    return where(greater(x, 0), x, multiply(x, negative_slope))


def _leaky_rule(xp: Numpy, g: Array, x: Array, negative_slope: float) -> Array:
    return xp.where(x > 0, g, g * negative_slope)


@op(_leaky_rule, floating="real")
def leaky_relu(xp: Numpy, x: Array, negative_slope: float = 0.2) -> Array:
    """Elementwise `x` where positive, `negative_slope * x` elsewhere.

    Args:
        x: a tensor of any shape.
        negative_slope: the slope below 0.

    Source: Maas et al. 2013, Rectifier nonlinearities improve neural network acoustic models.

    >>> ef.ops.leaky_relu([-1.0, 2.0], 0.5).tolist()
    [-0.5, 2.0]
    """
    if negative_slope.__class__ is not float:
        negative_slope = as_number("negative_slope", negative_slope, _leaky_by_ops)
    return xp.where(x > 0, x, x * x.dtype.type(negative_slope))


@op(lambda g, out: g * (out * (1 - out)), floating=True, holomorphic=True)
def sigmoid(xp: Numpy, x: Array) -> Array:
    """Sigmoid: elementwise `1 / (1 + exp(-x))`.

    Args:
        x: a tensor of any shape.

    >>> ef.ops.sigmoid([0.0, 1.0, 1000.0]).round(4)
    Tensor(3 float32, [0.5   , 0.7311, 1.    ])
    """
    with errstate(over="ignore"):  # exp(1000) = inf gives the right answer, 0
        e = xp.exp(-x)
    e += 1
    return 1 / e


def _silu_rule(xp: Numpy, g: Array, x: Array) -> Array:
    s = apply(sigmoid, xp, x)
    return g * (s + s * (1 - s) * x)


@op(_silu_rule, floating=True, holomorphic=True)
def silu(xp: Numpy, x: Array) -> Array:
    """SiLU, also called swish: elementwise `x * sigmoid(x)`.

    Args:
        x: a tensor of any shape.

    Source: Ramachandran et al. 2017, https://arxiv.org/abs/1710.05941.

    >>> ef.ops.silu([-1.0, 0.0, 1.0]).round(4)
    Tensor(3 float32, [-0.2689,  0.    ,  0.7311])
    """
    return x * apply(sigmoid, xp, x)


def _softplus_rule(xp: Numpy, g: Array, x: Array) -> Array:
    return g * apply(sigmoid, xp, x)


@op(_softplus_rule, floating="real")
def softplus(xp: Numpy, x: Array) -> Array:
    """Softplus: elementwise `log(1 + exp(x))`, computed without overflow.

    Args:
        x: a tensor of any shape.

    >>> ef.ops.softplus([-1.0, 0.0, 100.0]).round(2)
    Tensor(3 float32, [  0.31,   0.69, 100.  ])
    """
    return xp.maximum(x, 0) + xp.log1p(xp.exp(-abs(x)))


def _elu_by_ops(x: Any, alpha: Any) -> Any:
    positive = greater(x, 0)
    return where(positive, x, multiply(expm1(where(positive, 0, x)), alpha))


def _elu_rule(xp: Numpy, g: Array, x: Array, out: Array, alpha: float) -> Array:
    return xp.where(x > 0, g, g * (out + alpha))


@op(_elu_rule, floating="real")
def elu(xp: Numpy, x: Array, alpha: float = 1.0) -> Array:
    """Elementwise `x` where positive, `alpha * (exp(x) - 1)` elsewhere.

    Args:
        x: a tensor of any shape.
        alpha: the scale of the negative part: the output approaches `-alpha` for very negative `x`.

    Source: Clevert et al. 2015, https://arxiv.org/abs/1511.07289.

    >>> ef.ops.elu([-1.0, 0.0, 2.0]).round(4)
    Tensor(3 float32, [-0.6321,  0.    ,  2.    ])
    """
    if alpha.__class__ is not float:
        alpha = as_number("alpha", alpha, _elu_by_ops)
    return xp.where(x > 0, x, (xp.expm1(xp.minimum(x, 0)) * alpha).astype(x.dtype, copy=False))


def _gelu_tanh_rule(xp: Numpy, g: Array, x: Array) -> Array:
    squared = x * x
    t = xp.tanh((squared * 0.044715 + 1) * x * _SQRT_2_OVER_PI)
    inner = (squared * (3 * 0.044715) + 1) * _SQRT_2_OVER_PI
    return g * ((t + 1) * 0.5 + x * (1 - t * t) * inner * 0.5)


@op(_gelu_tanh_rule, floating="real")
def gelu_tanh(xp: Numpy, x: Array) -> Array:
    """Elementwise `x` times the normal distribution function at `x`, approximated by tanh.

    Source: Hendrycks and Gimpel 2016, https://arxiv.org/abs/1606.08415, section 2.
    """
    t = xp.tanh((x * x * 0.044715 + 1) * x * _SQRT_2_OVER_PI)
    t += 1
    t *= x * 0.5
    return t.astype(x.dtype, copy=False)  # numbers widen bfloat16


def _gelu_by_erf(x: Any, **_: Any) -> Any:
    return x * 0.5 * (erf(x * 2**-0.5) + 1)


@op(lambda g, slope: g * slope, reference=_gelu_by_erf, saves=("slope",), floating="real")
def gelu_exact(xp: Numpy, x: Array, *, keep: bool = False) -> Any:
    """Elementwise `x` times the normal distribution function at `x`, by the error function."""
    phi = apply(erf, xp, x * 2**-0.5)
    phi += 1
    phi *= 0.5
    slope = phi + x * xp.exp(x * x * -0.5) * _DENSITY if keep else None
    return (x * phi).astype(x.dtype, copy=False), slope
