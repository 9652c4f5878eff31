"""What differs from another recording, as the page's scripts read it."""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from typing import Any

from viz.compare.changes import Changes, WeightChange
from viz.compare.usual_costs import titles, usual_costs
from viz.facts import formatting
from viz.facts.digest.usual_times import usual_times
from viz.facts.selection import variables_of

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
        page, and what it took before: the median, where it ran in several steps. `tensors` are the weights and inputs
        that differ, each by an op that reads it and the place among its inputs, `"added"` or `"changed"`, and how.
        Costs are those of `usual_costs`.
    """
    shown = found.to_dict()
    if found.recordings is not None:
        name = titles(found)
        for change in filter(None, [*shown["ops"], shown["first"]]):
            side = int(change["b"] is not None)
            change["op"] = name(side, found.recordings[side].ops[change["ab"[side]]])
        shown |= usual_costs(found).to_dict()
    before = found.recordings[0].ops if found.recordings else []
    usual = usual_times(found.recordings[0]) if found.recordings else {}
    pairs = shown.pop("pairs")
    places = _Places(pairs, first, count)
    for change in shown["ops"]:
        change["before"] = places.after(change["a"]) if change["b"] is None else None
        change["b"] = places.of(change["b"])
    if shown["first"] is not None:
        shown["first"]["b"] = places.of(shown["first"]["b"])
    took = [usual[op.id].median if op.id in usual else op.duration for op in before]
    shown["times"] = [[places.of(b), took[a]] for a, b in pairs if places.of(b) is not None]
    shown["tensors"] = _tensors(found, places)
    return shown


def _tensors(found: Changes, places: _Places) -> list[list[Any]]:
    """The weights and inputs that differ, which have boxes of their own."""
    if found.recordings is None:
        return []
    a, b = found.recordings
    firsts = variables_of(b)
    readers: dict[int, list[Any]] = {}  # by the first version of what is read
    for op in b.ops[places.first : places.first + places.count]:
        for at, tensor in enumerate(op.inputs):
            readers.setdefault(firsts.get(tensor, tensor), [places.of(op.id), at])
    told: dict[int, list[Any]] = {}
    for change in found.weights:
        if change.tensor_b is not None:
            kind = "added" if change.kind == "added" else "changed"
            told[firsts.get(change.tensor_b, change.tensor_b)] = [kind, _how(change)]
    for i, j in _read_alike(found):
        before, after = a.tensors[i], b.tensors[j]
        given = before.producer is None and after.producer is None and j not in firsts
        if given and (before.shape, before.dtype) != (after.shape, after.dtype):
            told.setdefault(j, ["changed", f"{formatting.tensor(before)} → {formatting.tensor(after)}"])
    return [[*readers[tensor], *how] for tensor, how in told.items() if tensor in readers]


def _how(change: WeightChange) -> str:
    if change.kind == "added":
        return "only here: the other recording doesn't have it"
    return "values differ" if change.kind == "values" else f"{change.a} → {change.b}"


def _read_alike(found: Changes) -> Iterator[tuple[int, int]]:
    """Pairs of tensors that ops which stand for each other read as the same argument."""
    assert found.recordings is not None
    a, b = found.recordings
    for x, y in found.pairs:
        yield from zip(a.ops[x].inputs, b.ops[y].inputs)


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
