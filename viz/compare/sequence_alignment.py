"""Which elements of two sequences stand for each other, in order."""

from __future__ import annotations

import bisect
import collections
from collections.abc import Hashable, Sequence
from typing import Any

__all__ = ["align", "by_occurrence"]

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
        found = _rising(by_occurrence(inner_a, inner_b))
    middle = [(i + first, j + first) for i, j in found]
    end = [(len(a) - i, len(b) - i) for i in range(last, 0, -1)]
    return [*[(i, i) for i in range(first)], *middle, *end]


def _shortest(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[tuple[int, int]] | None:
    """The pairs of the shortest edit script; None when it is too long."""
    n, m = len(a), len(b)
    # By diagonal, how far into `a` one gets, and the pairs up to there, the last one first.
    reach: dict[int, tuple[int, Any]] = {1: (0, None)}
    for edits in range(min(n + m, _MOST_EDITS) + 1):
        for k in range(-edits, edits + 1, 2):
            down = k == -edits or (k != edits and reach[k - 1][0] < reach[k + 1][0])
            x, found = reach[k + 1] if down else (reach[k - 1][0] + 1, reach[k - 1][1])
            while x < n and x - k < m and a[x] == b[x - k]:
                x, found = x + 1, (x, x - k, found)
            reach[k] = x, found
            if x >= n and x - k >= m:
                pairs = []
                while found is not None:
                    i, j, found = found
                    pairs.append((i, j))
                return pairs[::-1]
    return None


def by_occurrence(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Positions of the n-th occurrence of each element in the one and of its n-th in the other."""
    places: dict[Hashable, collections.deque[int]] = collections.defaultdict(collections.deque)
    for j, each in enumerate(b):
        places[each].append(j)
    return [(i, places[each].popleft()) for i, each in enumerate(a) if places[each]]


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
