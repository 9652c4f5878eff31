"""Some rows and columns of a product of matrices, as tiles whose sums stay in the processor's registers."""

from __future__ import annotations

from typing import Any

from eagerflow.compiled.intrinsics import NINE_ROWS, ROWS_8, ROWS_16, ROWS_32, tile, tile_of_threes
from eagerflow.compiled.jit import helper

__all__ = ["nine_rows", "tiles"]


@helper
def _fitting(columns: Any, most: Any) -> Any:
    """The rows of the largest tile of these columns that has at most `most` rows."""
    if columns == 8 and most > 1:
        return most - most % 2
    return 2 if most == 3 else most


@helper
def tiles(
    columns: Any, count: Any, lanes: Any, out: Any, room: Any, x: Any, weights: Any, places: Any, sums: Any
) -> None:
    """`count` rows of 32, 16 or 8 columns, in few tiles of nearly the same size; of the columns `lanes` are wanted.

    There is `room` for a tile of which some aren't. For the other arguments see `tile`.
    """
    most, (at, below, looks, start) = ROWS_32 if columns == 32 else ROWS_16 if columns == 16 else ROWS_8, places
    row = 0
    while row < count:
        taken, target, to, step = -(-(count - row) // -(-(count - row) // most)), out, at + row * below, below
        if lanes < columns:
            target, to, step = room, 0, columns
        taken = _fitting(columns, taken)
        tile(taken, columns, target, x, weights, (to, step, looks + row * sums[1], start), sums)
        if lanes < columns:
            for r in range(taken):
                for lane in range(lanes):
                    out[at + (row + r) * below + lane] = room[r * columns + lane]
        row += taken


@helper
def nine_rows(columns: Any, out: Any, x: Any, weights: Any, places: Any, sums: Any) -> None:
    """Nine rows of 8, 16 or 32 columns, in threes: what a kernel of 3×3 sees of a single channel."""
    wide, (at, below, looks, start) = NINE_ROWS if columns != 8 else 8, places
    for column in range(0, columns, wide):
        tile_of_threes(9, wide, out, x, weights, (at + column, below, looks, start + column), sums)
