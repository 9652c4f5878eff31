"""The steps around one of them, cut out of a file before there are objects.

A recording of ten thousand steps takes seconds and a gigabyte to read, and a picture shows one step.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import numpy

from viz.facts.columns import NONE, Damaged, Pool, rows_of
from viz.facts.container import check_parents, notes_of
from viz.facts.digest.sparse_columns import SparseColumns
from viz.facts.digest.time_spans import took
from viz.facts.schema import PHASES, VARIABLES, Op, Record, Scope, Stats, Step, Storage, TensorInfo, Whole
from viz.facts.selection import last_step, layers_of, outcome, step_kinds, trainings_before
from viz.facts.smaller.run_of_steps import MOST_STEPS, run_of_steps
from viz.facts.smaller.shown_step import last_usual

__all__ = ["Near", "Part", "cut_near"]

_Columns = dict[str, numpy.ndarray]


@dataclasses.dataclass(frozen=True, slots=True)
class Near:
    """What to read of a recording: the steps around one of them.

    Attributes:
        step: the number of that step; None: the one that pictures show.
        most: how many ops to read, or all of a larger step; a recording with no more, of no more than `MOST_STEPS`
            steps, is read whole.
    """

    step: int | None
    most: int

    def takes_all(self, ops: int, steps: int) -> bool:
        """Is that all of a recording with so many ops and steps?"""
        return ops <= self.most and steps <= MOST_STEPS


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """A part of a file.

    Attributes:
        header: its JSON.
        columns: its columns.
        tensors: for each tensor of the file that it holds, the number it has here.
        whole: what it is a part of.
    """

    header: dict[str, Any]
    columns: _Columns
    tensors: dict[int, int]
    whole: Whole


def cut_near(header: dict[str, Any], columns: _Columns, near: Near) -> Part | None:
    """The part of a file that is wanted; None where the step isn't in it.

    Args:
        header: the file's JSON.
        columns: its columns, whose numbers all lead somewhere.
        near: what is wanted.

    Raises:
        Damaged: where the JSON leads nowhere.
    """
    file = _File(header, columns)
    chosen = file.position(near.step)
    spans = file.spans()
    if chosen is None or chosen not in spans:
        return None
    begin, end = spans[chosen]
    first, last = run_of_steps(spans, chosen, max(near.most, end - begin))
    return _Cut(file, first, last).part(file.whole(first, chosen))


class _File:
    """A file's JSON and columns."""

    def __init__(self, header: dict[str, Any], columns: _Columns) -> None:
        self.header, self.columns = header, columns
        self.scopes: list[dict[str, Any]] = header["scopes"]
        self.steps: list[dict[str, Any]] = header["steps"]
        for step in self.steps:
            self.check_scope(step["scope"])
        self.numbers = [i if step["number"] is None else step["number"] for i, step in enumerate(self.steps)]

    def check_scope(self, number: Any) -> None:
        if type(number) is not int or not 0 <= number < len(self.scopes):
            raise Damaged(f"scope {number!r:.40} of {len(self.scopes)}")

    def text(self, text: str) -> int:
        """The number of a text, which may have none."""
        return self.header["texts"].index(text) if text in self.header["texts"] else NONE

    def whole(self, first: int, shown: int) -> Whole:
        """What is told of all of it, beside a part that begins with this op and shows this step."""
        outline = Record(
            scopes=[
                Scope(i, row["kind"], row["name"], row["parent"], row["owner"], start=row["start"], end=row["end"])
                for i, row in enumerate(self.scopes)
            ],
            steps=[Step(i, row["scope"], number=row["number"]) for i, row in enumerate(self.steps)],
            notes=notes_of(self.header["notes"]),
        )
        check_parents(outline.scopes)
        texts, ops = Pool(self.header["texts"]), len(self.columns["Op.step"])
        failed = numpy.flatnonzero(self.columns["Op.error"] != NONE)[-1:]
        told = [texts.look_up(self.columns[name][failed]) for name in ("Op.name", "Op.error")]
        last, unbroken = last_step(outline)
        return Whole(
            ops=ops,
            first=first,
            kinds=step_kinds(outline),
            last=last or 0,
            unbroken=unbroken,
            trained=trainings_before(outline, int(self.columns["Op.step"][first])),
            shown=self.numbers[shown],
            layers=layers_of(outline),
            took=took(outline, SparseColumns(self.columns, texts, Pool(), ops, len(self.columns["TensorInfo.role"]))),
            outcome=outcome(outline, [Op(0, name, error=error) for name, error in zip(*told)]),
        )

    def spans(self) -> dict[int, tuple[int, int]]:
        """Of each step that has ops, the first one and the end."""
        of, ops = self.columns["Op.step"], len(self.columns["Op.step"])
        steps, firsts = numpy.unique(of, return_index=True)
        _, from_the_end = numpy.unique(of[::-1], return_index=True)
        rows = zip(steps.tolist(), firsts.tolist(), (ops - from_the_end).tolist())
        return {step: (first, end) for step, first, end in rows if step != NONE}

    def position(self, number: int | None) -> int | None:
        """Where among the steps the one with this number is, or the one that pictures show."""
        if number is not None:
            return self.numbers.index(number) if number in self.numbers else None
        complete = [i for i, step in enumerate(self.steps) if self.scopes[step["scope"]]["error"] is None]
        of, phases = self.columns["Op.step"], self.columns["Op.phase"]
        ran = {phase: set(numpy.unique(of[phases == self.text(phase)]).tolist()) for phase in PHASES}
        return last_usual(complete, ran, self._rows)

    def _rows(self) -> dict[int, int]:
        """How many rows the batch of each step has: see `shown_step`."""
        sizes, starts = self.columns["TensorInfo.shape"], self.columns["TensorInfo.shape@"]
        found = {}
        for i, step in enumerate(self.steps):
            given = self.scopes[step["scope"]]["inputs"][:1]
            if given and starts[given[0]] < starts[given[0] + 1]:
                found[i] = int(sizes[starts[given[0]]])
        reads, cuts = self.columns["Op.inputs"], self.columns["Op.inputs@"]
        op = numpy.repeat(numpy.arange(len(cuts) - 1), numpy.diff(cuts))
        of, role = self.columns["Op.step"][op], self.columns["TensorInfo.role"][reads]
        fits = (of != NONE) & (self.columns["Op.phase"][op] == self.text("forward"))
        fits &= (role == self.text("input")) & (starts[reads] < starts[reads + 1])
        steps, firsts = numpy.unique(of[fits], return_index=True)
        lengths = sizes[starts[reads[fits][firsts]]]
        return dict(zip(steps.tolist(), lengths.tolist())) | found


class _Cut:
    """Takes ops out of a file, with all that they refer to, and numbers it anew."""

    def __init__(self, file: _File, first: int, last: int) -> None:
        self.file, self.first, self.last = file, first, last
        self.ops = numpy.arange(first, last)
        columns = file.columns
        self.scopes = self._numbers(self._scopes_kept())
        self.steps = self._numbers([i for i, step in enumerate(file.steps) if step["scope"] in self.scopes])
        kept = self._tensors_kept()
        self.tensors = self._numbers(kept.tolist())
        self._kept = kept
        storages = numpy.unique(columns["TensorInfo.storage"][kept])
        self._storages = storages[storages != NONE]

    @staticmethod
    def _numbers(kept: Iterable[int]) -> dict[int, int]:
        return {old: new for new, old in enumerate(kept)}

    def _scopes_kept(self) -> list[int]:
        """Those of the ops, and what was opened among those of the steps, which may have none, with all around them."""
        of_ops, steps = [self.file.columns[name][self.first : self.last] for name in ("Op.scope", "Op.step")]
        of_ops, steps = of_ops[of_ops != NONE], steps[of_ops != NONE]
        inside = of_ops[steps != NONE].tolist()
        among = range(self._begin(min(inside)), max(inside) + 1) if inside else ()
        found: set[int] = set()
        for scope in {*of_ops.tolist(), *among}:
            while scope is not None and scope not in found:
                found.add(scope)
                scope = self._around(scope)
        return sorted(found)

    def _around(self, scope: int) -> int | None:
        parent = self.file.scopes[scope]["parent"]
        if parent is not None:
            self.file.check_scope(parent)
        return parent

    def _begin(self, scope: int) -> int:
        """Where the step begins that a scope belongs to: with the batch that it is given."""
        rows = self.file.scopes
        while rows[scope]["kind"] != "step" and (outer := self._around(scope)) is not None and outer < scope:
            scope = outer
        while scope and rows[scope - 1]["kind"] == "data":
            scope -= 1
        return scope

    def _tensors_kept(self) -> numpy.ndarray:
        """What the ops read and made, and of what that is the gradient."""
        columns, first, last = self.file.columns, self.first, self.last
        met = [columns[name][slice(*columns[f"{name}@"][[first, last]])] for name in ("Op.inputs", "Op.outputs")]
        role, made = columns["TensorInfo.role"], columns["TensorInfo.producer"] != NONE
        kept = role == self.file.text("optimizer state")  # which no op reads
        for each in VARIABLES:  # as they were at first: all that a step reads of them may be later versions
            kept |= (role == self.file.text(each)) & ~made
        found = numpy.unique(numpy.concatenate([*met, numpy.flatnonzero(kept), self._of_scopes()]))
        of = columns["TensorInfo.gradient_of"][found]
        return numpy.union1d(found, of[of != NONE])

    def _of_scopes(self) -> numpy.ndarray:
        """What was given to the scopes of these steps, and what they gave."""
        rows, steps = self.file.scopes, [self.file.steps[i]["scope"] for i in self.steps]
        began = self._begin(min(steps))
        met = [i for scope in self.scopes if scope >= began for i in (*rows[scope]["inputs"], *rows[scope]["outputs"])]
        if not all(type(i) is int and 0 <= i < len(self.file.columns["TensorInfo.role"]) for i in met):
            raise Damaged("a scope refers to a tensor that isn't there")
        return numpy.array(met, dtype=numpy.int64)

    # ------------------------------------------------------------------ what is left

    def part(self, whole: Whole) -> Part:
        """The part."""
        file, columns = self.file, self.file.columns
        with_stats = numpy.flatnonzero(numpy.isin(columns["Stats.tensor"], self._kept))
        found = {
            **rows_of(columns, Op, self.ops),
            **rows_of(columns, TensorInfo, self._kept),
            **rows_of(columns, Storage, self._storages),
            **rows_of(columns, Stats, with_stats),
        }
        found["Stats.tensor"] = columns["Stats.tensor"][with_stats]
        self._number_anew(found)
        counts = {"ops": len(self.ops), "tensors": len(self._kept), "storages": len(self._storages)}
        header = {
            **file.header,
            "counts": counts | {"stats": len(with_stats)},
            "meta": self._meta(),
            "scopes": [self._scope(old) for old in self.scopes],
            "steps": [self._step(old) for old in self.steps],
            "reads": [[op - self.first, how, line] for op, how, line in file.header.get("reads", []) if self._has(op)],
            "calls": [[op - self.first, *call] for op, *call in file.header.get("calls", []) if self._has(op)],
            "labels": self._by_tensor("labels"),
            "called": self._by_tensor("called"),
        }
        return Part(header, found, self.tensors, whole)

    def _number_anew(self, found: _Columns) -> None:
        """The numbers in columns as they are in the part; what points out of it points nowhere."""
        columns = self.file.columns
        tensors = _anew(len(columns["TensorInfo.role"]), self._kept)
        ops = _anew(len(columns["Op.step"]), self.ops)
        of: dict[str, numpy.ndarray] = {
            "Op.inputs": tensors,
            "Op.outputs": tensors,
            "Op.scope": _anew(len(self.file.scopes), list(self.scopes)),
            "Op.step": _anew(len(self.file.steps), list(self.steps)),
            "Op.forward": ops,
            "TensorInfo.producer": ops,
            "TensorInfo.gradient_of": tensors,
            "TensorInfo.storage": _anew(len(columns["Storage.nbytes"]), self._storages),
            "Stats.tensor": tensors,
        }
        for name, numbers in of.items():
            old = found[name]
            known = old != NONE
            found[name] = numpy.full(len(old), NONE)
            found[name][known] = numbers[old[known]]

    def _has(self, op: Any) -> bool:
        return type(op) is int and self.first <= op < self.last

    def _by_tensor(self, what: str) -> dict[str, Any]:
        numbered = {int(old): told for old, told in self.file.header.get(what, {}).items()}
        return {str(self.tensors[old]): told for old, told in numbered.items() if old in self.tensors}

    def _meta(self) -> Any:
        meta = self.file.header["meta"]
        flawed = meta.get("nonfinite_parts")
        if not flawed:
            return meta
        return meta | {"nonfinite_parts": {str(int(i) - self.first): n for i, n in flawed.items() if self._has(int(i))}}

    def _scope(self, old: int) -> dict[str, Any]:
        row, parent = self.file.scopes[old], self.file.scopes[old]["parent"]
        return {
            **row,
            "id": self.scopes[old],
            "parent": None if parent is None else self.scopes[parent],
            "inputs": self._some(row["inputs"]),
            "outputs": self._some(row["outputs"]),
        }

    def _some(self, tensors: Sequence[int]) -> list[int]:
        return [self.tensors[i] for i in tensors if i in self.tensors]

    def _step(self, old: int) -> dict[str, Any]:
        row = self.file.steps[old]
        return {**row, "index": self.steps[old], "scope": self.scopes[row["scope"]], "number": self.file.numbers[old]}


def _anew(count: int, kept: Any) -> numpy.ndarray:
    """For each of so many, the number that it has among the kept."""
    found = numpy.full(count, NONE)
    found[kept] = numpy.arange(len(kept))
    return found
