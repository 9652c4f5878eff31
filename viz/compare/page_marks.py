"""What differs from another recording, as the page's scripts read it."""

from __future__ import annotations

import bisect
from typing import Any

from viz.compare.changes import Changes
from viz.page.usual_times import usual_times

__all__ = ["page_marks"]


def page_marks(found: Changes, first: int, count: int) -> dict[str, Any]:
    """The difference between another recording, which came before, and the one that the page shows.

    Args:
        found: the difference; its second recording is what the page shows.
        first: the number of the first op in the page.
        count: how many ops are in the page.

    Returns:
        `Difference.to_dict()`; where `b`, the number of an op, is that in the page, or None where it isn't shown.
        Removed ops have `before`, the op of the page that they would stand before. `times` are pairs: an op of the
        page, and what it took before: the median, where it ran in several steps.
    """
    before = found.recordings[0].ops if found.recordings else []
    usual = usual_times(found.recordings[0]) if found.recordings else {}
    shown = found.to_dict()
    pairs = shown.pop("pairs")
    places = _Places(pairs, first, count)
    for change in shown["ops"]:
        change["before"] = places.after(change["a"]) if change["b"] is None else None
        change["b"] = places.of(change["b"])
    if shown["first"] is not None:
        shown["first"]["b"] = places.of(shown["first"]["b"])
    took = [usual[op.id].median if op.id in usual else op.duration for op in before]
    shown["times"] = [[places.of(b), took[a]] for a, b in pairs if places.of(b) is not None]
    return shown


class _Places:
    """Where ops of both recordings are in the page."""

    def __init__(self, pairs: list[Any], first: int, count: int) -> None:
        self.first, self.count = first, count
        self.pairs = sorted([(a, b) for a, b in pairs])
        self.keys = [a for a, _ in self.pairs]

    def of(self, b: int | None) -> int | None:
        """The number in the page of an op of the second recording."""
        shown = b is not None and self.first <= b < self.first + self.count
        return b - self.first if shown and b is not None else None

    def after(self, a: int) -> int | None:
        """The next op in the page after an op that only the first recording has."""
        at = bisect.bisect_right(self.keys, a)
        if at == len(self.pairs):
            return self.of(self.pairs[-1][1]) if self.pairs else None
        return self.of(self.pairs[at][1])
