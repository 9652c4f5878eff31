"""Depthwise convolution of stride 1 with few multiplications: Winograd's minimal filtering along the rows' axis.

A band of eight rows of the input gives `9 - size` rows of the output for a kernel of `size` rows, with eight
multiplications for each of its columns: F(4, 5) needs 2 per output and column instead of 5. The transforms are products
of small matrices with whole rows of the images, where they lie; what is left is a sum over the kernel's columns, one
`einsum` on long runs.

The points, infinity among them, were searched for; errors are about four times those of the plain sum, 4e-7 of the
outputs' size on average in float32. A number far larger than the others would spoil its band: images with such numbers
are left to the plain way (see `steady.py`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy

from eagerflow.kernels.geometry import Geometry
from eagerflow.kernels.parts import at_once
from eagerflow.kernels.runs import PER_MICROSECOND
from eagerflow.kernels.scratch import scratch
from eagerflow.kernels.threads import each, one_blas_thread
from eagerflow.kernels.views import strided

__all__ = ["forward", "suits"]

_ROWS = 8  # of the input, transformed together
_LEAST_SIZE = 5  # rows of the kernel; with fewer, bands give more rows, and more digits are lost
_BLOCK = 1 << 19  # numbers of a block's transformed inputs
_WEIGHTS = 1 << 17  # numbers of the transformed kernel, repeated along a run

_AS_PRODUCTS = 5  # multiply-adds of BLAS that take as long as one of einsum
_POINTS = (0, 7 / 16, -7 / 16, 9 / 8, -9 / 8, 2, -2)


def _powers(count: int) -> Any:
    """(8, count): the powers of the points; at infinity the highest alone."""
    powers = numpy.vander(_POINTS, count, increasing=True)
    return numpy.vstack([powers, numpy.eye(count)[-1]])


_INPUT = numpy.linalg.inv(_powers(_ROWS)).T
_SCALES = 2.0 ** numpy.round(
    numpy.log2(abs(_INPUT).sum(axis=1)) / 2
)  # from the input's transform to the kernel's
INPUT = numpy.ascontiguousarray((_INPUT / _SCALES[:, None]).astype("float32"))


class _Block(NamedTuple):
    """Some images and bands of them."""

    images: slice
    first: int  # band
    last: int  # the one behind


class _Plan(NamedTuple):
    """How the work is cut, by the shapes alone."""

    geometry: Geometry
    channels: int
    given: int  # rows of the output from a band
    blocks: list[_Block]
    run: int  # numbers that einsum takes at a time

    @classmethod
    def of(cls, x: Any, geometry: Geometry) -> _Plan:
        """For x (batch, rows, columns, channels)."""
        channels, given = x.shape[-1], _ROWS + 1 - geometry.sizes[0]
        bands = -(-geometry.outputs[0] // given)
        room = max(1, _BLOCK // (_ROWS * geometry.padded[1] * channels))
        work = _ROWS * bands * len(x) * geometry.sizes[1] * geometry.outputs[1] * channels / PER_MICROSECOND
        images, some = at_once(len(x), room // bands, work), min(bands, room)
        blocks = [
            _Block(slice(i, min(len(x), i + images)), j, min(bands, j + some))
            for i in range(0, len(x), images)
            for j in range(0, bands, some)
        ]
        columns = max(1, min(geometry.outputs[1], _WEIGHTS // (_ROWS * geometry.sizes[1] * channels)))
        return cls(geometry, channels, given, blocks, columns * channels)

    def weights(self, kernel: Any) -> Any:
        """(rows, columns, channels), transformed and repeated along a run: (8, columns, run)."""
        powers = (_powers(len(kernel)) * _SCALES[:, None]).astype(kernel.dtype)
        with one_blas_thread:
            found = powers @ kernel.reshape(len(kernel), -1)
        found = found.reshape(_ROWS, -1, 1, self.channels)
        return numpy.repeat(found, self.run // self.channels, axis=2).reshape(_ROWS, -1, self.run)

    def transformed(self, x: Any, block: _Block) -> Any:
        """The block's bands, transformed, with zeros beside the image: (images, bands, 8, padded row)."""
        x = x[block.images]
        left, width = (n[1] * self.channels for n in (self.geometry.before, self.geometry.lengths))
        shape = (len(x), block.last - block.first, _ROWS, self.geometry.padded[1] * self.channels)
        values = scratch("filtering x", shape, x.dtype)
        values[..., :left] = 0
        values[..., left + width :] = 0
        inner = values[..., left : left + width]
        first, last = self._inside()
        first, last = max(first, block.first), min(last, block.last)
        if first < last:
            s0, s1, _, s3 = x.strides
            start = first * self.given - self.geometry.before[0]
            bands = strided(x, (len(x), last - first, _ROWS, width), (s0, self.given * s1, s1, s3), 0, start)
            numpy.matmul(INPUT, bands, out=inner[:, first - block.first : last - block.first])
        for band in range(block.first, block.last):
            if not first <= band < last:
                self._at_edge(x, band, inner[:, band - block.first])
        return values

    def _inside(self) -> tuple[int, int]:
        """The first band that lies inside the image, and the one behind the last."""
        before, rows = self.geometry.before[0], self.geometry.lengths[0]
        return -(-before // self.given), (rows + before - _ROWS) // self.given + 1

    def _at_edge(self, x: Any, band: int, out: Any) -> None:
        """A band of which only some rows lie inside."""
        start = band * self.given - self.geometry.before[0]
        low, high = max(0, start), max(0, min(x.shape[1], start + _ROWS))
        if low < high:
            rows = x[:, low:high].reshape(len(x), high - low, -1)
            numpy.matmul(INPUT[:, low - start : high - start], rows, out=out)
        else:
            out[...] = 0

    def multiplied(self, values: Any, weights: Any) -> Any:
        """The sums over the kernel's columns: (images, bands, 8, columns * channels)."""
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

    def put(self, sums: Any, back: Any, out: Any, block: _Block) -> None:
        """Transform the sums back, into the block's part of `out`."""
        target = out[block.images, block.first * self.given : block.last * self.given]
        shape = (*sums.shape[:2], self.given, sums.shape[-1])
        if target.shape[1] == shape[1] * self.given:
            numpy.matmul(back, sums, out=target.reshape(shape))
            return
        rows = numpy.matmul(back, sums, out=scratch("filtering y", shape, out.dtype))
        target[...] = rows.reshape(len(rows), -1, *target.shape[2:])[:, : target.shape[1]]


def suits(x: Any, geometry: Geometry) -> bool:
    """Whether this is the faster way."""
    if len(geometry.sizes) != 2 or geometry.strides != (1, 1) or geometry.dilation[0] != 1:
        return False
    if x.dtype != numpy.float32 or not _LEAST_SIZE <= geometry.sizes[0] < _ROWS:
        return False
    size, columns = geometry.sizes
    given, rows = _ROWS + 1 - size, geometry.outputs[0]
    ours = -(-rows // given) * (_ROWS * columns + (_ROWS * _ROWS + _ROWS * given) / _AS_PRODUCTS)
    return ours < 0.8 * rows * size * columns


def forward(x: Any, kernel: Any, geometry: Geometry) -> Any:
    """x (batch, rows, columns, channels), kernel (*sizes, channels) -> (batch, *outputs, channels)."""
    x = numpy.ascontiguousarray(x)
    plan = _Plan.of(x, geometry)
    out = numpy.empty((len(x), *geometry.outputs, plan.channels), x.dtype)
    weights, back = plan.weights(kernel), _powers(plan.given).T.astype(x.dtype)

    def work(i: int) -> None:
        block = plan.blocks[i]
        plan.put(plan.multiplied(plan.transformed(x, block), weights), back, out, block)

    with numpy.errstate(invalid="ignore", over="ignore"):  # of infinities: the transforms subtract
        each(work, len(plan.blocks), _ROWS * out.size * geometry.sizes[1] / plan.given / PER_MICROSECOND)
    return out
