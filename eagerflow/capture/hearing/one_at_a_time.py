"""One thread at a time writes a step down: meanwhile, classes of ours have methods that listen.

Guards of other threads would take these for a change of ours, and two runs of one step would be compared though they
ran into each other. So others run eagerly for that long.
"""

from __future__ import annotations

import functools
import os
import threading
import time
from collections.abc import Callable
from typing import Any

__all__ = ["is_writing", "one_at_a_time"]

_PATIENCE = 5.0  # seconds that a fork waits for a step that is being written down
_writing: list[_Turn] = []  # who has the turn; a list, since one can't come between two of its actions
_lock = threading.Lock()  # held for a moment


class _Turn:
    """That of a thread.

    Attributes:
        begun: whether its method runs. An exception of a signal's handler may end it before that.
    """

    __slots__ = ("begun", "thread")

    def __init__(self) -> None:
        self.thread, self.begun = threading.get_ident(), False


def is_writing() -> bool:
    """Whether a thread writes a step down; one whose turn was interrupted before it began doesn't."""
    return bool(_writing) and (_writing[0].begun or _writing[0].thread != threading.get_ident())


def one_at_a_time(method: Callable[..., Any]) -> Callable[..., Any]:
    """Have a method of a captured function call that function as it is, where another thread writes one down.

    Args:
        method: `method(self, state, args, kwargs, ...)`.
    """

    @functools.wraps(method)
    def alone(self: Any, state: Any, args: tuple[Any, ...], kwargs: dict[str, Any], *others: Any) -> Any:
        turn = _Turn()
        if not _taken(turn):
            return self._function(*args, **kwargs)
        try:
            turn.begun = True
            return method(self, state, args, kwargs, *others)
        finally:
            _give_back(turn)

    return alone


def _taken(turn: _Turn) -> bool:
    with _lock:
        if _writing and _writing[0].thread == turn.thread and not _writing[0].begun:
            _writing.clear()  # this thread took it, and was interrupted before it began
        if _writing:
            return False
        _writing.append(turn)
        return True


def _give_back(turn: _Turn) -> None:
    _writing[:] = [each for each in _writing if each is not turn]


def _wait() -> None:
    """Before a fork: a child would never see the end of a step that another thread is writing down."""
    until = time.monotonic() + _PATIENCE
    while _writing and _writing[0].thread != threading.get_ident() and time.monotonic() < until:
        time.sleep(0.001)


def _begin_anew() -> None:
    """In a child, of whose threads this one alone is left."""
    global _lock
    _lock = threading.Lock()
    _writing[:] = [each for each in _writing if each.thread == threading.get_ident()]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_wait, after_in_child=_begin_anew)
