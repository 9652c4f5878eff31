"""What is being recorded in the running context: one flat log that all open tapes share.

A log is a list of records. Tapes are windows on it (see `tape.py`); an op only asks `log.get()`,
which is None while no tape is open. The state is a context variable: threads and asyncio tasks
record independently of each other.
"""

from __future__ import annotations

import contextlib
import contextvars
import itertools
import sys
import warnings
import weakref
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol, TypeAlias

import numpy

from eagerflow.base.tracebacks import is_ours

__all__ = ["Log", "Record", "activate", "active", "alone", "apart", "deactivate", "log", "new_key", "suspended"]

_NUMPY = str(Path(numpy.__file__).parent)

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

    __slots__ = ("__weakref__", "array_at", "tapes")

    def __init__(self) -> None:
        self.tapes: list[weakref.ref[Window]] = []
        self.array_at = ""  # where the user's code first made a NumPy array of a tensor that has a gradient

    def note_array(self) -> None:
        """A tensor that has a gradient becomes a NumPy array: what is computed from that has none.

        That is often meant, so only a sum or mean of a list warns at once. `gradient` tells the place where one is
        missing.
        """
        frame, level, by_numpy = sys._getframe(2), 3, False
        while frame.f_back is not None and frame.f_code.co_filename.startswith(_NUMPY):
            frame, level, by_numpy = frame.f_back, level + 1, True
        if is_ours(frame.f_code.co_filename):
            return
        self.array_at = self.array_at or f"{frame.f_code.co_filename}, line {frame.f_lineno}"
        if by_numpy:
            warnings.warn(
                "NumPy computes with a list of tensors here, and no gradient flows through that. Write ops.stack(list) "
                "and then ops.sum, ops.mean, ...; or Python's sum(list).",
                stacklevel=level,
            )


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
