"""What every op and every tensor pays for while it is recorded: functions with all they need at hand, closed over.

They are `Capture.on_op` and `Capture.meet`, written for speed: look-ups of attributes are hoisted
out, and the usual case (new arrays, made by NumPy) is spelled out. Everything else goes through the capture's own
methods.
"""

from __future__ import annotations

import itertools
import sys
import threading
from collections.abc import Callable, Sequence
from types import CodeType, FrameType
from typing import Any

from numpy import isfinite, ndarray

from eagerflow.core.observe import clock
from viz.frameworks.objects import PLAIN_TENSORS
from viz.recorder.descriptions import PLAIN, device_name, flat, frozen
from viz.recorder.memory_tracker import Lifetime
from viz.recorder.names.composed_calls import is_composed
from viz.recorder.source_lines import MAX_FRAMES, is_internal
from viz.recorder.tensor_stats import SMALL

__all__ = ["Walk", "Walker", "argument_recorder", "meeter", "next_serial", "op_recorder", "recording"]

# Unique in the process: recordings share what they know of a tensor.
next_serial = itertools.count(1).__next__
Walk = Callable[[FrameType | None, FrameType | None], Sequence[int]]
_DEEPEST = 64  # frames, those of eagerflow included, between a line of the user's and an op
_PLACES = "<places>"  # in the globals of a captured step that is replayed: see `eagerflow/capture/programs/program.py`
recording = [0]  # how many recordings are open in the process


class Walker:
    """Notes the user's code on the stack.

    Attributes:
        codes: the code objects met, by the numbers that stand for them.
        walk: see `_walk`.
    """

    def __init__(self) -> None:
        self.codes: dict[int, CodeType] = {}
        self._passed: set[str] = set()  # files none of whose code is the user's
        self._internal: dict[int, bool | tuple[Any, ...]] = {}  # of replayed steps: what led to each of their lines
        self._composed: dict[int, bool] = {}  # functions of ours that the user's code calls: are they several ops?
        self.walk = self._make_walk()

    def _make_walk(self) -> Walk:
        internal, meet, longest, levels = self._internal, self._meet, 2 * MAX_FRAMES, range(_DEEPEST)
        replayed, passed, nothing = self._replayed, self._passed, ()
        composed, meet_entry = self._composed, self._meet_entry

        def walk(frame: FrameType | None, until: FrameType | None) -> Sequence[int]:
            """The user's code from `frame` outwards up to `until`: number of a code object, instruction, ...

            Where it called a function of ours that is several ops, the number of its code object stands last.
            """
            entry = inner = None  # the outermost frames of ours: a wrapper may be around the function
            try:
                while frame.f_code.co_filename in passed:  # type: ignore[union-attr]  # often nothing else is there
                    if frame is until:
                        return nothing
                    inner, entry, frame = entry, frame, frame.f_back  # type: ignore[union-attr]
            except AttributeError:  # the outermost frame is passed
                return nothing
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
                elif not places:
                    inner, entry = entry, frame
                if frame is until:
                    break
                frame = frame.f_back
            if len(places) > longest:
                places = places[:longest]
            if entry is not None and places:
                for each in (entry, inner):
                    if each is not None:
                        number = id(each.f_code)
                        if composed[number] if number in composed else meet_entry(each.f_code):
                            places.append(number)
                            break
            return places

        return walk

    def _meet_entry(self, code: CodeType) -> bool:
        self.codes[id(code)] = code
        found = self._composed[id(code)] = is_composed(code.co_name)
        return found

    def _meet(self, number: int, frame: FrameType) -> bool | tuple[Any, ...]:
        self.codes[number] = frame.f_code  # kept, so that the number stays its own
        inside = self._internal[number] = frame.f_globals.get(_PLACES) or is_internal(frame.f_code.co_filename)
        if inside is True:
            self._passed.add(frame.f_code.co_filename)
        return inside

    def _replayed(self, places: tuple[tuple[CodeType, int], ...]) -> list[int]:
        """What was on the stack when a step was captured that is replayed now."""
        found: list[int] = []
        for code, at in places:
            if not is_internal(code.co_filename):
                self.codes[id(code)] = code
                found += (id(code), at)
        return found


def meeter(capture: Any) -> Callable[[Any, int | None, tuple[str, str] | None, bool], int]:
    """The `meet` of a capture, which notes an array met for the first time and gives its position."""
    tensors, hold, measure, memory = capture.journal.tensors, capture.hold, capture.measure, capture.memory
    note, add_memory = tensors.extend, None if memory is None else memory.add
    alive = {} if memory is None else memory.alive
    name = None if capture.names is None else capture.names.note

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
        if outside and key is None and variable is None and name is not None:
            name(position, data)
        return position

    return meet


def argument_recorder(capture: Any) -> Callable[[Any], Any]:
    """The `argument` of a capture: a batch, say, which each step meets for the first time."""
    seen, arrays, gathered, plain_tensors = capture.seen, capture.arrays, capture.gathered, PLAIN_TENSORS
    other, from_outside = capture.other_argument, capture.from_outside

    def argument(x: Any) -> Any:
        if x.__class__ not in plain_tensors or x.key is not None or id(x.data) in gathered:
            return other(x)
        data = x.data
        known = arrays.get(id(data))
        position = known[1] if known is not None and known[0]() is data else from_outside(data)
        serial = getattr(x, "serial", None)
        if serial is None:
            x.serial = serial = next_serial()
        seen[serial] = position
        return position

    return argument


def op_recorder(capture: Any) -> Callable[..., None]:
    """The `on_op` of a capture."""
    seen, argument, tensors, indices = capture.seen, capture.argument, capture.journal.tensors, capture.indices
    limit, tick, walk, hold = capture.limit, capture.tick, capture.walk, capture.hold
    look, measure, memory = capture.look, capture.measure, capture.memory
    alive, pieces, gone = ({}, [], []) if memory is None else (memory.alive, memory.pieces, memory.gone)
    note, note_tensor, note_piece, went = capture.journal.log.extend, tensors.extend, pieces.extend, gone.append
    thread, getframe, plain, plain_tensors = threading.get_ident, sys._getframe, PLAIN, PLAIN_TENSORS

    def on_op(op: Any, inputs: Any, settings: Any, outputs: Any, started: int, ended: int, error: Any = None) -> None:
        """Most ops make one tensor that no recording has met: that is spelled out.

        Two frames up is the code that called the op. The op's own frame is skipped, for Python makes an object of a
        frame that is looked at.
        """
        if tick() >= limit:
            return
        scope, _, until = capture.here
        places = walk(getframe(2), until) if walk is not None else ()
        if indices and (named := indices.pop(thread(), ())) and "index" in op.settings:
            inputs = (*inputs, *named)
        if not plain.issuperset(map(type, settings)):
            settings = frozen(settings)
        if not inputs or outputs.__class__ not in plain_tensors or recording[0] != 1:
            _note_rare(capture, op, inputs, settings, outputs, started, ended, places, error)
            return
        event = ["op", op, started, ended, scope, thread(), settings, len(gone), len(inputs), 1, len(places)]
        for x in inputs:
            if x is outputs:
                _note_rare(capture, op, inputs, settings, outputs, started, ended, places, error)
                return
            try:  # what has no such attribute takes long to say so
                known = None if x.__class__ in plain else seen.get(x.serial)
            except AttributeError:
                known = None
            event.append(argument(x) if known is None else known)
        outputs.serial = serial = next_serial()
        seen[serial], data = (position := len(tensors) // 7), outputs.data
        if data.__class__ is ndarray:
            lifetime = alive.get(id(data))
            if lifetime is not None and lifetime() is data:  # an op gives what it was given: a cast to the same type
                storage: int | None = lifetime.number
            elif memory is None or data.base is not None:
                storage = hold(data)
            else:  # what `Memory.add` does
                alive[id(data)] = lifetime = Lifetime(data, went)
                lifetime.number = storage = len(pieces) >> 1
                note_piece((data.nbytes, ended))
            note_tensor((data.shape, data.dtype, outputs.key, storage, None, "cpu", False))
        else:
            note_tensor((data.shape, data.dtype, outputs.key, hold(data), None, device_name(data), False))
        if look is not None:
            look(position, outputs, op.name)
        elif measure is not None:
            measure(position, data)
        if op.fused and measure is not None and _may_be_flawed(data):
            capture.note_guilty(op, inputs, settings, [(position, data)])
        event += (position, *places)
        note(event)

    return on_op


def _may_be_flawed(data: Any) -> bool:
    """Whether a result holds NaN or infinity, or is too large to be asked here."""
    return data.__class__ is not ndarray or data.size > SMALL or b"\0" in isfinite(data).tobytes()


def _note_rare(
    capture: Any, op: Any, inputs: Any, given: Any, outputs: Any, started: int, ended: int, places: Any, error: Any
) -> None:
    """The same for ops with other numbers of inputs or outputs, failed ones, and nested recordings."""
    read = [capture.argument_of(x) for x in inputs]
    if error is not None:
        capture.journal.note_error(error)
    tensors = [*flat(() if outputs is None else outputs)]
    made = capture.results(op.name, tensors)
    if capture.names is not None:
        capture.names.expect(made, tensors)
    if op.fused:
        capture.note_guilty(op, inputs, given, [(i, x.data) for i, x in zip(made, tensors)])
    capture.note("op", op, started, ended, given, read, made, places)
