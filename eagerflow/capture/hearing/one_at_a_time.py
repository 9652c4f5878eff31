"""One thread at a time writes a step down: meanwhile, classes of ours have methods that listen.

Guards of other threads would take these for a change of ours, and two runs of one step would be compared though they
ran into each other. So others run eagerly for that long.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

__all__ = ["is_writing", "one_at_a_time"]

_lock = threading.Lock()
is_writing = _lock.locked


def one_at_a_time(method: Callable[..., Any]) -> Callable[..., Any]:
    """Have a method of a captured function call that function as it is, where another thread writes one down.

    Args:
        method: `method(self, state, args, kwargs, ...)`.
    """

    @functools.wraps(method)
    def alone(self: Any, state: Any, args: tuple[Any, ...], kwargs: dict[str, Any], *others: Any) -> Any:
        if not _lock.acquire(blocking=False):
            return self._function(*args, **kwargs)
        try:
            return method(self, state, args, kwargs, *others)
        finally:
            _lock.release()

    return alone
