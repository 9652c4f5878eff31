"""Which elements of two sequences stand for each other, in order."""

from __future__ import annotations

import bisect
from collections.abc import Hashable, Sequence

__all__ = ["align"]

_MOST_EDITS = 400  # beyond that the shortest script is too dear, and equal elements are matched by number


def align(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Pairs of positions of equal elements, both rising, as many as possible.

    The shortest edit script of Myers ("An O(ND) difference algorithm", 1986) where the sequences are alike. Where they
    aren't, the n-th occurrence of an element goes with the n-th one, as far as the order allows. Never slower than
    O(n log n) plus a constant times the number of edits squared.
    """
    first = 0
    while first < min(len(a), len(b)) and a[first] == b[first]:
        first += 1
    last = 0
    while last < min(len(a), len(b)) - first and a[-1 - last] == b[-1 - last]:
        last += 1
    inner_a, inner_b = a[first : len(a) - last], b[first : len(b) - last]
    found = _shortest(inner_a, inner_b)
    if found is None:
        found = _by_number(inner_a, inner_b)
    middle = [(i + first, j + first) for i, j in found]
    end = [(len(a) - i, len(b) - i) for i in range(last, 0, -1)]
    return [*[(i, i) for i in range(first)], *middle, *end]


def _shortest(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[tuple[int, int]] | None:
    """The pairs of the shortest edit script; None when it is too long."""
    n, m = len(a), len(b)
    reach = {1: 0}  # diagonal -> how far into `a` one gets
    history: list[dict[int, int]] = []
    for edits in range(min(n + m, _MOST_EDITS) + 1):
        history.append(dict(reach))
        for k in range(-edits, edits + 1, 2):
            down = k == -edits or (k != edits and reach[k - 1] < reach[k + 1])
            x = reach[k + 1] if down else reach[k - 1] + 1
            while x < n and x - k < m and a[x] == b[x - k]:
                x += 1
            reach[k] = x
            if x >= n and x - k >= m:
                return _walked_back(history, n, m)
    return None


def _walked_back(history: list[dict[int, int]], x: int, y: int) -> list[tuple[int, int]]:
    pairs: list[tuple[int, int]] = []
    for edits in range(len(history) - 1, -1, -1):
        reach, k = history[edits], x - y
        down = k == -edits or (k != edits and reach[k - 1] < reach[k + 1])
        before = k + 1 if down else k - 1
        start = reach[before] if edits else 0
        begin = start if down else start + 1
        if not edits:
            begin = 0
        while x > begin and y > 0 and x - 1 >= 0:
            x, y = x - 1, y - 1
            pairs.append((x, y))
        x, y = start, start - before
    return pairs[::-1]


def _by_number(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[tuple[int, int]]:
    """The longest rising run of pairs among those of the n-th occurrences."""
    places: dict[tuple[Hashable, int], int] = {}
    counts: dict[Hashable, int] = {}
    for j, each in enumerate(b):
        counts[each] = counts.get(each, -1) + 1
        places[each, counts[each]] = j
    counts.clear()
    pairs = []
    for i, each in enumerate(a):
        counts[each] = counts.get(each, -1) + 1
        if (each, counts[each]) in places:
            pairs.append((i, places[each, counts[each]]))
    return _rising(pairs)


def _rising(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest part whose second numbers rise."""
    tails: list[int] = []
    ends: list[int] = []
    before: list[int | None] = []
    for position, (_, j) in enumerate(pairs):
        length = bisect.bisect_left(tails, j)
        tails[length : length + 1] = [j]
        ends[length : length + 1] = [position]
        before.append(ends[length - 1] if length else None)
    found = []
    at = ends[-1] if ends else None
    while at is not None:
        found.append(pairs[at])
        at = before[at]
    return found[::-1]
