"""Titles of frames: their lines, where they would be wider than what they stand above, their place, the room below."""

from __future__ import annotations

import collections
import itertools
import re
from collections.abc import Collection

from viz.geometry.graph import Cluster, Graph

__all__ = ["BESIDE", "broken", "free_place", "room_for_levels"]

BESIDE = 7  # between a frame's title and an arrow: more than all arrows keep off it
_LONG = 20  # names with fewer letters stay on one line
_LEVEL, _MOST_LEVELS = 8.0, 4  # room for a level piece of an arrow, and for how many, besides those of two arrows


def broken(cluster: Cluster) -> list[tuple[list[str], int]]:
    """The lines of a title, and how many of them are its name: whole, and in more and more pieces."""
    parts = [part for part in cluster.subtitle.split("  ·  ") if part]
    half = (len(parts) + 1) // 2
    halves = ["  ·  ".join(piece) for piece in (parts[:half], parts[half:]) if piece]
    below = [[cluster.subtitle] if parts else [], halves, parts]
    names = [[cluster.title] if cluster.title else [], *_pieces_of_name(cluster.title)]
    found = [([*names[0], *lines], len(names[0])) for lines in below]
    return found + [([*name, *lines], len(name)) for name in names[1:] for lines in below]


def _pieces_of_name(name: str) -> list[list[str]]:
    """A long name on two lines and on three, each of about the same length, broken where words end."""
    words, found = re.findall(r"[^\s_./…]*[\s_./…]*", name)[:-1], []
    for count in (2, 3):
        ends = list(itertools.accumulate(map(len, words)))
        cuts = [min(ends, key=lambda end: abs(end - len(name) * k / count)) for k in range(count + 1)]
        pieces = [name[a:b].strip() for a, b in itertools.pairwise([0, *cuts[1:-1], len(name)])]
        if len(name) >= _LONG and all(pieces):
            found.append(pieces)
    return found


def room_for_levels(graph: Graph, ids: Collection[str], kind: str) -> float:
    """How much more room a frame needs so that arrows from outside come to the same box of it on levels of their own.

    Args:
        graph: what is drawn.
        ids: the boxes in the frame.
        kind: of the arrows: `"data"` comes from below the title, `"gradient"` from the lower border.
    """
    inside = set(ids)
    counts = collections.Counter(
        [e.head for e in graph.edges if e.kind == kind and e.head in inside and e.tail not in inside]
    )
    return _LEVEL * min(max(0, max(counts.values(), default=0) - 2), _MOST_LEVELS)


def free_place(passing: list[float], width: float, whole: float) -> float:
    """The left edge of a title so that it meets none of the arrows at `passing`; may lie outside of the frame."""
    best = (whole - width) / 2
    if not passing:
        return best
    ends = [-1e9, *passing, 1e9]
    places = []
    for a, b in itertools.pairwise(ends):
        low, high = a + BESIDE, b - BESIDE - width
        if low <= high:
            places.append(min(max(best, low), high))
    return min(places, key=lambda x: (max(0.0, -x, x + width - whole), abs(x - best)))
