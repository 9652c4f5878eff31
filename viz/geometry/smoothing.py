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
_ROUNDED = 1e-6  # more than sums of lengths differ in which the same pieces stand in another order


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
            between = [way[k] for k in ends[at : ends.index(end) + 1]]
            for corners in _pieces(channels.nx, way[begin], way[end], between):
                if _length(channels, corners) >= before - most:
                    channels.weighed += 1 + sum([_steps(channels.nx, *leg) for leg in itertools.pairwise(corners)])
                    continue
                piece = _joined(channels.nx, corners)
                won = before - channels.cost(quest, piece, *around, limit=before - most)
                if won > most:
                    most, found = won, [*way[:begin], *piece, *way[end + 1 :]]
    return found


def _pieces(nx: int, a: int, b: int, between: Sequence[int]) -> Iterator[list[int]]:
    """The corners of pieces from one point to another, at most two, on lines on which corners between them are."""
    columns, rows = {at % nx for at in between}, {at // nx for at in between}
    for column in sorted(columns):
        yield [a, a // nx * nx + column, b // nx * nx + column, b]
    for row in sorted(rows):
        yield [a, row * nx + a % nx, row * nx + b % nx, b]


def _length(channels: Channels, corners: Sequence[int]) -> float:
    """How long a piece is, a little less rather than more, without what it meets: that is told much sooner."""
    points = [channels.point(at) for at in corners]
    return sum([abs(ax - bx) + abs(ay - by) for (ax, ay), (bx, by) in itertools.pairwise(points)]) - _ROUNDED


def _joined(nx: int, corners: Sequence[int]) -> list[int]:
    """All points on the lines from corner to corner."""
    found = [corners[0]]
    for a, b in itertools.pairwise(corners):
        step = 0 if a == b else (1 if a // nx == b // nx else nx) * (1 if b > a else -1)
        found += range(a + step, b + step, step) if step else ()
    return found


def _steps(nx: int, a: int, b: int) -> int:
    """How many points it is from one to another on the same line."""
    return abs(a - b) if a // nx == b // nx else abs(a - b) // nx
