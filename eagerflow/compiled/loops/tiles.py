"""Some rows and columns of a product of matrices, whose sums stay in the processor's registers."""

from __future__ import annotations

from typing import Any

from eagerflow.compiled.kernel import helper

__all__ = ["nine_rows", "tile", "tile_of_threes", "tiles"]

ROWS_32, ROWS_16, ROWS_8 = 6, 8, 12  # rows of the largest tiles by their columns; compiled, what the processor has
NINE_ROWS = 8  # columns of a tile with nine rows; the same


@helper
def tile(
    rows: Any, columns: Any, out: Any, at: Any, below: Any, x: Any, looks: Any, weights: Any, start: Any, sums: Any
) -> None:
    """Sums of products of numbers of x with rows of weights, as in a convolution; all arrays are flat.

    Compiled it is a row of instructions (`intrinsics.py`).

    Args:
        rows: of the tile, a literal.
        columns: numbers in a row of weights, a literal.
        out: gets a row of sums at `at`, and the next ones that far `below`.
        at: see above.
        below: see above.
        x: the first row looks at `looks`.
        looks: see above.
        weights: begin at `start`.
        start: see above.
        sums: 1 where sums are added to what is there, else 0; how far apart from each other rows look; at how many
            lines of x, and how far the next one is; of how many groups, and how far the next one is; of how many
            numbers, and how far the next one is; how much further the weights of the next number are.
    """
    _tile(rows, columns, 1, out, at, below, x, looks, weights, start, sums)


@helper
def tile_of_threes(
    rows: Any, columns: Any, out: Any, at: Any, below: Any, x: Any, looks: Any, weights: Any, start: Any, sums: Any
) -> None:
    """The same, but three rows look at numbers side by side, and the next three that far apart from them."""
    _tile(rows, columns, 3, out, at, below, x, looks, weights, start, sums)


def _tile(
    rows: int,
    columns: int,
    beside: int,
    out: Any,
    at: int,
    below: int,
    x: Any,
    looks: int,
    weights: Any,
    start: int,
    sums: Any,
) -> None:
    more, apart, lines, down, groups, across, run, along, further = sums
    for row in range(rows):
        look = looks + row // beside * apart + row % beside
        place, found = start, [0.0] * columns
        for line in range(lines):
            for group in range(groups):
                for number in range(run):
                    value = x[look + line * down + group * across + number * along]
                    for lane in range(columns):
                        found[lane] += value * weights[place + lane]
                    place += further
        for lane in range(columns):
            target = at + row * below + lane
            out[target] = found[lane] + (out[target] if more else 0)


@helper
def tile_of_32(
    most: Any, out: Any, at: Any, below: Any, x: Any, looks: Any, weights: Any, start: Any, sums: Any
) -> Any:
    """A tile of 32 columns and up to so many rows; how many it has."""
    taken = 1
    if most >= 6:
        taken = 6
        tile(6, 32, out, at, below, x, looks, weights, start, sums)
    elif most >= 5:
        taken = 5
        tile(5, 32, out, at, below, x, looks, weights, start, sums)
    elif most >= 4:
        taken = 4
        tile(4, 32, out, at, below, x, looks, weights, start, sums)
    elif most >= 2:
        taken = 2
        tile(2, 32, out, at, below, x, looks, weights, start, sums)
    else:
        tile(1, 32, out, at, below, x, looks, weights, start, sums)
    return taken


@helper
def tile_of_16(
    most: Any, out: Any, at: Any, below: Any, x: Any, looks: Any, weights: Any, start: Any, sums: Any
) -> Any:
    """A tile of 16 columns and up to so many rows; how many it has."""
    taken = 1
    if most >= 14:
        taken = 14
        tile(14, 16, out, at, below, x, looks, weights, start, sums)
    elif most >= 13:
        taken = 13
        tile(13, 16, out, at, below, x, looks, weights, start, sums)
    elif most >= 12:
        taken = 12
        tile(12, 16, out, at, below, x, looks, weights, start, sums)
    elif most >= 11:
        taken = 11
        tile(11, 16, out, at, below, x, looks, weights, start, sums)
    elif most >= 10:
        taken = 10
        tile(10, 16, out, at, below, x, looks, weights, start, sums)
    elif most >= 9:
        taken = 9
        tile(9, 16, out, at, below, x, looks, weights, start, sums)
    elif most >= 8:
        taken = 8
        tile(8, 16, out, at, below, x, looks, weights, start, sums)
    elif most >= 7:
        taken = 7
        tile(7, 16, out, at, below, x, looks, weights, start, sums)
    elif most >= 6:
        taken = 6
        tile(6, 16, out, at, below, x, looks, weights, start, sums)
    elif most >= 5:
        taken = 5
        tile(5, 16, out, at, below, x, looks, weights, start, sums)
    elif most >= 4:
        taken = 4
        tile(4, 16, out, at, below, x, looks, weights, start, sums)
    elif most >= 2:
        taken = 2
        tile(2, 16, out, at, below, x, looks, weights, start, sums)
    else:
        tile(1, 16, out, at, below, x, looks, weights, start, sums)
    return taken


@helper
def tile_of_8(most: Any, out: Any, at: Any, below: Any, x: Any, looks: Any, weights: Any, start: Any, sums: Any) -> Any:
    """A tile of 8 columns and up to so many rows; how many it has."""
    taken = 1
    if most >= 12:
        taken = 12
        tile(12, 8, out, at, below, x, looks, weights, start, sums)
    elif most >= 10:
        taken = 10
        tile(10, 8, out, at, below, x, looks, weights, start, sums)
    elif most >= 8:
        taken = 8
        tile(8, 8, out, at, below, x, looks, weights, start, sums)
    elif most >= 6:
        taken = 6
        tile(6, 8, out, at, below, x, looks, weights, start, sums)
    elif most >= 4:
        taken = 4
        tile(4, 8, out, at, below, x, looks, weights, start, sums)
    elif most >= 2:
        taken = 2
        tile(2, 8, out, at, below, x, looks, weights, start, sums)
    else:
        tile(1, 8, out, at, below, x, looks, weights, start, sums)
    return taken


@helper
def tiles(
    columns: Any,
    count: Any,
    out: Any,
    at: Any,
    below: Any,
    lanes: Any,
    room: Any,
    x: Any,
    looks: Any,
    weights: Any,
    start: Any,
    sums: Any,
) -> None:
    """`count` rows of 32, 16 or 8 columns, in few tiles of nearly the same size; of the columns `lanes` are wanted.

    There is `room` for a tile of which some aren't.
    """
    most, apart = ROWS_32 if columns == 32 else ROWS_16 if columns == 16 else ROWS_8, sums[1]
    row = 0
    while row < count:
        taken, target, to, step = -(-(count - row) // -(-(count - row) // most)), out, at + row * below, below
        if lanes < columns:
            target, to, step = room, 0, columns
        if columns == 32:
            taken = tile_of_32(taken, target, to, step, x, looks + row * apart, weights, start, sums)
        elif columns == 16:
            taken = tile_of_16(taken, target, to, step, x, looks + row * apart, weights, start, sums)
        else:
            taken = tile_of_8(taken, target, to, step, x, looks + row * apart, weights, start, sums)
        if lanes < columns:
            for r in range(taken):
                for lane in range(lanes):
                    out[at + (row + r) * below + lane] = room[r * columns + lane]
        row += taken


@helper
def nine_rows(
    columns: Any, out: Any, at: Any, below: Any, x: Any, looks: Any, weights: Any, start: Any, sums: Any
) -> None:
    """Nine rows of so many columns, in threes: what a kernel of 3×3 sees of a single channel."""
    if NINE_ROWS == 16 and columns != 8:
        for column in range(0, columns, 16):
            tile_of_threes(9, 16, out, at + column, below, x, looks, weights, start + column, sums)
    else:
        for column in range(0, columns, 8):
            tile_of_threes(9, 8, out, at + column, below, x, looks, weights, start + column, sums)
