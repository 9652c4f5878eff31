"""SIGTERM and SIGHUP end a command as Ctrl-C does: what was recorded until then is written, nothing is left behind.

A cluster whose time is up, `docker stop`, `timeout` and a terminal that is closed send them. Python ends at once then,
without a word, and an hour's recording would be gone.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

__all__ = ["SIGHUP", "SIGTERM", "Ended", "ended_by_signals", "in_its_words", "status_of"]

_OUTPUTS = (1, 2)  # stdout and stderr


class Ended(KeyboardInterrupt):
    """A signal other than that of Ctrl-C has ended the program; scripts that save on Ctrl-C save on it, too."""

    status = 128


class SIGTERM(Ended):
    """`kill`, `timeout`, `docker stop`, a cluster whose time is up."""

    status = 128 + 15


class SIGHUP(Ended):
    """The terminal was closed, or the connection to it has ended."""

    status = 128 + 1


_ENDING = [number for each in ("SIGTERM", "SIGHUP") if (number := getattr(signal, each, None)) is not None]  # by number
_came: list[type[Ended]] = []  # the signal that is ending the command, once there was one
_terminals: list[int] = []  # outputs that were terminals when the command began


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """Within, the first such signal ends what runs as Ctrl-C does; the second ends the program at once.

    Signals that are ignored, as SIGHUP behind `nohup`, or that somebody waits for, are left alone.
    """
    before: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        before = {number: signal.SIG_DFL for number in _ENDING if signal.getsignal(number) is signal.SIG_DFL}
    _came.clear()
    _terminals[:] = [file for file in _OUTPUTS if os.isatty(file)]
    handler = _Handler()
    for number in before:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number, default in before.items():
            if signal.getsignal(number) is handler:
                signal.signal(number, default)


def in_its_words(error: BaseException) -> BaseException:
    """The signal that ended a program, where what was raised for it looks like Ctrl-C; other errors as they are."""
    if isinstance(error, KeyboardInterrupt) and not isinstance(error, Ended) and _came:
        return _came[0]().with_traceback(error.__traceback__)
    return error


def status_of(error: BaseException) -> int:
    """The exit status of a program that raised this: 130 for Ctrl-C, 1 for what isn't a signal.

    >>> status_of(ValueError()), status_of(KeyboardInterrupt()), status_of(SIGTERM())
    (1, 130, 143)
    """
    if isinstance(error, Ended):
        return error.status
    return 128 + 2 if isinstance(error, KeyboardInterrupt) else 1


class _Handler:
    """Raises in the main thread, once; in `fit`, when the step that runs is done."""

    def __init__(self) -> None:
        self._process = os.getpid()

    def __call__(self, number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        if os.getpid() != self._process:  # a child of the script's, which has inherited this
            os.kill(os.getpid(), number)
            return
        _came.append(SIGTERM if number == signal.SIGTERM else SIGHUP)
        for file in _terminals:
            if not os.isatty(file):  # it was closed: whatever is printed from now on would be an error
                os.dup2(os.open(os.devnull, os.O_WRONLY), file)
        of_fit = sys.modules.get("eagerflow.training.interrupt")
        waiting: Any = signal.getsignal(signal.SIGINT)
        if of_fit is not None and isinstance(getattr(waiting, "__self__", None), of_fit.Interruption):
            waiting(signal.SIGINT, frame)
            return
        raise _came[0]
