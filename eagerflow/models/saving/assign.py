"""Arrays from a file into variables: all are checked and read first, then all are assigned, or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy

from eagerflow.core.tracebacks import warn
from eagerflow.core.variable import Variable
from eagerflow.models.saving.errors import listed

__all__ = ["Match", "Stored", "assign_all", "mismatch", "signature"]


class Stored(Protocol):
    """An array in a file, not read yet."""

    shape: tuple[int, ...]
    dtype: numpy.dtype[Any]

    def read(self) -> numpy.ndarray:
        """The values."""


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


def assign_all(matches: Sequence[Match], file: str, skip_mismatch: bool = False) -> None:
    """Set all variables.

    Args:
        matches: variables with their arrays.
        file: for messages.
        skip_mismatch: leave out what doesn't fit, with a warning.

    Raises:
        FileFormatError: when an array doesn't fit or can't be read; then nothing has changed.
    """
    problems = [p for p in [m.problem for m in matches] if p]
    if problems and not skip_mismatch:
        raise listed(file, "doesn't fit the model", problems)
    if problems:
        warn(str(listed(file, "doesn't fit the model everywhere", problems, " The rest was loaded.")))
    fitting = [m for m in matches if not m.problem]
    values = [m.stored.read() for m in fitting if m.stored is not None]
    _warn_of_nan(fitting, values, file)
    for match, value in zip(fitting, values):
        match.variable.assign(value)


def _warn_of_nan(matches: Sequence[Match], values: Sequence[numpy.ndarray], file: str) -> None:
    bad = [m.owner for m, v in zip(matches, values) if v.dtype.kind == "f" and not numpy.isfinite(v).all()]
    if bad:
        names = ", ".join(repr(name) for name in dict.fromkeys(bad[:3]))
        warn(f"{file!r}: the values for {names} hold NaN or infinity.")
