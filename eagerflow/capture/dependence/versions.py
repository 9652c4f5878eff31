"""`Versions`: whether any of some dicts was changed, without a look into them.

The attributes of a small network's layers are hundreds, and going through them before each replay takes a quarter of a
captured step. CPython knows when a dict was changed, and says so in two ways: up to 3.11 each dict has a number that is
another one after each change (PEP 509); from 3.12 on, a dict can be watched. Whether that works here is tried out once,
with dicts of all the kinds that are asked about, before anything relies on it; where it doesn't, as on PyPy, they are
compared entry by entry.

Sources: PEP 509; Python/C API, `PyDict_AddWatcher` and `PyDict_Watch`.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import math
import sys
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy

from eagerflow.base.machine.forks import held_over_forks

__all__ = ["Versions", "dict_of"]


class Versions:
    """Some dicts, and whether they are as they were in a state that was noted. Before that, they count as changed.

    Args:
        dicts: the very dicts; they are kept.

    Attributes:
        now: gives what stands for their present state: something equal as long as none of them is changed. None where
            nobody can tell.
    """

    def __init__(self, dicts: Iterable[dict[Any, Any]]) -> None:
        kept, kind = list({id(each): each for each in dicts}.values()), _kind()
        self.now: Callable[[], Any] = _nobody_knows if kind is None else kind(kept).now
        self._noted: Any = None

    def note(self, state: Any) -> None:
        """In this state, which `now` gave before somebody looked, they were as they should be."""
        self._noted = state

    def same(self) -> bool:
        """Whether none was changed since the state that was noted."""
        return self._noted is not None and bool(self.now() == self._noted)


def dict_of(thing: Any) -> dict[Any, Any] | None:
    """The dict in which the entries of a collection or a class lie; None where that is another kind of thing."""
    if type(thing) is MappingProxyType:  # as a class's attributes are shown
        thing = next(iter(gc.get_referents(thing)), None)
    return thing if type(thing) is dict else None


def _nobody_knows() -> None:
    return None


# -- up to CPython 3.11


class _Numbers:
    """The numbers that dicts have, read where they lie: behind what every object has, and the count of entries.

    NumPy reads all of them in one call: from an array that begins at the first of them and ends at the last, whatever
    lies between.
    """

    PLACE = object.__basicsize__ + ctypes.sizeof(ctypes.c_ssize_t)

    def __init__(self, dicts: Sequence[dict[Any, Any]]) -> None:
        self._dicts = dicts or [{}]  # alive as long as their memory is read
        places = numpy.array([id(each) + self.PLACE for each in self._dicts], numpy.uintp)
        begin, end = int(places.min()), int(places.max())
        self._numbers = numpy.asarray(_Memory(begin, end - begin))
        self._which = ((places - begin) // _NUMBER.itemsize).astype(numpy.intp)

    def now(self) -> bytes:
        return self._numbers.take(self._which).tobytes()


_NUMBER = numpy.dtype(numpy.uint64)


class _Memory:
    """Tells NumPy of memory, as numbers that nobody may write to.

    Args:
        begin: where the first one lies.
        span: bytes from there to the last one.
    """

    def __init__(self, begin: int, span: int) -> None:
        shape = (span // _NUMBER.itemsize + 1,)
        self.__array_interface__ = {"data": (begin, True), "shape": shape, "typestr": _NUMBER.str, "version": 3}


# -- from CPython 3.12 on

_EVENT = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)


class _Watcher:
    """Hears of every change of watched dicts. One serves the whole process, which has room for eight of all libraries.

    Raises:
        RuntimeError: where there is no room.
    """

    def __init__(self) -> None:
        self._asked: dict[int, list[_Changes]] = {}  # by the dict's address
        self._lock = threading.RLock()  # what is freed meanwhile may be a `_Watched`, too
        held_over_forks(self._lock)
        self._heard = _EVENT(self._on_event)  # must live as long as it may be called
        api = ctypes.pythonapi
        self._watch, self._unwatch = api.PyDict_Watch, api.PyDict_Unwatch
        self._watch.argtypes = self._unwatch.argtypes = [ctypes.c_int, ctypes.py_object]
        self._number = api.PyDict_AddWatcher(self._heard)
        self._over = False
        atexit.register(self._end)

    def _end(self) -> None:
        """Nobody is to be called while Python takes itself apart: from here on dicts count as changed."""
        self._over = True
        for asked in [each for several in self._asked.values() for each in several]:
            asked.count = math.nan  # which isn't even equal to itself
        ctypes.pythonapi.PyDict_ClearWatcher(self._number)

    def _on_event(self, event: int, changed: int, key: int | None, value: int | None) -> int:
        for each in self._asked.get(changed, ()):
            each.count += 1
        return 0

    def add(self, asked: _Changes, dicts: Sequence[dict[Any, Any]]) -> None:
        if self._over:
            asked.count = math.nan
            return
        with self._lock:
            for each in dicts:
                self._asked[id(each)] = [*self._asked.get(id(each), ()), asked]
                self._watch(self._number, each)

    def remove(self, asked: _Changes, dicts: Sequence[dict[Any, Any]]) -> None:
        with self._lock:
            for each in () if self._over else dicts:
                left = self._asked[id(each)] = [other for other in self._asked[id(each)] if other is not asked]
                if not left:
                    del self._asked[id(each)]
                    self._unwatch(self._number, each)


_watcher = cache(_Watcher)


class _Changes:
    """How many changes were heard of."""

    def __init__(self) -> None:
        self.count: float = 0


class _Watched:
    """How often dicts were changed since they are watched, which is as long as this is there."""

    def __init__(self, dicts: Sequence[dict[Any, Any]]) -> None:
        self._changes = _Changes()
        _watcher().add(self._changes, dicts)
        weakref.finalize(self, _watcher().remove, self._changes, dicts).atexit = False

    def now(self) -> float:
        return self._changes.count


# -- which of them


@cache
def _kind() -> type[_Numbers] | type[_Watched] | None:
    """What works here."""
    if sys.implementation.name != "cpython":
        return None
    kind = _Numbers if sys.version_info < (3, 12) else _Watched
    try:
        return kind if all(_tries(kind)) else None
    except (AttributeError, RuntimeError):  # another Python than is thought, or eight others watch already
        return None


def _tries(kind: type[_Numbers] | type[_Watched]) -> Iterator[bool]:
    """Whether each change of a dict, of an object's attributes and of a class's is seen, and nothing else."""

    class Thing:
        first, second = 1, 2

        def put(self, value: Any) -> None:
            self.first = value

    thing, plain = Thing(), {"first": 1, "second": 2}
    thing.put(0)
    thing.second = 3
    own, of_class = vars(thing), dict_of(vars(Thing))
    if of_class is None:
        yield False
        return
    seen = kind([own, plain, of_class])
    changes: list[Callable[[], Any]] = [
        lambda: plain.update(first=3),
        lambda: plain.__setitem__("third", 3),
        lambda: plain.pop("second"),
        plain.clear,
        lambda: own.__setitem__("first", 4),
        lambda: setattr(thing, "third", 5),
        lambda: delattr(thing, "second"),
        lambda: setattr(Thing, "first", 6),
        lambda: setattr(Thing, "third", 7),
        lambda: delattr(Thing, "third"),
        *[lambda: thing.put(object())] * 64,  # so often that Python has turned the line into quicker instructions
    ]
    for change in changes:
        before = seen.now()
        _ = thing.first, plain.get("first"), Thing.second, dict(own)
        yield bool(seen.now() == before)
        change()
        yield bool(seen.now() != before)
