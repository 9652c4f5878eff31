"""What differs between two recordings."""

from __future__ import annotations

import bisect
import math
import re
from collections.abc import Callable, Container, Iterable
from typing import Any

from viz.compare.changes import TOLERANCE, Cost, OpChange, ValueChange
from viz.compare.difference import Difference
from viz.compare.op_pairing import Pairing
from viz.compare.tensor_distance import apart, comparable
from viz.compare.usual_costs import by_layer, costs
from viz.compare.weights import MISSING, OF_NO_INTEREST, config_changes, weight_changes
from viz.facts import formatting
from viz.facts.schema import Op, Record, Scope, TensorInfo
from viz.facts.selection import line_of

__all__ = ["compare_traces", "difference_from"]


def compare_traces(
    a: Record,
    b: Record,
    tolerance: float,
    names: tuple[str, str],
    chosen: tuple[int, int] | Container[int] | None = None,
) -> Difference:
    """Compare two recordings.

    Args:
        a: a recording.
        b: another.
        tolerance: from which relative difference on elements differ.
        names: what to call them.
        chosen: the positions of the one step of each to compare, or the numbers of those of both; None: all of both.
    """
    pairing = Pairing(a, b, chosen)
    found = Difference(*names, "traces", tolerance, notes=pairing.notes, recordings=(a, b), steps=pairing.steps)
    found.pairs = [(x.id, y.id) for x, y in pairing.pairs]
    found.ops = _op_changes(pairing)
    found.settings = _settings(a, b, pairing.pairs)
    _compare_elements(pairing, found)
    found.layers, found.kinds = _costs(pairing, a, b)
    read = (pair for x, y in pairing.pairs for pair in zip(x.inputs, y.inputs))
    found.weights = weight_changes(a, b, read, tolerance)
    return found


def difference_from(other: Record | Difference, record: Record) -> Difference:
    """The difference between another recording, which came before, and one that a page shows."""
    if isinstance(other, Difference):
        if other.recordings is None or other.recordings[1] is not record:
            raise ValueError(
                "to_html(diff=...): the difference is one of other recordings; "
                "give the other recording itself, or call to_html of the difference"
            )
        return other
    if not isinstance(other, Record):
        raise TypeError(f"to_html(diff=...): expected a recording or what viz.diff gave, got {type(other).__name__}")
    names = [formatting.clean(each.name) for each in (other, record)]
    if names[0] == names[1] or not all(names):
        names = ["before", "here"]
    return compare_traces(other, record, TOLERANCE, (names[0], names[1]))


# ---------------------------------------------------------------------- ops


def _op_changes(pairing: Pairing) -> list[OpChange]:
    found = [_change(pairing, 0, "removed", op, None) for op in pairing.removed]
    found += [_change(pairing, 1, "added", None, op) for op in pairing.added]
    for x, y in pairing.pairs:
        what = _what_changed(pairing, x, y)
        if what:
            found.append(_change(pairing, 1, "changed", x, y, what))
    return sorted(found, key=_order(pairing))


def _order(pairing: Pairing) -> Callable[[OpChange], tuple[float, int, int]]:
    """Ops in the order of the second recording; removed ones where they would have run."""
    pairs = sorted([(x.id, y.id) for x, y in pairing.pairs])
    befores = [i for i, _ in pairs]

    def key(change: OpChange) -> tuple[float, int, int]:
        if change.b is not None:
            return change.b, 1, 0
        at = bisect.bisect(befores, change.a or 0)
        return (pairs[at][1] if at < len(pairs) else math.inf if pairs else -1), 0, change.a or 0

    return key


def _change(pairing: Pairing, side: int, kind: str, a: Op | None, b: Op | None, what: tuple[str, ...] = ()) -> OpChange:
    op = b if b is not None else a
    assert op is not None
    source = formatting.place(line_of((pairing.a, pairing.b)[side], op))
    layer = pairing.places[side].shown(op)
    first, second = (None if each is None else each.id for each in (a, b))
    return OpChange(kind, first, second, op.name, op.phase, layer, source, what)


def _what_changed(pairing: Pairing, x: Op, y: Op) -> tuple[str, ...]:
    a, b = pairing.a, pairing.b
    found = []
    before, after = pairing.places[0].path(x), pairing.places[1].path(y)
    if before != after:
        shown = pairing.places[0].shown(x), pairing.places[1].shown(y)
        found.append(f"layer {formatting.clean(shown[0])} → {formatting.clean(shown[1])}")
    found += _tensors_changed("input", [a.tensors[i] for i in x.inputs], [b.tensors[i] for i in y.inputs])
    found += _tensors_changed("output", [a.tensors[i] for i in x.outputs], [b.tensors[i] for i in y.outputs])
    for name in sorted({*x.settings, *y.settings}):
        one, two = x.settings.get(name, MISSING), y.settings.get(name, MISSING)
        if repr(one) != repr(two):
            found.append(f"{name} {_shown(one)} → {_shown(two)}")
    if bool(x.error) != bool(y.error):
        found.append(f"failed: {formatting.clean(y.error, 120)}" if y.error else "failed before, no longer")
    return tuple(found)


_ARRAY = re.compile(r"(\w+)\[(\d+(?:, \d+)*)\]")  # as a setting tells an array: "bool[32, 64]"


def _shown(setting: Any) -> str:
    if isinstance(setting, str) and (array := _ARRAY.fullmatch(setting)):  # written as tensors are
        return f"{formatting.shape(tuple(map(int, array[2].split(', '))))} {formatting.dtype(array[1])}"
    return "(none)" if setting is MISSING else formatting.clean(repr(setting), 40)


def _tensors_changed(noun: str, before: list[TensorInfo], after: list[TensorInfo]) -> list[str]:
    if len(before) != len(after):
        return [f"{len(before)} → {len(after)} {noun}s"]
    return [
        f"{noun}{f' {n}' if len(before) > 1 else ''} {formatting.tensor(x)} → {formatting.tensor(y)}"
        for n, (x, y) in enumerate(zip(before, after))
        if (x.shape, x.dtype) != (y.shape, y.dtype)
    ]


# ---------------------------------------------------------------------- elements


def _compare_elements(pairing: Pairing, found: Difference) -> None:
    """The first tensor, in the order of execution, whose elements differ."""
    a, b = pairing.a, pairing.b
    counts = {"values": 0, "statistics": 0}
    seen: set[tuple[int, int]] = set()
    for x, y in pairing.pairs:
        outside = [
            (i, j, n)
            for i, j, n in zip(x.inputs, y.inputs, y.input_names)
            if a.tensors[i].producer is None or a.tensors[i].version
        ]
        for i, j, name in (*outside, *[(i, j, "") for i, j in zip(x.outputs, y.outputs)]):
            by = None if (i, j) in seen else comparable(a, b, i, j)
            seen.add((i, j))
            if by is None:
                continue
            counts[by] += 1
            if found.first is None:
                error, _, what = apart(a, b, i, j, by)
                if error > found.tolerance:
                    source, layer = formatting.place(line_of(b, y)), pairing.places[1].shown(y)
                    role, shown = b.tensors[j].role if name else "output", b.shown(j) or name
                    op = x.id, y.id, y.name, y.phase, layer, source
                    found.first = ValueChange(*op, i, j, role, shown, by, error, what)
    found.compared = {by: count for by, count in counts.items() if count}
    if not found.compared and pairing.pairs:
        found.notes.append(
            "no elements were compared: record both with viz.trace(stats='basic'), or with viz.trace(values='') for "
            "every element"
        )


# ---------------------------------------------------------------------- costs


def _costs(pairing: Pairing, a: Record, b: Record) -> tuple[list[Cost], list[Cost]]:
    befores, afters = [[pair[side] for pair in pairing.pairs] for side in (0, 1)]
    sides = [*befores, *pairing.removed], [*afters, *pairing.added]
    layer = by_layer(pairing.places, pairing.pairs)
    return costs((a, b), sides, layer), costs((a, b), sides, lambda _, op: _kind(op))


def _kind(op: Op) -> str:
    return op.name if op.phase == "forward" else f"{op.name} ({op.phase})"


# ---------------------------------------------------------------------- settings


def _settings(a: Record, b: Record, pairs: Iterable[tuple[Op, Op]]) -> list[str]:
    """A line for each setting that changed, such as `"adam: learning_rate 0.001 → 0.01"`."""
    found: dict[str, None] = {}
    seen: set[tuple[Any, ...]] = set()
    for x, y in pairs:
        if x.phase == "backward" or x.scope is None or y.scope is None:
            continue
        before, after = a.scopes[x.scope], b.scopes[y.scope]
        twins = before.owner, after.owner
        if twins not in seen and None not in twins:
            seen.add(twins)
            found |= dict.fromkeys(_changed(before, after))
    return list(found)


def _changed(before: Scope, after: Scope) -> list[str]:
    if before.cls != after.cls or not before.config or not after.config:
        return []  # another kind of layer has other ops, which tell it
    ignored = {*OF_NO_INTEREST}
    if not ("current_learning_rate" in before.config and "current_learning_rate" in after.config):
        ignored.add("current_learning_rate")  # the schedule itself tells the difference
    kept = [{name: value for name, value in each.config.items() if name not in ignored} for each in (before, after)]
    return config_changes(after.name, *kept)
