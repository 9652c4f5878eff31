"""Who draws from Python's or NumPy's own random numbers while a step is captured: a replay would leave the draws out.

NumPy's functions are compiled, and Python tells nobody of their calls (`calls.py`). So what `numpy.random` holds stands
behind functions that tell of each call meanwhile and give what NumPy's own give.
"""

from __future__ import annotations

import contextlib
import functools
import random
import sys
import threading
from collections.abc import Callable, Iterator
from types import MethodType
from typing import Any

import numpy.random.mtrand

from eagerflow.base.capturing import capturing
from eagerflow.capture.hearing.calls import is_of_user
from eagerflow.capture.hearing.exchanged import Exchange, Put
from eagerflow.kernels.machine.threads import WORKERS

__all__ = ["heard_draws", "stands_for"]

_own: Any = numpy.random.mtrand._rand  # whose methods the functions of `numpy.random` are


class _Telling(numpy.random.RandomState):
    """Stands for NumPy's own generator where libraries take it from: the same draws, of which it tells."""

    def __getattribute__(self, name: str) -> Any:
        found = getattr(_own, name)
        return found if name.startswith("_") or not callable(found) else _telling(found, name)


def _telling(plain: Callable[..., Any], name: str) -> Callable[..., Any]:
    @functools.wraps(plain)
    def told(*args: Any, **kwargs: Any) -> Any:
        recorder: Any = capturing.get()
        if recorder is not None and (name != "default_rng" or is_of_user(sys._getframe(1).f_code.co_filename)):
            recorder.end(f"the step calls numpy.random.{name}")
        return plain(*args, **kwargs)

    return told


_TOLD = _telling(min, "").__code__


def stands_for(now: Any, before: Any) -> bool:
    """Whether something of `numpy.random` is what tells of draws, in the place of what was there before."""
    if type(now) is _Telling:
        return before is _own
    return getattr(now, "__code__", None) is _TOLD and now.__wrapped__ is before


def _is_drawing(value: Any, name: str) -> bool:
    """Whether a function of `numpy.random` draws, seeds, or gives a generator, which may have no seed."""
    return name == "default_rng" or (isinstance(value, MethodType) and value.__self__ is _own)


def _put_all(put_there: Put) -> None:
    """What is heard."""
    for module in (numpy.random, numpy.random.mtrand):
        for name, value in list(vars(module).items()):
            if value is _own:
                put_there(module, name, _Telling(0))
            elif _is_drawing(value, name):
                put_there(module, name, _telling(value, name))


_exchange = Exchange(_put_all)  # so that `numpy.random` tells recorders of calls; other threads notice nothing


@contextlib.contextmanager
def heard_draws(recorder: Any) -> Iterator[None]:
    """Let a recorder know when the block draws from Python's or NumPy's own random numbers.

    Args:
        recorder: is told to end.
    """
    before = _states() if _is_alone() else None
    with _exchange.made():
        yield
    if before is not None:  # for those who hold the generators' functions since before
        for now, then, name in zip(_states(), before, ("Python's random", "numpy.random")):
            if now != then and recorder.ended is None:
                recorder.ended = (f"the step draws from {name}", None)


def _is_alone() -> bool:
    """Whether no other thread may draw meanwhile, for the next batch, say; the kernels' own don't."""
    me = threading.current_thread()
    return all(thread is me or thread.name.startswith(WORKERS) for thread in threading.enumerate())


def _states() -> tuple[Any, Any]:
    kind, words, *rest = _own.get_state()
    return random.getstate(), (kind, words.tobytes(), *rest)
