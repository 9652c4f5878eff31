"""A difference as text."""

from __future__ import annotations

import collections
import re
import statistics
from collections.abc import Callable, Iterable, Sequence

from viz.compare.changes import Changes, Cost, OpChange, ValueChange, WeightChange
from viz.compare.noise import SURE, by_ranks
from viz.compare.step_figures import Side, last_reported
from viz.compare.usual_costs import UsualCosts, titles, usual_costs
from viz.facts import formatting
from viz.facts.schema import Logs
from viz.facts.text_table import Columns, Text, table

__all__ = ["LONGEST", "cost_cells", "text"]

_Titles = Callable[[OpChange | ValueChange], str]

LONGEST = 12  # lines of a list
_MARKS = {"added": "+", "removed": "-"}
_SAME_ROWS = re.compile(r"\b(\d+)(×\S+ \S+ → )\1(×)")  # a change of shapes that begin with the same number


def text(found: Changes, usual: UsualCosts | None = None) -> Text:
    """The difference, the most telling first."""
    called = _titles(found)
    parts = [
        _head(found),
        *_first(found, called),
        *_settings(found),
        *_course(found),
        *_ops(found, called),
        *_weights(found),
        *_costs(found, usual or usual_costs(found)),
    ]
    return Text.of([*parts, *[f"note: {formatting.clean(note, 200)}" for note in found.notes]])


def _head(found: Changes) -> str:
    what = f"{formatting.clean(found.a)} → {formatting.clean(found.b)}"
    if found:
        return what
    seen = ", ".join([f"{count:,} tensors by their {by}" for by, count in found.compared.items()])
    if not seen and found.pairs:
        return f"{what}: no difference in ops and shapes; numbers weren't compared"
    return f"{what}: no difference" + (f" (compared {seen})" if seen else "")


def _first(found: Changes, called: _Titles) -> list[str]:
    first = found.first
    if first is None:
        return []
    where = formatting.clean(first.layer) or "no layer"
    what = _what(first, called(first))
    lines = [f"first difference of {first.by}: {what}", f"  in {where}, {first.phase}; {first.source}"]
    return [*lines, f"  {first.what}, relative difference {first.error:.3g} (tolerance {found.tolerance:g})"]


def _what(first: ValueChange, op: str) -> str:
    if first.role == "output":
        return f"what {formatting.clean(op)} made"
    return f"{first.role} {formatting.clean(first.name)} of {formatting.clean(op)}"


def _ops(found: Changes, called: _Titles) -> list[str]:
    if not found.ops:
        return []
    counts = collections.Counter([change.kind for change in found.ops])
    told = ", ".join([f"{counts[kind]:,} {kind}" for kind in ("added", "removed", "changed") if counts[kind]])
    alike = collections.Counter([_op_cells(change, called(change)) for change in found.ops])  # in each step, say
    batches: dict[tuple[str, ...], list[tuple[str, ...]]] = {}  # of other sizes, the last of an epoch and to validate
    for each in alike:
        batches.setdefault(tuple([_SAME_ROWS.sub(r"n\2n\3", cell) for cell in each]), []).append(each)
    cells = []
    for same in batches.values():
        (mark, op, *rest), count = max(same, key=lambda each: alike[each]), sum([alike[each] for each in same])
        cells.append((mark, f"{op} ×{count:,}" if count > 1 else op, *rest))
    return [f"ops: {told}", *_listed([_op_line(*each) for each in cells], ("", "op", "layer", "change", "line"), cells)]


def _titles(found: Changes) -> _Titles:
    """What ops are called: as boxes of the page are, where recordings tell."""
    if found.recordings is None:
        return lambda change: change.op
    name, (a, b) = titles(found), found.recordings
    return lambda c: name(0, a.ops[c.a]) if c.b is None and c.a is not None else name(1, b.ops[c.b or 0])


def _op_cells(change: OpChange, op: str) -> tuple[str, ...]:
    return (
        _MARKS.get(change.kind, "~"),
        formatting.clean(op, 40),
        formatting.clean(change.layer),
        ", ".join(change.what),
        change.source,
    )


def _op_line(mark: str, op: str, layer: str, what: str, source: str) -> str:
    layer, what = layer and f" in {layer}", what and f": {what}"
    return f"  {mark} {op}{layer}{what}  {source}".rstrip()


def _settings(found: Changes) -> list[str]:
    return ["settings:", *_cut([f"  {line}" for line in found.settings])] if found.settings else []


def _course(found: Changes) -> list[str]:
    """What training came to in both, where that isn't the same."""
    if found.recordings is None:
        return []
    a, b = [last_reported(recording.logs) for recording in found.recordings]
    pairs = [(name, a[name], b[name]) for name in a if name in b and a[name] != b[name]]
    lines = [f"  {formatting.clean(name, 40)}  {first:.4g} → {last:.4g}" for name, first, last in pairs]
    ends = [_epochs(recording.logs) for recording in found.recordings]
    which = f" (epoch {ends[0]} → epoch {ends[1]})" if 0 not in ends and ends[0] != ends[1] else ""
    return [f"reported last{which}:", *_cut(lines)] if lines else []


def _epochs(logs: Sequence[Logs]) -> int:
    """How many epochs were reported."""
    return len({log.step for log in logs if log.kind == "epoch"})


def _weights(found: Changes) -> list[str]:
    if not found.weights:
        return []
    counts = collections.Counter([change.kind for change in found.weights])
    nouns = {"shape": "of another shape", "dtype": "of another type", "values": "with other values"}
    told = ", ".join([f"{count:,} {nouns.get(kind, kind)}" for kind, count in counts.items()])
    cells = [_weight_cells(change) for change in found.weights]
    lines = [f"  {mark} {name}  {'  '.join(filter(None, rest))}" for mark, name, *rest in cells]
    return [f"weights: {told}", *_listed(lines, ("", "weight", "shape", "change"), cells)]


def _weight_cells(change: WeightChange) -> tuple[str, ...]:
    start = _MARKS.get(change.kind, "~"), formatting.clean(change.name)
    if change.kind in _MARKS:
        return *start, str(change.a or change.b), ""
    if change.kind != "values":
        return *start, f"{change.a} → {change.b}", ""
    many = f" in {formatting.count(change.changed, 'element')}" if change.changed is not None else ""
    return *start, str(change.b), f"relative difference {change.error:.3g}{many}"


def _costs(found: Changes, usual: UsualCosts) -> list[str]:
    lines = [cost_cells(cost) for cost in usual.layers[:LONGEST] if cost.time_a or cost.time_b]
    if not lines:
        return []
    numbers = ("time_a", "time_b", "memory_a", "memory_b")
    whole = cost_cells(Cost("total", *[sum([getattr(cost, name) for cost in usual.layers]) for name in numbers]))
    more = len(usual.layers) - len(lines)
    heads = ("layer", "time", "→", "change", "made", "→")
    shown = table(heads, [*lines, whole], total=True, least="made,change")
    return [
        f"by layer, {usual.of_which}:",
        shown,
        *([f"  … {formatting.count(more, 'layer')} more"] if more > 0 else []),
        *chance(found),
    ]


def cost_cells(cost: Cost) -> tuple[str, ...]:
    """What a layer took and made, as the cells of a table."""
    change = f"{cost.time_b / cost.time_a - 1:+.0%}" if cost.time_a and cost.time_b else ""
    times = [formatting.seconds(time) if time else "" for time in (cost.time_a, cost.time_b)]
    return (
        formatting.clean(cost.name, 80),
        *times,
        change,
        formatting.nbytes(cost.memory_a),
        formatting.nbytes(cost.memory_b),
    )


def _listed(lines: Sequence[str], heads: Sequence[str], cells: Sequence[Sequence[str]]) -> list[str]:
    """A list in the text, which is a table in a notebook; cut where it is long."""
    shown = _cut(lines)
    return [Columns.of_list(lines[:LONGEST], heads, cells[:LONGEST]), *shown[LONGEST:]]


def _cut(lines: Iterable[str]) -> list[str]:
    shown = list(lines)
    if len(shown) <= LONGEST:
        return shown
    return [*shown[:LONGEST], f"  … {len(shown) - LONGEST:,} more"]


def chance(found: Changes) -> list[str]:
    """A line on how far the times of a difference can be trusted; none where nothing was recorded twice."""
    if found.recordings is None or not any(cost.time_a and cost.time_b for cost in found.layers):
        return []
    of_a, of_b = found.steps if found.steps is not None else (None, None)
    sides = [Side([record], steps) for record, steps in zip(found.recordings, (of_a, of_b))]
    a, b = (side.times("time", 5) for side in sides)
    before, after = (statistics.median(times or [0]) for times in (a, b))
    lowered = max(side.lowered("time") for side in sides)
    slower = after > before
    compared = by_ranks(a, b, slower, lowered)
    if compared is None:
        return ["  times: chance can't be told from change; that takes at least 6 steps of each"]
    _, sure = compared
    change = f"  times: a step takes {formatting.seconds(round(before))} → {formatting.seconds(round(after))}"
    if before == after:
        return [f"  times: a step takes {formatting.seconds(round(before))} in both"]
    drifts = lowered >= abs(after / before - 1)  # one of them differs from itself by more than from the other
    if drifts or (sure <= 0 if slower else sure >= 0):
        return [f"{change}, which may be chance: parts of one run differ by {lowered:.0%}"]
    if not (found.ops or found.settings):
        return [f"{change}, though both ran the same: another machine, or one that did other things, too"]
    least = f"at least {abs(sure):.0%} {'slower' if slower else 'faster'}"
    sure_of = f"{SURE:.0%} certainty within these two runs"  # nobody knows how much others would differ
    return [f"{change}: {least} (with {sure_of}; parts of one differ by {lowered:.0%})"]
