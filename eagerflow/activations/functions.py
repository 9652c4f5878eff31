"""Activations which aren't the op of the same name, or have other defaults."""

from __future__ import annotations

from typing import Any, TypeVar

from eagerflow import ops
from eagerflow.core.tensor import Tensor
from eagerflow.ops.elementwise.selection import limit

__all__ = ["exponential", "gelu", "linear", "mish", "relu", "sigmoid", "softmax"]

T = TypeVar("T")


def relu(x: Any, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Tensor:
    """Rectified linear: 0 below the threshold, `x` above it.

    Args:
        x: a tensor.
        negative_slope: the slope below the threshold: `negative_slope * (x - threshold)` instead of 0.
        max_value: the largest value that comes out; None for no bound.
        threshold: where the linear part begins.

    Returns:
        A tensor like `x`.

    >>> ef.activations.relu([-1.0, 0.5, 9.0]).tolist()
    [0.0, 0.5, 9.0]
    >>> ef.activations.relu([-1.0, 0.5, 9.0], negative_slope=0.5, max_value=6.0).tolist()
    [-0.5, 0.5, 6.0]
    """
    if max_value is None and not _is_set(negative_slope) and not _is_set(threshold):
        return ops.relu(x)
    if max_value is None or _is_set(threshold):
        above = ops.where(ops.greater(x, threshold), x, 0) if _is_set(threshold) else ops.relu(x)
        above = above if max_value is None else ops.clip(above, 0, max_value)
    else:
        above = limit(x, 0, max_value)
    if not _is_set(negative_slope):
        return above
    below = ops.relu(ops.subtract(threshold, x) if _is_set(threshold) else ops.negative(x))
    return above - below * negative_slope


def _is_set(setting: Any) -> bool:
    # A tensor may be 0 and still want its gradient.
    return isinstance(setting, Tensor) or bool(setting)


def exponential(x: Any) -> Tensor:
    """Exponential: `exp(x)`.

    Args:
        x: a tensor of any shape.

    >>> ef.activations.exponential([0.0, 1.0]).round(4)
    Tensor(2 float32, [1.    , 2.7183])
    """
    return ops.exp(x)


def gelu(x: Any, approximate: bool = False) -> Tensor:
    """GELU: `x` times the probability that a standard normal number is below `x`.

    Args:
        x: a tensor.
        approximate: whether to use the formula with tanh, which differs by up to 0.0005.

    Source: Hendrycks and Gimpel 2016, https://arxiv.org/abs/1606.08415.

    >>> ef.activations.gelu([-1.0, 0.0, 1.0]).round(4)
    Tensor(3 float32, [-0.1587,  0.    ,  0.8413])
    """
    return ops.gelu(x, approximate)


def linear(x: T) -> T:
    """The identity: returns `x` unchanged.

    Args:
        x: anything; it is returned unchanged.

    >>> ef.activations.linear(ef.Tensor([-1.0, 2.0])).tolist()
    [-1.0, 2.0]
    >>> ef.activations.linear(3 * ef.Variable([-1.0, 2.0])).tolist()
    [-3.0, 6.0]
    """
    return x


def mish(x: Any) -> Tensor:
    """Mish: `x * tanh(softplus(x))`.

    Args:
        x: a tensor of any shape.

    Source: Misra 2019, https://arxiv.org/abs/1908.08681.

    >>> ef.activations.mish([-1.0, 0.0, 1.0]).round(4)
    Tensor(3 float32, [-0.3034,  0.    ,  0.8651])
    """
    return ops.multiply(x, ops.tanh(ops.softplus(x)))


def sigmoid(x: Any) -> Tensor:
    """Sigmoid: `1 / (1 + exp(-x))`. The result remembers `x`: crossentropies are computed from it.

    Args:
        x: logits, a tensor of any shape.

    Returns:
        A tensor of the same shape, with values from 0 to 1.

    >>> ef.activations.sigmoid([-1.0, 0.0, 1.0]).round(4)
    Tensor(3 float32, [0.2689, 0.5   , 0.7311])
    """
    return _remembering("sigmoid", ops.sigmoid(x), x, -1)


def softmax(x: Any, axis: int = -1) -> Tensor:
    """Softmax: `exp(x)`, scaled to sum to 1 over `axis`. The result remembers `x`: crossentropies are computed from it.

    Args:
        x: logits, a tensor with at least one axis.
        axis: the axis of the classes, or a tuple of axes.

    Returns:
        A tensor of the same shape.

    >>> ef.activations.softmax([[1.0, 2.0], [3.0, 3.0]]).round(4)
    Tensor(2×2 float32, [[0.2689, 0.7311],
                         [0.5   , 0.5   ]])
    """
    return _remembering("softmax", ops.softmax(x, axis), x, axis)


def _remembering(name: str, out: Tensor, x: Any, axis: int) -> Tensor:
    # The logarithm of a probability that was rounded to 0 or 1 is lost; that of its logit is not.
    if out.__class__ is Tensor and isinstance(x, Tensor):
        out.logits = (name, x, axis)
    return out
