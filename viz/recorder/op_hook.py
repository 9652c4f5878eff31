"""What every op pays for while it is recorded: one function, with all it needs at hand as closed-over names.

It is `Capture.on_op`, written for speed: look-ups of attributes are hoisted out, and the usual case (one new
tensor, made by NumPy) is spelled out. Everything else goes through the capture's own methods.
"""

from __future__ import annotations

import itertools
import sys
import threading
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any, Protocol

from numpy import ndarray

from eagerflow import Tensor
from viz.recorder.descriptions import device_name, frozen
from viz.recorder.journal import Journal
from viz.recorder.memory_tracker import Memory
from viz.recorder.source_lines import MAX_FRAMES, is_internal

__all__ = ["Walker", "next_serial", "op_recorder", "recording"]

# Unique in the process: recordings share what they know of a tensor.
next_serial = itertools.count(1).__next__
_DEEPEST = 64  # frames, those of eagerflow included, between a line of the user's and an op
recording = [0]  # how many recordings are open in the process


class Walker:
    """Notes the user's code on the stack.

    Attributes:
        codes: the code objects met, by the numbers that stand for them.
        walk: see `_walk`.
    """

    def __init__(self) -> None:
        self.codes: dict[int, CodeType] = {}
        self._internal: dict[int, bool] = {}
        self.walk = self._make_walk()

    def _make_walk(self) -> Callable[[FrameType | None, FrameType | None], list[int]]:
        internal, meet, longest, levels = self._internal, self._meet, 2 * MAX_FRAMES, range(_DEEPEST)

        def walk(frame: FrameType | None, until: FrameType | None) -> list[int]:
            """The user's code from `frame` outwards up to `until`: number of a code object, instruction, ..."""
            places: list[int] = []
            for _ in levels:
                if frame is None:
                    break
                code = frame.f_code
                number = id(code)
                try:
                    inside = internal[number]
                except KeyError:
                    inside = meet(number, code)
                if not inside:
                    places.append(number)
                    places.append(frame.f_lasti)
                if frame is until:
                    break
                frame = frame.f_back
            return places if len(places) <= longest else places[:longest]

        return walk

    def _meet(self, number: int, code: CodeType) -> bool:
        self.codes[number] = code  # kept, so that the number stays its own
        inside = self._internal[number] = is_internal(code.co_filename)
        return inside


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

    def argument(self, x: Any) -> Any: ...

    def argument_of(self, x: Any) -> Any: ...

    def results(self, name: str, outputs: Any) -> list[int]: ...

    def note_guilty(self, op: Any, inputs: Any, settings: Any, made: list[int]) -> None: ...


def op_recorder(capture: Listener) -> Callable[..., None]:
    """The `on_op` of a capture."""
    seen, argument, tensors = capture.seen, capture.argument, capture.journal.tensors
    limit, tick, walk = capture.limit, capture.tick, capture.walk
    hold, look = capture.hold, capture.look
    add_memory = None if capture.memory is None else capture.memory.add
    thread, getframe = threading.get_ident, sys._getframe
    note, note_tensor = capture.journal.log.extend, tensors.extend

    def on_op(op: Any, inputs: Any, settings: Any, outputs: Any, started: int, ended: int, error: Any = None) -> None:
        if tick() >= limit:
            return
        scope, _, until = capture.here
        # Two up is the code that called the op: its own frame is skipped, for Python makes an object of a frame
        # that is looked at.
        places = walk(getframe(2), until) if walk is not None else ()
        given = frozen(settings) if settings else ()
        count = len(inputs)
        x = y = None
        if count == 1:
            x = inputs[0]
        elif count == 2:
            x, y = inputs
        if x is None or outputs.__class__ is not Tensor or outputs is x or outputs is y or recording[0] != 1:
            _note_rare(capture, op, inputs, given, outputs, started, ended, places, error)
            return
        # One or two arguments, and one tensor that no recording has met: spelled out, for most ops are such.
        try:
            first = seen[x.serial]
        except (AttributeError, KeyError):
            first = argument(x)
        if count == 2:
            try:
                second = seen[y.serial]  # type: ignore[union-attr]
            except (AttributeError, KeyError):
                second = argument(y)
        outputs.serial = serial = next_serial()
        seen[serial] = position = len(tensors) // 7
        data = outputs.data
        if data.__class__ is ndarray:
            storage = None if add_memory is None else add_memory(data, ended) if data.base is None else hold(data)
            note_tensor((data.shape, data.dtype, outputs.key, storage, None, "cpu", False))
        else:
            note_tensor((data.shape, data.dtype, outputs.key, hold(data), None, device_name(data), False))
        if look is not None:
            look(position, outputs, op.name)
        length = len(places)
        if count == 2:
            note(("op", op, started, ended, scope, thread(), given, 2, 1, length, first, second, position))
        else:
            note(("op", op, started, ended, scope, thread(), given, 1, 1, length, first, position))
        if length:
            note(places)

    return on_op


def _note_rare(
    capture: Listener, op: Any, inputs: Any, given: Any, outputs: Any, started: int, ended: int, places: Any, error: Any
) -> None:
    """The same for ops with other numbers of inputs or outputs, failed ones, and nested recordings."""
    read = [capture.argument_of(x) for x in inputs]
    if error is not None:
        capture.journal.note_error(error)
    made = capture.results(op.name, outputs)
    if op.fused:
        capture.note_guilty(op, inputs, given, made)
    lengths = len(read), len(made), len(places)
    scope, thread = capture.here[0], threading.get_ident()
    log = capture.journal.log
    log.extend(("op", op, started, ended, scope, thread, given, *lengths, *read, *made, *places))
