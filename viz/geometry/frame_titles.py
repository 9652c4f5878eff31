"""Titles of frames: their lines, where they would be wider than what they stand above, their place, the room below."""

from __future__ import annotations

import collections
import itertools
import re
from collections.abc import Collection

from viz.geometry.graph import Cluster, Graph
from viz.geometry.places import TRACK, TRACKS

__all__ = ["BESIDE", "broken", "free_place", "room_for_levels"]

BESIDE = 7  # between a frame's title and an arrow: more than all arrows keep off it
_LONG, _LONG_CODE = 20, 28  # names, and lines of code, with fewer letters stay on one line
_SIGNS_OF_CODE = frozenset("=([")  # which counts of parameters and times don't have
_VERY_LONG = 36
_WORDS_OF_CODE = r"\(?[^\s(\[]*(?:\s+|[(\[]|$)"
_NESTED = 6  # so many letters longer lines may be, for each bracket that a break would be in
_MOST_LEVELS = TRACKS - 2  # of arrows for which there is room, besides those of two


def broken(cluster: Cluster) -> list[tuple[list[str], int]]:
    """The lines of a title, and how many of them are its name: whole, and in more and more pieces.

    >>> lines, _ = broken(Cluster("", None, "norm", "norm = ops.sqrt(ops.sum(slope ** 2, axis=1))  ·  → 71 µs"))[-2]
    >>> lines
    ['norm', 'norm = ops.sqrt(', 'ops.sum(slope ** 2, axis=1))', '→ 71 µs']
    """
    parts = [part for part in cluster.subtitle.split("  ·  ") if part]
    half = (len(parts) + 1) // 2
    halves = ["  ·  ".join(piece) for piece in (parts[:half], parts[half:]) if piece]
    below = [[cluster.subtitle] if parts else [], halves, parts, *_code_in_pieces(parts)]
    names = [[cluster.title] if cluster.title else [], *_pieces_of_name(cluster.title)]
    found = [([*names[0], *lines], len(names[0])) for lines in below]
    return found + [([*name, *lines], len(name)) for name in names[1:] for lines in below]


def _code_in_pieces(parts: list[str]) -> list[list[str]]:
    """The lines below a name, of which those of code are broken: else they make a frame wider than what is in it."""
    are_long = [len(part) >= _LONG_CODE and not _SIGNS_OF_CODE.isdisjoint(part) for part in parts]
    if not any(are_long):
        return []
    words = [re.findall(_WORDS_OF_CODE, part)[:-1] if is_long else [part] for part, is_long in zip(parts, are_long)]
    return [[piece for each in words for piece in _pieces(each, min(count, len(each))) if piece] for count in (2, 3)]


def _pieces_of_name(name: str) -> list[list[str]]:
    """A long name on two lines of about the same length, broken between words: a piece of one is no name.

    But for words that would make most frames wider than what is in them.
    """
    words = re.findall(r"\S+\s*", name)
    if any(len(word) > _VERY_LONG for word in words):
        words = re.findall(r"[^\s_./…]*[\s_./…]*", name)[:-1]
    while len(words) > 1 and words[-1].startswith("×"):  # which belongs to the word before it
        words[-2:] = ["".join(words[-2:])]
    return [_pieces(words, 2)] if len(name) >= _LONG and len(words) > 1 else []


def _pieces(words: list[str], count: int) -> list[str]:
    """Words on some lines, each of about the same length, and broken rather outside of brackets than within them."""
    text, cuts = "".join(words), [0]
    ends = list(itertools.accumulate(map(len, words)))
    nested = {end: len(re.findall(r"[(\[]", text[:end])) - len(re.findall(r"[)\]]", text[:end])) for end in ends}
    for k in range(1, count):
        wish, left = len(text) * k / count, [end for end in ends[:-1] if end > cuts[-1]] or ends[-1:]
        cuts.append(min(left, key=lambda end: abs(end - wish) + _NESTED * nested[end]))
    return [text[a:b].strip() for a, b in itertools.pairwise([*cuts, len(text)])]


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
    return TRACK * min(max(0, max(counts.values(), default=0) - 2), _MOST_LEVELS)


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
