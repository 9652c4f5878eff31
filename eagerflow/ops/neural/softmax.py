"""Softmax, its logarithm, and sparsemax.

A slice whose elements are all minus infinity has no distribution: it gives NaN, as everywhere. (Attention gives zeros
to a target that its mask lets see nothing.)
"""

from __future__ import annotations

from typing import Any

from eagerflow.base.typing import Array, Axes, Numpy
from eagerflow.core.dtypes import in_float32, wide_sum
from eagerflow.core.host_arrays import errstate
from eagerflow.core.op import op

__all__ = ["log_softmax", "softmax", "sparsemax"]


def shifted(x: Any, axis: Axes) -> Any:
    """`x` minus its maximum along `axis`."""
    with errstate(invalid="ignore"):  # of infinities comes NaN
        return x - x.max(axis=axis, keepdims=True)


def _softmax_rule(g: Array, out: Array, axis: Axes) -> Array:
    weighted = g * out
    return weighted - out * wide_sum(weighted, axis, keepdims=True)


@op(_softmax_rule, floating="real")
def softmax(xp: Numpy, x: Array, axis: Axes = -1) -> Array:
    """Softmax: `exp(x)` divided by its sum along `axis`, computed without overflow.

    Args:
        x: a tensor.
        axis: an axis or a tuple of axes (None: all).

    Returns:
        A tensor of the same shape. Slices in which all elements are minus infinity give NaN.

    >>> ef.ops.softmax([[1.0, 2.0], [3.0, 3.0]]).round(4)
    Tensor(2×2 float32, [[0.2689, 0.7311],
                         [0.5   , 0.5   ]])
    """
    if not x.size:
        return x.copy()
    e = xp.exp(shifted(x, axis))
    e /= wide_sum(e, axis, keepdims=True)
    return e


def _log_softmax_rule(xp: Numpy, g: Array, out: Array, axis: Axes) -> Array:
    return g - xp.exp(out) * wide_sum(g, axis, keepdims=True)


@op(_log_softmax_rule, floating="real")
def log_softmax(xp: Numpy, x: Array, axis: Axes = -1) -> Array:
    """The logarithm of `softmax(x, axis)`, exact also where that is tiny.

    Args:
        x: a tensor.
        axis: an axis or a tuple of axes (None: all).

    >>> ef.ops.log_softmax([[1.0, 2.0], [0.0, -50.0]]).round(2)
    Tensor(2×2 float32, [[ -1.31,  -0.31],
                         [  0.  , -50.  ]])
    """
    if not x.size:
        return x.copy()
    moved = shifted(x, axis)
    return moved - xp.log(wide_sum(xp.exp(moved), axis, keepdims=True))


def _sparsemax_rule(g: Array, out: Array, axis: int) -> Array:
    support = (out > 0).astype(g.dtype)
    inside = g * support
    return inside - support * (wide_sum(inside, axis, keepdims=True) / wide_sum(support, axis, keepdims=True))


@op(_sparsemax_rule, floating="real")
def sparsemax(xp: Numpy, x: Array, axis: int = -1) -> Array:
    """Sparsemax: the probabilities nearest to `x`, many of which are exactly 0; an alternative to softmax.

    Args:
        x: a tensor.
        axis: the axis along which the results add up to 1.

    Source: Martins and Astudillo 2016, https://arxiv.org/abs/1602.02068. (Keras 3.15's results don't add up to 1.)

    >>> ef.ops.sparsemax([0.0, 1.0, 1.5]).tolist()
    [0.0, 0.25, 0.75]
    """
    return in_float32(_projected, xp, x, axis) if x.size else x.copy()


def _projected(xp: Numpy, x: Array, axis: int) -> Any:
    last = xp.moveaxis(x, axis, -1)
    falling = xp.sort(last, axis=-1)[..., ::-1]
    sums = xp.cumsum(falling, axis=-1) - 1
    ranks = xp.arange(1, last.shape[-1] + 1, dtype=x.dtype)
    chosen = falling * ranks > sums  # the largest elements, as many as stay positive together
    count = chosen.sum(axis=-1, keepdims=True)
    threshold = xp.take_along_axis(sums, count - 1, axis=-1) / count.astype(x.dtype)
    return xp.moveaxis(xp.maximum(last - threshold, 0), -1, axis)
