"""Normalization of batches, rows and groups: two passes over memory each way."""

from __future__ import annotations

import math
from typing import Any

import numpy

from eagerflow.core.lowering import lower, lower_rule
from eagerflow.kernels.machine.costs import BatchNorm, GroupNorm
from eagerflow.kernels.normalization import batch_norm as batches, group_norm as groups_of, layer_norm as rows_of
from eagerflow.kernels.normalization.batch_norm import layout
from eagerflow.ops.neural.group_norm import group_norm
from eagerflow.ops.neural.normalization import (
    batch_normalization,
    factor_and_shift,
    layer_norm,
    normalize_batch,
    rms_norm,
    to_moments,
)

__all__: list[str] = []


def _batch(x: Any, scale: Any = None, offset: Any = None, axes: tuple[int, ...] = (0,), epsilon: Any = 1e-3) -> Any:
    plan = layout(x, axes) if isinstance(epsilon, (float, int)) else None
    if plan is None:
        return None
    out, mean, variance, inverse = batches.batch_norm(x, scale, offset, epsilon, plan)
    shape = tuple([1 if i in axes else n for i, n in enumerate(x.shape)])
    return (out, mean, variance), mean.reshape(shape), inverse.reshape(shape)


def _batch_gradients(g: Any, needs: Any, x: Any, scale: Any, axes: Any, mean: Any, inverse: Any) -> Any:
    plan = layout(x, axes)
    if plan is None or g[0].dtype != x.dtype:
        return None
    g, g_mean, g_variance = g
    d_x, d_scale, d_offset = batches.batch_norm_gradient(
        g, g_mean, g_variance, x, scale, mean.reshape(-1), inverse.reshape(-1), plan, needs[0]
    )
    return d_x, d_scale if needs[1] else None, d_offset if needs[2] else None


lower(normalize_batch, _batch, least=BatchNorm.SMALL)
lower_rule(normalize_batch, _batch_gradients)


def _channels(x: Any, axis: int, *vectors: Any) -> Any:
    """The kernels' layout, when they take these arrays."""
    if any([v is not None and v.dtype != x.dtype for v in vectors]):
        return None
    return layout(x, tuple([i for i in range(x.ndim) if i != axis % x.ndim]))


def _by_moments(
    x: Any, mean: Any, variance: Any, axis: int, offset: Any = None, scale: Any = None, epsilon: float = 1e-3
) -> Any:
    if not isinstance(epsilon, (float, int)):
        return None
    factor, shift = factor_and_shift(x, mean, variance, axis, offset, scale, epsilon)
    plan = _channels(x, axis, factor, shift)
    return None if plan is None else batches.scale_channels(x, factor, shift, plan)


def _by_moments_gradients(
    g: Any, needs: Any, x: Any, mean: Any, variance: Any, offset: Any, scale: Any, axis: Any, epsilon: Any
) -> Any:
    plan = _channels(x, axis, g, mean, variance, offset, scale)
    if plan is None:
        return None
    factor, _ = factor_and_shift(x, mean, variance, axis, offset, scale, epsilon)
    wanted = needs[0], any(needs[1:]), any(needs[1:])
    d_x, d_factor, d_shift = batches.scale_channels_gradient(g, x, factor, plan, wanted)
    if not wanted[1]:
        return d_x, None, None, None, None
    return d_x, *to_moments(d_factor, d_shift, needs, mean, variance, scale, epsilon)


lower(batch_normalization, _by_moments, least=BatchNorm.SMALL)
lower_rule(batch_normalization, _by_moments_gradients)


def _as_rows(x: Any, axes: tuple[int, ...], *shapes: Any) -> Any:
    """`x` as a matrix whose rows are normalized, for the kernels; None where they can't.

    They want NumPy's arrays, the last axes, and parameters of these axes' shape.
    """
    if type(x) is not numpy.ndarray or x.dtype.char not in "fd" or not x.size:
        return None
    first = x.ndim - len(axes)
    last = x.shape[first:]
    if [a % x.ndim for a in axes] != list(range(first, x.ndim)) or not x.flags.c_contiguous:
        return None
    if any(shape is not None and (1,) * (len(shape) - len(last)) + last[-len(shape) :] != shape for shape in shapes):
        return None
    if any(shape is not None and math.prod(shape) != math.prod(last) for shape in shapes):
        return None
    return x.reshape(-1, math.prod(last))


def _shape(x: Any) -> Any:
    return None if x is None else x.shape


def _flat(x: Any) -> Any:
    return None if x is None else x.reshape(-1)


def _with_ones(x: Any, axes: tuple[int, ...], *columns: Any) -> list[Any]:
    """Values per row, shaped as a reduction over the last axes that keeps them."""
    return [c.reshape(x.shape[: x.ndim - len(axes)] + (1,) * len(axes)) for c in columns]


def _layer(x: Any, gamma: Any = None, beta: Any = None, axes: tuple[int, ...] = (-1,), epsilon: Any = 1e-3) -> Any:
    rows = _as_rows(x, axes, _shape(gamma), _shape(beta)) if isinstance(epsilon, (float, int)) else None
    if rows is None:
        return None
    out, mean, inverse = rows_of.layer_norm(rows, _flat(gamma), _flat(beta), epsilon)
    return out.reshape(x.shape), *_with_ones(x, axes, mean, inverse)


def _layer_gradients(g: Any, needs: Any, x: Any, gamma: Any, beta: Any, axes: Any, mean: Any, inverse: Any) -> Any:
    rows = _as_rows(x, axes, _shape(gamma), _shape(beta))
    if rows is None or g.dtype != x.dtype:
        return None
    d_x, d_gamma, d_beta = rows_of.layer_norm_gradient(
        g.reshape(rows.shape), rows, _flat(gamma), mean.reshape(-1, 1), inverse.reshape(-1, 1), needs[:2]
    )
    return (
        d_x.reshape(x.shape) if needs[0] else None,
        d_gamma.reshape(gamma.shape) if needs[1] else None,
        d_beta.reshape(beta.shape) if needs[2] else None,
    )


lower(layer_norm, _layer)
lower_rule(layer_norm, _layer_gradients)


def _rms(x: Any, scale: Any = None, axes: tuple[int, ...] = (-1,), epsilon: Any = 1e-6) -> Any:
    rows = _as_rows(x, axes, _shape(scale)) if isinstance(epsilon, (float, int)) else None
    if rows is None:
        return None
    out, inverse = rows_of.rms_norm(rows, _flat(scale), epsilon)
    return out.reshape(x.shape), *_with_ones(x, axes, inverse)


def _rms_gradients(g: Any, needs: Any, x: Any, scale: Any, axes: Any, inverse: Any) -> Any:
    rows = _as_rows(x, axes, _shape(scale))
    if rows is None or g.dtype != x.dtype:
        return None
    d_x, d_scale = rows_of.rms_norm_gradient(g.reshape(rows.shape), rows, _flat(scale), inverse.reshape(-1, 1), needs)
    return d_x.reshape(x.shape) if needs[0] else None, d_scale.reshape(scale.shape) if needs[1] else None


lower(rms_norm, _rms)
lower_rule(rms_norm, _rms_gradients)


def _group(x: Any, gamma: Any = None, beta: Any = None, groups: int = 1, epsilon: float = 1e-3) -> Any:
    if x.dtype.char not in "fd":
        return None
    flat = (x.shape[0], math.prod(x.shape[1:-1]), x.shape[-1])
    out, mean, inverse = groups_of.group_norm(x.reshape(flat), gamma, beta, groups, epsilon)
    return out.reshape(x.shape), mean, inverse


def _group_gradients(g: Any, needs: Any, x: Any, gamma: Any, groups: int, mean: Any, inverse: Any) -> Any:
    if x.size < GroupNorm.SMALL or x.dtype.char not in "fd" or g.dtype != x.dtype:
        return None
    flat = (x.shape[0], math.prod(x.shape[1:-1]), x.shape[-1])
    found = groups_of.group_norm_gradient(g.reshape(flat), x.reshape(flat), gamma, mean, inverse, groups)
    return found[0].reshape(x.shape), *[d if need else None for d, need in zip(found[1:], needs[1:], strict=True)]


lower(group_norm, _group, least=GroupNorm.SMALL)
lower_rule(group_norm, _group_gradients)
