"""`later`: work for a thread of its own, which Python waits for at its end."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

__all__ = ["later"]

_threads: list[ThreadPoolExecutor] = []


def later(work: Callable[[], object]) -> None:
    """Do some work beside everything else, behind other such work."""
    if not _threads:
        _threads.append(ThreadPoolExecutor(1, thread_name_prefix="eagerflow-machine-code"))
    try:
        _threads[0].submit(work)
    except RuntimeError:  # Python ends, and starts no more threads: nobody needs it any more
        return


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_threads.clear)  # the thread isn't there
