"""Activation functions composed of other ops."""

from __future__ import annotations

from typing import Any

from eagerflow.base.errors import signature_of
from eagerflow.base.typing import TensorLike
from eagerflow.core.host_arrays import errstate
from eagerflow.core.op import composite
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.ops.elementwise.arithmetic import absolute
from eagerflow.ops.elementwise.exponential import expm1, sqrt
from eagerflow.ops.elementwise.selection import clip, limit, where
from eagerflow.ops.elementwise.trigonometry import tanh
from eagerflow.ops.neural.activations import elu, gelu_exact, gelu_tanh, sigmoid, silu, softplus

__all__ = ["celu", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh", "log_sigmoid"]
__all__ += ["relu6", "selu", "soft_shrink", "softsign", "sparse_plus", "sparse_sigmoid", "squareplus", "swish"]
__all__ += ["tanh_shrink", "threshold"]

# The fixed point of mean 0 and variance 1, Klambauer et al. 2017, https://arxiv.org/abs/1706.02515.
_SELU_ALPHA = 1.6732632423543772
_SELU_SCALE = 1.0507009873554805


def _real(x: Any) -> Tensor:
    x = convert_to_tensor(x)
    if x.dtype.kind == "c":  # which comparisons would order by their real part
        raise TypeError(f"activations are functions of real numbers; got {x.dtype}. Take .real, .imag or abs().")
    return x


def _floats(x: Any) -> Tensor:
    x = _real(x)
    return x if x.dtype.kind not in "iub" else x.astype(float)


@composite
def relu6(x: TensorLike) -> Tensor:
    """Elementwise `min(max(x, 0), 6)`.

    Args:
        x: a tensor of any shape.

    >>> ef.ops.relu6([-1.0, 7.0]).tolist()
    [0.0, 6.0]
    """
    return limit(x, 0, 6)


@composite
def selu(x: TensorLike) -> Tensor:
    """Scaled exponential linear unit: `elu` with factors that keep mean 0 and variance 1 from layer to layer.

    Args:
        x: a tensor of any shape.

    Source: Klambauer et al. 2017, https://arxiv.org/abs/1706.02515.

    >>> ef.ops.selu([-1.0, 0.0, 1.0]).round(4)
    Tensor(3 float32, [-1.1113,  0.    ,  1.0507])
    """
    return elu(x, _SELU_ALPHA) * _SELU_SCALE


@composite
def celu(x: TensorLike, alpha: float = 1.0) -> Tensor:
    """Elementwise `x` where positive, `alpha * (exp(x / alpha) - 1)` elsewhere.

    Args:
        x: a tensor of any shape.
        alpha: the scale of the negative part: the output approaches `-alpha` for very negative `x`.

    Source: Barron 2017, https://arxiv.org/abs/1704.07483.

    >>> ef.ops.celu([-1.0, 0.0, 2.0]).round(4)
    Tensor(3 float32, [-0.6321,  0.    ,  2.    ])
    """
    if alpha.__class__ in (float, int) and alpha == 1:
        return elu(x)
    x = _floats(x)
    positive = x > 0
    with errstate(over="ignore"):
        below = expm1(where(positive, 0, x) / alpha) * alpha
        return where(positive, x, below.astype(x.dtype) if below.dtype != x.dtype else below)


@composite
def gelu(x: TensorLike, approximate: bool = True) -> Tensor:
    """GELU, elementwise: `x` times the probability that a standard normal number is below `x`.

    Args:
        x: a tensor.
        approximate: whether to use the formula with tanh, whose error is up to 5e-4, instead of the error function.

    Source: Hendrycks and Gimpel 2016, https://arxiv.org/abs/1606.08415.

    >>> ef.ops.gelu([-1.0, 0.0, 1.0]).round(4)
    Tensor(3 float32, [-0.1588,  0.    ,  0.8412])
    """
    return gelu_tanh(x) if approximate else gelu_exact(x)


@composite
def glu(x: TensorLike, axis: int = -1) -> Tensor:
    """Gated linear unit: the first half of `x` along `axis`, times the sigmoid of the second half.

    Args:
        x: a tensor.
        axis: the axis to divide into halves.

    Returns:
        A tensor with half of the length along `axis`.

    Raises:
        ValueError: when the axis' length is odd.

    Source: Dauphin et al. 2016, https://arxiv.org/abs/1612.08083.

    >>> ef.ops.glu([3.0, 5.0, 0.0, 1000.0]).tolist()
    [1.5, 5.0]
    """
    x = _floats(x)
    if not -x.ndim <= axis < x.ndim or x.shape[axis] % 2:
        raise ValueError(f"glu: axis={axis}: expected an axis of even length; got x {signature_of(x)}.")
    half = x.shape[axis] // 2
    before = (slice(None),) * (axis % x.ndim)
    return x[(*before, slice(half))] * sigmoid(x[(*before, slice(half, None))])


@composite
def hard_sigmoid(x: TensorLike) -> Tensor:
    """Hard sigmoid: elementwise `min(max(x / 6 + 1 / 2, 0), 1)`, a piecewise linear approximation of the sigmoid.

    Args:
        x: a tensor of any shape.

    >>> ef.ops.hard_sigmoid([-3.0, 0.0, 4.0]).tolist()
    [0.0, 0.5, 1.0]
    """
    return limit(_floats(x) / 6 + 0.5, 0, 1)


@composite
def hard_silu(x: TensorLike) -> Tensor:
    """Elementwise `x * hard_sigmoid(x)`, also called hard swish.

    Args:
        x: a tensor of any shape.

    Source: Howard et al. 2019, https://arxiv.org/abs/1905.02244.

    >>> ef.ops.hard_silu([-1.5, 0.0, 1.5, 4.0]).tolist()
    [-0.375, 0.0, 1.125, 4.0]
    """
    x = _floats(x)
    return x * hard_sigmoid(x)


hard_swish = hard_silu
swish = silu


@composite
def hard_tanh(x: TensorLike) -> Tensor:
    """Elementwise `min(max(x, -1), 1)`.

    Args:
        x: a tensor of any shape.

    >>> ef.ops.hard_tanh([-3.0, 0.5, 2.0]).tolist()
    [-1.0, 0.5, 1.0]
    """
    return clip(x, -1, 1)


@composite
def hard_shrink(x: TensorLike, threshold: float = 0.5) -> Tensor:
    """Hard shrinkage: elementwise `x` where `|x|` is above `threshold`, 0 elsewhere.

    Args:
        x: a tensor of any shape.
        threshold: elements with at most this absolute value become 0.

    >>> ef.ops.hard_shrink([-0.3, 0.25, 2.0]).tolist()
    [0.0, 0.0, 2.0]
    """
    x = convert_to_tensor(x)
    return where(absolute(x) > threshold, x, 0)


@composite
def soft_shrink(x: TensorLike, threshold: float = 0.5) -> Tensor:
    """Soft shrinkage: moves each element towards 0 by `threshold`, but not past 0.

    Args:
        x: a tensor of any shape.
        threshold: how far elements are moved; those with at most this absolute value become 0.

    >>> ef.ops.soft_shrink([-2.0, 0.25, 2.0]).tolist()
    [-1.5, 0.0, 1.5]
    """
    x = _real(x)
    return x - clip(x, -threshold, threshold)


@composite
def tanh_shrink(x: TensorLike) -> Tensor:
    """Elementwise `x - tanh(x)`.

    Args:
        x: a tensor of any shape.

    >>> ef.ops.tanh_shrink([-1.0, 0.0, 1.0]).round(4)
    Tensor(3 float32, [-0.2384,  0.    ,  0.2384])
    """
    x = _floats(x)
    return x - tanh(x)


@composite
def threshold(x: TensorLike, threshold: float, default_value: float) -> Tensor:
    """Elementwise `x` where above `threshold`, `default_value` elsewhere.

    Args:
        x: a tensor of any shape.
        threshold: elements above it are kept.
        default_value: the value of all others.

    >>> ef.ops.threshold([-1.0, 2.0], 0.0, 9.0).tolist()
    [9.0, 2.0]
    """
    x = convert_to_tensor(x)
    return where(x > threshold, x, default_value)


@composite
def log_sigmoid(x: TensorLike) -> Tensor:
    """Elementwise `log(sigmoid(x))`, exact also where that is tiny.

    Args:
        x: a tensor of any shape.

    >>> ef.ops.log_sigmoid([-100.0, 0.0]).round(2)
    Tensor(2 float32, [-100.  ,   -0.69])
    """
    return -softplus(-_floats(x))


@composite
def softsign(x: TensorLike) -> Tensor:
    """Softsign: elementwise `x / (|x| + 1)`.

    Args:
        x: a tensor of any shape.

    >>> ef.ops.softsign([-1.0, 3.0]).tolist()
    [-0.5, 0.75]
    """
    x = _floats(x)
    return x / (absolute(x) + 1)


@composite
def squareplus(x: TensorLike, b: float = 4) -> Tensor:
    """Elementwise `(x + sqrt(x * x + b)) / 2`, a smooth relu.

    Args:
        x: a tensor of any shape.
        b: the smoothness of the corner at 0, where the result is `sqrt(b) / 2`.

    Source: Barron 2021, https://arxiv.org/abs/2112.11687.

    >>> ef.ops.squareplus([-1.5, 0.0, 1.5]).tolist()
    [0.5, 1.0, 2.0]
    """
    x = _floats(x)
    return (x + sqrt(x * x + b)) / 2


@composite
def sparse_plus(x: TensorLike) -> Tensor:
    """Elementwise 0 for `x` up to -1, `x` from 1 on, and `(x + 1)² / 4` in between: a smooth ReLU.

    Args:
        x: a tensor of any shape.

    >>> ef.ops.sparse_plus([-2.0, 0.0, 3.0]).tolist()
    [0.0, 0.25, 3.0]
    """
    x = _floats(x)
    inside = (x + 1) * (x + 1) / 4
    return where(x <= -1, 0, where(x < 1, inside, x))


@composite
def sparse_sigmoid(x: TensorLike) -> Tensor:
    """Elementwise `min(max((x + 1) / 2, 0), 1)`, a sigmoid that reaches 0 and 1.

    Args:
        x: a tensor of any shape.

    >>> ef.ops.sparse_sigmoid([-2.0, 0.0, 3.0]).tolist()
    [0.0, 0.5, 1.0]
    """
    return limit((_floats(x) + 1) / 2, 0, 1)
