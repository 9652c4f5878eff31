"""Group normalization of NumPy arrays (samples, positions, channels), some samples at a time.

A sample's sums per channel are products with ones; groups of channels are made of them. Factors and shifts are one
number per sample and channel again: each way takes two passes over some samples. Several positions are seen as one
long row, along which broadcasting is nearly free.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
from numpy import add, multiply, ndarray, subtract

from eagerflow.kernels.machine.costs import GroupNorm
from eagerflow.kernels.machine.threads import each, scratch
from eagerflow.kernels.reduce.moments import far_from_zero
from eagerflow.kernels.reduce.sums import sums_of_slices

__all__ = ["group_norm", "group_norm_gradient"]

_BUFFER = 8192  # numbers in NumPy's buffer


class _Samples:
    """Some samples' arrays, which see several positions as one row."""

    def __init__(self, shape: tuple[int, ...], groups: int) -> None:
        self.samples, self.positions, self.channels = shape
        self.groups, self.size = groups, self.channels // groups
        self.count = self.positions * self.size
        self.folds = 1
        while self.positions % (2 * self.folds) == 0 and 2 * self.folds * self.channels <= GroupNorm.WIDE:
            self.folds *= 2

    def each(self, function: Callable[[slice], None], nanoseconds: float) -> None:
        """Call the function for all runs of samples, shared among threads."""
        numbers = self.positions * self.channels
        step = max(1, GroupNorm.RUN // max(1, numbers))

        def run(i: int) -> None:
            width = self.folds * self.channels
            before = numpy.setbufsize(max(16, width // 16 * 16) if GroupNorm.NARROW <= width < _BUFFER else _BUFFER)
            try:
                function(slice(i * step, min(self.samples, (i + 1) * step)))
            finally:
                numpy.setbufsize(before)

        each(run, -(-self.samples // step), self.samples * numbers * nanoseconds / 1000)

    def of_groups(self, sums: ndarray) -> Any:
        """Sums per channel as sums per group, in float64."""
        return sums.reshape(len(sums), self.groups, self.size).sum(axis=2, dtype="float64")

    def of_channels(self, values: ndarray) -> Any:
        """Values per group as values per channel."""
        return numpy.repeat(values, self.size, axis=1)

    def apply(self, operation: Any, a: ndarray, values: ndarray, out: ndarray) -> Any:
        """An operation of samples with a value per sample and channel."""
        shape = (len(a), self.positions // self.folds, self.folds * self.channels)
        row = numpy.tile(values.astype(a.dtype), self.folds)[:, None]
        operation(a.reshape(shape), row, out=out.reshape(shape))
        return out


def group_norm(
    x: ndarray, gamma: ndarray | None, beta: ndarray | None, groups: int, epsilon: float
) -> tuple[Any, Any, Any]:
    """The result, and per sample and group the mean and 1 / √(variance + epsilon), in float64."""
    of = _Samples(x.shape, groups)
    out = numpy.empty(x.shape, x.dtype)
    mean, inverse = numpy.empty((2, len(x), groups))
    weight, bias = 1 if gamma is None else gamma, 0 if beta is None else beta

    def run(part: slice) -> None:
        a, o = x[part], out[part]
        t = scratch("group", a.shape, x.dtype)
        variance = of.of_groups(sums_of_slices(multiply(a, a, out=t))) / of.count
        mean[part] = m = of.of_groups(sums_of_slices(a)) / of.count
        variance -= m * m
        shift = -of.of_channels(m)
        if far_from_zero(m, variance):
            a, shift = of.apply(add, a, shift, t), numpy.zeros_like(shift)
            variance = of.of_groups(sums_of_slices(multiply(a, a, out=o))) / of.count
            variance -= (of.of_groups(sums_of_slices(a)) / of.count) ** 2
        positive = numpy.maximum(variance, 0) + epsilon
        inverse[part] = r = numpy.sqrt(positive) / positive  # NaN where squares are too large for the type
        factor = of.of_channels(r) * weight
        of.apply(multiply, a, factor, o)
        of.apply(add, o, shift * factor + bias, o)

    of.each(run, 1.0)
    return out, mean, inverse


def group_norm_gradient(
    g: ndarray, x: ndarray, gamma: ndarray | None, mean: ndarray, inverse: ndarray, groups: int
) -> tuple[Any, Any, Any]:
    """The gradients of x, gamma and beta (channels,).

    Per channel, that of x is a weighted sum of g, of x's distance from the mean, and of 1.
    """
    of = _Samples(x.shape, groups)
    out = numpy.empty(x.shape, x.dtype)
    sums = numpy.empty((2, len(x), of.channels))
    weight = 1.0 if gamma is None else gamma.astype("float64")
    far = far_from_zero(mean * inverse, 1.0)

    def run(part: slice) -> None:
        a, d, o = x[part], g[part], out[part]
        t = scratch("group", a.shape, x.dtype)
        centre, scale = of.of_channels(mean[part]), of.of_channels(inverse[part])
        if far:
            a = of.apply(subtract, a, centre, scratch("group away", a.shape, x.dtype))
            centre = numpy.zeros_like(centre)
        with_x = sums_of_slices(multiply(a, d, out=t)).astype("float64")
        sums[0, part] = of_1 = sums_of_slices(d).astype("float64")
        sums[1, part] = of_z = (with_x - centre * of_1) * scale
        on_1, on_z = (of.of_channels(of.of_groups(s * weight) / -of.count) * scale for s in (of_1, of_z))
        of.apply(multiply, d, scale * weight, o)
        add(o, of.apply(multiply, a, on_z * scale, t), out=o)
        of.apply(add, o, on_1 - on_z * scale * centre, o)

    of.each(run, 2.0)
    d_beta, d_gamma = sums.sum(axis=1).astype(x.dtype)
    return out, d_gamma, d_beta
