"""Where machine code finds what NumPy has in memory: fields of arrays, the loops of its functions, routines of BLAS.

Sources: NumPy's C API, `PyArrayObject` and `PyUFuncObject` (`numpy/ndarraytypes.h`, `numpy/ufuncobject.h`), whose
fields keep their places for the sake of compiled extensions; CPython's `PyTupleObject`. All of it is tried out once,
on objects whose contents are known, before anything relies on it.
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import Any, NamedTuple

import numpy

__all__ = ["Loop", "fields_are_known", "inner_loop_of", "places"]

_HEAD = object.__basicsize__  # of a Python object


class _Places(NamedTuple):
    """How far into their objects fields lie, in bytes."""

    type: int = _HEAD - 8
    data: int = _HEAD
    axes: int = _HEAD + 8
    lengths: int = _HEAD + 16
    dtype: int = _HEAD + 40
    flags: int = _HEAD + 48
    items: int = tuple.__basicsize__  # of a tuple


places = _Places()

_LOOPS, _LOOP_DATA, _TYPES = _HEAD + 16, _HEAD + 24, _HEAD + 48  # of functions of NumPy (ufuncs)


class Loop(NamedTuple):
    """The loop of one of NumPy's functions over arrays of one type: its address, and that of the data it is given."""

    address: int
    data: int


def _at(address: int, kind: Any = ctypes.c_int64) -> int:
    return int(kind.from_address(address).value or 0)


@cache
def fields_are_known() -> bool:
    """Whether arrays, tuples and functions of this NumPy and Python are laid out as is written here."""
    if ctypes.sizeof(ctypes.c_void_p) != 8 or sys.implementation.name != "cpython":
        return False
    probe = numpy.zeros((3, 5), numpy.float32)
    at, pair = id(probe), (probe, None)
    return (
        _at(at + places.type) == id(numpy.ndarray)
        and _at(at + places.data) == probe.ctypes.data
        and _at(at + places.axes, ctypes.c_int32) == 2
        and [_at(_at(at + places.lengths) + 8 * k) for k in range(2)] == [3, 5]
        and _at(at + places.dtype) == id(probe.dtype)
        and _at(at + places.flags, ctypes.c_int32) == probe.flags.num
        and [_at(id(pair) + places.items + 8 * k) for k in range(2)] == [at, id(None)]
        and _types_of(numpy.exp) == [each.replace("->", "") for each in numpy.exp.types]
    )


def _types_of(function: numpy.ufunc) -> list[str]:
    """The types of a function's loops, as they stand in memory."""
    letters: dict[int, str] = {numpy.dtype(letter).num: letter for letter in numpy.typecodes["All"]}
    numbers = ctypes.string_at(_at(id(function) + _TYPES), function.ntypes * function.nargs)
    text = "".join([letters.get(number, "?") for number in numbers])
    return [text[i : i + function.nargs] for i in range(0, len(text), function.nargs)]


@cache
def inner_loop_of(function: numpy.ufunc, letter: str) -> Loop | None:
    """The loop that NumPy runs for arrays of one type, whose results have that type too; None where it has none.

    It is the first one that fits, which NumPy takes as well. Called on the same numbers, it gives the same bits.

    >>> inner_loop_of(numpy.exp, "f") is not None
    True
    >>> inner_loop_of(numpy.logical_not, "f") is None
    True
    """
    types = [each.replace("->", "") for each in function.types]
    if not fields_are_known() or letter * function.nargs not in types:
        return None
    place = 8 * types.index(letter * function.nargs)
    return Loop(_at(_at(id(function) + _LOOPS) + place), _at(_at(id(function) + _LOOP_DATA) + place))
