"""Whether a value is the one that was there: the same object, or a number or text that is equal."""

from __future__ import annotations

import enum
import operator
from collections.abc import Callable, Iterable
from typing import Any

import numpy

from eagerflow.capture.dependence.kinds import is_constant
from eagerflow.capture.instructions import same_value

__all__ = ["all_same", "differs_plainly", "first", "gives", "same"]

_VALUES = frozenset({int, bool, float, complex, str, bytes})  # those that are equal are the same


def all_same(now: Iterable[Any], before: tuple[Any, ...]) -> bool:
    """Whether these are the same objects, or equal numbers and texts."""
    now = tuple(now)
    if len(now) == len(before) and all(map(operator.is_, now, before)):
        return True
    return len(now) == len(before) and all(map(same, now, before))


def same(now: Any, before: Any) -> bool:
    """Whether one can't be told from the other but by `is`. Numbers of classes of the user's may have attributes."""
    kind = type(before)
    if now is before:
        return True
    if type(now) is not kind:
        return False
    if isinstance(before, tuple):  # such as a named one; the lists in it are watched themselves
        return not kind.__dictoffset__ and len(now) == len(before) and all(map(same, now, before))
    if kind not in _VALUES and not (isinstance(before, numpy.generic) and is_constant(before)):
        return False
    return same_value(now, before) and before == before  # NaN is found in a list by what it is


def differs_plainly(pairs: Iterable[tuple[Any, Any]] | None) -> bool:
    """Whether values differ from those of before only where they are numbers, texts, flags or parts of enumerations."""
    return pairs is not None and all(same(a, b) or (_is_plain(a) and _is_plain(b)) for a, b in pairs)


def _is_plain(value: Any) -> bool:
    return value is None or type(value) in _VALUES or issubclass(type(value), (enum.Enum, numpy.number))


def gives(ask: Callable[[], Any], before: Any) -> bool:
    """Whether what is called gives what it gave."""
    return same(ask(), before)


def first(names: Iterable[str], now: Iterable[Any], before: Iterable[Any]) -> str:
    """The name of the first value that isn't the one of before."""
    return next((name for name, a, b in zip(names, now, before) if not same(a, b)), "")
