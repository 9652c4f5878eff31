"""What each line of the user's code costs in one step of a recording."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from viz.facts import formatting
from viz.facts.derived_stats import norm
from viz.facts.digest.made import Made
from viz.facts.digest.shown_step import shown_position
from viz.facts.digest.usual_times import steps_of, told_steps, usual_sums, usual_times
from viz.facts.gradient_passes import weight_gradients, whole_gradient
from viz.facts.json_data import finite
from viz.facts.schema import Frame, Op, Record
from viz.facts.selection import line_of, step_name, variables_of

__all__ = ["Costs", "LineCost", "costs_by_line"]


@dataclasses.dataclass
class LineCost:
    """What one line costs. Every op counts for one line, so that the lines' times add up to the whole."""

    file: str
    line: int
    code: str
    ops: dict[str, int] = dataclasses.field(default_factory=dict)  # that ran for it, with how often each
    shapes: list[str] = dataclasses.field(default_factory=list)  # of what its ops made, the last of each layer's call
    forward: int = 0  # nanoseconds, with metrics and data
    backward: int = 0  # nanoseconds of the derivatives of its ops
    update: int = 0  # nanoseconds of changing weights
    nbytes: int = 0  # that its ops made in the forward pass, and for metrics
    gradient: float | None = None  # the norm of the gradient of what it made at last; None where it wasn't measured
    weights: float | None = None  # the norm of the gradients of the weights that it is the first to read
    counted_at: list[tuple[str, int]] = dataclasses.field(default_factory=list)  # lines of layers, where its ops count

    @property
    def time(self) -> int:
        """All its nanoseconds."""
        return self.forward + self.backward + self.update


@dataclasses.dataclass
class Costs:
    """What the lines cost."""

    lines: dict[str, dict[int, LineCost]]  # by file, then by number
    step: str  # which step, in words; "" for a recording without steps
    elsewhere: int  # nanoseconds of ops without a line of the user's
    notes: list[str]  # what should be known

    def at(self, frame: Frame) -> LineCost:
        """What a line costs so far."""
        lines = self.lines.setdefault(frame.file, {})
        if frame.line not in lines:
            lines[frame.line] = LineCost(frame.file, frame.line, frame.code)
        return lines[frame.line]

    def total(self, name: str) -> int:
        """The sum of a number over all lines."""
        return sum([getattr(cost, name) for lines in self.lines.values() for cost in lines.values()])

    def head(self) -> str:
        """What all lines cost together."""
        parts = [f"{name} {formatting.seconds(self.total(name))}" for name in ("forward", "backward", "update")]
        where = f"{self.step}: " if self.step else ""
        return f"{where}{', '.join(parts)}; made {formatting.nbytes(self.total('nbytes'))} (forward)"

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain data that JSON can hold."""
        lines = [dataclasses.asdict(cost) for file in self.lines.values() for cost in file.values()]
        found: dict[str, Any] = finite(
            {"step": self.step, "elsewhere": self.elsewhere, "notes": self.notes, "lines": lines}
        )
        return found


def costs_by_line(record: Record, step: int | None = None) -> Costs:
    """What each line costs: in the step that is asked for, else in the median of those that were recorded.

    An op counts for the innermost line of the user's that ran it. What a model runs by itself, such as the layers of a
    `Sequential` in `fit`, counts for the line that made the layer, and not for that of `fit`.
    """
    usual = usual_times(record) if step is None else {}
    step = shown_position(record, step)
    ops = [op for op in record.ops if step is None or op.step == step]
    if ops and not any(op.stack for op in record.ops):
        raise ValueError(
            "the recording holds no lines of code: it was made with source=False, or no code of yours ran. Without "
            "that setting viz.trace() keeps them"
        )
    count, took = steps_of(ops, usual), usual_sums(usual)
    told = f" (times: {told_steps(count)})" if count else ""
    costs = Costs({}, "" if step is None else f"{step_name(record, step)}{told}", 0, list(record.notes))
    last: dict[tuple[str, int], Op] = {}
    readers: dict[int, LineCost] = {}
    variables, made = variables_of(record), Made(record)
    for op in ops:
        frame = line_of(record, op)
        if frame is None:
            costs.elsewhere += took([op])
            continue
        line = costs.at(frame)
        _count(line, op, took([op]), made.by(op))
        _tell_where(costs, op, frame)
        if op.phase == "forward" and op.outputs and not record.tensors[op.outputs[0]].version:
            last[frame.file, frame.line] = op
            for tensor in op.inputs:
                if tensor in variables:
                    readers.setdefault(variables[tensor], line)
    _add_shapes(record, costs, ops)
    _add_gradients(record, costs, ops, last, readers)
    return costs


def _count(line: LineCost, op: Op, took: int, made: int) -> None:
    if op.phase == "network":  # it goes on meanwhile
        return
    name = op.name if op.phase != "backward" else f"{op.name} (backward)"
    line.ops[name] = line.ops.get(name, 0) + 1
    phase = "update" if op.phase == "metric" else op.phase  # its state is brought up to date
    if phase in ("backward", "update"):
        setattr(line, phase, getattr(line, phase) + took)
    else:
        line.forward += took
    if op.phase not in ("backward", "update"):
        line.nbytes += made


def _tell_where(costs: Costs, op: Op, counted: Frame) -> None:
    """At the line that called a model, asked for gradients or updated weights: the lines for which that counts."""
    ran = op.stack[0] if op.stack else counted
    if (ran.file, ran.line) == (counted.file, counted.line):
        return
    line, there = costs.at(ran), (counted.file, counted.line)
    if there not in line.counted_at:
        line.counted_at.append(there)


def _add_shapes(record: Record, costs: Costs, ops: list[Op]) -> None:
    """Of each call of a layer what its last op made; of ops outside of layers what each made."""
    ends: dict[Any, Op] = {}
    for op in ops:
        if op.phase == "forward" and op.outputs and not record.tensors[op.outputs[0]].version:
            frame = line_of(record, op)
            if frame is not None:
                scope = next((s.id for s in record.ancestors(op.scope) if s.kind in ("layer", "loss")), None)
                ends[frame.file, frame.line, f"op {op.id}" if scope is None else scope] = op
    for (file, line, _), op in ends.items():
        shown = formatting.tensor(record.tensors[op.outputs[0]])
        shapes = costs.lines[file][line].shapes
        if shown not in shapes:
            shapes.append(shown)


def _add_gradients(
    record: Record, costs: Costs, ops: list[Op], last: dict[tuple[str, int], Op], readers: dict[int, LineCost]
) -> None:
    parts: dict[int, list[float]] = {}
    for op in ops:
        for i in op.outputs if op.phase == "backward" else ():
            tensor = record.tensors[i]
            size = norm(tensor)
            if tensor.gradient_of is not None and size is not None:
                parts.setdefault(tensor.gradient_of, []).append(size)
    for (file, line), op in last.items():
        found = [size for i in op.outputs for size in parts.get(i, ())]
        if found:
            costs.lines[file][line].gradient = math.hypot(*found)
    for (_, variable), weights in weight_gradients(record, ops, variables_of(record)).items():
        size = norm(whole_gradient(record, weights))
        if variable in readers and size is not None:
            reader = readers[variable]
            reader.weights = math.hypot(reader.weights or 0.0, size)
    if not parts and any(op.phase == "backward" for op in ops):
        costs.notes.append("norms of gradients weren't recorded: viz run --stats basic measures them")
