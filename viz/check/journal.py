"""What a run computed, as a list of short sums: two runs are the same where their lists are."""

from __future__ import annotations

import json
import random
import sys
import zlib
from collections.abc import Iterator
from threading import get_ident
from typing import Any, NamedTuple

import numpy

from eagerflow.core import observe
from eagerflow.core.random import get_state
from viz.doctor.facts.host_arrays import array_of, host, is_variable
from viz.doctor.facts.variable_owners import known_weights, layers_in
from viz.doctor.user_code import Place, made_at, op_place, scope_frame, user_line
from viz.dry_run.first_step import Stop
from viz.recorder.descriptions import flat
from viz.recorder.scopes import OpenScope, Scopes
from viz.recorder.step_tracker import Step, StepTracker

__all__ = ["Event", "Journal", "read", "seeds_now", "write"]

_MOST = 2_000_000  # events that are kept


class Event(NamedTuple):
    """Something that was computed."""

    kind: str  # `"draw"` (random numbers), `"data"` (a batch), `"op"`, `"loss"`, `"gradient"` or `"weights"`
    name: str  # the distribution, the op, or the variable's path
    sum: int  # a checksum of the bytes of its result
    file: str | None  # the user's line that led to it, or None
    line: int | None
    step: int  # how many training steps were over

    @property
    def place(self) -> Place | None:
        """The user's line."""
        return None if self.file is None or self.line is None else Place(self.file, self.line)


class Journal:
    """Writes down what the thread that made it computes, and ends the script after some training steps, if asked."""

    def __init__(self, steps: int | None = None) -> None:
        self.events: list[Event] = []  # what happened, in order
        self.seeds: dict[str, int] = {}  # sums of the process-wide random states when training began; empty before
        self.steps = 0  # how many training steps ended
        self._limit = steps
        self._thread = get_ident()
        self._scopes = Scopes[_Framed]()
        self._tracker, self._updated = StepTracker(), -1
        self._tracker.subscribe(self._marked, self._of_loop)

    def on_op(
        self, op: Any, inputs: Any, settings: Any, outputs: Any, started: int, ended: int, error: Any = None
    ) -> None:
        if outputs is not None and get_ident() == self._thread:
            if not self._tracker.begun:
                self._tracker.on_op(outputs)
            self._note("op", op.name, outputs)

    def on_update(self, name: str, variable: Any, inputs: Any, started: int, ended: int) -> None:
        if get_ident() == self._thread:
            self._tracker.on_update(variable)

    def on_draw(self, kind: str, drawn: Any, settings: Any, started: int, ended: int) -> None:
        if get_ident() == self._thread:
            self._note("draw", kind, drawn)

    def on_gradient(self, targets: Any, sources: Any, results: Any) -> None:
        if get_ident() != self._thread or not any(is_variable(source) for source in sources):
            return
        self._tracker.on_gradient(sources, results)
        self._note("loss", "loss", targets)
        for source, gradient in zip(sources, results):
            self._note("gradient", getattr(source, "path", "input"), gradient)

    def on_scope_begin(self, scope: observe.Scope) -> None:
        if get_ident() != self._thread:
            return
        opened = _Framed(scope)
        opened.frame = scope_frame(sys._getframe(1))
        self._scopes.append(opened)
        self._tracker.on_scope_begin(scope)
        if scope.kind == "step" and scope.name == "train_step":
            if not self.seeds:
                self.seeds = seeds_now()
                self._note_weights(scope.owner)
            self._note("data", "batch", scope.inputs)

    def on_scope_end(self, scope: observe.Scope, outputs: Any, error: BaseException | None = None) -> None:
        if get_ident() == self._thread and self._scopes.end(scope):
            self._tracker.on_scope_end(scope)

    def _note_weights(self, model: Any) -> None:
        """Write down all weights as they are now."""
        found: dict[int, tuple[Any, Any]] = {}
        for layer in layers_in(model) if hasattr(model, "weights") else ():  # outer ones first
            found |= {variable.identity: (variable, layer) for variable in known_weights(layer)}
        for variable, layer in found.values():
            self._enter("weights", variable.path, variable, made_at(layer))

    def _marked(self, step: Step) -> None:
        if step.kind == "train_step" and step.number != self._updated:  # those of loops count as they update
            self._step_over()

    def _of_loop(self, step: Step) -> None:
        self._updated = step.number
        self._step_over()

    def _step_over(self) -> None:
        self.steps += 1
        self.seeds = self.seeds or seeds_now()
        if self._limit is not None and self.steps >= self._limit:
            raise Stop

    def _note(self, kind: str, name: str, values: Any) -> None:
        if len(self.events) >= _MOST:
            raise Stop
        frame = sys._getframe(2)
        place = user_line(scope_frame(frame), None) if kind in ("data", "loss") else op_place(frame, self._scopes)
        self._enter(kind, name, values, place)

    def _enter(self, kind: str, name: str, values: Any, place: Place | None) -> None:
        file, line = place or (None, None)
        self.events.append(Event(kind, name, _sum(values), file, line, self.steps))


class _Framed(OpenScope):
    __slots__ = ("frame",)

    frame: Any


def _sum(values: Any) -> int:
    found = 0
    for each in flat(values):
        if each is not None:
            array = host(array_of(each))
            found = zlib.crc32(f"{array.dtype}{array.shape}".encode(), found)
            found = zlib.crc32(_bytes(array), found)
    return found


def _bytes(array: numpy.ndarray) -> Any:
    if array.dtype.hasobject or not array.size:
        return repr(array.tolist()).encode()
    return numpy.ascontiguousarray(array).reshape(-1).view("uint8").data


def seeds_now() -> dict[str, int]:
    """Sums of the process-wide random states: they are equal in two runs where somebody seeded them."""
    state = get_state()
    return {
        "eagerflow": zlib.crc32(repr(state["eagerflow"]).encode()),
        "numpy": zlib.crc32(repr(state["numpy"]).encode()),
        "python": zlib.crc32(repr(random.getstate()).encode()),
    }


def write(journal: Journal, path: str, failed: str = "") -> None:
    """Write a journal to a file, one event a line; `failed`: how its script failed, in words."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(json.dumps({"seeds": journal.seeds, "steps": journal.steps, "failed": failed}) + "\n")
        for event in journal.events:
            file.write(json.dumps(event) + "\n")


def read(path: str) -> tuple[dict[str, Any], list[Event]]:
    """What `write` wrote: its head, and the events."""
    with open(path, encoding="utf-8") as file:
        lines: Iterator[Any] = map(json.loads, file)
        head = next(lines)
        return head, [Event(*each) for each in lines]
