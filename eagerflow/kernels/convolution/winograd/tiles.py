"""How images split into the tiles of a Winograd convolution, and the blocks in which tiles are worked on.

A tile has `tile` outputs along an axis, and sees two more inputs: its `reach`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from numpy import ndarray

from eagerflow.kernels.convolution.winograd.minimal import tile_for
from eagerflow.kernels.machine.costs import Products, Winograd
from eagerflow.kernels.machine.scratch import scratch
from eagerflow.kernels.machine.views import strided
from eagerflow.kernels.matrices.pieces import pieces

__all__ = ["Block", "Tiling"]

_TAPS = 3  # of the kernel along an axis
# Channels that are added up in one go, else in pieces of this size: with more, rounding exceeds four times that of
# PyTorch's sums. Of small images the zeros around them are a larger part, compared with which errors are larger.
_AT_ONCE, _PIECE = 64, 48
_FEW_TILES, _PIECE_OF_FEW, _PIECE_OF_ONE = 9, 32, 24
# With fewer tiles to an image than these, 49 to 64 channels exceed it by a twentieth: for the first third of the
# frequencies, which make the largest part of the error (37 %), they are added up in pieces.
_MANY_TILES, _NOISY = 64, 12
_LARGE_TILE = 4  # outputs along an axis; smaller ones are more exact


class Block(NamedTuple):
    """Some whole images or, of a large image, a band of rows of tiles."""

    images: slice
    first: int  # row of tiles
    rows: int  # how many


class Tiling(NamedTuple):
    """The tiles of a batch: `rows` by `cols` on each image, the last of them may reach over the edge."""

    n: int
    lengths: tuple[int, ...]  # of the inputs
    outputs: tuple[int, ...]
    before: tuple[int, ...]  # padding in front
    rows: int
    cols: int
    images: int  # per block
    band: int  # rows of tiles per block
    tile: int  # outputs of a tile along an axis

    @property
    def reach(self) -> int:
        """Inputs of a tile along an axis."""
        return self.tile + _TAPS - 1

    @property
    def numbers(self) -> int:
        """Of a transformed tile."""
        return self.reach * self.reach

    @classmethod
    def of(cls, n: int, geometry: Any, channels: int, filters: int, packs: int = 1, tile: int = 0) -> Tiling:
        """For products of these numbers of channels and filters, of which each tile has `packs`.

        Blocks depend on the shapes alone: so do the sums, whatever the number of threads. The `tile` is what suits the
        lengths, if none is given.
        """
        tile = tile or tile_for(geometry.outputs)
        rows, cols = (-(-o // tile) for o in geometry.outputs)
        room = Products.SMALL // (channels * filters)
        most = Winograd.MOST_TILES if packs == 1 else Winograd.MOST_TILES // 2
        room = min(most, room if room >= Products.LEAST_ROWS else most)
        whole = rows * cols <= room
        images = max(1, min(n, room // (rows * cols))) if whole else 1
        band = rows if whole else max(1, room // cols)
        return cls(n, geometry.lengths, geometry.outputs, geometry.before, rows, cols, images, band, tile)

    def parts(self, channels: int, at_once: int = 0) -> list[slice]:
        """Of the channels, those that are added up in one go: `at_once`, if given, or less where they are more."""
        tiles, most = self.rows * self.cols, at_once or _AT_ONCE
        if tiles == 1:
            return pieces(channels, _PIECE_OF_ONE)
        if tiles <= _FEW_TILES and self.tile == _LARGE_TILE and not at_once:
            return pieces(channels, _PIECE_OF_FEW)
        return pieces(channels, most if channels <= most else _PIECE)

    def noisy(self, channels: int) -> tuple[int, list[slice]]:
        """How many frequencies need more parts of a number of channels than `parts`, and those."""
        few = self.tile == _LARGE_TILE and 1 < self.rows * self.cols < _MANY_TILES
        finer = pieces(channels, _PIECE)
        return (_NOISY if few and len(finer) > len(self.parts(channels)) else 0), finer

    def blocks(self) -> list[Block]:
        """All blocks, in order."""
        return list(self._blocks())

    def _blocks(self) -> Iterator[Block]:
        for start in range(0, self.n, self.images):
            images = slice(start, min(self.n, start + self.images))
            for first in range(0, self.rows, self.band):
                yield Block(images, first, min(self.band, self.rows - first))

    def shape(self, block: Block) -> tuple[int, int, int]:
        """Images, rows and columns of tiles in a block."""
        return block.images.stop - block.images.start, block.rows, self.cols

    def canvas(self, x: ndarray, block: Block) -> Any:
        """The block's inputs, (images, tile * rows + 2, tile * cols + 2, channels), with zeros around the image."""
        (n, rows, cols), (left, width) = self.shape(block), (self.before[1], self.lengths[1])
        top = self.tile * block.first - self.before[0]
        height, full = (self.tile * count + _TAPS - 1 for count in (rows, cols))
        inside = slice(max(0, top), min(self.lengths[0], top + height))
        x = x[block.images, inside]
        if x.shape[1] == height and not left and full <= width and x.strides[-1] == x.itemsize:
            return x[:, :, :full]
        width = min(width, full - left)
        canvas = scratch("winograd canvas", (n, height, full, x.shape[-1]), x.dtype)
        lines = slice(inside.start - top, inside.stop - top)
        canvas[:, : lines.start] = 0
        canvas[:, lines.stop :] = 0
        canvas[:, lines, :left] = 0
        canvas[:, lines, left + width :] = 0
        canvas[:, lines, left : left + width] = x[:, :, :width]
        return canvas

    def filled_cells(self, g: ndarray, block: Block) -> Any:
        """The block's gradients, cut into (images, rows, cols, tile, tile, filters), with zeros beyond the edge.

        A copy, but of all gradients there are: many small pieces that aren't in the cache are read slowly.
        """
        n, rows, cols = self.shape(block)
        given = self.rows_of(g, block)
        if given.shape == g.shape and self._covers(given):
            return self._cut(given, rows)
        place = scratch("winograd y", (n, self.tile * rows, self.tile * cols, g.shape[-1]), g.dtype)
        height, width = given.shape[1:3]
        place[:, :height, :width] = given
        place[:, height:] = 0
        place[:, :height, width:] = 0
        return self._cut(place, rows)

    def uncovered(self, dx: ndarray, block: Block) -> tuple[Any, Any]:
        """Where tiles of whole images are put together: dx itself, or scratch and which part of it is dx's."""
        n, rows, cols = self.shape(block)
        shape = (n, *[self.tile * count + _TAPS - 1 for count in (rows, cols)], dx.shape[-1])
        if dx[block.images].shape == shape:
            return dx[block.images], None
        edges = [slice(before, before + length) for before, length in zip(self.before, self.lengths)]
        return scratch("winograd canvas", shape, dx.dtype), (slice(None), *edges)

    def rows_of(self, a: ndarray, block: Block) -> Any:
        """The block's part of an array like the output."""
        return a[block.images, self.rows_in(block)]

    def rows_in(self, block: Block) -> slice:
        """The rows of the output that are the block's."""
        return slice(self.tile * block.first, min(self.outputs[0], self.tile * (block.first + block.rows)))

    def _covers(self, place: Any) -> bool:
        """Whether the tiles of whole images cover it exactly, and it can be given to BLAS."""
        shape = (self.tile * self.rows, self.tile * self.cols)
        return place.shape[1:3] == shape and place.strides[-1] == place.itemsize

    def _cut(self, a: ndarray, rows: int) -> Any:
        """View of (images, tile * rows, tile * cols, channels) as (images, rows, cols, tile, tile, channels)."""
        s0, s1, s2, s3 = a.strides
        shape = (a.shape[0], rows, self.cols, self.tile, self.tile, a.shape[-1])
        return strided(a, shape, (s0, self.tile * s1, self.tile * s2, s1, s2, s3))
