"""A difference as text."""

from __future__ import annotations

import collections
from collections.abc import Iterable

from viz.compare.changes import Changes, Cost, OpChange, WeightChange
from viz.facts import formatting
from viz.facts.text_table import Text, table

__all__ = ["text"]

_LONGEST = 12  # lines of a list
_MARKS = {"added": "+", "removed": "-"}


def text(found: Changes) -> Text:
    """The difference, the most telling first."""
    parts = [_head(found), *_first(found), *_ops(found), *_settings(found), *_weights(found), *_costs(found)]
    return Text("\n".join([*parts, *[f"note: {formatting.clean(note, 200)}" for note in found.notes]]))


def _head(found: Changes) -> str:
    what = f"{formatting.clean(found.a)} → {formatting.clean(found.b)}"
    if found:
        return what
    seen = ", ".join([f"{count:,} tensors by their {by}" for by, count in found.compared.items()])
    return f"{what}: no difference" + (f" (compared {seen})" if seen else "")


def _first(found: Changes) -> list[str]:
    first = found.first
    if first is None:
        return []
    where = formatting.clean(first.layer) or "no layer"
    lines = [f"first difference of {first.by}: {_what(found)}", f"  in {where}, {first.phase}; {first.source}"]
    return [*lines, f"  {first.what}, relative difference {first.error:.3g} (tolerance {found.tolerance:g})"]


def _what(found: Changes) -> str:
    first = found.first
    assert first is not None
    if first.role == "output":
        return f"what {formatting.clean(first.op)} made"
    return f"{first.role} {formatting.clean(first.name)} of {formatting.clean(first.op)}"


def _ops(found: Changes) -> list[str]:
    if not found.ops:
        return []
    counts = collections.Counter([change.kind for change in found.ops])
    told = ", ".join([f"{counts[kind]:,} {kind}" for kind in ("added", "removed", "changed") if counts[kind]])
    return [f"ops: {told}", *_cut([_op_line(change) for change in found.ops])]


def _op_line(change: OpChange) -> str:
    mark = _MARKS.get(change.kind, "~")
    phase = "" if change.phase == "forward" else f" ({change.phase})"
    what = f": {', '.join(change.what)}" if change.what else ""
    layer = f" in {formatting.clean(change.layer)}" if change.layer else ""
    return f"  {mark} {formatting.clean(change.op, 40)}{phase}{layer}{what}  {change.source}".rstrip()


def _settings(found: Changes) -> list[str]:
    return ["settings:", *_cut([f"  {line}" for line in found.settings])] if found.settings else []


def _weights(found: Changes) -> list[str]:
    if not found.weights:
        return []
    counts = collections.Counter([change.kind for change in found.weights])
    nouns = {"shape": "of another shape", "dtype": "of another type", "values": "with other values"}
    told = ", ".join([f"{count:,} {nouns.get(kind, kind)}" for kind, count in counts.items()])
    return [f"weights: {told}", *_cut([_weight_line(change) for change in found.weights])]


def _weight_line(change: WeightChange) -> str:
    mark = _MARKS.get(change.kind, "~")
    name = formatting.clean(change.name)
    if change.kind in _MARKS:
        return f"  {mark} {name}  {change.a or change.b}"
    if change.kind != "values":
        return f"  {mark} {name}  {change.a} → {change.b}"
    many = f" in {formatting.count(change.changed, 'element')}" if change.changed is not None else ""
    return f"  {mark} {name}  {change.b}  relative difference {change.error:.3g}{many}"


def _costs(found: Changes) -> list[str]:
    lines = [_cost_line(cost) for cost in found.layers[:_LONGEST] if cost.time_a or cost.time_b]
    if not lines:
        return []
    totals = [sum([getattr(cost, name) for cost in found.layers]) for name in _NUMBERS]
    whole = _cost_cells("total", *totals)
    more = len(found.layers) - len(lines)
    heads = ("layer", "time", "→", "change", "made", "→")
    shown = table(heads, [*lines, whole], total=True)
    return [shown, *([f"  … {formatting.count(more, 'layer')} more"] if more > 0 else [])]


_NUMBERS = ("time_a", "time_b", "memory_a", "memory_b")


def _cost_line(cost: Cost) -> tuple[str, ...]:
    return _cost_cells(formatting.clean(cost.name, 40), *[getattr(cost, name) for name in _NUMBERS])


def _cost_cells(name: str, time_a: int, time_b: int, memory_a: int, memory_b: int) -> tuple[str, ...]:
    change = f"{time_b / time_a - 1:+.0%}" if time_a and time_b else ""
    return (
        name,
        formatting.seconds(time_a) if time_a else "",
        formatting.seconds(time_b) if time_b else "",
        change,
        formatting.nbytes(memory_a),
        formatting.nbytes(memory_b),
    )


def _cut(lines: Iterable[str]) -> list[str]:
    shown = list(lines)
    if len(shown) <= _LONGEST:
        return shown
    return [*shown[:_LONGEST], f"  … {len(shown) - _LONGEST:,} more"]
