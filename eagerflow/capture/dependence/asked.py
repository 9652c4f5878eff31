"""What no object holds and a step may still ask for: results that functions have cached, and settings.

A step that finds a result in a cache (`functools.cache`, `functools.lru_cache`) doesn't run the function, so nobody
sees what that depends on. It needs no look either: the step goes on with the result until it is dropped, by
`cache_clear` or for want of room.
"""

from __future__ import annotations

import copy
import decimal
import functools
import gc
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Set
from contextvars import ContextVar
from importlib.util import find_spec
from types import BuiltinFunctionType, FunctionType
from typing import Any

import numpy

from eagerflow.base.capturing import Shared
from eagerflow.capture.dependence.attributes import NOTHING
from eagerflow.capture.dependence.registered import locale_now
from eagerflow.kernels.machine.threads import get_num_threads

__all__ = ["CACHED", "Results", "asked_for", "computes_with_decimals", "copies_objects", "is_installed"]
__all__ += ["printing", "value_of"]

_ROOM = 64  # results: more new ones hardly come between two calls of a step
CACHED: type = type(functools.lru_cache(lambda: None))


class Results:
    """The results that a function has stored.

    Args:
        function: with a cache.
    """

    def __init__(self, function: Any) -> None:
        self._function = function
        info, own = function.cache_info(), vars(function)
        self._ordered = info.maxsize is not None  # then what the dict holds are links, which name the results
        # No attribute leads to the dict, but the garbage collector knows the way. Beside it may stand results.
        dicts = [each for each in gc.get_referents(function) if type(each) is dict and each is not own]
        self._stored = next((each for each in dicts if len(each) == info.currsize and self._fits(each)), None)
        self._before = dict(self._stored or {})
        self._dropped = self._dropped_now()

    def _fits(self, found: dict[Any, Any]) -> bool:
        return not self._ordered or all(map(_is_link, found.values()))

    @property
    def has_room(self) -> bool:
        """Whether no result will soon have to make room: which one goes depends on when each was last asked for."""
        info = self._function.cache_info()
        return not info.maxsize or info.maxsize - info.currsize >= _ROOM

    @property
    def known(self) -> bool:
        """Whether the results could be found at all."""
        return self._stored is not None

    def __iter__(self) -> Iterator[Any]:
        """The results themselves, which may be lists that somebody changes."""
        if not self._ordered:
            yield from self._before.values()
            return
        others = {*map(id, self._before), id(self._stored), id(vars(self._function)), id(self._function.__wrapped__)}
        for each in gc.get_referents(self._function):
            if id(each) not in others and not isinstance(each, type):
                yield each

    def _dropped_now(self) -> int:
        """How many had to make room, since all were cleared."""
        info = self._function.cache_info()
        return int(info.misses - info.currsize) if info.maxsize else 0

    def as_before(self) -> bool:
        """Whether all that were there still are; others may have come."""
        if not self.has_room:
            return False
        stored: dict[Any, Any] = self._stored or {}
        if not self._before:
            return True
        if len(stored) < len(self._before) or self._dropped_now() != self._dropped:
            return False
        if self._ordered:  # when results are cleared, all links go at once
            return next(iter(stored.values())) is next(iter(self._before.values()))
        return all(stored.get(key, self) is value for key, value in self._before.items())


def _is_link(thing: Any) -> bool:
    return type(thing).__name__ == "_lru_list_elem"


def _errors() -> tuple[Any, ...]:
    return (*numpy.geterr().items(), numpy.geterrcall())


def printing() -> tuple[Any, ...]:
    """How NumPy writes arrays, and how long numbers may be that are written."""
    return (*numpy.get_printoptions().items(), sys.get_int_max_str_digits())


def _environment() -> tuple[Any, ...]:
    return tuple(sorted(os.environ.items()))


# Settings of others, by the names that code has for the functions. (Those of ours are marked: `base/shared.py`.)
_SETTINGS: dict[str, Callable[[], Any]] = {
    "getenv": _environment,
    "geterr": _errors,
    "geterrcall": _errors,
    "getbufsize": numpy.getbufsize,
    "int": sys.get_int_max_str_digits,
    **dict.fromkeys(("get_printoptions", "array2string", "array_repr", "array_str", "repr", "str"), printing),
    "get_num_threads": get_num_threads,
}


def asked_for(
    named: Set[str], shared: Iterable[Shared], has_decimals: bool, by_locale: bool
) -> Iterator[tuple[Callable[[], Any], Any, str]]:
    """What settings of all kinds are now: what tells it, what it tells, and how to call it.

    Args:
        named: what code names.
        shared: settings of ours that functions ask for.
        has_decimals: whether the step may compute with decimal numbers.
        by_locale: whether it may go by the locale.
    """
    asked = [(_SETTINGS[name], name) for name in _SETTINGS.keys() & named]
    asked += [(each.state, each.name) for each in shared if callable(each.state)]
    asked += [(_decimals, "decimal.getcontext()")] if has_decimals else []
    asked += [(locale_now, "the locale")] if by_locale else []
    yield from ((ask, ask(), name) for ask, name in asked)


def value_of(variable: ContextVar[Any]) -> Any:
    """The value of a context variable, `NOTHING` where it has none."""
    try:
        return variable.get()  # its own default, which an argument would hide
    except LookupError:
        return NOTHING


def computes_with_decimals(thing: Any) -> bool:
    """Whether code that has this may compute with decimal numbers, which depends on settings of the running thread."""
    kind = type(thing)
    if kind in (type, FunctionType, BuiltinFunctionType):
        return str(thing.__module__) == "decimal"
    return thing is decimal or issubclass(kind, decimal.Decimal)


def copies_objects(thing: Any) -> bool:
    """Whether code that has this may copy objects, by what `copyreg.pickle` has registered for their classes."""
    return thing is copy or (type(thing) is FunctionType and str(thing.__module__) == "copy")


def _decimals() -> tuple[Any, ...]:
    """How decimal numbers are computed with in this thread."""
    now = decimal.getcontext()
    return now.prec, now.rounding, now.Emin, now.Emax, now.capitals, now.clamp, tuple(now.traps.items())


def is_installed(module: str) -> bool:
    """Whether a module that isn't loaded can be imported, without importing it."""
    package = module.partition(".")[0]
    try:
        return find_spec(module if package in sys.modules else package) is not None
    except (ImportError, ValueError, AttributeError):
        return False
