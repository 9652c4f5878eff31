"""What is being recorded in the running context: one flat log that all open tapes share.

A log is a list of records. Tapes are windows on it (see `tape.py`); an op only asks `log.get()`,
which is None while no tape is open. The state is a context variable: threads and asyncio tasks
record independently of each other.
"""

from __future__ import annotations

import contextlib
import contextvars
import itertools
import opcode
import os
import sys
import sysconfig
import warnings
import weakref
from collections.abc import Collection, Iterator
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any, Protocol, TypeAlias

import numpy

from eagerflow.base.tracebacks import is_ours

__all__ = ["Log", "Record", "TapedArray", "activate", "active", "alone", "apart", "deactivate", "log", "new_key"]
__all__ += ["note_return", "suspended"]

_NUMPY = str(Path(numpy.__file__).parent)
_PACKAGES = tuple({os.path.join(sysconfig.get_paths()[name], "") for name in ("stdlib", "purelib", "platlib")})
_METRICS = os.path.join(os.path.dirname(os.path.dirname(__file__)), "metrics", "")
# A user's statement that passes a number on: `foreign * w`, `array[i] = w`. A call may only read it.
_PASSES_ON = {opcode.opmap[name] for name in ("BINARY_OP", "STORE_SUBSCR", "STORE_SLICE") if name in opcode.opmap}

new_key = itertools.count(1).__next__  # the number under which tapes know a tensor; unique in the process


# One op that ran: the op, the key of its output (or a tuple of them), the keys of its inputs (None where gradients
# stop), their shapes, and what its rules need.
Record: TypeAlias = tuple[Any, ...]


class Window(Protocol):
    """What the log knows of a tape: which stretches it sees, and that it can look away for a while."""

    _windows: list[Any]

    def _pause(self) -> None: ...
    def _resume(self) -> None: ...


class Log(list[Any]):
    """The records of all ops run while some tape of one context was open, in order; None for what was freed.

    `tapes` knows by weak references who may still walk it, so that records are freed when nobody will.
    """

    __slots__ = ("__weakref__", "array_at", "left", "tapes")

    def __init__(self) -> None:
        self.tapes: list[weakref.ref[Window]] = []
        self.array_at = ""  # where the user's code first made a NumPy array of a tensor that has a gradient
        self.left: list[tuple[int, int, str]] = []  # what was computed by NumPy: the tensor's key, from when on, where

    def note_array(self, key: int) -> _Mark | None:
        """A tensor that has a gradient becomes a NumPy array: what is computed from that has none.

        That is often meant, so only a sum or mean of a list warns at once. `gradient` tells the place where a source
        has no gradient, or where an array certainly became a part of its target (see `TapedArray`).
        """
        frame, level, by_numpy = sys._getframe(2), 3, False
        while frame.f_back is not None and frame.f_code.co_filename.startswith(_NUMPY):
            frame, level, by_numpy = frame.f_back, level + 1, True
        if is_ours(frame.f_code.co_filename):
            return None
        place = f"{frame.f_code.co_filename}, line {frame.f_lineno}"
        self.array_at = self.array_at or place
        if by_numpy:
            warnings.warn(
                "NumPy computes with a list of tensors here, and no gradient flows through that. Write ops.stack(list) "
                "and then ops.sum, ops.mean, ...; or Python's sum(list).",
                stacklevel=level,
            )
        user: FrameType | None = frame
        while user is not None and not is_ours(user.f_code.co_filename):
            by_user = not user.f_code.co_filename.startswith(_PACKAGES)
            if by_user and user.f_code.co_code[user.f_lasti] in _PASSES_ON:
                self.left.append((key, len(self), f"{user.f_code.co_filename}, line {user.f_lineno}"))
                break
            user = user.f_back
        return _Mark(self, key, place)

    def lost_at(self, start: int, end: int, targets: Collection[int | None], sources: Collection[int | None]) -> str:
        """Where between two records a part of the targets that depends on the sources was left to NumPy, or ""."""
        left = [each for each in self.left if start <= each[1] < end]
        if not left:
            return ""
        derived, needed, last = set(sources), set(targets), -1  # last: the last op that takes numbers and is needed
        for position in range(end - 1, start - 1, -1):
            if (record := self[position]) and not needed.isdisjoint(_made(record)):
                needed.update(key for key in record[2] if key is not None)
                last = position if last < 0 and None in record[2] else last
        for record in self[start:end]:
            if record and not derived.isdisjoint(record[2]):
                derived.update(_made(record))
        return next((place for key, since, place in left if key in derived and since <= last), "")


def _made(record: Record) -> tuple[int, ...]:
    """The keys of what an op gave."""
    made = record[1]
    return (made,) if made.__class__ is int else tuple([key for key in made if key is not None])


class _Mark:
    """Which tensor, and which line, an array came from."""

    def __init__(self, on: Log, key: int, place: str) -> None:
        self._log, self._key, self._place = weakref.ref(on), key, place

    def put_on(self, array: numpy.ndarray) -> TapedArray:
        """The array with this mark, which its views have as their base."""
        inner = array.view(TapedArray)
        inner.mark = self
        return inner.view(TapedArray)  # NumPy leaves out the inner one as the base of further views

    def used(self) -> None:
        """Something was computed with the array, and its log is the one that records now."""
        if (current := log.get()) is not None and current is self._log():
            current.left.append((self._key, len(current), self._place))


class TapedArray(numpy.ndarray):
    """What NumPy sees of a tensor that a tape follows, and what it makes of that: `A.dot(w)` is one, too.

    To look at such an array is fine. When an op takes it, or NumPy sums it up to one number, a gradient is lost.
    """

    __array_priority__ = 1.0  # above that of arrays: it tells the type of what NumPy makes of both
    mark: _Mark | None = None

    def __array_finalize__(self, source: Any) -> None:
        mark = self.mark = getattr(source, "mark", None)
        if mark is not None and not self.ndim and source.ndim and self.dtype.kind in "fc":
            mark.used()  # NumPy makes a number of it now, which can't have a mark

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        made = super().__array_wrap__(array, context, False)
        return made[()] if return_scalar else made

    def __repr__(self) -> str:
        return repr(self.view(numpy.ndarray))


def note_return(array: Any) -> None:
    """An op takes an array: was it, or what it is a view of, made of a tensor of the same tape?"""
    while array is not None and array.__class__ is not TapedArray:
        array = getattr(array, "base", None)
    if array is None or array.mark is None:
        return
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename.startswith(_METRICS):
            return
        frame = frame.f_back
    array.mark.used()


log: contextvars.ContextVar[Log | None] = contextvars.ContextVar("log", default=None)
_active: contextvars.ContextVar[tuple[Window, ...]] = contextvars.ContextVar("active", default=())


def activate(*tapes: Window) -> Log:
    """Let `tapes` record from here on, on the log that is open or on a new one."""
    current = log.get()
    if current is None:
        current = Log()
        log.set(current)
    _active.set((*_active.get(), *tapes))
    return current


def active() -> tuple[Window, ...]:
    """The tapes that record."""
    return _active.get()


def deactivate(*tapes: Window) -> None:
    """Let `tapes` record no more; the log closes with the last of them."""
    remaining = tuple([tape for tape in _active.get() if tape not in tapes])
    _active.set(remaining)
    if not remaining:
        log.set(None)


@contextlib.contextmanager
def suspended() -> Iterator[None]:
    """Nothing inside the block is recorded on the tapes that are open around it."""
    paused = _active.get()
    for tape in paused:
        tape._pause()
    try:
        yield
    finally:
        for tape in paused:
            tape._resume()


class _Apart:
    """Stands for a log of its own among the open tapes."""

    def __init__(self, on: Log, needed: bool) -> None:
        self._windows: list[Any] = [SimpleNamespace(log=on, start=0, stop=None)] if needed else []
        self._log = on
        on.tapes.append(weakref.ref(self))

    def _pause(self) -> None:
        deactivate(self)

    def _resume(self) -> None:
        log.set(self._log)
        _active.set((*_active.get(), self))


@contextlib.contextmanager
def apart(on: Log, needed: bool) -> Iterator[None]:
    """Ops inside the block are recorded on a log of their own, and not by the tapes that are open around it.

    Args:
        on: the log.
        needed: whether tapes inside must leave all records there.

    Raises:
        RuntimeError: when one of those tapes began another window inside the block.
    """
    before = log.get(), _active.get()
    windows = [len(tape._windows) for tape in before[1]]
    log.set(on)
    _active.set((_Apart(on, needed),))
    try:
        yield
    finally:
        log.set(before[0])
        _active.set(before[1])
    if windows != [len(tape._windows) for tape in before[1]]:
        raise RuntimeError(
            "remat: a tape from outside was paused, reset or entered inside of a function that is computed again for "
            "its gradient. Write stop_gradient(...) there instead of tape.stop_recording()."
        )


def alone() -> bool:
    """Whether no tape was opened inside the innermost `apart`."""
    return len(_active.get()) == 1
