"""How the titles of frames are broken into lines where they would be wider than what they stand above."""

from __future__ import annotations

import itertools
import re

from viz.geometry.graph import Cluster

__all__ = ["broken"]

_LONG = 20  # names with fewer letters stay on one line


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
