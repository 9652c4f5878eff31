"""Who reads the values of tensors while a step is captured, and who changes variables.

Ops, shapes and types ask for nothing that a replay couldn't give. Whoever takes the numbers out - `float`, `bool`,
`numpy`, the raw array - goes on in Python with what this run has, so the capture ends there. To hear of it, the
attribute `data` of tensors is a property meanwhile. Classes stay what they are: the step runs the very code that it
runs otherwise. Other threads notice nothing but that theirs takes longer.
"""

from __future__ import annotations

import dis
import functools
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import Any

from eagerflow.base import tree
from eagerflow.base.capturing import capturing
from eagerflow.capture.hearing.calls import is_of_user
from eagerflow.capture.hearing.exchanged import Exchange, Put
from eagerflow.core.in_place import put, stored, while_written
from eagerflow.core.tape import GradientTape
from eagerflow.core.tensor import Tensor
from eagerflow.core.variable import Variable

__all__ = ["watched"]

_OURS = str(Path(__file__).parents[2].absolute())
_CAPTURING = (str(Path(__file__).parents[1].absolute()) + os.sep, "<eagerflow guards>")
_COMPARING = ("<eagerflow op ", "<eagerflow guards>", str(Path(__file__).parents[1].absolute() / "dependence") + os.sep)
_ABOUT = frozenset({"dtype", "shape", "ndim", "size", "nbytes", "__class__", "itemsize"})
_ASKERS = frozenset({"device_of", "namespace_of", "_namespace_of", "type", "signature_of", "is_device_array"})
# Functions of ours that hand the array on to what asks for its shape and type alone, or keeps it as it is.
_TRUSTED = {
    ("tape.py", "_seeds"),
    ("tape.py", "_zeros_like"),
    ("op_function.py", "_number_beside"),
    ("op_function.py", "unwrap_all"),
    ("primitive.py", "_wrap"),
    ("indexing.py", "_raw_part"),  # which becomes a setting of the op, and is known by its identity
}
_WRITERS = ("assign", "assign_add", "assign_sub", "increase", "clear")
_OF_TAPES = ("watch", "stop_recording", "reset", "_differentiate")
_WAITING = while_written.__code__
_slot: Any = Tensor.__dict__["data"]


@functools.cache
def _harmless(code: CodeType, at: int) -> bool:
    """Whether the code that asks for `.data` at this place goes on with its type or shape alone."""
    folder, _, name = code.co_filename.rpartition(os.sep)
    function = code.co_qualname.partition(".")[0]
    if code.co_filename.startswith(_COMPARING) or (folder.startswith(_OURS) and (name, function) in _TRUSTED):
        return True
    steps = [step for step in dis.get_instructions(code) if step.opname not in ("CACHE", "EXTENDED_ARG", "PRECALL")]
    here = max((i for i, step in enumerate(steps) if step.offset <= at), default=0)
    following = steps[here + 1] if here + 1 < len(steps) else None
    if following is None:
        return False
    if following.opname.startswith(("LOAD_ATTR", "LOAD_METHOD")) and following.argval in _ABOUT:
        return True
    asked = {str(step.argval) for step in steps[max(0, here - 3) : here] if step.opname.startswith("LOAD_GLOBAL")}
    return following.opname.startswith("CALL") and bool(asked & _ASKERS)


@functools.cache
def _asks_for_class(code: CodeType, at: int) -> bool:
    """Whether code of the user's goes on with the class of what it asks for at this place."""
    if not is_of_user(code.co_filename):
        return False
    steps = [step for step in dis.get_instructions(code) if step.opname not in ("CACHE", "EXTENDED_ARG", "PRECALL")]
    following = next((step for step in steps if step.offset > at), None)
    return following is not None and (following.opname.startswith("CALL") or following.argval == "__class__")


def _data(self: Any) -> Any:
    recorder: Any = capturing.get()
    if recorder is not None and recorder.kept and not sys._getframe(1).f_code.co_filename.startswith(_CAPTURING):
        recorder.has_asked(self)
    if recorder is not None and recorder.knows(self):
        frame: Any = sys._getframe(1)
        if frame.f_code is _WAITING:  # on another thread that wrote to the variable: whoever asked is around it
            frame = frame.f_back
        if not _harmless(frame.f_code, frame.f_lasti):
            recorder.read(self, _asked(frame))
        elif not stored(self).shape and _asks_for_class(frame.f_code, frame.f_lasti):
            recorder.end(
                "the step asks for the class of raw data without axes: numbers and arrays stand for each other"
            )
    return stored(self)


def _set(self: Any, array: Any) -> None:
    if isinstance(self, Variable):
        put(self, array)
    else:
        _slot.__set__(self, array)


def _asked(frame: Any) -> str:
    """What the user's code called, or what of ours asks by itself, without names that only we know."""
    while frame.f_code.co_name.startswith(("_", "<")) and frame.f_back is not None:
        name = frame.f_code.co_name
        within = frame.f_back.f_code  # a variable makes a tensor first
        is_within = name == "__init__" and within.co_name.startswith("_") and within.co_filename.startswith(_OURS)
        if (name.startswith("__") and not is_within) or not frame.f_code.co_filename.startswith(_OURS):
            break
        frame = frame.f_back
    name = str(frame.f_code.co_name)
    if name == "__init__":
        name = frame.f_code.co_qualname.split(".")[-2]
    return f"{name.strip('_')}()" if not name.startswith("<") else name.strip("<>")


def _value(plain: Any) -> Any:
    def value(self: Any) -> Any:
        recorder: Any = capturing.get()
        return plain.fget(self) if recorder is None else recorder.snapshot(self, plain)

    return property(value)


def _writing(plain: Any) -> Any:
    @functools.wraps(plain)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        recorder: Any = capturing.get()
        return plain(self, *args, **kwargs) if recorder is None else recorder.call_again(plain, (self, *args), kwargs)

    return method


def _from_outside(plain: Any, name: str) -> Any:
    @functools.wraps(plain)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        recorder: Any = capturing.get()
        if recorder is not None and any(tape is self for tape in recorder.outer_tapes):
            recorder.end(f"{name} of a tape from outside of the step")
        found = plain(self, *args, **kwargs)
        if recorder is not None and name == "watch":
            recorder.watched(tree.flatten((args, kwargs)))
        elif recorder is not None and name == "differentiate":
            recorder.went_all_back(args[1], found)
        return found

    return method


def _changing(plain: Any) -> Any:
    def changing(self: Any) -> Any:
        recorder: Any = capturing.get()
        if recorder is not None:
            recorder.end(f"the array of variable {self.path!r} is changed itself")
        return plain(self)

    return changing


def _kinds(kind: type) -> Iterator[type]:
    yield kind
    below: list[type] = kind.__subclasses__()
    for each in below:
        yield from _kinds(each)


def _put_all(put_there: Put) -> None:
    """What is heard."""
    put_there(Tensor, "data", property(_data, _set))
    for name in _OF_TAPES:
        put_there(GradientTape, name, _from_outside(GradientTape.__dict__[name], name.strip("_")))
    for kind in _kinds(Variable):
        own = kind.__dict__
        for name in _WRITERS:
            if name in own:
                put_there(kind, name, _writing(own[name]))
        if "value" in own:
            put_there(kind, "value", _value(own["value"]))
        if "changing" in own:
            put_there(kind, "changing", _changing(own["changing"]))


_exchange = Exchange(_put_all)
watched = _exchange.made  # inside the block, recorders hear of reads of values and of changes of variables
