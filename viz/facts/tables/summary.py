"""A recording as a table of its layers, with totals; and what it is in one line."""

from __future__ import annotations

import dataclasses
import math
import numbers
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from viz.facts import formatting
from viz.facts.blocks import all_blocks, tree
from viz.facts.digest.figures import OUTSIDE, first_calls
from viz.facts.digest.made import Made
from viz.facts.digest.picked_step import pick_step
from viz.facts.digest.shown_step import shown_number, shown_position, times_facts
from viz.facts.digest.time_spans import took_told
from viz.facts.digest.usual_times import UsualTime, steps_of, told_steps, usual_sums, usual_times
from viz.facts.flops import flops
from viz.facts.network import rank_of
from viz.facts.schema import VARIABLES, Op, Record, Scope
from viz.facts.selection import (
    count_of_steps,
    is_of_seeds,
    layers_of,
    origin,
    outcome,
    position_of,
    step_name,
    steps_text,
)
from viz.facts.text_table import Text, table

__all__ = ["HEADS", "Row", "around", "cells", "columns", "describe", "opened", "rows", "summary"]

HEADS = ("layer", "output", "params", "ops", "FLOPs", "forward", "backward", "update", "activation")
# What is left out where a terminal has little room, the least important first.
_LEAST = "ops,activation,FLOPs,update,backward,forward"


@dataclasses.dataclass
class Row:
    """One line of the summary: a call of a layer, model, loss, metric or optimizer, or what ran outside of these.

    `update` is what optimizers and metrics took. `flops` are those of the forward pass as far as formulas are known;
    `uncounted` are the ops without one.
    """

    name: str
    level: int
    shape: str = ""
    params: int | None = None
    ops: int = 0
    forward: int = 0
    backward: int = 0
    update: int = 0
    flops: int = 0
    uncounted: int = 0
    activations: int = 0
    calls: set[int] = dataclasses.field(default_factory=set)


def rows(record: Record, step: int | None = None, usual: Mapping[int, UsualTime] | None = None) -> list[Row]:
    """The lines of the summary for one step (default: the last complete one of the usual batch size), the total last.

    Times are those of that step if it is asked for, else for each op the median of the steps that ran it, as pictures
    have them.
    """
    ops = _ops_of(record, position_of(record, step))
    found: dict[int, Row] = {}
    count = _Counting(record, _usual(record, step) if usual is None else usual)
    firsts = first_calls(record)
    inside: dict[int | None, list[Op]] = {}  # of each line the ops of no other line within it
    for op in ops:
        calls = {firsts[scope.id]: scope for scope in around(record, op)}
        for first, scope in calls.items():
            if first not in found:
                found[first] = _row(record, record.scopes[first])
            found[first].calls.add(scope.id)
            count(found[first], op)
        inside.setdefault(next(iter(calls), None), []).append(op)
    children: dict[int | None, list[int]] = {}
    for number in sorted(found):
        outer = [firsts[scope.id] for scope in record.ancestors(record.scopes[number].parent)]
        children.setdefault(next((first for first in outer if first in found), None), []).append(number)
    lines, terms = list[Row](), _terms(record, ops)

    def add(outer: int | None, level: int) -> None:
        """Add the lines within another, or all, and for what ran between those lines behind them.

        So lines of one level add up to that around them: what penalties of weights and outputs took has a line, too.
        """
        for number in children.get(outer, ()):
            lines.append(found[number])
            add(number, found[number].level + 1)
        if outer is None or outer in children:
            lines.extend(_rest(count, inside.get(outer, ()), terms, level))

    add(None, 0)
    total = Row("total", 0)
    for op in ops:
        count(total, op)
    total.params = _all_params(record, found)
    return [*lines, total]


def _rest(count: _Counting, ops: Iterable[Op], terms: Mapping[int, str], level: int) -> list[Row]:
    """Lines for ops of no layer: one for each kind of terms of the loss, and one for all others."""
    found: dict[str, Row] = {}
    for op in ops:
        name = terms.get(origin(count.record, op).id, OUTSIDE)
        count(found.setdefault(name, Row(name, level)), op)
    others = found.pop(OUTSIDE, None)
    return [*found.values(), *([others] if others else [])]


def _terms(record: Record, ops: Iterable[Op]) -> dict[int, str]:
    """For ops that make or add terms of a loss, as penalties do, what pictures call these terms."""
    forward = [op for op in ops if op.phase == "forward"]
    return {op: block.title for block in all_blocks(tree(record, forward)) if block.terms for op in block.terms.ops}


def _ops_of(record: Record, step: int | None) -> list[Op]:
    """Those of a step; by default of the one that tables and pictures show."""
    step = pick_step(record) if step is None else step
    return [op for op in record.ops if step is None or op.step == step]


def around(record: Record, op: Op) -> list[Scope]:
    """The scopes an op counts for: where it ran; for backward ops where their forward op ran."""
    return [s for s in record.ancestors(origin(record, op).scope) if s.kind not in ("step", "backward")]


def _row(record: Record, scope: Scope) -> Row:
    level = sum([s.kind not in ("step", "backward") for s in record.ancestors(scope.parent)])
    row = Row(formatting.with_class(scope.shown, scope.cls), level, params=scope.params)
    if scope.outputs:
        row.shape = ", ".join([formatting.shape(record.tensors[i].shape) for i in scope.outputs[:3]])
    return row


class _Counting:
    """Counts ops for lines."""

    def __init__(self, record: Record, usual: Mapping[int, UsualTime]) -> None:
        self.record = record
        self._took = usual_sums(usual)
        self._made = Made(record)

    def __call__(self, row: Row, op: Op) -> None:
        """Count `op` for a line."""
        row.ops += 1
        if op.phase == "network":  # it goes on meanwhile, or is a part of an op whose time is counted
            return
        took = self._took([op])
        if op.phase == "backward":
            row.backward += took
            return
        if op.phase == "forward":
            row.forward += took
            known = flops(self.record, op)
            row.flops += known or 0
            row.uncounted += known is None
        else:
            row.update += took
        row.activations += self._made.activations(op)


def _all_params(record: Record, scopes: Iterable[int]) -> int | None:
    """The weights of the outermost layers and models, each counted once."""
    counted = {}
    for number in scopes:
        scope = record.scopes[number]
        inner = any(outer.params is not None for outer in record.ancestors(scope.parent))
        if scope.params is not None and not inner:
            counted[scope.owner] = scope.params
    return sum(counted.values()) if counted else None


def summary(record: Record, step: int | None = None, depth: int | None = None, option: str = "depth=") -> Text:
    """The table of layers, with totals: see `Recording.summary`. `option` stands before the depth that shows all."""
    usual = _usual(record, step)
    found = rows(record, step, usual)
    shown = opened(found, depth)
    closed = [row.level for row in found if depth is not None and row.level > depth]
    inside = f"{formatting.count(len(closed), 'line')} of layers inside of others" if closed else ""
    more = [f"({inside}; {option}{max(closed)} shows all)"] if closed else []
    body = table(*columns(shown), total=True, least=_LEAST)
    notes = [f"note: {note}" for note in record.notes]
    return Text.of(
        [describe(record), body, *more, *_of_one(record, step, usual), *_totals(record, found[-1], step), *notes]
    )


def facts(record: Record, step: int | None = None, depth: int | None = None) -> dict[str, Any]:
    """The same as data: of which `step` it is, what its times are (see `times_facts`), and its `rows`, total last."""
    usual = _usual(record, step)
    found = [dataclasses.asdict(row) | {"calls": len(row.calls)} for row in opened(rows(record, step, usual), depth)]
    count = steps_of(_ops_of(record, position_of(record, step)), usual)
    return {"step": shown_number(record, step), **times_facts("median", count), "rows": found}


def _usual(record: Record, step: int | None) -> Mapping[int, UsualTime]:
    """What counts as the time of ops that ran in several steps; nothing where a step is asked for: its own counts."""
    return usual_times(record) if step is None else {}


def _of_one(record: Record, step: int | None, usual: Mapping[int, UsualTime]) -> list[str]:
    """Of which step the table is, where several were recorded, and of which its times are."""
    at = shown_position(record, step)
    if at is None or count_of_steps(record) < 2:
        return []
    count = steps_of(_ops_of(record, at), usual)
    return [f"this table is of {step_name(record, at)}{f', times: {told_steps(count)}' if count else ' alone'}"]


def opened(found: list[Row], depth: int | None) -> list[Row]:
    """The lines of the summary down to a level, with the total; None: all."""
    if depth is None:
        return found
    if not isinstance(depth, numbers.Integral) or isinstance(depth, bool):
        raise TypeError(f"summary(depth={depth!r}): expected the number of open levels")
    if depth < 0:
        raise ValueError(f"summary(depth={depth}): expected the number of open levels, 0 or more")
    return [row for row in found if row.level <= depth]


def _totals(record: Record, total: Row, step: int | None) -> list[str]:
    """What the whole takes: weights, and memory; of inputs what the step of the table read.

    The state of a `SeedGenerator` is no weight, as it is none for `model.weights` and `model.summary`.
    """
    variables = [t for t in record.tensors if t.role in VARIABLES and not t.version and not is_of_seeds(t)]
    if not variables:
        return []
    sizes = {role: [t for t in variables if t.role == role] for role in VARIABLES}
    counts = {role: sum([math.prod(t.shape) for t in found]) for role, found in sizes.items()}
    read = {i for op in _ops_of(record, position_of(record, step)) for i in op.inputs}
    inputs = sum([record.tensors[i].nbytes for i in read if record.tensors[i].role == "input"])
    parts = [
        f"weights {formatting.nbytes(sum([t.nbytes for t in variables]))}",
        f"inputs {formatting.nbytes(inputs)}",
        f"activations {formatting.nbytes(total.activations)}",
    ]
    frozen = f"frozen: {formatting.amount(counts['frozen'])}, " if counts["frozen"] else ""
    trained, others = formatting.amount(counts["parameter"]), formatting.amount(counts["state"])
    lines = [
        f"trained: {trained} numbers, {frozen}{'other state' if frozen else 'not trained'}: {others}",
        f"memory: {', '.join(parts)}",
    ]
    if total.uncounted:
        lines.append(f"+ {formatting.count(total.uncounted, 'op')} without a formula for FLOPs")
    return lines


def columns(found: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    """The heads of a table of these lines, and their texts; without updates where there were none."""
    lines = [cells(row) for row in found]
    kept = [i for i, head in enumerate(HEADS) if head != "update" or any(line[i] for line in lines)]
    return [HEADS[i] for i in kept], [[line[i] for i in kept] for line in lines]


def cells(row: Row) -> tuple[str, ...]:
    """The texts of a line, under `HEADS`."""
    return (
        "  " * row.level + row.name + (f" ×{len(row.calls)}" if len(row.calls) > 1 else ""),
        row.shape,
        "" if row.params is None else formatting.amount(row.params),
        formatting.amount(row.ops),
        formatting.short(row.flops) + ("+" if row.uncounted else "") if row.flops else "",
        formatting.seconds(row.forward) if row.forward else "",
        formatting.seconds(row.backward) if row.backward else "",
        formatting.seconds(row.update) if row.update else "",
        formatting.nbytes(row.activations) if row.activations else "",
    )


def describe(record: Record, in_ops: int | None = None) -> str:
    """One line about a recording."""
    name = f" {formatting.clean(record.name)!r}" if record.name else ""
    whole = record.whole or record
    parts = [formatting.count(len(whole.ops), "op")]
    parts += [steps_text(record)] if record.steps else []
    layers = layers_of(record)
    parts += [formatting.count(layers, "layer")] if layers else []
    of_it = f", of which {formatting.seconds(in_ops)} in ops" if in_ops else ""
    time = took_told(record, of_it)
    parts += [time] if time else []
    parts += [f"rank {rank_of(record)} of {record.meta.get('ranks')}"] if rank_of(record) else []
    parts += [formatting.count(1 + len(record.others), "rank")] if record.others else []
    parts += outcome(whole, whole.ops)
    return f"recording{name}: {', '.join(parts)}"
