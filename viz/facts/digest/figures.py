"""A recording in one look: how the training went, what its parts are, what was slow, the peak of memory, NaN."""

from __future__ import annotations

import collections
import math
from collections.abc import Collection
from typing import Any

from viz.facts import formatting
from viz.facts.memory_use import memory_use
from viz.facts.schema import Op, Record
from viz.facts.selection import line_of, origin, step_numbers

__all__ = ["OUTSIDE", "digest", "first_calls"]

OUTSIDE = "outside of layers"
"""What tables call what ran between layers; within a model, outside of its layers."""

_MEANS = ("batch", "evaluation")  # `fit` and `evaluate` report the mean so far, and no batch's own
_APART = ("step", "backward", "data")  # scopes that are no part of a program


def digest(record: Record) -> dict[str, Any]:
    """What there is to say of a recording in one look, as plain data."""
    times = _Times(record)
    return {
        "course": _course(record),
        "parts": times.parts(),
        "slowest": times.slowest(),
        "in_ops": times.whole,
        "memory": _memory(record),
        "nonfinite": _nonfinite(record),
    }


# ---------------------------------------------------------------------- what training reported


def _course(record: Record) -> list[dict[str, Any]]:
    """The numbers that training reported, each with its first, last and lowest and a few in between.

    Those of epochs where there are two, else those of batches, which `fit` reports as means since the epoch began; or
    those of steps, where a loop of one's own trains. Epochs have what their validation came to; beside others stand
    the batches of evaluations.
    """
    kinds = [log.kind for log in record.logs]
    single = next((kind for kind in ("batch", "step") if kind in kinds), "epoch")
    numbers = step_numbers(record)
    is_whole = not numbers or numbers[-1] - numbers[0] < len(numbers)  # of steps here and there each is told
    if kinds.count("epoch") > 1 and (is_whole or single == "epoch"):
        return _reported(record, "epoch")
    return [*_reported(record, single), *_reported(record, "evaluation")]


def _reported(record: Record, kind: str) -> list[dict[str, Any]]:
    """The courses of what was reported by one kind of step, the loss first."""
    found: dict[str, list[float]] = {}
    logs = [log for log in record.logs if log.kind == kind]
    for log in logs:
        for name, value in log.values.items():
            found.setdefault(name, []).append(float(value))
    means = kind in _MEANS and any(log.step > 0 for log in logs)
    return [
        _told(name, kind, means, values) for name, values in sorted(found.items(), key=lambda each: each[0] != "loss")
    ]


def _told(name: str, kind: str, means: bool, values: list[float]) -> dict[str, Any]:
    """A course; of many values as many as have room, evenly chosen: `at` has their places among all, from 0."""
    count = min(24, len(values))
    at = [round(i * (len(values) - 1) / max(1, count - 1)) for i in range(count)]
    chosen = [values[i] for i in at]
    finite = [value for value in values if math.isfinite(value)]
    return {
        "name": name,
        "by": kind,
        "means": means,
        "count": len(values),
        "first": values[0],
        "last": values[-1],
        "lowest": min(finite, default=None),
        "highest": max(finite, default=None),
        "values": chosen,
        "at": at,
    }


# ---------------------------------------------------------------------- times


def first_calls(record: Record, apart: Collection[str] = ()) -> list[int]:
    """For each scope the first call of the same object at the same place; steps are themselves, or apart.

    Args:
        record: the recording.
        apart: kinds of scopes that count for what is around them, -1 for none.
    """
    known: dict[tuple[int, int], int] = {}
    found: list[int] = []
    for scope in record.scopes:
        row = -1 if scope.parent is None else found[scope.parent]
        if scope.kind not in apart:
            own = -1 - scope.id if scope.owner is None or scope.kind == "step" else scope.owner
            row = known.setdefault((row, own), scope.id)
        found.append(row)
    return found


class _Times:
    """What parts of the program took, in all steps together.

    An op counts for the layer that it ran in, a backward op for that of its forward op, and for all around it.
    """

    def __init__(self, record: Record) -> None:
        self._record = record
        self._rows = first_calls(record, _APART)  # by scope, the row that it counts for, -1 for none
        self._sums = [0] * (len(record.scopes) + 1)  # by scope; the last one is what ran outside of all
        self._slow: dict[tuple[str, str, int], list[Op]] = {}
        for op in record.ops:
            if op.phase != "network":  # those go on meanwhile
                scope = origin(record, op).scope
                self._sums[-1 if scope is None else scope] += op.duration
                self._slow.setdefault((op.name, op.phase, -1 if scope is None else self._rows[scope]), []).append(op)
        self.whole = sum(self._sums)

    def parts(self) -> list[dict[str, Any]]:
        """Models, layers, losses, metrics and optimizers in the order of a walk through the program.

        What ran between those of one level, or outside of all, is a part behind them, so that times add up.
        """
        rows, inside, found = self._rows, dict[int, list[int]](), list[dict[str, Any]]()
        own = collections.Counter({-1: self._sums[-1]})
        for each, row in zip(self._record.scopes, rows):
            own[row] += self._sums[each.id]
            if row == each.id:
                inside.setdefault(-1 if each.parent is None else rows[each.parent], []).append(row)

        def add(row: int, level: int) -> int:
            """Add what is inside of a part; gives what it took with that."""
            took = own[row]
            for inner in inside.get(row, ()):
                part = self._part(inner, level)
                found.append(part)
                part["time"] = add(inner, level + 1)
                took += part["time"]
            if row in inside and own[row]:
                nothing: dict[str, Any] = {"kind": "", "class": "", "output": [], "parameters": None}
                found.append({"name": OUTSIDE, **nothing, "level": level, "time": own[row]})
            return took

        add(-1, 0)
        return found

    def _part(self, number: int, level: int) -> dict[str, Any]:
        scope = self._record.scopes[number]
        return {
            "name": scope.shown,
            "kind": scope.kind,
            "class": scope.cls,
            "level": level,
            "output": [list(self._record.tensors[i].shape) for i in scope.outputs[:3]],
            "parameters": scope.params,
        }

    def slowest(self) -> list[dict[str, Any]]:
        """The ops that took longest, with equal ones in the same layer summed."""
        record, found = self._record, []
        sums = {key: sum([op.duration for op in ops]) for key, ops in self._slow.items()} if self.whole else {}
        for name, phase, row in sorted(sums, key=lambda key: -sums[key])[:3]:
            ops, took = self._slow[name, phase, row], sums[name, phase, row]
            found.append(
                {
                    "op": name,
                    "phase": phase,
                    "layer": "" if row == -1 else record.path(row, shown=True),
                    "source": formatting.place(line_of(record, ops[0])),
                    "count": len(ops),
                    "time": took,
                    "share": took / self.whole,
                }
            )
        return found


def _memory(record: Record) -> dict[str, Any] | None:
    """The peak of memory and the op that ran then; None where memory wasn't recorded."""
    use = memory_use(record) if record.storages else None
    if use is None or not use.curve:
        return None
    told = {"peak": use.peak, "time": use.time, "op": "", "layer": "", "source": ""}
    if use.op is not None:
        op = record.ops[use.op]
        told |= {"op": op.name, "layer": record.path(op.scope, shown=True)}
        told["source"] = formatting.place(line_of(record, op))
    return told


def _nonfinite(record: Record) -> dict[str, Any] | None:
    """How many of the measured tensors held NaN or infinity, and which op made the first; None where none was."""
    measured = [tensor for tensor in record.tensors if tensor.stats is not None]
    if not measured:
        return None
    flawed = [tensor for tensor in measured if tensor.stats is not None and (tensor.stats.nan or tensor.stats.inf)]
    told = {"measured": len(measured), "flawed": len(flawed), "op": "", "layer": "", "step": None}
    if flawed and flawed[0].producer is not None:
        op = record.ops[flawed[0].producer]
        told |= {"op": op.name, "layer": record.path(op.scope, shown=True)}
        told["step"] = None if op.step is None else step_numbers(record)[op.step]
    return told
