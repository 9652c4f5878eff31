"""Activation functions composed of other ops."""

from __future__ import annotations

from typing import Any

from eagerflow.base.errors import signature_of
from eagerflow.base.typing import TensorLike
from eagerflow.core.array_errors import errstate
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

    >>> relu6([-1.0, 7.0]).tolist()
    [0.0, 6.0]
    """
    return limit(x, 0, 6)


@composite
def selu(x: TensorLike) -> Tensor:
    """Scaled exponential linear unit: `elu` with the factors that keep mean 0 and variance 1.

    Source: Klambauer et al. 2017, https://arxiv.org/abs/1706.02515.
    """
    return elu(x, _SELU_ALPHA) * _SELU_SCALE


@composite
def celu(x: TensorLike, alpha: float = 1.0) -> Tensor:
    """Elementwise `x` where positive, `alpha * (exp(x / alpha) - 1)` elsewhere.

    Source: Barron 2017, https://arxiv.org/abs/1704.07483.
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
    """Elementwise `x` times the normal distribution function at `x`.

    Args:
        x: a tensor.
        approximate: by tanh (largest error 5e-4), else exactly, by the error function.

    Source: Hendrycks and Gimpel 2016, https://arxiv.org/abs/1606.08415.

    >>> gelu([0.0]).tolist()
    [0.0]
    """
    return gelu_tanh(x) if approximate else gelu_exact(x)


@composite
def glu(x: TensorLike, axis: int = -1) -> Tensor:
    """The first half of `x` along `axis`, gated by the sigmoid of the second.

    Raises:
        ValueError: when the axis' length is odd.

    Source: Dauphin et al. 2016, https://arxiv.org/abs/1612.08083.
    """
    x = _floats(x)
    if not -x.ndim <= axis < x.ndim or x.shape[axis] % 2:
        raise ValueError(f"glu: axis={axis}: expected an axis of even length; got x {signature_of(x)}.")
    half = x.shape[axis] // 2
    before = (slice(None),) * (axis % x.ndim)
    return x[(*before, slice(half))] * sigmoid(x[(*before, slice(half, None))])


@composite
def hard_sigmoid(x: TensorLike) -> Tensor:
    """Elementwise `min(max(x / 6 + 1 / 2, 0), 1)`, which resembles the sigmoid.

    >>> hard_sigmoid([-3.0, 0.0, 4.0]).tolist()
    [0.0, 0.5, 1.0]
    """
    return limit(_floats(x) / 6 + 0.5, 0, 1)


@composite
def hard_silu(x: TensorLike) -> Tensor:
    """Elementwise `x * hard_sigmoid(x)`, also called hard swish.

    Source: Howard et al. 2019, https://arxiv.org/abs/1905.02244.
    """
    x = _floats(x)
    return x * hard_sigmoid(x)


hard_swish = hard_silu
swish = silu


@composite
def hard_tanh(x: TensorLike) -> Tensor:
    """Elementwise `min(max(x, -1), 1)`."""
    return clip(x, -1, 1)


@composite
def hard_shrink(x: TensorLike, threshold: float = 0.5) -> Tensor:
    """Elementwise `x` where its size is above `threshold`, 0 elsewhere."""
    x = convert_to_tensor(x)
    return where(absolute(x) > threshold, x, 0)


@composite
def soft_shrink(x: TensorLike, threshold: float = 0.5) -> Tensor:
    """Elementwise `x` moved towards 0 by `threshold`, but not past it."""
    x = _real(x)
    return x - clip(x, -threshold, threshold)


@composite
def tanh_shrink(x: TensorLike) -> Tensor:
    """Elementwise `x - tanh(x)`."""
    x = _floats(x)
    return x - tanh(x)


@composite
def threshold(x: TensorLike, threshold: float, default_value: float) -> Tensor:
    """Elementwise `x` where above `threshold`, `default_value` elsewhere.

    >>> threshold([-1.0, 2.0], 0.0, 9.0).tolist()
    [9.0, 2.0]
    """
    x = convert_to_tensor(x)
    return where(x > threshold, x, default_value)


@composite
def log_sigmoid(x: TensorLike) -> Tensor:
    """Elementwise `log(sigmoid(x))`, exact also where that is tiny.

    >>> log_sigmoid([-1000.0]).tolist()
    [-1000.0]
    """
    return -softplus(-_floats(x))


@composite
def softsign(x: TensorLike) -> Tensor:
    """Elementwise `x / (|x| + 1)`.

    >>> softsign([-1.0, 3.0]).tolist()
    [-0.5, 0.75]
    """
    x = _floats(x)
    return x / (absolute(x) + 1)


@composite
def squareplus(x: TensorLike, b: float = 4) -> Tensor:
    """Elementwise `(x + sqrt(x * x + b)) / 2`, a smooth relu.

    Source: Barron 2021, https://arxiv.org/abs/2112.11687.
    """
    x = _floats(x)
    return (x + sqrt(x * x + b)) / 2


@composite
def sparse_plus(x: TensorLike) -> Tensor:
    """Elementwise 0 up to -1, `x` from 1 on, and the parabola `(x + 1)² / 4` between.

    >>> sparse_plus([-2.0, 0.0, 3.0]).tolist()
    [0.0, 0.25, 3.0]
    """
    x = _floats(x)
    inside = (x + 1) * (x + 1) / 4
    return where(x <= -1, 0, where(x < 1, inside, x))


@composite
def sparse_sigmoid(x: TensorLike) -> Tensor:
    """Elementwise `min(max((x + 1) / 2, 0), 1)`.

    >>> sparse_sigmoid([-2.0, 0.0, 3.0]).tolist()
    [0.0, 0.5, 1.0]
    """
    return limit((_floats(x) + 1) / 2, 0, 1)
