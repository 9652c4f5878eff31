"""Who reads the values of tensors while a step is captured, and who changes variables.

Ops, shapes and types ask for nothing that a replay couldn't give. Whoever takes the numbers out - `float`, `bool`,
`numpy`, the raw array - goes on in Python with the numbers of this run, so the capture ends there. To notice it, the
attribute `data` of tensors is a property meanwhile; in other threads it gives what it always does.
"""

from __future__ import annotations

import contextlib
import dis
import functools
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import Any

from eagerflow.base.capturing import capturing
from eagerflow.base.machine.forks import renewed_in_children
from eagerflow.core.in_place import put, stored, while_written
from eagerflow.core.tape import GradientTape
from eagerflow.core.tensor import Tensor
from eagerflow.core.variable import Variable

__all__ = ["watched"]

_OURS = str(Path(__file__).parents[1].absolute())
_ABOUT = frozenset({"dtype", "shape", "ndim", "size", "nbytes", "__class__", "itemsize"})
_ASKERS = frozenset({"device_of", "namespace_of", "_namespace_of", "type", "signature_of", "is_device_array"})
# Functions of ours that hand the array on to what asks for its shape and type alone, or keeps it as it is.
_TRUSTED = {
    ("backward.py", "seeds_of"),
    ("op_function.py", "_number_beside"),
    ("op_function.py", "unwrap_all"),
    ("primitive.py", "_wrap"),
    ("indexing.py", "_raw_part"),  # which becomes a setting of the op, and is known by its identity
}
_WRITERS = ("assign", "assign_add", "assign_sub", "increase", "clear")
_SKIPPED = ("CACHE", "EXTENDED_ARG", "PRECALL")
_slot: Any = Tensor.__dict__["data"]


@functools.cache
def _harmless(code: CodeType, at: int) -> bool:
    """Whether the code that asks for `.data` at this place goes on with its type or shape alone."""
    folder, _, name = code.co_filename.rpartition(os.sep)
    if code.co_filename.startswith("<eagerflow op "):
        return True
    if folder.startswith(_OURS) and (name, code.co_qualname.partition(".")[0]) in _TRUSTED:
        return True
    steps = [step for step in dis.get_instructions(code) if step.opname not in _SKIPPED]
    here = max((i for i, step in enumerate(steps) if step.offset <= at), default=0)
    following = steps[here + 1] if here + 1 < len(steps) else None
    if following is None:
        return False
    if following.opname.startswith(("LOAD_ATTR", "LOAD_METHOD")) and following.argval in _ABOUT:
        return True
    asked = {str(step.argval) for step in steps[max(0, here - 3) : here] if step.opname.startswith("LOAD_GLOBAL")}
    return following.opname.startswith("CALL") and bool(asked & _ASKERS)


def _data(self: Any) -> Any:
    recorder: Any = capturing.get()
    if recorder is not None and recorder.knows(self):
        frame: Any = sys._getframe(1)
        if frame.f_code is while_written.__code__:  # another thread writes to the variable: the reader is its caller
            frame = frame.f_back
        if not _harmless(frame.f_code, frame.f_lasti):
            recorder.read(self, _reader(frame))
    return stored(self)


def _set(self: Any, array: Any) -> None:
    if isinstance(self, Variable):
        put(self, array)
    else:
        _slot.__set__(self, array)


def _reader(frame: Any) -> str:
    """What the user's code called to read values; private functions of ours are left out."""
    while frame.f_code.co_name.startswith(("_", "<")) and frame.f_back is not None:
        name, outer = frame.f_code.co_name, frame.f_back.f_code
        inside = name == "__init__" and outer.co_name.startswith("_") and outer.co_filename.startswith(_OURS)
        if (name.startswith("__") and not inside) or not frame.f_code.co_filename.startswith(_OURS):
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


def _differentiating(plain: Any) -> Any:
    @functools.wraps(plain)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        found = plain(self, *args, **kwargs)
        recorder: Any = capturing.get()
        if recorder is not None:
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


class _Hooks:
    """The attributes of our classes that notice reads and writes, while any thread captures a step."""

    def __init__(self) -> None:
        self._threads: list[int] = []  # that capture
        self._before: list[tuple[Any, str, Any]] = []
        self.renew_lock()
        renewed_in_children(self)

    def renew_lock(self) -> None:
        """In a child of the process only the calling thread is left."""
        self._lock = threading.Lock()
        self._threads = [each for each in self._threads if each == threading.get_ident()]
        self._put_back()

    @contextlib.contextmanager
    def put(self) -> Iterator[None]:
        """Inside the block, recorders hear of reads of values and of changes of variables."""
        thread = threading.get_ident()
        try:  # from here on: Ctrl-C may come anywhere
            with self._lock:
                self._threads.append(thread)
                if len(self._threads) == 1:
                    self._put_all()
            yield
        finally:
            with self._lock:
                if thread in self._threads:
                    self._threads.remove(thread)
                self._put_back()

    def _put_back(self) -> None:
        while self._before and not self._threads:
            setattr(*self._before[-1])
            self._before.pop()

    def _exchange(self, owner: Any, name: str, value: Any) -> None:
        self._before.append((owner, name, vars(owner)[name]))
        setattr(owner, name, value)

    def _put_all(self) -> None:
        self._exchange(Tensor, "data", property(_data, _set))
        self._exchange(GradientTape, "_differentiate", _differentiating(GradientTape.__dict__["_differentiate"]))
        for kind in _kinds(Variable):
            own = kind.__dict__
            for name in _WRITERS:
                if name in own:
                    self._exchange(kind, name, _writing(own[name]))
            for name, hook in (("value", _value), ("changing", _changing)):
                if name in own:
                    self._exchange(kind, name, hook(own[name]))


watched = _Hooks().put
