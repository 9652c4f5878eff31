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
from typing import TYPE_CHECKING, Any

from numpy import ndarray

from eagerflow import Tensor
from viz.plain import device_name, frozen
from viz.source import MAX_FRAMES, is_internal

if TYPE_CHECKING:
    from viz.capture import Capture

__all__ = ["Walker", "next_serial", "op_recorder", "recording"]

next_serial = itertools.count(
    1
).__next__  # unique in the process: recordings share what they know of a tensor
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
        internal, meet, longest = self._internal, self._meet, 2 * MAX_FRAMES

        def walk(frame: FrameType | None, until: FrameType | None) -> list[int]:
            """The user's code from `frame` outwards up to `until`: number of a code object, instruction, ..."""
            places: list[int] = []
            while frame is not None:
                code = frame.f_code
                number = id(code)
                try:
                    inside = internal[number]
                except KeyError:
                    inside = meet(number, code)
                if not inside:
                    places += number, frame.f_lasti
                    if len(places) >= longest:
                        break
                if frame is until:
                    break
                frame = frame.f_back
            return places

        return walk

    def _meet(self, number: int, code: CodeType) -> bool:
        self.codes[number] = code  # kept, so that the number stays its own
        inside = self._internal[number] = is_internal(code.co_filename)
        return inside


def op_recorder(capture: Capture) -> Callable[..., None]:
    """The `on_op` of a capture."""
    seen, argument, tensors = capture.seen, capture.argument, capture.journal.tensors
    limit, tick, ops, walk, log = capture.limit, capture.tick, capture.ops, capture.walk, capture.journal.log
    memory, hold, measure = capture.memory, capture.hold, capture.measure
    add_memory, keeper = None if memory is None else memory.add, capture.keeper
    thread, getframe, depths = threading.get_ident, sys._getframe, dict[int, int]()

    def on_op(
        op: Any, inputs: Any, settings: Any, outputs: Any, started: int, ended: int, error: Any = None
    ) -> None:
        if tick() >= limit:
            return
        number = id(op)
        if number not in ops:
            ops[number], depths[number] = op, _depth(getframe(1))
        fresh = outputs.__class__ is Tensor and recording[0] == 1
        read: list[Any] = []
        for x in inputs:
            try:
                read.append(seen[x.serial])
            except (AttributeError, KeyError):
                read.append(argument(x))
            if x is outputs:
                fresh = False
        scope, _, until = capture.here
        places = walk(getframe(depths[number]), until) if walk is not None else ()
        given = frozen(settings) if settings else ()
        if error is not None:
            capture.journal.note_error(error)
        if not fresh:
            made = capture.results(op.name, outputs)
            lengths = len(read), len(made), len(places)
            log.extend(
                ("op", number, started, ended, scope, thread(), given, *lengths, *read, *made, *places)
            )
            return
        # One tensor that no recording has met: what `Capture.result` does, spelled out.
        data = outputs.data
        outputs.serial = serial = next_serial()
        seen[serial] = position = len(tensors) // 7
        if data.__class__ is ndarray:
            storage = add_memory(data, ended) if add_memory and data.base is None else hold(data)
            tensors.extend((data.shape, data.dtype, outputs.key, storage, None, "cpu", False))
        else:
            tensors.extend((data.shape, data.dtype, outputs.key, hold(data), None, device_name(data), False))
        if measure is not None:
            measure(position, data)
        if keeper is not None:
            keeper.output(position, data, outputs.key, capture.label(op.name))
        lengths = len(read), 1, len(places)
        log.extend(("op", number, started, ended, scope, thread(), given, *lengths, *read, position, *places))

    return on_op


def _depth(frame: FrameType) -> int:
    """How far up the stack the code that called an op is, from `on_op`.

    An op's own two frames are skipped by number: walking over them would make Python create objects for them.
    """
    outer = frame.f_back
    internal = (
        outer is not None and is_internal(frame.f_code.co_filename) and outer.f_code.co_filename[:1] == "<"
    )
    return 3 if internal else 1
