"""Depthwise convolution of stride 1 with few multiplications: Winograd's minimal filtering along the rows' axis.

A band of seven rows of the input gives three rows of the output for a kernel of five, with seven multiplications for
each of its columns: F(3, 5) needs 2 1/3 per output and column instead of 5. Bands of eight rows would need 2, and lose
half a digit more. Of kernels of seven rows the first three and the other four are filtered side by side, as F(4, 3) and
F(4, 4): a band of ten rows gives four with 13 multiplications, fewer than F(2, 7) needs, and with three fifths of its
error. The transforms are products of small matrices with whole rows of the images, where they lie; what is left is
a sum over the kernel's columns, one `einsum` on long runs.

The points, infinity among them, were searched for; errors are about three times those of the plain sum, 2.5e-7 of the
outputs' size on average in float32. A number far larger than the others would spoil its band: images with such numbers
are left to the plain way (see `outliers.py`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy
from numpy import ndarray

from eagerflow.kernels.convolution.outliers import Look
from eagerflow.kernels.machine.costs import Filtering
from eagerflow.kernels.machine.parts import at_once
from eagerflow.kernels.machine.scratch import scratch
from eagerflow.kernels.machine.speeds import speeds
from eagerflow.kernels.machine.threads import each, one_blas_thread
from eagerflow.kernels.machine.views import strided
from eagerflow.ops.windows.geometry import Geometry

__all__ = ["forward", "suits"]


class _Filter(NamedTuple):
    """The matrices for kernels of a number of rows: outputs are back @ ((weight @ taps) * (input @ inputs)).

    Attributes:
        input: (products, rows of the input that are transformed together).
        weight: (products, size), float64.
        back: (rows of the output that come of them, products).
    """

    input: Any
    weight: Any
    back: Any

    @property
    def rows(self) -> int:
        """Of the input, transformed together."""
        return int(self.input.shape[1])

    @property
    def products(self) -> int:
        """Rows of transformed inputs, each multiplied with one of the transformed kernel."""
        return len(self.input)

    @property
    def given(self) -> int:
        """Rows of the output that come of them."""
        return len(self.back)


def _filter(size: int, points: tuple[float, ...]) -> _Filter:
    rows = len(points) + 1

    def powers(count: int) -> Any:  # at infinity the highest alone
        return numpy.vstack([numpy.vander(points, count, increasing=True), numpy.eye(count)[-1]])

    matrix = numpy.linalg.inv(powers(rows)).T
    scales = 2.0 ** numpy.round(numpy.log2(abs(matrix).sum(axis=1)) / 2)  # from the input's to the kernel's
    scaled, back = (
        numpy.ascontiguousarray(m, "float32") for m in (matrix / scales[:, None], powers(rows + 1 - size).T)
    )
    return _Filter(scaled, powers(size) * scales[:, None], back)


def _side_by_side(first: _Filter, second: _Filter) -> _Filter:
    """For the rows of two kernels, one below the other; both give as many rows."""
    size = first.weight.shape[1]
    matrix = numpy.zeros((first.products + second.products, size + second.rows), "float32")
    matrix[: first.products, : first.rows] = first.input
    matrix[first.products :, size:] = second.input
    weight = numpy.zeros((len(matrix), size + second.weight.shape[1]))
    weight[: first.products, :size] = first.weight
    weight[first.products :, size:] = second.weight
    return _Filter(matrix, weight, numpy.hstack([first.back, second.back]))


_FILTERS = {
    5: _filter(5, (5 / 16, -5 / 16, 13 / 16, -13 / 16, 13 / 8, -13 / 8)),
    6: _filter(6, (0, 1 / 2, -1 / 2, 1, -1, 2, -2)),
    7: _side_by_side(
        _filter(3, (0, 5 / 8, -5 / 8, 3 / 2, -3 / 2)), _filter(4, (5 / 16, -5 / 16, 7 / 8, -7 / 8, 7 / 4, -7 / 4))
    ),
}


class _Block(NamedTuple):
    """Some images and bands of them."""

    images: slice
    first: int  # band
    last: int  # the one behind


class _Plan(NamedTuple):
    """How the work is cut, by the shapes alone."""

    geometry: Geometry
    channels: int
    filter: _Filter
    blocks: list[_Block]
    run: int  # numbers that einsum takes at a time

    @classmethod
    def of(cls, x: ndarray, geometry: Geometry) -> _Plan:
        """For x (batch, rows, columns, channels)."""
        channels, chosen = x.shape[-1], _FILTERS[geometry.sizes[0]]
        bands = -(-geometry.outputs[0] // chosen.given)
        room = max(1, Filtering.BLOCK // (chosen.products * geometry.padded[1] * channels))
        work = chosen.products * bands * len(x) * geometry.sizes[1] * geometry.outputs[1] * channels / speeds().einsum
        images, some = at_once(len(x), room // bands, work), min(bands, room)
        blocks = [
            _Block(slice(i, min(len(x), i + images)), j, min(bands, j + some))
            for i in range(0, len(x), images)
            for j in range(0, bands, some)
        ]
        columns = max(
            1, min(geometry.outputs[1], Filtering.WEIGHTS // (chosen.products * geometry.sizes[1] * channels))
        )
        return cls(geometry, channels, chosen, blocks, columns * channels)

    def weights(self, kernel: ndarray) -> Any:
        """(rows, columns, channels), transformed and repeated along a run: (frequencies, columns, run)."""
        with one_blas_thread:
            found = (self.filter.weight @ kernel.reshape(len(kernel), -1)).astype(kernel.dtype)
        found = found.reshape(len(found), -1, 1, self.channels)
        return numpy.repeat(found, self.run // self.channels, axis=2).reshape(len(found), -1, self.run)

    def transformed(self, x: ndarray, block: _Block) -> Any:
        """The block's bands, transformed, with zeros around the image: (images, bands, frequencies, padded row)."""
        x = x[block.images]
        left, width = (n[1] * self.channels for n in (self.geometry.before, self.geometry.lengths))
        width_in_all = self.geometry.padded[1] * self.channels
        shape = (len(x), block.last - block.first, self.filter.products, width_in_all)
        values = scratch("filtering x", shape, x.dtype)
        values[..., :left] = 0
        values[..., left + width :] = 0
        inner = values[..., left : left + width]
        first, last = self._inside()
        first, last = max(first, block.first), min(last, block.last)
        if first < last:
            s0, s1, _, s3 = x.strides
            start = first * self.filter.given - self.geometry.before[0]
            shape, step = (len(x), last - first, self.filter.rows, width), self.filter.given * s1
            bands = strided(x, shape, (s0, step, s1, s3), 0, start)
            numpy.matmul(self.filter.input, bands, out=inner[:, first - block.first : last - block.first])
        for band in range(block.first, block.last):
            if not first <= band < last:
                self._at_edge(x, band, inner[:, band - block.first])
        return values

    def _inside(self) -> tuple[int, int]:
        """The first band that lies inside the image, and the one behind the last."""
        before, rows, given = self.geometry.before[0], self.geometry.lengths[0], self.filter.given
        return -(-before // given), (rows + before - self.filter.rows) // given + 1

    def _at_edge(self, x: ndarray, band: int, out: ndarray) -> None:
        """A band of which only some rows lie inside."""
        start = band * self.filter.given - self.geometry.before[0]
        low, high = max(0, start), max(0, min(x.shape[1], start + self.filter.rows))
        if low < high:
            rows = x[:, low:high].reshape(len(x), high - low, -1)
            numpy.matmul(self.filter.input[:, low - start : high - start], rows, out=out)
        else:
            out[...] = 0

    def multiplied(self, values: ndarray, weights: ndarray) -> Any:
        """The sums over the kernel's columns: (images, bands, frequencies, columns * channels)."""
        shape, (s0, s1, s2, s3) = values.shape[:3], values.strides
        sums = scratch("filtering sums", (*shape, self.geometry.outputs[1] * self.channels), values.dtype)
        step = self.geometry.dilation[1] * self.channels * s3
        for start in range(0, sums.shape[-1], self.run):
            target = sums[..., start : start + self.run]
            length = target.shape[-1]
            met = (*shape, weights.shape[1], length)
            windows = strided(values, met, (s0, s1, s2, step, s3), 0, 0, 0, start)
            numpy.einsum("nbfkl,fkl->nbfl", windows, weights[..., :length], out=target)
        return sums

    def put(self, sums: ndarray, out: ndarray, block: _Block) -> None:
        """Transform the sums back, into the block's part of `out`."""
        given, back = self.filter.given, self.filter.back
        target = out[block.images, block.first * given : block.last * given]
        shape = (*sums.shape[:2], given, sums.shape[-1])
        if target.shape[1] == shape[1] * given:
            numpy.matmul(back, sums, out=target.reshape(shape))
            return
        rows = numpy.matmul(back, sums, out=scratch("filtering y", shape, out.dtype))
        target[...] = rows.reshape(len(rows), -1, *target.shape[2:])[:, : target.shape[1]]


def suits(x: ndarray, geometry: Geometry) -> bool:
    """Whether this is the faster way."""
    if len(geometry.sizes) != 2 or geometry.strides != (1, 1) or geometry.dilation[0] != 1:
        return False
    if x.dtype != numpy.float32 or geometry.sizes[0] not in _FILTERS:
        return False
    if geometry.lengths[0] <= geometry.sizes[0]:  # sums of few rows, compared with which errors are large
        return False
    size, columns = geometry.sizes
    chosen, rows = _FILTERS[size], geometry.outputs[0]
    transforms = (chosen.rows + chosen.given) * speeds().einsum / (Filtering.OF_PRODUCTS * speeds().products)
    ours = -(-rows // chosen.given) * chosen.products * (columns + transforms)
    return ours < Filtering.PAYS * rows * size * columns


def forward(x: ndarray, kernel: ndarray, geometry: Geometry, look: Look | None = None) -> Any:
    """x (batch, rows, columns, channels), kernel (*sizes, channels) -> (batch, *outputs, channels), looked at."""
    x = numpy.ascontiguousarray(x)
    plan = _Plan.of(x, geometry)
    out = numpy.empty((len(x), *geometry.outputs, plan.channels), x.dtype)
    weights = plan.weights(kernel)

    def work(i: int) -> None:
        block = plan.blocks[i]
        plan.put(plan.multiplied(plan.transformed(x, block), weights), out, block)
        if look is not None:
            rows = slice(block.first * plan.filter.given, min(out.shape[1], block.last * plan.filter.given))
            look.take(out, block.images, rows)

    with numpy.errstate(invalid="ignore", over="ignore"):  # of infinities: the transforms subtract
        work_per_row = plan.filter.products * geometry.sizes[1] / plan.filter.given
        each(work, len(plan.blocks), work_per_row * out.size / speeds().einsum)
    return out
