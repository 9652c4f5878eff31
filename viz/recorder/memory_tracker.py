"""Which tensors share memory, and when it is given back, without keeping any of it alive."""

from __future__ import annotations

import weakref
from collections.abc import Callable
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
        add: gives the number of memory not met before, which an array holds, from now (nanoseconds) on.
    """

    def __init__(self) -> None:
        self.pieces: list[int] = []
        self.ends: list[int] = []
        self.alive: dict[int, Lifetime] = {}
        self.add = _adder(self)

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

    def forget(self) -> None:
        """Watch no longer."""
        self.alive.clear()


def _adder(memory: Memory) -> Callable[[Any, int], int]:
    """The `add` of a memory, with all that it needs at hand: it is called for nearly every tensor."""
    alive, pieces = memory.alive, memory.pieces
    note, note_end = pieces.extend, memory.ends.extend

    def ended(lifetime: Any) -> None:
        note_end((lifetime.number, clock()))

    def add(owner: Any, now: int) -> int:
        lifetime = Lifetime(owner, ended)
        lifetime.number = number = len(pieces) >> 1
        alive[id(owner)] = lifetime
        note((owner.nbytes, now))
        return number

    return add
