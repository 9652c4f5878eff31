"""What every op and every tensor pays for while it is recorded: functions with all they need at hand, closed over.

They are `Capture.on_op` and `Capture.meet`, written for speed: look-ups of attributes are hoisted
out, and the usual case (new arrays, made by NumPy) is spelled out. Everything else goes through the capture's own
methods.
"""

from __future__ import annotations

import itertools
import math
import sys
import threading
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any, Protocol

from numpy import ndarray

from eagerflow import Tensor
from eagerflow.core.observe import clock
from viz.recorder.descriptions import PLAIN, device_name, flat, frozen
from viz.recorder.journal import Journal
from viz.recorder.memory_tracker import Lifetime, Memory
from viz.recorder.source_lines import MAX_FRAMES, is_internal

__all__ = ["Walker", "meeter", "next_serial", "op_recorder", "recording"]

# Unique in the process: recordings share what they know of a tensor.
next_serial = itertools.count(1).__next__
_DEEPEST = 64  # frames, those of eagerflow included, between a line of the user's and an op
_PLACES = "<places>"  # in the globals of a captured step that is replayed: see `eagerflow/capture/program.py`
recording = [0]  # how many recordings are open in the process


class Walker:
    """Notes the user's code on the stack.

    Attributes:
        codes: the code objects met, by the numbers that stand for them.
        walk: see `_walk`.
    """

    def __init__(self) -> None:
        self.codes: dict[int, CodeType] = {}
        self._internal: dict[int, bool | tuple[Any, ...]] = {}  # of replayed steps: what led to each of their lines
        self.walk = self._make_walk()

    def _make_walk(self) -> Callable[[FrameType | None, FrameType | None], list[int]]:
        internal, meet, longest, levels = self._internal, self._meet, 2 * MAX_FRAMES, range(_DEEPEST)
        replayed = self._replayed

        def walk(frame: FrameType | None, until: FrameType | None) -> list[int]:
            """The user's code from `frame` outwards up to `until`: number of a code object, instruction, ..."""
            places: list[int] = []
            for _ in levels:
                if frame is None:
                    break
                try:
                    inside = internal[id(frame.f_code)]
                except KeyError:
                    inside = meet(id(frame.f_code), frame)
                if inside is not True:
                    if inside is False:
                        places.append(id(frame.f_code))
                        places.append(frame.f_lasti)
                    else:
                        places += replayed(inside[frame.f_lineno])
                if frame is until:
                    break
                frame = frame.f_back
            return places if len(places) <= longest else places[:longest]

        return walk

    def _meet(self, number: int, frame: FrameType) -> bool | tuple[Any, ...]:
        self.codes[number] = frame.f_code  # kept, so that the number stays its own
        inside = self._internal[number] = frame.f_globals.get(_PLACES) or is_internal(frame.f_code.co_filename)
        return inside

    def _replayed(self, places: tuple[tuple[CodeType, int], ...]) -> list[int]:
        """What was on the stack when a step was captured that is replayed now."""
        found: list[int] = []
        for code, at in places:
            if not is_internal(code.co_filename):
                self.codes[id(code)] = code
                found += (id(code), at)
        return found


class Listener(Protocol):
    """What the hook uses of a `Capture`."""

    seen: dict[int | None, int]
    here: tuple[int | None, int | None, FrameType | None]
    journal: Journal
    limit: int
    tick: Callable[[], int]
    memory: Memory | None
    walk: Callable[[FrameType | None, FrameType | None], list[int]] | None
    hold: Callable[[Any], int | None]
    look: Callable[[int, Tensor, str], None] | None
    measure: Callable[[int, Any], None] | None

    def argument(self, x: Any) -> Any: ...

    def argument_of(self, x: Any) -> Any: ...

    def results(self, name: str, outputs: Any) -> list[int]: ...

    def note_guilty(self, op: Any, inputs: Any, settings: Any, made: list[tuple[int, Any]]) -> None: ...


def meeter(capture: Listener) -> Callable[[Any, int | None, tuple[str, str] | None, bool], int]:
    """The `meet` of a capture, which notes an array met for the first time and gives its position."""
    tensors, hold, measure, memory = capture.journal.tensors, capture.hold, capture.measure, capture.memory
    note, add_memory = tensors.extend, None if memory is None else memory.add
    alive = {} if memory is None else memory.alive

    def meet(data: Any, key: int | None, variable: tuple[str, str] | None, outside: bool) -> int:
        position = len(tensors) // 7
        if data.__class__ is ndarray and data.base is None:
            storage: int | None
            known = alive.get(id(data))
            if known is not None and known() is data:
                storage = known.number
            else:
                storage = None if add_memory is None else add_memory(data, clock())
            note((data.shape, data.dtype, key, storage, variable, "cpu", outside))
        else:
            note((data.shape, data.dtype, key, hold(data), variable, device_name(data), outside))
        if measure is not None:
            measure(position, data)
        return position

    return meet


def op_recorder(capture: Listener) -> Callable[..., None]:
    """The `on_op` of a capture."""
    seen, argument, tensors = capture.seen, capture.argument, capture.journal.tensors
    limit, tick, walk = capture.limit, capture.tick, capture.walk
    hold, look, measure = capture.hold, capture.look, capture.measure
    add_memory = None if capture.memory is None else capture.memory.add
    alive: dict[int, Lifetime] = {} if capture.memory is None else capture.memory.alive
    thread, getframe, plain = threading.get_ident, sys._getframe, PLAIN
    note, note_tensor = capture.journal.log.extend, tensors.extend

    def on_op(op: Any, inputs: Any, settings: Any, outputs: Any, started: int, ended: int, error: Any = None) -> None:
        if tick() >= limit:
            return
        scope, _, until = capture.here
        # Two up is the code that called the op: its own frame is skipped, for Python makes an object of a frame
        # that is looked at.
        places = walk(getframe(2), until) if walk is not None else ()
        for value in settings:
            if value.__class__ not in plain:
                settings = frozen(settings)
                break
        if not inputs or outputs.__class__ is not Tensor or recording[0] != 1:
            _note_rare(capture, op, inputs, settings, outputs, started, ended, places, error)
            return
        # One tensor that no recording has met: spelled out, for most ops make such.
        read = []
        for x in inputs:
            if x is outputs:
                _note_rare(capture, op, inputs, settings, outputs, started, ended, places, error)
                return
            try:
                read.append(seen[x.serial])
            except (AttributeError, KeyError):
                read.append(argument(x))
        outputs.serial = serial = next_serial()
        seen[serial] = position = len(tensors) // 7
        data = outputs.data
        if data.__class__ is ndarray:
            storage: int | None
            known = alive.get(id(data))
            if known is not None and known() is data:  # an op that gives what it was given: a cast to the same type
                storage = known.number
            else:
                storage = None if add_memory is None else add_memory(data, ended) if data.base is None else hold(data)
            note_tensor((data.shape, data.dtype, outputs.key, storage, None, "cpu", False))
        else:
            note_tensor((data.shape, data.dtype, outputs.key, hold(data), None, device_name(data), False))
        if look is not None:
            look(position, outputs, op.name)
        elif measure is not None:
            measure(position, data)
        if measure is not None and op.fused and not _is_finite(data):
            capture.note_guilty(op, inputs, settings, [(position, data)])
        lengths = len(read), 1, len(places)
        note(("op", op, started, ended, scope, thread(), settings, *lengths, *read, position, *places))

    return on_op


def _is_finite(data: Any) -> bool:
    """Whether a small array holds finite numbers only; False where that isn't known at once."""
    if data.__class__ is ndarray and data.size <= 2048 and data.dtype.char in "fd":
        flat = data.ravel("K")
        return bool(flat.dot(flat) < math.inf)
    return False


def _note_rare(
    capture: Listener, op: Any, inputs: Any, given: Any, outputs: Any, started: int, ended: int, places: Any, error: Any
) -> None:
    """The same for ops with other numbers of inputs or outputs, failed ones, and nested recordings."""
    read = [capture.argument_of(x) for x in inputs]
    if error is not None:
        capture.journal.note_error(error)
    made = capture.results(op.name, outputs)
    if op.fused:
        capture.note_guilty(
            op, inputs, given, [(i, x.data) for i, x in zip(made, flat(() if outputs is None else outputs))]
        )
    lengths = len(read), len(made), len(places)
    scope, thread = capture.here[0], threading.get_ident()
    log = capture.journal.log
    log.extend(("op", op, started, ended, scope, thread, given, *lengths, *read, *made, *places))
