"""A recording in one look: how the training went, what its parts are, what was slow, the peak of memory, NaN.

Everything is computed from a few columns, so that `viz show` needn't make objects of all ops and tensors.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy

from viz.facts import formatting
from viz.facts.columns import NONE
from viz.facts.digest.sparse_columns import SparseColumns
from viz.facts.schema import VARIABLES, Op, Record
from viz.facts.selection import line_of, step_numbers

__all__ = ["OUTSIDE", "digest"]

OUTSIDE = "outside of layers"
"""What tables call what ran between layers; within a model, outside of its layers."""

_POINTS = 24  # of a course
_SLOWEST = 3
_MEANS = ("batch", "evaluation")  # `fit` and `evaluate` report the mean so far, and no batch's own
_APART = ("step", "backward", "data")  # scopes that are no part of a program


def digest(record: Record, seen: SparseColumns) -> dict[str, Any]:
    """What there is to say of a recording in one look, as plain data.

    Args:
        record: its scopes, steps and logs.
        seen: its ops and tensors.
    """
    seen.check()
    times = _Times(record, seen)
    return {
        "course": _course(record),
        "parts": times.parts(),
        "slowest": times.slowest(),
        "in_ops": times.whole,
        "memory": _memory(record, seen),
        "nonfinite": _nonfinite(record, seen),
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
    count = min(_POINTS, len(values))
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


class _Times:
    """What parts of the program took, in all steps together.

    An op counts for the layer that it ran in, a backward op for that of its forward op, and for all around it.
    """

    def __init__(self, record: Record, seen: SparseColumns) -> None:
        self._record, self._seen = record, seen
        start, end = seen.array("Op.start"), seen.array("Op.end")
        counts = (start != NONE) & (end != NONE) & ~seen.where("Op.phase", "network")  # those go on meanwhile
        self._durations = numpy.where(counts, end - start, 0)
        self.whole = int(self._durations.sum())
        self._origins = _origins(seen)
        self._scopes = seen.array("Op.scope")[self._origins] if seen.ops else seen.array("Op.scope")
        self._rows = self._first_calls()  # by scope, the row that it counts for, -1 for none

    @functools.cached_property
    def _row_of_ops(self) -> numpy.ndarray:
        """For each op the row that it counts for, -1 for none."""
        found: numpy.ndarray = numpy.array([*self._rows, -1])[
            numpy.where(self._scopes == NONE, len(self._rows), self._scopes)
        ]
        return found

    def _first_calls(self) -> list[int]:
        """For each scope the first call of the same object at the same place, within whatever step."""
        known: dict[tuple[int, int], int] = {}
        found: list[int] = []
        for scope in self._record.scopes:
            outer = -1 if scope.parent is None else found[scope.parent]
            if scope.kind in _APART:
                found.append(outer)
                continue
            key = (outer, -1 - scope.id if scope.owner is None else scope.owner)
            found.append(known.setdefault(key, scope.id))
        return found

    def parts(self) -> list[dict[str, Any]]:
        """Models, layers, losses, metrics and optimizers in the order of a walk through the program.

        What ran between those of one level, or outside of all, is a part behind them, so that times add up.
        """
        record, rows = self._record, self._rows
        sums = numpy.bincount(
            numpy.where(self._scopes == NONE, len(rows), self._scopes), weights=self._durations, minlength=len(rows) + 1
        )
        firsts = [n for n, row in enumerate(rows) if row == n and record.scopes[n].kind not in _APART]
        times, own = dict.fromkeys(firsts, 0), dict.fromkeys([-1, *firsts], 0)
        own[-1] = int(sums[len(rows)])
        outer = {number: self._outer(number) for number in firsts}
        for number, row in enumerate(rows):
            at, took = row, int(sums[number])
            own[row] += took
            while took and at != -1:
                times[at] += took
                at = outer[at]
        inside: dict[int, list[int]] = {}
        for number in firsts:
            inside.setdefault(outer[number], []).append(number)
        found, waiting = list[dict[str, Any]](), [(-1, -1, False)]
        while waiting:
            number, level, is_rest = waiting.pop()
            if is_rest:
                found.append(_outside(level, own[number]))
                continue
            if number >= 0:
                found.append(self._part(number, level, times[number]))
            within = [(each, level + 1, False) for each in inside.get(number, [])]
            rest = [(number, level + 1, True)] if within and own[number] else []
            waiting += [*rest, *within[::-1]]
        return found

    def _outer(self, number: int) -> int:
        parent = self._record.scopes[number].parent
        return -1 if parent is None else self._rows[parent]

    def _part(self, number: int, level: int, took: int) -> dict[str, Any]:
        scope = self._record.scopes[number]
        shapes = [self._seen.slice_of("TensorInfo.shape", i) for i in scope.outputs[:3] if 0 <= i < self._seen.tensors]
        return {
            "name": scope.shown,
            "kind": scope.kind,
            "class": scope.cls,
            "level": level,
            "output": shapes,
            "parameters": scope.params,
            "time": took,
        }

    def slowest(self) -> list[dict[str, Any]]:
        """The ops that took longest, with equal ones in the same layer summed."""
        seen, record = self._seen, self._record
        if not self.whole:
            return []
        rows = self._row_of_ops
        texts = len(seen.texts.values)  # one number for each name, phase and row: rows of three take long to sort
        keys = (seen.array("Op.name") * texts + seen.array("Op.phase")) * (len(self._rows) + 1) + rows + 1
        _, first, group = numpy.unique(keys, return_index=True, return_inverse=True)
        sums, counts = numpy.bincount(group, weights=self._durations), numpy.bincount(group)
        found = []
        for at in numpy.argsort(-sums, kind="stable")[:_SLOWEST]:
            number = int(first[at])
            row = int(rows[number])
            found.append(
                {
                    "op": seen.texts.value(int(seen.array("Op.name")[number])),
                    "phase": seen.texts.value(int(seen.array("Op.phase")[number])),
                    "layer": "" if row == -1 else record.path(row, shown=True),
                    "source": formatting.place(line_of(record, _op(seen, int(self._origins[number])))),
                    "count": int(counts[at]),
                    "time": int(sums[at]),
                    "share": float(sums[at]) / self.whole,
                }
            )
        return found


def _outside(level: int, took: int) -> dict[str, Any]:
    nothing: dict[str, Any] = {"kind": "", "class": "", "output": [], "parameters": None}
    return {"name": OUTSIDE, **nothing, "level": level, "time": took}


def _origins(seen: SparseColumns) -> numpy.ndarray:
    """For each op the forward op that it belongs to, for others itself."""
    forward, found = seen.array("Op.forward"), numpy.arange(seen.ops)
    leads = seen.where("Op.phase", "backward") & (forward != NONE)
    while leads[found].any():  # always to an earlier one
        found = numpy.where(leads[found], forward[found], found)
    return found


def _op(seen: SparseColumns, number: int) -> Op:
    """An op that belongs to itself, with as much as its line takes."""
    scope = int(seen.array("Op.scope")[number])
    stack = tuple(map(seen.frames.value, seen.slice_of("Op.stack", number)))
    return Op(number, "", "forward", None if scope == NONE else scope, stack=stack)


# ---------------------------------------------------------------------- memory


def _memory(record: Record, seen: SparseColumns) -> dict[str, Any] | None:
    """The peak of memory and the op that ran then, as `memory_use` has them; None where memory wasn't recorded."""
    sizes = seen.array("Storage.nbytes")
    storage = seen.array("TensorInfo.storage")
    met, first = numpy.unique(storage, return_index=True)
    first, met = first[met != NONE], met[met != NONE]
    if not len(met):
        return None
    owners = _owners(seen, first)
    is_variable = numpy.logical_or.reduce([seen.where("TensorInfo.role", role) for role in VARIABLES])
    from_before = is_variable[owners] & (seen.array("TensorInfo.producer")[owners] == NONE)  # as weights are
    begin = numpy.where(from_before, 0, seen.array("Storage.allocated")[met])
    freed = seen.array("Storage.freed")[met]
    is_freed = freed != NONE
    when = numpy.concatenate([begin, freed[is_freed]])
    change = numpy.concatenate([sizes[met], -sizes[met][is_freed]])
    order = numpy.lexsort((change, change > 0, when))
    live = numpy.cumsum(change[order])
    at = int(numpy.argmax(live))
    time = int(when[order][at])
    start = seen.array("Op.start")
    timed = numpy.flatnonzero(start != NONE)
    told = {"peak": int(live[at]), "time": time, "op": "", "layer": "", "source": ""}
    if len(timed):
        number = int(timed[max(0, int(numpy.searchsorted(start[timed], time, "right")) - 1)])
        origins = _origins(seen)
        scope = int(seen.array("Op.scope")[number])
        told["op"] = seen.texts.value(int(seen.array("Op.name")[number]))
        told["layer"] = "" if scope == NONE else record.path(scope, shown=True)
        told["source"] = formatting.place(line_of(record, _op(seen, int(origins[number]))))
    return told


def _owners(seen: SparseColumns, first: numpy.ndarray) -> numpy.ndarray:
    """For pieces of memory, of which the tensor that was met first is known, the one that they were made for."""
    storage = seen.array("TensorInfo.storage")
    named = ~seen.where("TensorInfo.name", "")
    is_named, is_kept = named.tolist(), seen.where("TensorInfo.role", "optimizer state").tolist()
    found = dict(zip(storage[first].tolist(), first.tolist()))
    again = numpy.flatnonzero(named & (storage != NONE))
    for i, piece in zip(again.tolist(), storage[again].tolist()):
        before = found[piece]
        if not is_named[before] or is_kept[before]:
            found[piece] = i
    return numpy.array([found[piece] for piece in storage[first].tolist()], numpy.int64)


# ---------------------------------------------------------------------- NaN and infinity


def _nonfinite(record: Record, seen: SparseColumns) -> dict[str, Any] | None:
    """How many of the measured tensors held NaN or infinity, and which op made the first; None where none was."""
    measured = seen.array("Stats.tensor")
    if not len(measured):
        return None
    nan, inf = (numpy.where(counts == NONE, 0, counts) for counts in (seen.array("Stats.nan"), seen.array("Stats.inf")))
    flawed = measured[(nan > 0) | (inf > 0)]
    told = {"measured": len(measured), "flawed": len(flawed), "op": "", "layer": "", "step": None}
    if len(flawed):
        producer = int(seen.array("TensorInfo.producer")[int(flawed.min())])
        if producer != NONE:
            scope, step = (int(seen.array(f"Op.{name}")[producer]) for name in ("scope", "step"))
            told["op"] = seen.texts.value(int(seen.array("Op.name")[producer]))
            told["layer"] = "" if scope == NONE else record.path(scope, shown=True)
            told["step"] = None if step == NONE else step_numbers(record)[step]
    return told
