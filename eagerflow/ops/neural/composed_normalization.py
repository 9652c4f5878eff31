"""Normalization by Keras' names, around the kernels of `normalization.py`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eagerflow.base.config import epsilon as default_epsilon
from eagerflow.base.typing import TensorLike
from eagerflow.core.op import composite
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.ops.elementwise.exponential import rsqrt
from eagerflow.ops.elementwise.selection import maximum, minimum
from eagerflow.ops.neural.normalization import axes_of, layer_norm, moments, rms_norm

__all__ = ["layer_normalization", "normalize", "rms_normalization"]


def _at_least_float32(x: Any) -> tuple[Tensor, Any]:
    """`x` as floats of at least 32 bits, and the type to go back to."""
    x = convert_to_tensor(x)
    if x.dtype.kind == "c":  # whose squares would stand for sizes
        raise TypeError(f"only real numbers are normalized here; got {x.dtype}. Divide by ops.norm(x).")
    if x.dtype.kind in "iub":
        x = x.astype(float)
    return (x.astype("float32") if x.dtype.itemsize < 4 else x), x.dtype


def _parameter(value: Any, x: Tensor, axes: tuple[int, ...]) -> Tensor | None:
    """A scale or offset with one axis for each of `axes`, shaped so that it broadcasts against `x`."""
    if value is None:
        return None
    found = convert_to_tensor(value)
    found = found if found.dtype == x.dtype else found.astype(x.dtype)
    if found.ndim == x.ndim or axes == (x.ndim - 1,):
        return found
    return found.reshape(tuple([n if i in axes else 1 for i, n in enumerate(x.shape)]))


@composite
def layer_normalization(
    x: TensorLike,
    gamma: Any = None,
    beta: Any = None,
    axis: int | Sequence[int] = -1,
    epsilon: float | None = None,
    **kwargs: Any,
) -> Tensor:
    """Normalizes `x` to mean 0 and variance 1 over `axis`, then multiplies by `gamma` and adds `beta`.

    Args:
        x: a tensor. 16-bit types are computed in float32.
        gamma: the scale, with the lengths of `axis`, or None for 1.
        beta: the offset, with the lengths of `axis`, or None for 0.
        axis: the axis or axes to normalize over.
        epsilon: a small number that keeps the division finite; default: `epsilon()`.
        **kwargs: `rms_scaling=True` is Keras' older form: it divides by the standard deviation and subtracts nothing.

    Source: Ba et al. 2016, https://arxiv.org/abs/1607.06450.

    >>> ef.ops.layer_normalization([[1.0, 3.0], [10.0, 50.0]], epsilon=0.0).tolist()
    [[-1.0, 1.0], [-1.0, 1.0]]
    """
    by_variance = kwargs.pop("rms_scaling", False)
    if kwargs:
        raise TypeError(f"layer_normalization: unexpected arguments {sorted(kwargs)}.")
    wide, dtype = _at_least_float32(x)
    axes = axes_of(axis, wide.ndim)
    scale, offset = _parameter(gamma, wide, axes), _parameter(beta, wide, axes)
    small = default_epsilon() if epsilon is None else epsilon
    if by_variance:
        out = wide * (moments(wide, axes, keepdims=True)[1] + small) ** -0.5
        out = out if scale is None else out * scale
    else:
        out = layer_norm(wide, scale, offset, axes, small)
    return out if out.dtype == dtype else out.astype(dtype)


@composite
def rms_normalization(
    x: TensorLike, scale: TensorLike | None = None, axis: int | Sequence[int] = -1, epsilon: float | None = None
) -> Tensor:
    """Divides `x` by its root mean square over `axis`, then multiplies by `scale`.

    Args:
        x: a tensor. 16-bit types are computed in float32.
        scale: the scale, with the lengths of `axis`, or None for 1.
        axis: the axis or axes that the mean square is taken over.
        epsilon: a small number that keeps the division finite; default: `epsilon()`.

    Source: Zhang and Sennrich 2019, https://arxiv.org/abs/1910.07467.

    >>> ef.ops.rms_normalization([[3.0, 4.0]], epsilon=0.0).round(4)
    Tensor(1×2 float32, [[0.8485, 1.1314]])
    """
    wide, dtype = _at_least_float32(x)
    axes = axes_of(axis, wide.ndim)
    small = default_epsilon() if epsilon is None else epsilon
    out = rms_norm(wide, _parameter(scale, wide, axes), axes, small)
    return out if out.dtype == dtype else out.astype(dtype)


@composite
def normalize(x: TensorLike, axis: int | Sequence[int] = -1, order: int = 2, epsilon: float | None = None) -> Tensor:
    """Divides `x` by its norm over `axis`.

    Args:
        x: a tensor.
        axis: the axis or axes that the norm is taken over.
        order: the order of the norm: 1 for the sum of absolute values, 2 for the Euclidean norm.
        epsilon: the smallest norm to divide by; default: `epsilon()`.

    Raises:
        ValueError: for an order that isn't an integer of at least 1.

    >>> ef.ops.normalize([[0.0, 4.0], [3.0, 4.0]]).round(4)
    Tensor(2×2 float32, [[0. , 1. ],
                         [0.6, 0.8]])
    """
    if isinstance(order, bool) or not isinstance(order, int) or order < 1:
        raise ValueError(f"normalize: order={order!r}: expected an integer of at least 1.")
    x = convert_to_tensor(x)
    x = x.reshape((1,)) if not x.ndim else x
    small = default_epsilon() if epsilon is None else epsilon
    axes = axes_of(axis, x.ndim)
    x, dtype = _at_least_float32(x)
    if order == 2:
        squares = (x * x).sum(axis=axes, keepdims=True)
        out = x * minimum(rsqrt(maximum(squares, small * small)), 1 / small)
    else:
        sizes = maximum(x, -x)
        norm = (sizes**order).sum(axis=axes, keepdims=True) ** (1 / order)
        out = x / maximum(norm, small)
    return out if out.dtype == dtype else out.astype(dtype)
