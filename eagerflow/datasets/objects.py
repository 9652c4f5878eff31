"""Reads the few pickled arrays of published data sets, and builds nothing but arrays, lists, ints and text.

Some official files (imdb, reuters, CIFAR) hold pickles, and a pickle may call anything. So a stream is read
twice. `_check` walks over its instructions: only a short list of them may occur, and every length and every
memo number has to fit the stream. Then Python's unpickler runs it with four names, which stand for objects
of this file; NumPy never sees what the stream says before it was compared with the size of the data.
"""

from __future__ import annotations

import io
import pickle
import re
import struct
from typing import Any

import numpy as np

__all__ = ["FormatError", "build", "lists_of_ints"]


class FormatError(ValueError):
    """A file does not hold what its name promises."""


def build(stream: bytes, encoding: str = "ASCII") -> Any:
    """What a pickle holds: arrays, lists, tuples, dicts, ints, text, bytes, None; nothing else is ever made.

    Args:
        stream: the whole pickle, of protocol 2 to 4.
        encoding: for text written by Python 2; `"bytes"` leaves it as bytes.

    Raises:
        FormatError: for any other pickle, and for one that is damaged.

    >>> build(pickle.dumps([1, 2, 3], protocol=2))
    [1, 2, 3]
    """
    _check(stream)
    try:
        return _finished(_Unpickler(io.BytesIO(stream), encoding=encoding).load())
    except FormatError:
        raise
    except (pickle.UnpicklingError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise FormatError(f"its pickle is damaged ({type(error).__name__}: {error})") from None


def lists_of_ints(array: Any, limit: int) -> np.ndarray:
    """The array itself, when it is a row of lists of ints.

    Args:
        array: what `build` gave.
        limit: how many ints there may be in all: a list may be referred to again and again.

    Raises:
        FormatError: when it is anything else.
    """
    if not isinstance(array, np.ndarray) or array.dtype != object or array.ndim != 1:
        raise FormatError("expected a row of lists")
    if {type(item) for item in array} - {list}:
        raise FormatError("expected lists of ints in the row")
    if sum(map(len, array)) > limit:
        raise FormatError("its lists hold more numbers than the file has bytes")
    if {kind for item in array for kind in set(map(type, item))} - {int}:
        raise FormatError("expected ints in the lists")
    return array


# -- the instructions

_INTS = re.compile(rb"(?:K.|M..|J....)+", re.DOTALL)  # runs of ints, nearly all of an imdb file

# Instructions without arguments: marks, containers, None, booleans, tuples, calls of the four names, the end.
_PLAIN = frozenset(b"(]})aesutNRb.\x85\x86\x87\x88\x89\x93\x94")
# Instructions by the number of bytes that follow; PROTO, ints, memo numbers, frame lengths.
_FIXED = {b"\x80"[0]: 1, b"K"[0]: 1, b"M"[0]: 2, b"J"[0]: 4, b"h"[0]: 1, b"q"[0]: 1, b"j"[0]: 4, b"\x95"[0]: 8}
# Instructions followed by a length and that number of bytes: text and bytes of all protocols, long ints.
_SIZED = {b"X"[0]: "<I", b"\x8c"[0]: "<B", b"T"[0]: "<i", b"U"[0]: "<B", b"B"[0]: "<I", b"C"[0]: "<B", b"\x8a"[0]: "<B"}
_MEMOIZE = b"\x94"[0]
_PUTS, _GETS, _TUPLES = frozenset(b"qr\x94"), frozenset(b"hj"), frozenset(b"t)\x85\x86\x87")
_CHANGES, _SILENT = frozenset(b"aesub"), frozenset(b"\x80\x95")
_MOST_TUPLES = 1000  # an array needs five
_GLOBAL, _LONG_PUT, _STOP = b"c"[0], b"r"[0], b"."[0]


def _check(stream: bytes) -> None:
    """Refuses a stream with other instructions, or with lengths and memo numbers that don't fit it."""
    at, end, tuples = 0, len(stream), _Tuples()
    while at < end:
        if run := _INTS.match(stream, at):
            at = run.end()
            tuples.last = b"K"[0]
            continue
        code = stream[at]
        if code == _STOP:
            return
        after = _next(stream, code, at + 1)
        tuples.follow(code, stream[at + 1 : after])
        at = after
    raise FormatError("its pickle ends too early")


class _Tuples:
    """Keeps tuples few, and from being referred to again.

    The hash of a tuple, which it needs as a key, goes through all that is in it: a tuple in a tuple, a million times
    over, ends the program, and one that holds another twice, a hundred times over, is never done.
    """

    __slots__ = ("count", "kept", "last", "tuples")
    last: int

    def __init__(self) -> None:
        self.count, self.last = 0, 0
        self.kept: set[int] = set()  # all memo numbers
        self.tuples: set[int] = set()  # those of tuples

    def follow(self, code: int, argument: bytes) -> None:
        """What the next instruction does to tuples."""
        number = int.from_bytes(argument, "little")
        if code in _PUTS:
            self._keep(len(self.kept) if code == _MEMOIZE else number)
        elif code in _GETS and number in self.tuples:
            raise FormatError("its pickle refers to a tuple again, which no array needs")
        elif code in _TUPLES:
            self.count += 1
            if self.count > _MOST_TUPLES:
                raise FormatError(f"its pickle has more than {_MOST_TUPLES} tuples")
        if code not in _PUTS and code not in _SILENT:
            self.last = code

    def _keep(self, number: int) -> None:
        if self.last in _CHANGES:
            raise FormatError("its pickle remembers something that it has just changed, which no array needs")
        self.kept.add(number)
        if self.last in _TUPLES:
            self.tuples.add(number)


def _next(stream: bytes, code: int, at: int) -> int:
    """Where the instruction after this one begins; `at` is where the arguments of this one do."""
    if code in _PLAIN:
        return at
    if code in _FIXED:
        return at + _FIXED[code]
    if code in _SIZED:
        size = struct.calcsize(_SIZED[code])
        (length,) = struct.unpack(_SIZED[code], stream[at : at + size].ljust(size, b"\0"))
        if not 0 <= length <= len(stream) - at - size:
            raise FormatError("its pickle claims more data than there is")
        return at + size + int(length)
    if code == _GLOBAL:
        return _after_line(stream, _after_line(stream, at))
    if code == _LONG_PUT:  # the unpickler makes room for all smaller numbers
        if int.from_bytes(stream[at : at + 4], "little") > len(stream):
            raise FormatError("its pickle counts more objects than it can hold")
        return at + 4
    raise FormatError(f"its pickle has an instruction ({bytes([code])!r}) that no array, list or number needs")


def _after_line(stream: bytes, at: int) -> int:
    found = stream.find(b"\n", at, at + 80)
    if found < 0:
        raise FormatError("its pickle names something by more than 80 letters")
    return found + 1


# -- the objects


class _Array:
    """An array whose state, once given, was checked."""

    __slots__ = ("array",)
    array: np.ndarray

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, fortran, data = state
        if not isinstance(dtype, _DType) or any(type(n) is not int or n < 0 for n in shape):
            raise FormatError("its pickled array has no proper shape or dtype")
        self.array = _array(tuple(shape), dtype.made(), data, "F" if fortran else "C")


def _array(shape: tuple[int, ...], dtype: np.dtype[Any], data: Any, order: Any) -> np.ndarray:
    count = 1
    for length in shape:
        count *= length
    if dtype.hasobject:
        if type(data) is not list or len(data) != count:
            raise FormatError("its pickled array has another number of objects than its shape says")
        made = np.empty(count, dtype=object)
        made[:] = data if count else []
        return made.reshape(shape, order=order)
    raw = data.encode("latin-1") if isinstance(data, str) else data
    if not isinstance(raw, bytes) or len(raw) != count * dtype.itemsize:
        raise FormatError("its pickled array has another number of bytes than its shape says")
    return np.frombuffer(raw, dtype).reshape(shape, order=order).copy()


class _DType:
    """The name of an element type and its byte order."""

    __slots__ = ("name", "order")
    name: str
    order: str

    def __setstate__(self, state: Any) -> None:
        order = _text(state[1])
        if order not in ("|", "<", ">", "=") or any(part is not None for part in state[2:5]):
            raise FormatError("its pickled array has fields or an unknown byte order")
        self.order = order

    def made(self) -> np.dtype[Any]:
        if self.name in ("O", "O8", "O4"):
            return np.dtype(object)
        if not re.fullmatch(r"[iuf][1248]|b1", self.name):
            raise FormatError(f"its pickled array has elements of type {self.name[:20]!r}")
        return np.dtype(getattr(self, "order", "|").replace("|", "=") + self.name)


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


class _Name:
    """What a name in a stream stands for: it can be called, if at all, to give one of our objects."""

    __slots__ = ("makes",)

    def __init__(self, makes: type | None) -> None:
        self.makes = makes

    def __call__(self, *arguments: Any) -> Any:
        if self.makes is None:
            raise FormatError("its pickle makes an array in an unknown way")
        made = self.makes()
        if isinstance(made, _DType):
            made.name = _text(arguments[0])
        return made

    def __setstate__(self, state: Any) -> None:
        raise FormatError("its pickle changes a name")


_NAMES = {
    ("numpy", "ndarray"): _Name(None),
    ("numpy", "dtype"): _Name(_DType),
    ("numpy.core.multiarray", "_reconstruct"): _Name(_Array),
    ("numpy._core.multiarray", "_reconstruct"): _Name(_Array),
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _NAMES[module, name]
        except KeyError:
            raise FormatError(f"its pickle asks for {module[:40]}.{name[:40]}, which is no array") from None


def _finished(value: Any) -> Any:
    """Without our stand-ins: an array, a list, or a dict of such."""
    if isinstance(value, _Array):
        return value.array
    if isinstance(value, dict):
        return {key: item.array if isinstance(item, _Array) else item for key, item in value.items()}
    return value
