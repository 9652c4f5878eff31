"""Normalization: batch, layer, root mean square."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eagerflow.base.errors import signature_of
from eagerflow.base.typing import Array, Axes, Needs, Numpy, TensorLike
from eagerflow.core.dtypes import wide_sum
from eagerflow.core.op import composite, op
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.ops.elementwise.op_settings import as_number
from eagerflow.ops.elementwise.selection import clip
from eagerflow.ops.reduce.reductions import mean as mean_of

__all__ = ["batch_normalization", "moments"]


def axes_of(axis: Axes, ndim: int, name: str = "axis") -> tuple[int, ...]:
    """Axes as a sorted tuple of numbers from 0; all of them for None.

    Raises:
        ValueError: for axes that aren't there, or twice.
    """
    given = range(ndim) if axis is None else tuple(axis) if hasattr(axis, "__iter__") else (axis,)
    if any(not -ndim <= a < ndim for a in given) or len({a % ndim for a in given}) != len(given):
        raise ValueError(f"{name}={axis!r}: expected different axes of a tensor with {ndim} of them.")
    return tuple(sorted(a % ndim for a in given))


@composite
def moments(
    x: TensorLike, axes: int | Sequence[int], keepdims: bool = False, synchronized: bool = False
) -> tuple[Tensor, Tensor]:
    """Mean and variance of `x` over `axes`.

    Args:
        x: a tensor.
        axes: the axis or axes to reduce.
        keepdims: whether to keep the reduced axes, with length 1.
        synchronized: accepted for compatibility with Keras; only False is possible.

    Raises:
        ValueError: for axes that aren't there, and for `synchronized=True`.

    >>> mean, variance = ef.ops.moments([[1.0, 10.0], [3.0, 10.0]], axes=[0])
    >>> mean.tolist(), variance.tolist()
    ([2.0, 10.0], [1.0, 0.0])
    """
    if synchronized:
        raise ValueError("moments(synchronized=True): there is one process only; use synchronized=False.")
    x = convert_to_tensor(x)
    over = axes_of(axes, x.ndim, "axes")
    half = x.dtype.name in ("float16", "bfloat16")  # sums of squares overflow there
    wide = x.astype("float32") if half else x
    mean = mean_of(wide, axis=over, keepdims=True)
    away = wide - mean
    variance = mean_of(away * away, axis=over, keepdims=True)
    if not keepdims:
        kept = tuple([n for i, n in enumerate(x.shape) if i not in over])
        mean, variance = mean.reshape(kept), variance.reshape(kept)
    if x.dtype.name == "float16":  # squares of its numbers may be larger than its largest
        variance = clip(variance, None, 65504.0)
    return (mean.astype(x.dtype), variance.astype(x.dtype)) if half else (mean, variance)


def _along(x: Any, axis: Axes, name: str, vector: Any) -> Any:
    """A number per channel, shaped to meet x."""
    (place,) = axes_of(axis, x.ndim)
    if vector.ndim != 1 or vector.size != x.shape[place]:
        raise ValueError(f"{name}: expected {x.shape[place]} numbers; got {signature_of(vector)}.")
    return vector.reshape(tuple([n if i == place else 1 for i, n in enumerate(x.shape)]))


def factor_and_shift(
    x: Any, mean: Any, variance: Any, axis: Axes, offset: Any, scale: Any, epsilon: Any
) -> tuple[Any, Any]:
    """What batch normalization by known moments multiplies x by and adds to it, of arrays or tensors.

    Raises:
        ValueError: for an axis that isn't there, or vectors of another length.
    """
    factor = (_along(x, axis, "variance", variance) + epsilon) ** -0.5
    if scale is not None:
        factor = factor * _along(x, axis, "scale", scale)
    shift = -_along(x, axis, "mean", mean) * factor
    return factor, shift if offset is None else shift + _along(x, axis, "offset", offset)


def _by_factor_and_shift(x: Any, mean: Any, variance: Any, offset: Any, scale: Any, axis: int, epsilon: float) -> Any:
    factor, shift = factor_and_shift(x, mean, variance, axis, offset, scale, epsilon)
    return x * factor + shift


def to_moments(
    d_factor: Any, d_shift: Any, needs: Any, mean: Any, variance: Any, scale: Any, epsilon: Any
) -> tuple[Any, ...]:
    """The gradients of mean, variance, offset and scale from those of factor and shift, a number per channel each."""
    inverse = (variance + epsilon) ** -0.5
    factor = inverse if scale is None else inverse * scale
    d_factor = d_factor - mean * d_shift  # the shift has the factor in it
    slope = d_factor if scale is None else d_factor * scale
    return (
        -d_shift * factor if needs[1] else None,
        slope * inverse / (variance + epsilon) * -0.5 if needs[2] else None,
        d_shift if needs[3] else None,
        d_factor * inverse if needs[4] else None,
    )


def _by_moments_rule(
    g: Array,
    needs: Needs,
    x: Array,
    mean: Array,
    variance: Array,
    offset: Array,
    scale: Array,
    axis: int,
    epsilon: float,
) -> tuple[Any, ...]:
    factor, _ = factor_and_shift(x, mean, variance, axis, offset, scale, epsilon)
    (place,) = axes_of(axis, x.ndim)
    others = tuple([i for i in range(x.ndim) if i != place])
    d_factor, d_shift = wide_sum(g * x, others), wide_sum(g, others)
    return g * factor if needs[0] else None, *to_moments(d_factor, d_shift, needs, mean, variance, scale, epsilon)


@op(
    _by_moments_rule,
    joint=True,
    reference=_by_factor_and_shift,
    floating=True,
    arrays=("x", "mean", "variance", "offset", "scale"),
)
def batch_normalization(
    xp: Numpy,
    x: Array,
    mean: Array,
    variance: Array,
    axis: int,
    offset: Array | None = None,
    scale: Array | None = None,
    epsilon: float = 1e-3,
) -> Array:
    """Normalizes channels with given moments: `(x - mean) / sqrt(variance + epsilon) * scale + offset`.

    Args:
        x: a tensor.
        mean: the mean of each channel, (channels,).
        variance: the variance of each channel, (channels,).
        axis: the axis of the channels.
        offset: (channels,), or None for 0.
        scale: (channels,), or None for 1.
        epsilon: a small number that keeps the division finite.

    Raises:
        ValueError: for an axis that isn't there, or vectors of another length.

    Source: Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167.

    >>> x = [[1.0, 10.0], [5.0, 30.0]]
    >>> ef.ops.batch_normalization(x, [3.0, 20.0], [4.0, 100.0], axis=-1, epsilon=0.0).tolist()
    [[-1.0, -1.0], [1.0, 1.0]]
    """
    if epsilon.__class__ is not float:
        epsilon = as_number("epsilon", epsilon, _by_factor_and_shift)
    out = _by_factor_and_shift(x, mean, variance, offset, scale, axis, epsilon)
    types = [v.dtype for v in (x, mean, variance, offset, scale) if v is not None]
    return out.astype(x.dtype, copy=False) if set(types) == {x.dtype} else out  # numbers widen bfloat16


def _batch_by_moments(
    x: Any, scale: Any, offset: Any, axes: tuple[int, ...], epsilon: float, **_: Any
) -> tuple[Any, ...]:
    mean, variance = moments(x, axes, keepdims=True)
    out = (x - mean) * (variance + epsilon) ** -0.5
    if scale is not None:
        out = out * scale.reshape(mean.shape)
    if offset is not None:
        out = out + offset.reshape(mean.shape)
    return out, mean.reshape((-1,)), variance.reshape((-1,))


def _batch_rule(
    g: Sequence[Array], needs: Needs, x: Array, scale: Array, axes: tuple[int, ...], mean: Any, inverse: Any
) -> tuple[Any, ...]:
    g_out, g_mean, g_variance = g
    count = max(1, x.size // max(1, mean.size))
    away = x - mean
    d_offset = g_out.sum(axis=axes, keepdims=True)
    d_scale = (g_out * away).sum(axis=axes, keepdims=True) * inverse
    to_scale = d_scale.reshape(scale.shape) if needs[1] else None
    to_offset = d_offset.reshape(-1) if needs[2] else None
    if not needs[0]:
        return None, to_scale, to_offset
    # Per channel, the gradient of x is a weighted sum of g, of x's distance from the mean, and of 1.
    factor = inverse if scale is None else inverse * scale.reshape(mean.shape)
    away *= (2 * g_variance.reshape(mean.shape) - d_scale * inverse * factor) / count
    d_x = g_out * factor
    d_x += away
    d_x += (g_mean.reshape(mean.shape) - d_offset * factor) / count
    return d_x, to_scale, to_offset


@op(
    _batch_rule,
    joint=True,
    reference=_batch_by_moments,
    outputs=3,
    saves=("mean", "inverse"),
    arrays=("x", "scale", "offset"),
)
def normalize_batch(
    xp: Numpy,
    x: Array,
    scale: Array | None = None,
    offset: Array | None = None,
    axes: tuple[int, ...] = (0,),
    epsilon: float = 1e-3,
) -> Any:
    """What batch normalization does in training: normalizes `x` by its own mean and variance over `axes`.

    Args:
        x: a tensor.
        scale: (channels,) or None.
        offset: (channels,) or None.
        axes: the axes to average over: all but one, in order.
        epsilon: keeps the division finite.

    Returns:
        The normalized tensor, the mean (channels,) and the (biased) variance (channels,).

    Source: Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167.
    """
    if epsilon.__class__ is not float:
        epsilon = as_number("epsilon", epsilon, _batch_by_moments)
    mean = x.mean(axis=axes, keepdims=True)
    away = x - mean
    variance = (away * away).mean(axis=axes, keepdims=True)
    inverse = _one_over_root(xp, variance + epsilon)
    factor = inverse if scale is None else inverse * scale.reshape(mean.shape)
    away *= factor
    if offset is not None:
        away += offset.reshape(mean.shape)
    return (away, mean.reshape(-1), variance.reshape(-1)), mean, inverse


def _one_over_root(xp: Numpy, positive: Any) -> Any:
    """1 / √positive, NaN for infinity: of squares too large for the type, 0 would look like a result."""
    return xp.sqrt(positive) / positive


def _scaled(out: Any, scale: Any, offset: Any) -> Any:
    if scale is not None:
        out = out * scale
    return out if offset is None else out + offset


def _layer_by_moments(x: Any, gamma: Any, beta: Any, axes: tuple[int, ...], epsilon: float, **_: Any) -> Any:
    mean, variance = moments(x, axes, keepdims=True)
    return _scaled((x - mean) * (variance + epsilon) ** -0.5, gamma, beta)


def _layer_rule(
    g: Array, needs: Needs, x: Array, gamma: Array, axes: tuple[int, ...], mean: Any, inverse: Any
) -> tuple[Any, ...]:
    normal = (x - mean) * inverse  # again, which is cheaper than keeping it
    d_gamma = g * normal if needs[1] else None
    if not needs[0]:
        return None, d_gamma, g
    g_normal = g if gamma is None else g * gamma
    slope = (g_normal * normal).mean(axis=axes, keepdims=True)
    d_x = (g_normal - g_normal.mean(axis=axes, keepdims=True) - normal * slope) * inverse
    return d_x, d_gamma, g


@op(_layer_rule, joint=True, reference=_layer_by_moments, saves=("mean", "inverse"), arrays=("x", "gamma", "beta"))
def layer_norm(
    xp: Numpy,
    x: Array,
    gamma: Array | None = None,
    beta: Array | None = None,
    axes: tuple[int, ...] = (-1,),
    epsilon: float = 1e-3,
) -> Any:
    """`x` with mean 0 and variance 1 over `axes`, times `gamma` plus `beta`, which broadcast against `x`."""
    if epsilon.__class__ is not float:
        epsilon = as_number("epsilon", epsilon, _layer_by_moments)
    mean = x.mean(axis=axes, keepdims=True)
    normal = x - mean
    inverse = _one_over_root(xp, (normal * normal).mean(axis=axes, keepdims=True) + epsilon)
    normal *= inverse
    return _scaled(normal, gamma, beta), mean, inverse


def _rms_plain(x: Any, scale: Any, axes: tuple[int, ...], epsilon: float, **_: Any) -> Any:
    return _scaled(x * (mean_of(x * x, axis=axes, keepdims=True) + epsilon) ** -0.5, scale, None)


def _rms_rule(g: Array, needs: Needs, x: Array, scale: Array, axes: tuple[int, ...], inverse: Any) -> tuple[Any, ...]:
    normal = x * inverse
    d_scale = g * normal if needs[1] else None
    if not needs[0]:
        return None, d_scale
    g_normal = g if scale is None else g * scale
    return (g_normal - normal * (g_normal * normal).mean(axis=axes, keepdims=True)) * inverse, d_scale


@op(_rms_rule, joint=True, reference=_rms_plain, saves=("inverse",), arrays=("x", "scale"))
def rms_norm(
    xp: Numpy, x: Array, scale: Array | None = None, axes: tuple[int, ...] = (-1,), epsilon: float = 1e-6
) -> Any:
    """`x` divided by its root mean square over `axes`, times `scale`, which broadcasts against `x`."""
    if epsilon.__class__ is not float:
        epsilon = as_number("epsilon", epsilon, _rms_plain)
    inverse = _one_over_root(xp, (x * x).mean(axis=axes, keepdims=True) + epsilon)
    return _scaled((x * inverse).astype(x.dtype, copy=False), scale, None), inverse  # numbers widen bfloat16
