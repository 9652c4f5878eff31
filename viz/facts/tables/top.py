"""What costs most, as a table: equal ops, or the ops of a layer, name or line together."""

from __future__ import annotations

import numbers
from collections.abc import Callable
from typing import Any

from viz.choices import COSTS, KEYS
from viz.facts import formatting
from viz.facts.digest.figures import OUTSIDE
from viz.facts.digest.made import Made
from viz.facts.digest.shown_step import times_facts
from viz.facts.flops import all_flops
from viz.facts.schema import Op, Record
from viz.facts.selection import line_of, position_of, step_name
from viz.facts.tables.summary import around
from viz.facts.text_table import Text, table

__all__ = ["KEYS", "facts", "top"]

_LEAST = ("ops", "replayed", "FLOPs", "memory", "count", "output", "share", "line", "time", "phase")
_MADE = "(memory: what ops newly took; views of other arrays take none; viz memory tells what was in use at once)"


def top(
    record: Record, by: str = "time", n: int = 10, step: int | None = None, cost: str | None = None, option: str = "n="
) -> Text:
    """What costs most as a table, and below it how many rows it hasn't; see `facts`."""
    ranked = _ranked(record, by, n, step, cost)
    found = ranked[:n]
    shown: dict[str, Callable[[dict[str, Any]], str]] = {
        "time": lambda row: formatting.seconds(row["time"]),
        "memory": lambda row: formatting.nbytes(row["memory"]),
        "share": lambda row: f"{100 * row['share']:.1f} %",
        "ops": lambda row: formatting.amount(row["ops"]),
        "count": lambda row: formatting.amount(row["count"]),
        "replayed": lambda row: formatting.amount(row["replayed"]) if row["replayed"] else "",
        "FLOPs": lambda row: "" if row["flops"] is None else formatting.short(row["flops"]),
    }
    costs = {"time": ("time", "share", "memory"), "memory": ("memory", "share", "time")}
    heads: tuple[str, ...] = (by, "ops", *costs.get(cost or "time", ("FLOPs", "share", "time")))
    if by in COSTS:
        shown["layer"] = lambda row: formatting.clean(_whose(row), 80)
        again = ("replayed",) if any(row["replayed"] for row in found) else ()
        heads = ("op", "phase", "layer", "output", "count", *again, "time", "memory", "FLOPs", "source")
    lines = [[shown[h](row) if h in shown else formatting.clean(row[h], 80) for h in heads] for row in found]
    asked = (by, cost)
    unasked = [head for head in _LEAST if head.lower() not in asked and (head != "time" or "memory" in asked)]
    least = ",".join(unasked)
    at = position_of(record, step)
    which = [] if at is None else [step_name(record, at)]
    body = table([h if h != "source" else "line" for h in heads], lines, least=least)
    hidden = _hidden(ranked, n, by if by in COSTS else cost or "time", option)
    made = [_MADE] if "memory" in asked else []
    steps = len(record.steps)
    summed = [f"(sums over all {steps:,} steps)"] if at is None and steps > 1 else []  # where a page has medians
    return Text.of([*which, body, *summed, *made, *hidden])


def _hidden(ranked: list[dict[str, Any]], n: int, cost: str, option: str) -> list[str]:
    """What is said of the rows that a table leaves out."""
    if len(ranked) <= n:
        return []
    whole = sum([row[cost] or 0 for row in ranked])
    costs = cost if cost != "flops" else "FLOPs"
    share = f" with {100 * sum([row[cost] or 0 for row in ranked[n:]]) / whole:.0f} % of the {costs}" if whole else ""
    return [f"({formatting.count(len(ranked) - n, 'more row')}{share}; {option}{len(ranked)} shows all)"]


def facts(
    record: Record, by: str = "time", n: int = 10, step: int | None = None, cost: str | None = None
) -> dict[str, Any]:
    """What costs most as data, the largest first; see `Recording.top`.

    Returns:
        `step`, what its times are (see `times_facts`), the `rows`, and `left_out`: how many there are beside those.
    """
    ranked = _ranked(record, by, n, step, cost)
    times = times_facts("sum", len(record.steps) if step is None else 1)
    return {"step": step, **times, "left_out": max(0, len(ranked) - n), "rows": ranked[:n]}


def _ranked(record: Record, by: str, n: int, step: int | None, cost: str | None) -> list[dict[str, Any]]:
    """All rows, of which the first `n` are shown."""
    if by not in KEYS:
        rows = isinstance(by, numbers.Integral) and not isinstance(by, bool)
        more = f"; for the first {by} rows: top(n={by})" if rows else ""
        raise ValueError(f"top(by={by!r}): expected one of {', '.join(map(repr, KEYS))}{more}")
    if not isinstance(n, numbers.Integral) or isinstance(n, bool):
        raise TypeError(f"top(n={n!r}): expected a number of lines")
    if n < 1:
        raise ValueError(f"top(n={n}): expected at least 1")
    if cost is not None and cost not in COSTS:
        raise ValueError(f"top(cost={cost!r}): expected one of {', '.join(map(repr, COSTS))}")
    if by in COSTS and cost not in (None, by):
        sums = ", ".join([repr(key) for key in KEYS if key not in COSTS])
        raise ValueError(f"top(by={by!r}, cost={cost!r}): a cost is summed by one of {sums}")
    at = position_of(record, step)
    ops = [op for op in record.ops if at is None or op.step == at]
    return _top_ops(record, ops, by) if by in COSTS else _top_groups(record, ops, by, cost or "time")


def _top_ops(record: Record, chosen: list[Op], by: str) -> list[dict[str, Any]]:
    """Equal ops in a row, also those of batches with other numbers of rows, such as the last of an epoch.

    Ops of one step that differ in these are of different rows.
    """
    places = {op.id: formatting.place(line_of(record, op)) for op in chosen}
    groups: dict[tuple[Any, ...], dict[tuple[int, ...], list[Op]]] = {}
    of_step: dict[tuple[Any, ...], list[tuple[int, ...]]] = {}
    for op in chosen:
        made = tuple([(record.tensors[i].shape[1:], record.tensors[i].dtype) for i in op.outputs])
        lengths = tuple([record.tensors[i].shape[0] if record.tensors[i].shape else 0 for i in op.outputs])
        what = op.name, op.phase, _around_owner(record, op), _updated(record, op), made, places[op.id]
        known = of_step.setdefault((what, op.step), [])
        known += [lengths] if lengths not in known else []
        groups.setdefault((what, known.index(lengths)), {}).setdefault(lengths, []).append(op)
    memory, rows = Made(record), [sorted(alike.values(), key=len, reverse=True) for alike in groups.values()]
    found = [_top_row(record, ops, places[ops[0][0].id], memory) for ops in rows]
    return sorted(found, key=lambda row: row[by] or 0, reverse=True)


def _top_row(record: Record, groups: list[list[Op]], place: str, memory: Made) -> dict[str, Any]:
    """Equal ops: their costs are sums, `id` is that of the one that took longest."""
    op, ops = max(groups[0], key=lambda op: op.duration), [op for group in groups for op in group]
    first, *others = [[record.tensors[i] for i in group[0].outputs[:2]] for group in groups]
    shapes = formatting.some([formatting.shape(tensors[0].shape) for tensors in others])
    output = ", ".join([formatting.tensor(tensor) for tensor in first])
    known = [number for number in all_flops(record, ops) if number is not None]
    return {
        "id": op.id,
        "op": op.name,
        "phase": op.phase,
        "layer": record.path(_around_id(record, op), shown=True),
        "weight": _updated(record, op),
        "output": f"{output} (also {shapes})" if shapes else output,
        "count": len(ops),
        "replayed": sum(each.replayed for each in ops),
        "time": sum([each.duration for each in ops]),
        "memory": memory.by_all(ops),
        "flops": sum(known) if known else None,
        "source": place,
    }


def _updated(record: Record, op: Op) -> str:
    """The weight that an optimizer's op changes; of several the first, and how many more."""
    names = [record.shown(i) for i in op.outputs if op.phase == "update" and record.tensors[i].name]
    return "" if not names else names[0] if len(names) == 1 else f"{names[0]} +{len(names) - 1}"


def _whose(row: dict[str, Any]) -> str:
    """The layer that an op counts for; for an optimizer's one, the optimizer and the weight."""
    return ": ".join([str(name) for name in (row["layer"], row["weight"]) if name])


def _top_groups(record: Record, chosen: list[Op], by: str, cost: str) -> list[dict[str, Any]]:
    groups: dict[str, list[Op]] = {}
    for op in chosen:
        groups.setdefault(_GROUPINGS[by](record, op), []).append(op)
    found: list[dict[str, Any]] = []
    made = Made(record)
    for name, ops in groups.items():
        time = sum([op.duration for op in ops])
        memory = made.by_all(ops)
        counted = [number for number in all_flops(record, ops) if number is not None]
        sums = {"time": time, "memory": memory, "flops": sum(counted) if counted else None}
        found.append({by: name, "ops": len(ops), **sums})
    whole = sum([row[cost] or 0 for row in found]) or 1
    found = [row | {"share": (row[cost] or 0) / whole} for row in found]
    return sorted(found, key=lambda row: row[cost] or 0, reverse=True)


def _around_id(record: Record, op: Op) -> int | None:
    return next((scope.id for scope in around(record, op)), None)


def _around_owner(record: Record, op: Op) -> tuple[int | None, str]:
    """What an op counts for: the same layer in all its calls, under one path."""
    scope = next(iter(around(record, op)), None)
    return (None, "") if scope is None else (scope.owner, record.path(scope.id))


_GROUPINGS: dict[str, Callable[[Record, Op], str]] = {
    "name": lambda record, op: formatting.clean(f"{op.name} ({op.phase})" if op.phase != "forward" else op.name),
    "layer": lambda record, op: formatting.clean(record.path(_around_id(record, op), shown=True)) or OUTSIDE,
    "source": lambda record, op: formatting.place(line_of(record, op)) or "(not recorded)",
}
