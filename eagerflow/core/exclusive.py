"""Can anybody else see this array's memory? If not, it may be changed in place, unnoticed.

CPython counts references, and a NumPy or CuPy view refers to the array whose memory it shows. So an
array that owns its memory and has one reference is seen by nobody else: not by the tape, not by a
tensor made from it, not by the user. Where references aren't counted the answer is always no, which
costs a copy and is never wrong.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy

__all__ = ["counted", "exclusive", "exclusive_data", "exclusive_item", "exclusive_through"]


def _uncounted(_: Any) -> int:
    return 1 << 30


# Whether references are counted, and exactly: without the interpreter's lock they are not.
counted: bool = hasattr(sys, "getrefcount") and getattr(sys, "_is_gil_enabled", lambda: True)()
_count: Callable[[Any], int] = sys.getrefcount if counted else _uncounted


def _references(box: list[Any]) -> int:
    return _count(box[0])


_ALONE = _references([numpy.empty(1)])  # what the count says of an array that only the box holds


def _references_of_base(view: numpy.ndarray) -> int:
    return _count(view.base)


_BASE_ALONE = _references_of_base(numpy.empty(2)[:1])  # for memory that only the view holds


def exclusive(box: list[Any]) -> bool:
    """True when only `box` refers to `box[0]`, and that owns its memory or is the only view of most of it.

    >>> exclusive([numpy.zeros(3)]), exclusive([numpy.zeros((2, 3)).T])
    (True, True)
    >>> array = numpy.zeros(3)
    >>> exclusive([array]), exclusive([array[:2]])
    (False, False)
    """
    base = getattr(box[0], "base", box)
    if base is None:
        return _references(box) <= _ALONE
    if type(base) is not numpy.ndarray or base.base is not None or base.nbytes > 2 * box[0].nbytes:
        return False
    del base
    return _references(box) <= _ALONE and _references_of_base(box[0]) <= _BASE_ALONE


def exclusive_item(arrays: list[Any], i: int) -> bool:
    """The same for `arrays[i]`, where that must own its memory.

    >>> exclusive_item([numpy.zeros(3)], 0), exclusive_item([numpy.zeros(3)[:2]], 0)
    (True, False)
    """
    return getattr(arrays[i], "base", arrays) is None and _count(arrays[i]) <= _ALONE


class _Holder:
    __slots__ = ("data",)

    def __init__(self) -> None:
        self.data = numpy.empty(1)


def _references_of_data(holder: Any) -> int:
    return _count(holder.data)


_ALONE_AS_DATA = _references_of_data(_Holder())


def exclusive_data(holder: Any) -> bool:
    """The same for `holder.data` (a variable's array)."""
    return getattr(holder.data, "base", holder) is None and _references_of_data(holder) <= _ALONE_AS_DATA


def exclusive_through(take: Callable[[Any], Any], holder: Any) -> bool:
    """The same, where `take(holder)` reads the array."""
    return getattr(take(holder), "base", holder) is None and _count(take(holder)) <= _ALONE_TAKEN


def _references_taken(take: Callable[[Any], Any], holder: Any) -> int:
    return _count(take(holder))


_ALONE_TAKEN = _references_taken(_Holder.__dict__["data"].__get__, _Holder())
