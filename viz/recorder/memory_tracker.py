"""Which tensors share memory, and when it is given back, without keeping any of it alive."""

from __future__ import annotations

import weakref
from typing import Any

from numpy import generic

from eagerflow.core.observe import clock

__all__ = ["Lifetime", "Memory"]


class Lifetime(weakref.ref[Any]):
    """A weak reference to the owner of some memory that knows its number."""

    __slots__ = ("number",)

    number: int


class Memory:
    """The pieces of memory that were met.

    Attributes:
        pieces: for each piece its bytes and when it was first met, flat.
        ends: the number of each piece that was given back, and when, flat.
        alive: a watch on each piece, by address; dead ones stay until their address is used again.
    """

    def __init__(self) -> None:
        self.pieces: list[int] = []
        self.ends: list[int] = []
        self.alive: dict[int, Lifetime] = {}

    def number(self, array: Any) -> int | None:
        """The number of the memory behind `array`; None for NumPy's scalars, which are small."""
        if isinstance(array, generic):
            return None
        owner = array.base
        if owner is None or not hasattr(owner, "nbytes") or owner.__class__ is memoryview:
            owner = array
        known = self.alive.get(id(owner))
        if known is not None and known() is owner:
            return known.number
        return self.add(owner, clock())

    def add(self, owner: Any, now: int) -> int:
        """The number of memory not met before, which `owner` holds."""
        lifetime = Lifetime(owner, self._ended)
        lifetime.number = number = len(self.pieces) >> 1
        self.alive[id(owner)] = lifetime
        self.pieces += (owner.nbytes, now)
        return number

    def forget(self) -> None:
        """Watch no longer."""
        self.alive.clear()

    def _ended(self, lifetime: Any) -> None:
        self.ends += (lifetime.number, clock())
