"""Which tensors share memory, and when it is given back, without keeping any of it alive."""

from __future__ import annotations

import bisect
import itertools
import weakref
from collections.abc import Callable, Iterable
from operator import attrgetter, call
from typing import Any

from numpy import generic, ndarray

from eagerflow.core.observe import clock

__all__ = ["Lifetime", "Memory"]


_data = attrgetter("data")


class Lifetime(weakref.ref[Any]):
    """A weak reference to the owner of some memory that knows its number."""

    __slots__ = ("number",)

    number: int


class Shared(Lifetime):
    """The same of an array in which several variables lie: where each begins and ends, and its number."""

    __slots__ = ("places",)

    places: list[tuple[int, int, int]]


class Memory:
    """The pieces of memory that were met.

    Attributes:
        pieces: for each piece its bytes and when it was first met, flat.
        gone: the watch on each piece that was given back, in order. Events tell how many had been by then, so that
            nothing is done when one goes, as nearly every tensor does.
        ends: the number of each piece that became a variable's, and when, flat.
        alive: a watch on each piece, by address; dead ones stay until their address is used again.
        add: gives the number of memory not met before, which an array holds, from now (nanoseconds) on.
    """

    def __init__(self) -> None:
        self.pieces: list[int] = []
        self.ends: list[int] = []
        self.alive: dict[int, Lifetime] = {}
        self.gone: list[Lifetime] = []
        self.add = _adder(self)
        self._variables: dict[int, Lifetime] = {}
        self._placed: set[tuple[int, ...]] = set()  # addresses of arrays that are known to hold the variables

    def number(self, array: Any) -> int | None:
        """The number of the memory behind `array`; None for NumPy's scalars, which are small."""
        if isinstance(array, generic):
            return None
        owner = array.base
        if owner is None or not hasattr(owner, "nbytes") or owner.__class__ is memoryview:
            owner = array
        known = self.alive.get(id(owner))
        if known is not None and known() is owner:
            return known.number if known.__class__ is not Shared else self._within(known, array)
        return self.add(owner, clock())

    def of_variable(self, variable: Any, began: int | None = None) -> int | None:
        """The number of a variable's memory, which it has for itself as long as it lives.

        The array that holds it may be another one later, or one that it shares with others: optimizers put the weights
        and their own state into one.
        """
        data = variable.data
        if isinstance(data, generic):
            return None
        known = self._variables.get(id(variable))
        if known is None or known() is not variable:
            known = self._variables[id(variable)] = Lifetime(variable, self.gone.append)
            known.number = len(self.pieces) >> 1
            self.pieces.extend((data.nbytes, clock() if began is None else began))
        held = self.alive.get(id(data))
        if held is None or held() is not data or held.number != known.number:
            self._place(data, known.number)
        return known.number

    def follow_variables(self) -> None:
        """Note which arrays hold the variables now."""
        try:  # small ones are often in one of the same few arrays again
            now = tuple(map(id, map(_data, map(call, self._variables.values()))))
        except AttributeError:  # a variable that is gone
            now = ()
        if now in self._placed:
            return
        alive = self.alive
        for known in list(self._variables.values()):
            variable = known()
            if variable is not None:
                data = variable.data
                held = alive.get(id(data))
                if held is None or held() is not data:
                    self.of_variable(variable)
        if now:
            self._placed.add(now)

    def _place(self, data: Any, number: int) -> None:
        """Note that an array, or a part of one, is a variable's."""
        owner = data.base
        if owner is not None and hasattr(owner, "nbytes") and owner.__class__ is not memoryview:
            shared = self.alive.get(id(owner))
            if shared is None or shared() is not owner or shared.__class__ is not Shared:
                self._release(owner)
                shared = self.alive[id(owner)] = Shared(owner)
                shared.number, shared.places = number, []
            begin = _address(data)
            at = bisect.bisect_left(shared.places, (begin, 0, 0))
            known = at < len(shared.places) and shared.places[at][0] == begin
            shared.places[at : at + known] = [(begin, begin + data.nbytes, number)]
        else:
            self._release(data)
        # When the array is gone that holds a variable, its address may be used again.
        lifetime = self.alive[id(data)] = Lifetime(data, lambda gone: self._placed.clear())
        lifetime.number = number

    def _release(self, owner: Any) -> None:
        """What was met as a piece by itself is a variable's from here on."""
        known = self.alive.get(id(owner))
        if known is not None and known() is owner:
            self.ends.extend((known.number, clock()))

    def _within(self, shared: Any, array: Any) -> int:
        """The number of the variable of whose memory an array is a part."""
        at = _address(array)
        place = bisect.bisect_right(shared.places, (at, float("inf"), 0)) - 1
        if place >= 0 and at < shared.places[place][1]:
            return int(shared.places[place][2])
        return self.add(array, clock())

    def ended(self, marks: Iterable[tuple[int, int]], stopped: int) -> dict[int, int]:
        """When each piece was given back, by its number: at the next mark."""
        found = dict(zip(self.ends[::2], self.ends[1::2]))
        at = 0
        for moment, count in itertools.chain(marks, [(stopped, len(self.gone))]):
            for lifetime in self.gone[at:count]:
                met = self.pieces[2 * lifetime.number + 1]
                found[lifetime.number] = max(moment, met)  # what happens within an event is told before it
            at = max(at, count)
        return found

    def forget(self) -> None:
        """Watch no longer."""
        self.alive.clear()
        self._variables.clear()


def _address(array: Any) -> int:
    """Where an array's elements begin in memory."""
    if isinstance(array, ndarray):
        return int(array.__array_interface__["data"][0])
    return int(array.data.ptr)  # CuPy's


def _adder(memory: Memory) -> Callable[[Any, int], int]:
    """The `add` of a memory, with all that it needs at hand: it is called for nearly every tensor."""
    alive, pieces = memory.alive, memory.pieces
    note, ended = pieces.extend, memory.gone.append

    def add(owner: Any, now: int) -> int:
        lifetime = Lifetime(owner, ended)
        lifetime.number = number = len(pieces) >> 1
        alive[id(owner)] = lifetime
        note((owner.nbytes, now))
        return number

    return add
