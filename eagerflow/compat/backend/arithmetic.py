"""Arithmetic, comparisons and reductions, as `keras.backend` names them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eagerflow import ops
from eagerflow.base.config import epsilon as _default_epsilon
from eagerflow.compat.arguments import renamed

__all__ = ["abs", "all", "any", "argmax", "argmin", "batch_dot", "batch_normalization", "clip", "cos", "cumprod"]
__all__ += ["cumsum", "dot", "equal", "exp", "gather", "greater", "greater_equal", "l2_normalize", "less", "less_equal"]
__all__ += ["log", "logsumexp", "max", "maximum", "mean", "min", "minimum", "normalize_batch_in_training", "not_equal"]
__all__ += ["pow", "prod", "round", "sign", "sin", "sqrt", "square", "std", "sum", "transpose", "var"]

abs, cos, dot, equal, exp, log, logsumexp = (ops.abs, ops.cos, ops.dot, ops.equal, ops.exp, ops.log, ops.logsumexp)
greater, greater_equal, less, less_equal = ops.greater, ops.greater_equal, ops.less, ops.less_equal
maximum, minimum, not_equal, sign, sin = ops.maximum, ops.minimum, ops.not_equal, ops.sign, ops.sin
all, any, max, min, prod, square, sum = ops.all, ops.any, ops.max, ops.min, ops.prod, ops.square, ops.sum
pow, round, transpose = renamed(ops.power, "x a"), renamed(ops.round, "x"), renamed(ops.transpose, "x")
argmax, argmin = renamed(ops.argmax, "x axis", axis=-1), renamed(ops.argmin, "x axis", axis=-1)
cumsum, cumprod = renamed(ops.cumsum, "x axis", axis=0), renamed(ops.cumprod, "x axis", axis=0)


def _of_floats(op: Callable[..., Any]) -> Callable[..., Any]:
    """A reduction; truth values and integers count in the default float type."""

    def call(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        x = ops.convert_to_tensor(x)
        return op(ops.cast(x, "float32") if x.dtype.kind in "iub" else x, axis, keepdims)

    return call


mean, std, var = map(_of_floats, (ops.mean, ops.std, ops.var))


def sqrt(x: Any) -> Any:
    """The square root; 0 for negative numbers, as Keras 2 had it.

    >>> sqrt([9.0, -1.0]).tolist()
    [3.0, 0.0]
    """
    return ops.sqrt(ops.maximum(x, 0.0))


def clip(x: Any, min_value: Any = None, max_value: Any = None) -> Any:
    """`x` limited to `min_value` and `max_value`; None means no limit.

    >>> clip([-2.0, 0.5, 3.0], 0.0, 1.0).tolist()
    [0.0, 0.5, 1.0]
    """
    low = float("-inf") if min_value is None else min_value
    return ops.clip(x, low, float("inf") if max_value is None else max_value)


def gather(reference: Any, indices: Any) -> Any:
    """The rows with these numbers.

    >>> gather([[1, 2], [3, 4], [5, 6]], [2, 0]).tolist()
    [[5, 6], [1, 2]]
    """
    return ops.take(reference, ops.cast(indices, "int32"), axis=0)


def batch_dot(x: Any, y: Any, axes: Any = None) -> Any:
    """Products of the examples of two batches, summed over one axis of each.

    >>> batch_dot([[1.0, 2.0], [3.0, 4.0]], [[1.0, 1.0], [10.0, 10.0]], axes=1).tolist()
    [[3.0], [70.0]]
    >>> batch_dot(ef.ops.ones((8, 2, 3)), ef.ops.ones((8, 3, 4))).shape
    (8, 2, 4)
    """
    x, y = ops.convert_to_tensor(x), ops.convert_to_tensor(y)
    n, m = len(x.shape), len(y.shape)
    if axes is None:
        axes = (n - 1, m - 1 if m == 2 else m - 2)
    first, second = (axes, axes) if isinstance(axes, int) else axes
    if first % n == 0 or second % m == 0:
        raise ValueError(f"batch_dot(axes={axes!r}): axis 0 is the batch, which isn't summed over.")
    letters = "abcdefghijklmnopqrstuvwxyz"
    left, right = list(letters[:n]), ["a", *letters[n : n + m - 1]]
    right[second % m] = left[first % n]
    kept = [c for c in left if c != left[first % n]] + [c for c in right[1:] if c != left[first % n]]
    result = ops.einsum(f"{''.join(left)},{''.join(right)}->{''.join(kept)}", x, y)
    return ops.expand_dims(result, 1) if len(kept) == 1 else result


def l2_normalize(x: Any, axis: Any = None) -> Any:
    """`x` divided by its length, along `axis` or as a whole.

    >>> l2_normalize([[3.0, 4.0], [0.0, 2.0]], axis=1).round(4)
    Tensor(2×2 float32, [[0.6, 0.8],
                         [0. , 1. ]])
    """
    squares = ops.sum(ops.square(x), axis, keepdims=True)
    return x * ops.rsqrt(ops.maximum(squares, 1e-12))


def batch_normalization(
    x: Any, mean: Any, var: Any, beta: Any, gamma: Any, axis: int = -1, epsilon: float = 1e-3
) -> Any:
    """`gamma * (x - mean) / sqrt(var + epsilon) + beta`; `beta` and `gamma` may be None.

    >>> batch_normalization([[1.0], [5.0]], [3.0], [4.0], beta=[10.0], gamma=[1.0], epsilon=0.0).tolist()
    [[9.0], [11.0]]
    """
    x = ops.convert_to_tensor(x)
    shape = [1] * len(x.shape)
    shape[axis] = -1
    mean, var, beta, gamma = (v if v is None else _along(v, shape) for v in (mean, var, beta, gamma))
    scaled = (x - mean) * ops.rsqrt(var + epsilon)
    scaled = scaled if gamma is None else scaled * gamma
    return scaled if beta is None else scaled + beta


def normalize_batch_in_training(
    x: Any, gamma: Any, beta: Any, reduction_axes: Any, epsilon: float = 1e-3
) -> tuple[Any, Any, Any]:
    """The batch normalized by its own mean and variance, and these two.

    >>> normed, mean, variance = normalize_batch_in_training([[1.0], [5.0]], [1.0], [0.0], [0])
    >>> normed.round(2).tolist(), mean.tolist(), variance.tolist()
    ([[-1.0], [1.0]], [3.0], [4.0])
    """
    x, axes = ops.convert_to_tensor(x), tuple(reduction_axes)
    center, spread = ops.mean(x, axes, keepdims=True), ops.var(x, axes, keepdims=True)
    shape = [1 if i in axes else n if n is not None else -1 for i, n in enumerate(x.shape)]
    scaled = (x - center) * ops.rsqrt(spread + (epsilon or _default_epsilon()))
    scaled = scaled if gamma is None else scaled * ops.reshape(gamma, shape)
    scaled = scaled if beta is None else scaled + ops.reshape(beta, shape)
    return scaled, ops.squeeze(center, axes), ops.squeeze(spread, axes)


def _along(v: Any, shape: list[int]) -> Any:
    """Per-channel numbers, shaped so that they meet their axis; others as they are."""
    v = ops.convert_to_tensor(v)
    return ops.reshape(v, shape) if len(v.shape) == 1 else v
