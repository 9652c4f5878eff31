"""Ways without steps that they don't need: what was in the way when a way was found has often moved since.

Where very many arrows are looked for, the first good way has to do, and it may lead from side to side.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from viz.geometry.channels import Channels, Quest

__all__ = ["smoothed"]

_FAR = 5  # corners, at most, that a simpler piece takes the place of
_WON = 1.0  # less isn't worth a change
_MOST_ROUNDS = 12


def smoothed(channels: Channels, quest: Quest, way: Sequence[int], first: int, last: int) -> list[int]:
    """A way on which pieces with several corners are replaced by simpler ones, as far as these cost less.

    Args:
        channels: the lines, on which the way itself isn't noted.
        quest: what the way was looked for.
        way: its points.
        first: the direction of the piece before it.
        last: that of the piece behind it.
    """
    found = list(way)
    for _ in range(_MOST_ROUNDS):
        better = _simpler(channels, quest, found, first, last)
        if better is None:
            break
        found = better
    return found


def _simpler(channels: Channels, quest: Quest, way: list[int], first: int, last: int) -> list[int] | None:
    """The way with the one piece replaced by which most is won; None where nothing is."""
    turns = [first, *[int(abs(a - b) != 1) for a, b in itertools.pairwise(way)], last]
    ends = [0, *[k for k in range(1, len(way) - 1) if turns[k] != turns[k + 1]], len(way) - 1]
    most, found = _WON, None
    for at, begin in enumerate(ends):
        for end in ends[at + 2 : at + 2 + _FAR]:
            around = turns[begin], turns[end + 1]
            before = channels.cost(quest, way[begin : end + 1], *around)
            for piece in _pieces(channels.nx, way[begin], way[end], [way[k] for k in ends[at : ends.index(end) + 1]]):
                won = before - channels.cost(quest, piece, *around, limit=before - most)
                if won > most:
                    most, found = won, [*way[:begin], *piece, *way[end + 1 :]]
    return found


def _pieces(nx: int, a: int, b: int, between: Sequence[int]) -> Iterator[list[int]]:
    """The pieces from one point to another with at most two corners, on lines on which corners between the two are."""
    columns, rows = {at % nx for at in between}, {at // nx for at in between}
    for column in sorted(columns):
        yield _joined(nx, [a, a // nx * nx + column, b // nx * nx + column, b])
    for row in sorted(rows):
        yield _joined(nx, [a, row * nx + a % nx, row * nx + b % nx, b])


def _joined(nx: int, corners: Sequence[int]) -> list[int]:
    """All points on the lines from corner to corner."""
    found = [corners[0]]
    for a, b in itertools.pairwise(corners):
        step = 0 if a == b else (1 if a // nx == b // nx else nx) * (1 if b > a else -1)
        found += range(a + step, b + step, step) if step else ()
    return found
