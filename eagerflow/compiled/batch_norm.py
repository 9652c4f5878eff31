"""Batch normalization, channels last: one pass over the numbers for the sums, one for the result, and relu in it.

Arrays are flat. Values per channel come for a row of numbers: the channels of a pixel, or of several pixels where they
are few; the last row may be shorter.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from eagerflow.compiled.jit import compiled, inner_loop
from eagerflow.compiled.loops.pixels import fetch_page, fetch_soon
from eagerflow.compiled.pieces import LARGE, pieces, run_rows
from eagerflow.kernels.normalization.relu_behind import relu_is_done, relu_is_wanted

__all__ = ["batch_norm", "batch_norm_gradient", "scale_channels"]

_at = np.uint64
_AHEAD = 2048  # numbers: as far ahead memory is asked for


@inner_loop
def _add_four_rows(first: Any, second: Any, x: Any, at: Any, about: Any, n: Any) -> None:
    """Add x - about and its square, of four rows, to sums."""
    for u in range(n):
        j = _at(u)
        a, center = at + j, about[j]
        x0, x1, x2, x3 = x[a] - center, x[a + n] - center, x[a + n + n] - center, x[a + n + n + n] - center
        first[j] += (x0 + x1) + (x2 + x3)
        second[j] += (x0 * x0 + x1 * x1) + (x2 * x2 + x3 * x3)


@inner_loop
def _add_one_row(first: Any, second: Any, x: Any, at: Any, about: Any, n: Any) -> None:
    """The same of one row."""
    for u in range(n):
        j = _at(u)
        away = x[at + j] - about[j]
        first[j] += away
        second[j] += away * away


@compiled("x[all], about[n], sums[parts, two, n]", noalias=True)
def _row_sums(x: Any, about: Any, sums: Any, rows: int, start: int, stop: int) -> None:
    """The sums of x - about and of its square, of `rows` rows each, into some parts of `sums`."""
    n = about.size
    for part in range(start, stop):
        first, second = sums[part, 0], sums[part, 1]
        i, end = part * rows * n, min((part + 1) * rows * n, x.size)
        while i + 4 * n <= end:
            fetch_soon(x, i + _AHEAD, 4 * n)
            _add_four_rows(first, second, x, _at(i), about, _at(n))
            i += 4 * n
        while i < end:
            _add_one_row(first, second, x, _at(i), about, _at(min(n, end - i)))
            i += n


@inner_loop
def _scaled_row(out: Any, x: Any, at: Any, about: Any, factor: Any, shift: Any, n: Any) -> None:
    """out = (x - about) factor + shift of one row."""
    for u in range(n):
        j = _at(u)
        out[at + j] = (x[at + j] - about[j]) * factor[j] + shift[j]


@inner_loop
def _positive_row(out: Any, x: Any, at: Any, about: Any, factor: Any, shift: Any, n: Any) -> None:
    """The same, but 0 where that is negative."""
    zero = out.dtype.type(0)
    for u in range(n):
        j = _at(u)
        scaled = (x[at + j] - about[j]) * factor[j] + shift[j]
        out[at + j] = zero if scaled < zero else scaled


@compiled("x[all], about[n], factor[n], shift[n], out[all]", noalias=True)
def _scaled_rows(x: Any, about: Any, factor: Any, shift: Any, out: Any, relu: int, start: int, stop: int) -> None:
    """out = (x - about) factor + shift, for some rows; with `relu` its positive part."""
    n = about.size
    end = min(stop * n, x.size)
    for i in range(start * n, end, n):
        fetch_page(x, i, n)
        if relu:
            _positive_row(out, x, _at(i), about, factor, shift, _at(min(n, end - i)))
        else:
            _scaled_row(out, x, _at(i), about, factor, shift, _at(min(n, end - i)))


@inner_loop
def _add_slopes(first: Any, second: Any, g: Any, x: Any, at: Any, about: Any, n: Any) -> None:
    """Add g and g (x - about), of a row, to sums."""
    for u in range(n):
        j = _at(u)
        slope = g[at + j]
        first[j] += slope
        second[j] += slope * (x[at + j] - about[j])


@compiled("g[all], x[all], about[n], sums[parts, two, n]", noalias=True)
def _gradient_sums(g: Any, x: Any, about: Any, sums: Any, rows: int, start: int, stop: int) -> None:
    """The sums of g and of g (x - about), of `rows` rows each, into some parts of `sums`."""
    n = about.size
    for part in range(start, stop):
        first, second = sums[part, 0], sums[part, 1]
        begin, end = part * rows * n, min((part + 1) * rows * n, x.size)
        for i in range(begin, end, n):
            fetch_page(g, i, n)
            fetch_page(x, i, n)
            _add_slopes(first, second, g, x, _at(i), about, _at(min(n, end - i)))


@inner_loop
def _mixed_row(out: Any, g: Any, x: Any, at: Any, about: Any, on_g: Any, on_x: Any, constant: Any, n: Any) -> None:
    """out = g on_g + (x - about) on_x + constant of one row."""
    for u in range(n):
        j = _at(u)
        out[at + j] = g[at + j] * on_g[j] + (x[at + j] - about[j]) * on_x[j] + constant[j]


@compiled("g[all], x[all], about[n], on_g[n], on_x[n], constant[n], out[all]", noalias=True)
def _mixed_rows(
    g: Any, x: Any, about: Any, on_g: Any, on_x: Any, constant: Any, out: Any, start: int, stop: int
) -> None:
    """out = g on_g + (x - about) on_x + constant, for some rows."""
    n = about.size
    end = min(stop * n, x.size)
    for i in range(start * n, end, n):
        fetch_page(g, i, n)
        fetch_page(x, i, n)
        _mixed_row(out, g, x, _at(i), about, on_g, on_x, constant, _at(min(n, end - i)))


_ROWS = 1024  # that are added up in the arrays' own type
_FEWEST = 8  # channels: with fewer, each row's loop costs more than its numbers
_SAMPLE = 64  # pixels, whose means are near enough to all means that squares lose no digits
_LONG = 128  # numbers of a row at least


def batch_norm(x: ndarray, scale: Any, offset: Any, epsilon: float, plan: Any) -> Any:
    """The result, and per channel: mean, variance and 1 / √(variance + epsilon)."""
    if plan.positions > 1 or plan.channels < _FEWEST:
        return None
    matrix, dtype, count = x.reshape(plan.samples, plan.channels), x.dtype, plan.samples
    with np.errstate(invalid="ignore", over="ignore"):
        about = matrix[:: max(1, count // _SAMPLE)].mean(axis=0, dtype=dtype)
        sums = _sums(_row_sums, matrix, about)
        if sums is None:
            return None
        away, squares = sums / count
        away += away - away  # NaN where there are infinities, as in plain kernels, wherever they stand
        mean, variance = about + away, np.maximum(squares - away * away, 0)
        positive = variance + epsilon
        inverse = np.sqrt(positive) / positive  # NaN where squares are too large for the type, not a silent 0
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
    matrix = np.ascontiguousarray(x).reshape(plan.samples, plan.channels)
    out = _scaled(matrix, np.zeros(plan.channels, x.dtype), factor.reshape(-1), shift.reshape(-1))
    return None if out is None else out.reshape(x.shape)


def _scaled(matrix: ndarray, about: Any, factor: Any, shift: Any) -> Any:
    """(matrix - about) factor + shift, and relu of it where that is to follow."""
    out, rows = np.empty(matrix.shape, matrix.dtype), [_row(v, matrix) for v in (about, factor, shift)]
    work = _scaled_rows.on(matrix.reshape(-1), *rows, out.reshape(-1), int(relu_is_wanted()))
    if work is None:
        return None
    width = rows[0].size
    run_rows(work, -(-matrix.size // width), width, matrix.size * 0.15, backwards=True, numbers=LARGE)
    relu_is_done()
    return out


def _row(values: Any, matrix: ndarray) -> Any:
    """A number per channel as a row of numbers, in which channels come again where they are few."""
    times = min(-(-_LONG // matrix.shape[1]), len(matrix) or 1)
    return np.tile(values.astype(matrix.dtype, copy=False), times)


def _sums(kernel: Any, *arrays: Any) -> Any:
    """The two sums per channel that a kernel makes, in float64; None where it doesn't take the arrays."""
    *matrices, about = arrays
    size, width = matrices[0].size, matrices[0].shape[1]
    about = _row(about, matrices[0])
    cuts = pieces(-(-size // about.size), about.size, _ROWS)
    parts = np.zeros((len(cuts), 2, about.size), matrices[0].dtype)
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
    matrix, arriving = x.reshape(shape), np.ascontiguousarray(g).reshape(shape)
    sums = _sums(_gradient_sums, arriving, matrix, mean)
    if sums is None:
        return None
    exact = inverse.astype("float64")
    d_offset, d_scale = sums[0], sums[1] * exact
    d_x = None
    if need_x:
        on_g = exact if scale is None else exact * scale
        on_x = (2 * g_variance - d_scale * exact * on_g) / count
        constant = (g_mean - d_offset * on_g) / count
        rows = [_row(np.broadcast_to(v, d_offset.shape), matrix) for v in (mean, on_g, on_x, constant)]
        d_x = np.empty(shape, dtype)
        work = _mixed_rows.on(arriving.reshape(-1), matrix.reshape(-1), *rows, d_x.reshape(-1))
        if work is None:
            return None
        width = rows[0].size
        run_rows(work, -(-x.size // width), width, x.size * 0.2, backwards=True, numbers=LARGE)
        d_x = d_x.reshape(x.shape)
    return d_x, d_scale.astype(dtype), d_offset.astype(dtype)
