"""Batch normalization of NumPy arrays: channels in the last axis, or rows of numbers per channel.

Both come as matrices: `(positions, channels)`, or `(samples * channels, positions)`. Two passes over memory each
way: one for the sums, one for the result.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy
from numpy import ndarray

from eagerflow.base.variants import accelerated
from eagerflow.kernels.machine.blocks import long_row, with_row
from eagerflow.kernels.machine.costs import BatchNorm
from eagerflow.kernels.machine.threads import scratch
from eagerflow.kernels.reduce.moments import column_moments, each_run, far_from_zero, scale_columns, sums_of_columns
from eagerflow.kernels.reduce.vectors import column_products, column_sums, row_products, row_sums

__all__ = ["Layout", "batch_norm", "batch_norm_gradient", "layout", "scale_channels"]
__all__ += ["scale_channels_gradient"]


class Layout(NamedTuple):
    """Where the channels are: `samples` times (`channels`, `positions`)."""

    samples: int
    channels: int
    positions: int


def layout(x: ndarray, axes: tuple[int, ...]) -> Layout | None:
    """The layout of a contiguous float array normalized over `axes`; None when the kernels don't take it."""
    if type(x) is not numpy.ndarray or x.dtype.char not in "fd" or x.size <= BatchNorm.SMALL:
        return None
    places = [i for i in range(x.ndim) if i not in axes]
    if len(places) != 1 or not x.flags.c_contiguous:
        return None
    (place,) = places
    found = Layout(math.prod(x.shape[:place]), x.shape[place], math.prod(x.shape[place + 1 :]))
    return found if found.positions == 1 or found.positions >= BatchNorm.SHORTEST else None


def _matrix(x: ndarray, plan: Layout) -> Any:
    if plan.positions == 1:
        return x.reshape(plan.samples, plan.channels)
    return x.reshape(plan.samples * plan.channels, plan.positions)


@accelerated("batch_norm")
def batch_norm(x: ndarray, scale: Any, offset: Any, epsilon: float, plan: Layout) -> tuple[Any, Any, Any, Any]:
    """The result, and per channel: mean, variance and 1 / √(variance + epsilon)."""
    matrix, dtype = _matrix(x, plan), x.dtype
    by_rows = plan.positions > 1
    mean, variance = _row_moments(matrix, plan) if by_rows else column_moments(matrix)
    positive = variance + epsilon
    inverse = numpy.sqrt(positive) / positive  # NaN where squares are too large for the type, not a silent 0
    factor = inverse if scale is None else inverse * scale
    shift = numpy.zeros(plan.channels) if offset is None else offset
    about = mean if far_from_zero(mean, variance) else None
    if about is None:
        shift = shift - mean * factor
    out = (_scale_rows if by_rows else scale_columns)(matrix, factor, shift, about).reshape(x.shape)
    return out, mean.astype(dtype), variance.astype(dtype), inverse.astype(dtype)


def _per_row(vector: Any, rows: int, dtype: Any) -> Any:
    """A value per channel as one per row (rows, 1), the channels coming again for each sample."""
    return numpy.tile(vector.astype(dtype), rows // vector.size)[:, None]


def _row_moments(x: ndarray, plan: Layout) -> tuple[Any, Any]:
    """Mean and variance per channel of x (samples * channels, positions)."""
    count = plan.samples * plan.positions
    centre = x[: plan.channels].mean(axis=1)
    spread = x[: plan.channels].var(axis=1)
    about = _per_row(centre, len(x), x.dtype) if far_from_zero(centre, spread) else None
    sums = numpy.empty((2, len(x)), x.dtype)

    def fill(_: int, run: slice) -> None:
        a = x[run]
        if about is not None:
            a = numpy.subtract(a, about[run], out=scratch("moments", a.shape, x.dtype))
        sums[0, run] = row_sums(a)
        sums[1, run] = row_products(a, a)

    each_run(fill, len(x), x.shape[1], 0.4)
    total, squares = sums.reshape(2, plan.samples, plan.channels).sum(axis=1, dtype="float64") / count
    variance = numpy.maximum(squares - total * total, 0)
    return (total if about is None else centre + total), variance


def _scale_rows(x: ndarray, factor: Any, shift: Any, about: ndarray | None) -> Any:
    """(x - about) * factor + shift (if given), where each row belongs to one channel."""
    factor = _per_row(factor, len(x), x.dtype)
    shift = None if shift is None else _per_row(shift, len(x), x.dtype)
    centre = None if about is None else _per_row(about, len(x), x.dtype)
    out = numpy.empty(x.shape, x.dtype)

    def fill(_: int, run: slice) -> None:
        a, o = x[run], out[run]
        if centre is not None:
            a = numpy.subtract(a, centre[run], out=o)
        numpy.multiply(a, factor[run], out=o)
        if shift is not None:
            numpy.add(o, shift[run], out=o)

    each_run(fill, len(x), x.shape[1], 0.5, backwards=True)
    return out


@accelerated("batch_norm")
def batch_norm_gradient(
    g: ndarray,
    g_mean: Any,
    g_variance: Any,
    x: ndarray,
    scale: Any,
    mean: ndarray,
    inverse: ndarray,
    plan: Layout,
    need_x: bool,
) -> tuple[Any, Any, Any]:
    """The gradients of x (or None), scale and offset.

    Per channel, the gradient of x is a weighted sum of g, of x's distance from the mean, and of 1.
    """
    dtype, count = x.dtype, plan.samples * plan.positions
    matrix, arriving = _matrix(x, plan), _matrix(numpy.ascontiguousarray(g), plan)
    mean, inverse = mean.astype("float64"), inverse.astype("float64")
    far = far_from_zero(mean, 1 / (inverse * inverse))
    sums = _row_sums if plan.positions > 1 else _column_pair
    d_offset, with_x = sums(arriving, matrix, mean if far else None, plan)
    d_scale = (with_x if far else with_x - mean * d_offset) * inverse
    d_x = None
    if need_x:
        on_g = inverse if scale is None else inverse * scale
        on_x = (2 * g_variance - d_scale * inverse * on_g) / count
        constant = (g_mean - d_offset * on_g) / count
        mixed = _mixed_rows if plan.positions > 1 else _mixed_columns
        if not far:
            constant = constant - on_x * mean
        d_x = mixed(arriving, matrix, on_g, on_x, constant, mean if far else None).reshape(x.shape)
    return d_x, d_scale.astype(dtype), d_offset.astype(dtype)


def _column_pair(g: ndarray, x: ndarray, about: ndarray | None, plan: Layout) -> Any:
    """Per column the sums of g, and of g times x (or its distance from `about`)."""
    if about is not None:
        about = long_row("norm_about", about, x)

    def sums(run: slice, into: ndarray) -> None:
        d, a = g[run], x[run]
        if about is not None:
            a = with_row(numpy.subtract, a, about, scratch("norm", d.shape, x.dtype))
        into[1] += column_products(d, a)
        into[0] += column_sums(d)

    return sums_of_columns(x, 2, sums, 0.4)


def _mixed_columns(g: ndarray, x: ndarray, on_g: Any, on_x: Any, constant: Any, about: ndarray | None) -> Any:
    """g * on_g + (x - about) * on_x + constant, per column."""
    rows, width = x.shape
    by_g, by_x = long_row("norm_g", on_g, x), long_row("norm_x", on_x, x)
    more = long_row("norm_1", constant, x)
    if about is not None:
        about = long_row("norm_about", about, x)
    out = numpy.empty(x.shape, x.dtype)

    def fill(_: int, run: slice) -> None:
        o, a = out[run], x[run]
        t = scratch("norm", a.shape, x.dtype)
        if about is not None:
            a = with_row(numpy.subtract, a, about, t)
        with_row(numpy.multiply, a, by_x, t)
        with_row(numpy.multiply, g[run], by_g, o)
        numpy.add(o, t, out=o)
        with_row(numpy.add, o, more, o)

    each_run(fill, rows, width, 0.8, backwards=True)
    return out


def _row_sums(g: ndarray, x: ndarray, about: ndarray | None, plan: Layout) -> Any:
    """The same sums where each row belongs to one channel."""
    sums = numpy.empty((2, len(x)), x.dtype)
    centre = None if about is None else _per_row(about, len(x), x.dtype)

    def fill(_: int, run: slice) -> None:
        d, a = g[run], x[run]
        if centre is not None:
            a = numpy.subtract(a, centre[run], out=scratch("norm", a.shape, x.dtype))
        sums[0, run] = row_sums(d)
        sums[1, run] = row_products(d, a)

    each_run(fill, len(x), x.shape[1], 0.4)
    return sums.reshape(2, plan.samples, plan.channels).sum(axis=1, dtype="float64")


def _mixed_rows(g: ndarray, x: ndarray, on_g: Any, on_x: Any, constant: Any, about: ndarray | None) -> Any:
    """g * on_g + (x - about) * on_x + constant, where each row belongs to one channel."""
    centre = None if about is None else _per_row(about, len(x), x.dtype)
    by_g, by_x, more = (_per_row(v, len(x), x.dtype) for v in (on_g, on_x, constant))
    out = numpy.empty(x.shape, x.dtype)

    def fill(_: int, run: slice) -> None:
        o, a = out[run], x[run]
        t = scratch("norm", a.shape, x.dtype)
        if centre is not None:
            a = numpy.subtract(a, centre[run], out=t)
        numpy.multiply(a, by_x[run], out=t)
        numpy.add(t, more[run], out=t)
        numpy.multiply(g[run], by_g[run], out=o)
        numpy.add(o, t, out=o)

    each_run(fill, len(x), x.shape[1], 0.8, backwards=True)
    return out


@accelerated("batch_norm")
def scale_channels(x: ndarray, factor: Any, shift: Any, plan: Layout) -> Any:
    """x * factor + shift, with one number of each per channel."""
    scaled = _scale_rows if plan.positions > 1 else scale_columns
    return scaled(_matrix(x, plan), factor.reshape(-1), shift.reshape(-1), None).reshape(x.shape)


def scale_channels_gradient(
    g: ndarray, x: ndarray, factor: Any, plan: Layout, needs: tuple[bool, ...]
) -> tuple[Any, ...]:
    """The gradients of x, factor and shift (channels,), where needed."""
    matrix, arriving = _matrix(x, plan), _matrix(numpy.ascontiguousarray(g), plan)
    d_x = d_factor = d_shift = None
    if needs[0]:
        scaled = _scale_rows if plan.positions > 1 else scale_columns
        d_x = scaled(arriving, factor.reshape(-1), None, None).reshape(x.shape)
    if needs[1] or needs[2]:
        sums = _row_sums if plan.positions > 1 else _column_pair
        d_shift, d_factor = sums(arriving, matrix, None, plan).astype(x.dtype)
    return d_x, d_factor, d_shift
