"""Group normalization of NumPy arrays (samples, positions, channels), sample by sample.

A sample's sums per channel are products with ones; groups of channels are made of them. Factors and shifts are one
number per channel again, so that each way takes two passes over the sample while it is in the cache.
"""

from __future__ import annotations

from typing import Any

import numpy
from numpy import add, multiply, subtract

from eagerflow.kernels.moments import far_from_zero
from eagerflow.kernels.threads import each, scratch

__all__ = ["group_norm", "group_norm_gradient"]

_WIDE = 1024  # numbers in a row from which broadcasting along rows is nearly free
_PER_MICROSECOND = 1000.0  # numbers of one thread, roughly


def _folds(positions: int, channels: int) -> int:
    """How many positions are seen as one row, so that rows are wide."""
    folds = 1
    while positions % (2 * folds) == 0 and folds * channels < _WIDE:
        folds *= 2
    return folds


def _rows(a: Any, folds: int) -> Any:
    """A sample (positions, channels) as wide rows."""
    return a.reshape(len(a) // folds, -1)


def _wide(vector: Any, folds: int, dtype: Any) -> Any:
    return numpy.tile(vector.astype(dtype), folds)


def _of_groups(sums: Any, groups: int) -> Any:
    """Sums per channel as sums per group."""
    return sums.reshape(groups, -1).sum(axis=1)


def group_norm(x: Any, gamma: Any, beta: Any, groups: int, epsilon: float) -> tuple[Any, Any, Any]:
    """The result, and per sample and group the mean and 1 / √(variance + epsilon), in float64."""
    samples, positions, channels = x.shape
    size = channels // groups
    out = numpy.empty(x.shape, x.dtype)
    mean, inverse = numpy.empty((samples, groups)), numpy.empty((samples, groups))
    one, folds, count = numpy.ones(positions, x.dtype), _folds(positions, channels), positions * size

    def run(n: int) -> None:
        a, o = x[n], out[n]
        t = scratch("group", a.shape, x.dtype)
        sums = (one @ a).astype("float64")
        mean[n] = _of_groups(sums, groups) / count
        variance = _of_groups(one @ multiply(a, a, out=t), groups) / count - mean[n] ** 2
        about = None
        if far_from_zero(mean[n], variance):
            about = numpy.repeat(mean[n], size)
            subtract(_rows(a, folds), _wide(about, folds, x.dtype), out=_rows(t, folds))
            moved = (one @ t).astype("float64")
            variance = _of_groups(one @ multiply(t, t, out=o), groups) / count
            variance -= (_of_groups(moved, groups) / count) ** 2
            a = t
        inverse[n] = 1 / numpy.sqrt(numpy.maximum(variance, 0) + epsilon)
        factor = numpy.repeat(inverse[n], size) * (1 if gamma is None else gamma)
        shift = numpy.zeros(channels) if beta is None else beta
        shift = shift if about is not None else shift - numpy.repeat(mean[n], size) * factor
        multiply(_rows(a, folds), _wide(factor, folds, x.dtype), out=_rows(o, folds))
        add(_rows(o, folds), _wide(shift, folds, x.dtype), out=_rows(o, folds))

    each(run, samples, x.size / _PER_MICROSECOND)
    return out, mean, inverse


def group_norm_gradient(
    g: Any, x: Any, gamma: Any, mean: Any, inverse: Any, groups: int
) -> tuple[Any, Any, Any]:
    """The gradients of x, gamma and beta (channels,).

    Per channel, that of x is a weighted sum of g, of x's distance from the mean, and of 1.
    """
    samples, positions, channels = x.shape
    size = channels // groups
    out = numpy.empty(x.shape, x.dtype)
    sums = numpy.empty((2, samples, channels))
    one, folds, count = numpy.ones(positions, x.dtype), _folds(positions, channels), positions * size
    weight = numpy.ones(channels) if gamma is None else gamma.astype("float64")

    def run(n: int) -> None:
        a, d, o = x[n], g[n], out[n]
        t = scratch("group", a.shape, x.dtype)
        centre, scale = numpy.repeat(mean[n], size), numpy.repeat(inverse[n], size)
        subtract(_rows(a, folds), _wide(centre, folds, x.dtype), out=_rows(t, folds))
        sums[0, n] = one @ d
        sums[1, n] = (one @ multiply(t, d, out=o)) * scale
        on_1, on_x = (numpy.repeat(_of_groups(s[n] * weight, groups) / -count, size) * scale for s in sums)
        multiply(_rows(t, folds), _wide(on_x * scale, folds, x.dtype), out=_rows(t, folds))
        add(_rows(t, folds), _wide(on_1, folds, x.dtype), out=_rows(t, folds))
        multiply(_rows(d, folds), _wide(scale * weight, folds, x.dtype), out=_rows(o, folds))
        add(o, t, out=o)

    each(run, samples, 2 * x.size / _PER_MICROSECOND)
    d_beta, d_gamma = sums.sum(axis=1).astype(x.dtype)
    return out, d_gamma, d_beta
