"""Arrays from a file into variables: all are checked first, then all are assigned, or none.

Where they are large, checking them reads them once, and assigning them again, piece by piece: a file of gigabytes
needs little memory besides the model.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy

from eagerflow.base.tracebacks import warn
from eagerflow.core.observe import clock
from eagerflow.core.variable import Variable
from eagerflow.models.saving.errors import SKIPS, listed

__all__ = ["Match", "Stored", "Zeros", "assign_all", "fill", "mismatch", "signature", "size_of"]

_AT_ONCE = 64 * 2**20  # bytes of arrays that are read only once, into memory besides the model


class Stored(Protocol):
    """An array in a file, not read yet."""

    shape: tuple[int, ...]
    dtype: numpy.dtype[Any]

    def read(self) -> numpy.ndarray:
        """The values."""

    def pieces(self) -> Iterator[numpy.ndarray]:
        """The values in their order, in flat arrays of some megabytes."""


@dataclass
class Zeros:
    """As an array in a file."""

    shape: tuple[int, ...]
    dtype: numpy.dtype[Any]

    def read(self) -> numpy.ndarray:
        """The values."""
        return numpy.zeros(self.shape, self.dtype)

    def pieces(self) -> Iterator[numpy.ndarray]:
        """The values, in one piece."""
        yield self.read().reshape(-1)


@dataclass
class Match:
    """A variable, and the array in the file for it.

    Attributes:
        variable: what is set.
        stored: what it is set to; None when the file lacks it.
        where: how messages call it.
        owner: the name of its layer.
    """

    variable: Variable
    stored: Stored | None
    where: str
    owner: str

    @property
    def problem(self) -> str | None:
        """What is wrong with it, None when it fits."""
        return mismatch(self.variable, self.stored, self.where)


def size_of(array: Stored) -> int:
    """Its bytes, as it is stored."""
    return math.prod(array.shape) * array.dtype.itemsize


def fill(array: numpy.ndarray, pieces: Iterable[numpy.ndarray]) -> None:
    """Set the elements of a contiguous array, in their order."""
    flat, at = array.reshape(-1), 0
    for piece in pieces:
        flat[at : at + len(piece)] = piece
        at += len(piece)


def signature(array: Any) -> str:
    """`float32[2, 3]`."""
    dtype = "bfloat16" if getattr(array, "is_bfloat16", False) else array.dtype.name
    return f"{dtype}{list(array.shape)}"


def mismatch(variable: Variable, stored: Stored | None, where: str) -> str | None:
    """Why `stored` doesn't fit the variable, None when it does."""
    if stored is None:
        return f"{where}: expected {signature(variable)}, found nothing"
    fits = tuple(stored.shape) == tuple(variable.shape) and _kind(stored) == _kind(variable)
    return None if fits else f"{where}: expected {signature(variable)}, found {signature(stored)}"


def _kind(array: Any) -> str:
    """Integers with and without sign are one kind; float32 and float64 too."""
    if getattr(array, "is_bfloat16", False) or array.dtype.name == "bfloat16":
        return "f"
    kind: str = array.dtype.kind
    return "i" if kind in "iu" else kind


def assign_all(matches: Sequence[Match], file: str, skip_mismatch: bool = False, fresh: bool = False) -> None:
    """Set all variables.

    Args:
        matches: variables with their arrays.
        file: for messages.
        skip_mismatch: leave out what doesn't fit, with a warning.
        fresh: nobody has the variables yet; what fails may leave some of them changed, and reads large arrays once.

    Raises:
        FileFormatError: when an array doesn't fit or can't be read; then nothing has changed.
    """
    problems = [p for p in [m.problem for m in matches] if p]
    if problems and not skip_mismatch:
        raise listed(file, "doesn't fit the model", problems, "" if fresh else SKIPS)
    if problems:
        warn(str(listed(file, "doesn't fit the model everywhere", problems, " The rest was loaded.")))
    fitting = [(m, m.stored) for m in matches if m.stored is not None and not m.problem]
    if sum(size_of(stored) for _, stored in fitting) <= _AT_ONCE:
        values = [stored.read() for _, stored in fitting]
        _warn_of_nan([m.owner for (m, _), value in zip(fitting, values) if not _finite([value])], file)
        for (match, _), value in zip(fitting, values):
            match.variable.assign(value)
    elif fresh:
        _warn_of_nan([m.owner for m, stored in fitting if not _assign_pieces(m.variable, stored)], file)
    else:
        _warn_of_nan([m.owner for m, stored in fitting if not _finite(stored.pieces())], file)
        for match, stored in fitting:
            _assign_pieces(match.variable, stored)


def _assign_pieces(variable: Variable, stored: Stored) -> bool:
    """Set a variable in place; whether there is neither NaN nor infinity."""
    started = clock()
    here = variable.data
    in_place = isinstance(here, numpy.ndarray) and here.flags.c_contiguous
    del here  # a reference would have the array copied
    if not in_place:
        value = stored.read()
        variable.assign(value)
        return _finite([value])
    finite = True

    def watched() -> Iterator[numpy.ndarray]:
        nonlocal finite
        for piece in stored.pieces():
            finite = _finite([piece]) and finite
            yield piece

    with variable.changing() as target:
        fill(target, watched())
    variable._changed("assign", variable.value, started)
    return finite


def _finite(pieces: Iterable[numpy.ndarray]) -> bool:
    # A list: every piece is read, also after one that isn't finite, for the checksum comes last.
    return all([piece.dtype.kind != "f" or bool(numpy.isfinite(piece).all()) for piece in pieces])


def _warn_of_nan(owners: Sequence[str], file: str) -> None:
    if owners:
        names = ", ".join(repr(name) for name in dict.fromkeys(owners[:3]))
        warn(f"{file!r}: the values for {names} hold NaN or infinity.")
