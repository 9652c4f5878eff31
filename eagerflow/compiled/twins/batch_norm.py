"""Batch normalization of arrays whose last axis are the channels."""

from __future__ import annotations

from typing import Any

import numpy
from numpy import ndarray

from eagerflow.compiled.loops import batch_norm as loops
from eagerflow.compiled.pieces import pieces, run, run_rows

__all__ = ["batch_norm", "batch_norm_gradient"]

_ROWS = 1024  # that are added up in the arrays' own type
_FEWEST = 8  # channels: with fewer, each row's loop costs more than its numbers
_SAMPLE = 64  # rows, whose means are near enough to all rows' that squares lose no digits


def batch_norm(x: ndarray, scale: Any, offset: Any, epsilon: float, plan: Any) -> Any:
    """The result, and per channel: mean, variance and 1 / √(variance + epsilon)."""
    if plan.positions > 1 or plan.channels < _FEWEST:
        return None
    matrix, dtype, rows = x.reshape(plan.samples, plan.channels), x.dtype, plan.samples
    with numpy.errstate(invalid="ignore", over="ignore"):
        about = matrix[:: max(1, rows // _SAMPLE)].mean(axis=0, dtype=dtype)
        sums = _sums(loops.column_sums, matrix, about)
        if sums is None:
            return None
        away, squares = sums / rows
        mean, variance = about + away, numpy.maximum(squares - away * away, 0)
        positive = variance + epsilon
        inverse = numpy.sqrt(positive) / positive  # NaN where squares are too large for the type, not a silent 0
        factor = inverse if scale is None else inverse * scale
        center = mean.astype(dtype)
        # What the mean lost by rounding goes into the shift.
        shift = (center - mean) * factor + (0 if offset is None else offset)
    out = numpy.empty(matrix.shape, dtype)
    work = loops.scaled_columns.on(matrix, center, factor.astype(dtype), shift.astype(dtype), out)
    if work is None:
        return None
    run_rows(work, rows, plan.channels, x.size * 0.15)
    return out.reshape(x.shape), center, variance.astype(dtype), inverse.astype(dtype)


def _sums(kernel: Any, *arrays: Any) -> Any:
    """The two sums over all rows that a kernel makes, in float64; None where it doesn't take the arrays."""
    rows, width = arrays[0].shape
    cuts = pieces(rows, width, _ROWS)
    parts = numpy.zeros((len(cuts), 2, width), arrays[0].dtype)
    work = kernel.on(*arrays, parts)
    if work is None:
        return None
    run(work, cuts, rows * width * 0.15)
    return parts.sum(axis=0, dtype="float64")


def batch_norm_gradient(
    g: ndarray,
    g_mean: Any,
    g_variance: Any,
    x: ndarray,
    scale: Any,
    mean: ndarray,
    inverse: ndarray,
    plan: Any,
    need_x: bool,
) -> Any:
    """The gradients of x (or None), scale and offset."""
    if plan.positions > 1 or plan.channels < _FEWEST:
        return None
    shape, dtype, count = (plan.samples, plan.channels), x.dtype, plan.samples
    matrix, arriving = x.reshape(shape), numpy.ascontiguousarray(g).reshape(shape)
    sums = _sums(loops.gradient_sums, arriving, matrix, mean)
    if sums is None:
        return None
    exact = inverse.astype("float64")
    d_offset, d_scale = sums[0], sums[1] * exact
    d_x = None
    if need_x:
        on_g = exact if scale is None else exact * scale
        on_x = (2 * g_variance - d_scale * exact * on_g) / count
        constant = (g_mean - d_offset * on_g) / count
        weights = [numpy.broadcast_to(v, d_offset.shape).astype(dtype) for v in (on_g, on_x, constant)]
        d_x = numpy.empty(shape, dtype)
        work = loops.mixed_columns.on(arriving, matrix, mean, *weights, d_x)
        if work is None:
            return None
        run_rows(work, count, plan.channels, x.size * 0.2)
        d_x = d_x.reshape(x.shape)
    return d_x, d_scale.astype(dtype), d_offset.astype(dtype)
