"""How images split into the tiles of a Winograd convolution, and the blocks in which tiles are worked on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from eagerflow.kernels.scratch import scratch
from eagerflow.kernels.views import strided

__all__ = ["Block", "Tiling"]

TILE, REACH = 4, 6  # outputs and inputs of a tile along an axis
_SMALL_PRODUCT = 10**6  # multiply-adds up to which OpenBLAS doesn't pack its operands: a fifth faster
_MOST = 256  # tiles whose transforms still fit a cache


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

    @classmethod
    def of(cls, n: int, geometry: Any, channels: int, filters: int, packs: int = 1) -> Tiling:
        """For products of so many channels and filters, of which each tile has `packs`.

        Blocks depend on the shapes alone: so do the sums, whatever the number of threads.
        """
        rows, cols = (-(-o // TILE) for o in geometry.outputs)
        room = _SMALL_PRODUCT // (channels * filters)
        most = _MOST if packs == 1 else _MOST // 2
        room = min(most, room if room >= 48 else most)
        whole = rows * cols <= room
        images = max(1, min(n, room // (rows * cols))) if whole else 1
        band = rows if whole else max(1, room // cols)
        return cls(n, geometry.lengths, geometry.outputs, geometry.before, rows, cols, images, band)

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

    def canvas(self, x: Any, block: Block) -> Any:
        """The block's inputs, (images, 4 rows + 2, 4 cols + 2, channels), with zeros around the image."""
        (n, rows, cols), (left, width) = self.shape(block), (self.before[1], self.lengths[1])
        top = TILE * block.first - self.before[0]
        height, full = TILE * rows + REACH - TILE, TILE * cols + REACH - TILE
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

    def cells(self, out: Any, block: Block) -> tuple[Any, Any]:
        """Where the block's outputs go, cut into (images, rows, cols, 4, 4, filters).

        With it None where that is `out` itself; else scratch, for `crop` to take what lies inside the image.
        """
        n, rows, cols = self.shape(block)
        place = self.rows_of(out, block)
        if _is_covered(place, rows, cols):
            return cut(place, rows, cols), None
        place = scratch("winograd cells", (n, TILE * rows, TILE * cols, out.shape[-1]), out.dtype)
        return cut(place, rows, cols), place

    def crop(self, place: Any, out: Any, block: Block) -> None:
        """Copy what lies inside the image from the scratch of `cells`."""
        target = self.rows_of(out, block)
        target[...] = place[:, : target.shape[1], : target.shape[2]]

    def filled_cells(self, g: Any, block: Block) -> Any:
        """The block's gradients, cut as `cells`, with zeros beyond the edge."""
        n, rows, cols = self.shape(block)
        given = self.rows_of(g, block)
        if _is_covered(given, rows, cols):
            return cut(given, rows, cols)
        place = scratch("winograd cells", (n, TILE * rows, TILE * cols, g.shape[-1]), g.dtype)
        height, width = given.shape[1:3]
        place[:, :height, :width] = given
        place[:, height:] = 0
        place[:, :height, width:] = 0
        return cut(place, rows, cols)

    def uncovered(self, dx: Any, block: Block) -> tuple[Any, Any]:
        """Where tiles of whole images are put together: dx itself, or scratch and which part of it is dx's."""
        n, rows, cols = self.shape(block)
        shape = (n, TILE * rows + REACH - TILE, TILE * cols + REACH - TILE, dx.shape[-1])
        if dx[block.images].shape == shape:
            return dx[block.images], None
        edges = [slice(before, before + length) for before, length in zip(self.before, self.lengths)]
        return scratch("winograd canvas", shape, dx.dtype), (slice(None), *edges)

    def rows_of(self, a: Any, block: Block) -> Any:
        """The block's part of an array like the output."""
        return a[block.images, TILE * block.first : TILE * (block.first + block.rows)]


def _is_covered(place: Any, rows: int, cols: int) -> bool:
    """Whether tiles cover it exactly, and it can be given to BLAS."""
    return place.shape[1:3] == (TILE * rows, TILE * cols) and place.strides[-1] == place.itemsize


def cut(a: Any, rows: int, cols: int) -> Any:
    """View of (images, 4 rows, 4 cols, channels) as (images, rows, cols, 4, 4, channels)."""
    s0, s1, s2, s3 = a.strides
    shape = (a.shape[0], rows, cols, TILE, TILE, a.shape[-1])
    return strided(a, shape, (s0, TILE * s1, TILE * s2, s1, s2, s3))
