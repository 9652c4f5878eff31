"""Which processor a thread runs on, and moving one away from another's.

Linux wakes a thread where the one that wakes it runs, unless it finds an idle processor; where there are only two it
often doesn't look for one. Then two threads share a processor for milliseconds while the other is idle.
"""

from __future__ import annotations

import ctypes
import math
import os
from collections.abc import Callable
from time import monotonic

from eagerflow.kernels.machine.costs import Threads

__all__ = ["Mover", "processor"]


def _found() -> Callable[[], int]:
    """The C library's `sched_getcpu`, called without giving up the interpreter's lock: a third of a microsecond."""
    if not hasattr(os, "sched_setaffinity"):
        return _unknown
    try:
        library = ctypes.PyDLL(None)
    except OSError:
        return _unknown
    return getattr(library, "sched_getcpu", _unknown)


def _unknown() -> int:
    return -1


processor = _found()  # the number of the one that the calling thread runs on; -1 where the system doesn't tell


class Mover:
    """What moves one thread, which calls it."""

    def __init__(self) -> None:
        self.next = 0.0

    def leave(self, place: int) -> None:
        """Go to another processor if this one is `place`, and the thread may run elsewhere."""
        if place < 0 or processor() != place or monotonic() < self.next:
            return
        self.next = monotonic() + Threads.SELDOM
        allowed = os.sched_getaffinity(0)
        others = allowed - {place}
        if not others:
            return
        try:
            os.sched_setaffinity(0, others)  # takes effect before it returns
            os.sched_setaffinity(0, allowed)
        except OSError:  # a sandbox doesn't allow it
            self.next = math.inf
