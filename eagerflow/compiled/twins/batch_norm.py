"""Batch normalization of arrays whose last axis are the channels."""

from __future__ import annotations

from typing import Any

import numpy
from numpy import ndarray

from eagerflow.compiled.loops import batch_norm as loops
from eagerflow.compiled.pieces import LARGE, pieces, run_rows
from eagerflow.kernels.normalization.relu_behind import relu_is_done, relu_is_wanted

__all__ = ["batch_norm", "batch_norm_gradient", "scale_channels"]

_ROWS = 1024  # that are added up in the arrays' own type
_FEWEST = 8  # channels: with fewer, each row's loop costs more than its numbers
_SAMPLE = 64  # pixels, whose means are near enough to all means that squares lose no digits
_LONG = 128  # numbers of a row at least


def batch_norm(x: ndarray, scale: Any, offset: Any, epsilon: float, plan: Any) -> Any:
    """The result, and per channel: mean, variance and 1 / √(variance + epsilon)."""
    if plan.positions > 1 or plan.channels < _FEWEST:
        return None
    matrix, dtype, count = x.reshape(plan.samples, plan.channels), x.dtype, plan.samples
    with numpy.errstate(invalid="ignore", over="ignore"):
        about = matrix[:: max(1, count // _SAMPLE)].mean(axis=0, dtype=dtype)
        sums = _sums(loops.row_sums, matrix, about)
        if sums is None:
            return None
        away, squares = sums / count
        away += away - away  # NaN where there are infinities, as in plain kernels, wherever they stand
        mean, variance = about + away, numpy.maximum(squares - away * away, 0)
        positive = variance + epsilon
        inverse = numpy.sqrt(positive) / positive  # NaN where squares are too large for the type, not a silent 0
        factor = inverse if scale is None else inverse * scale
        center = mean.astype(dtype)
        # What the mean lost by rounding goes into the shift.
        shift = (center - mean) * factor + (0 if offset is None else offset)
    out = _scaled(matrix, center, factor, shift)
    return None if out is None else (out.reshape(x.shape), center, variance.astype(dtype), inverse.astype(dtype))


def scale_channels(x: ndarray, factor: Any, shift: Any, plan: Any) -> Any:
    """x factor + shift, with one number of each per channel."""
    if plan.positions > 1 or plan.channels < _FEWEST:
        return None
    matrix = numpy.ascontiguousarray(x).reshape(plan.samples, plan.channels)
    out = _scaled(matrix, numpy.zeros(plan.channels, x.dtype), factor.reshape(-1), shift.reshape(-1))
    return None if out is None else out.reshape(x.shape)


def _scaled(matrix: ndarray, about: Any, factor: Any, shift: Any) -> Any:
    """(matrix - about) factor + shift, and relu of it where that is to follow."""
    out, rows = numpy.empty(matrix.shape, matrix.dtype), [_row(v, matrix) for v in (about, factor, shift)]
    work = loops.scaled_rows.on(matrix.reshape(-1), *rows, out.reshape(-1), int(relu_is_wanted()))
    if work is None:
        return None
    width = rows[0].size
    run_rows(work, -(-matrix.size // width), width, matrix.size * 0.15, backwards=True, numbers=LARGE)
    relu_is_done()
    return out


def _row(values: Any, matrix: ndarray) -> Any:
    """A number per channel as a row of numbers, in which channels come again where they are few."""
    times = min(-(-_LONG // matrix.shape[1]), len(matrix) or 1)
    return numpy.tile(values.astype(matrix.dtype, copy=False), times)


def _sums(kernel: Any, *arrays: Any) -> Any:
    """The two sums per channel that a kernel makes, in float64; None where it doesn't take the arrays."""
    *matrices, about = arrays
    size, width = matrices[0].size, matrices[0].shape[1]
    about = _row(about, matrices[0])
    cuts = pieces(-(-size // about.size), about.size, _ROWS)
    parts = numpy.zeros((len(cuts), 2, about.size), matrices[0].dtype)
    rows = cuts[0].stop  # of a part
    work = kernel.on(*[matrix.reshape(-1) for matrix in matrices], about, parts, rows)
    if work is None:
        return None
    run_rows(work, len(cuts), rows * about.size, size * 0.1, numbers=LARGE)
    return parts.reshape(len(cuts), 2, -1, width).sum(axis=(0, 2), dtype="float64")


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
        rows = [_row(numpy.broadcast_to(v, d_offset.shape), matrix) for v in (mean, on_g, on_x, constant)]
        d_x = numpy.empty(shape, dtype)
        work = loops.mixed_rows.on(arriving.reshape(-1), matrix.reshape(-1), *rows, d_x.reshape(-1))
        if work is None:
            return None
        width = rows[0].size
        run_rows(work, -(-x.size // width), width, x.size * 0.2, backwards=True, numbers=LARGE)
        d_x = d_x.reshape(x.shape)
    return d_x, d_scale.astype(dtype), d_offset.astype(dtype)
