"""Whether somebody else came in between while a step ran that is written down, or compared with its program.

Another thread may write to the variables that the step reads, and a signal's handler runs in the middle of it. What is
written down then is not the step alone, and what differs is not its fault: such a run doesn't count.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import CodeType
from typing import Any

from eagerflow.core.in_place import writers_heard
from eagerflow.kernels.machine.threads import WORKERS

__all__ = ["Others", "other_threads", "others_heard"]


class Others:
    """What is heard of others during a run.

    Args:
        writers: gets the numbers of the threads that write to variables.
    """

    def __init__(self, writers: set[int]) -> None:
        self._writers, self._own, self._handlers = writers, threading.get_ident(), _handlers()

    def wrote(self) -> bool:
        """Whether another thread wrote to a variable, whichever it is."""
        return not self._writers <= {self._own}

    def acted(self, ran: Any) -> bool:
        """Whether a signal's handler ran in between: one of the functions whose code `ran`."""
        return any(code in ran for code in self._handlers)


@contextlib.contextmanager
def others_heard() -> Iterator[Others]:
    """Gives what is heard of others inside the block."""
    with writers_heard() as writers:
        yield Others(writers)


def other_threads() -> bool:
    """Whether there are threads beside this one that may run code of the user's; those of our kernels don't."""
    here = threading.current_thread()
    return any(each is not here and not each.name.startswith(WORKERS) for each in threading.enumerate())


def _handlers() -> list[CodeType]:
    """The code of the functions that handle signals."""
    found = [signal.getsignal(number) for number in signal.valid_signals()]
    codes = [getattr(getattr(each, "__func__", each), "__code__", None) for each in found]
    return [code for code in codes if isinstance(code, CodeType)]
