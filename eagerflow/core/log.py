"""What is being recorded in the running context: one flat log that all open tapes share.

A log is a list of records. Tapes are windows on it (see `tape.py`); an op only asks `log.get()`,
which is None while no tape is open. The state is a context variable: threads and asyncio tasks
record independently of each other.
"""

from __future__ import annotations

import contextlib
import contextvars
import itertools
import weakref
from collections.abc import Iterator
from typing import Any, Protocol, TypeAlias

__all__ = ["Log", "Record", "activate", "deactivate", "log", "new_key", "suspended"]

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

    __slots__ = ("__weakref__", "tapes")

    def __init__(self) -> None:
        self.tapes: list[weakref.ref[Window]] = []


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
