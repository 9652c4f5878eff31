"""Small variables side by side in one array, with their slots and gradients: an update is one pass over all of them.

Variables become views of the array. There are two such arrays: while variables show one of them, an update goes on in
the other, and is shown when it is done. So nobody ever sees an update half done, and what others have seen never
changes, as with variables of their own arrays (`core/in_place.py`): an array to which anybody still refers, through a
view or a view of his own, is left to him, and a new one takes its place.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from operator import attrgetter, is_
from typing import Any

import numpy

from eagerflow.core.exclusive import counted
from eagerflow.optimizers.entry import Entry

__all__ = ["Packed", "packable"]

LARGEST = 1 << 14  # elements: copying the gradient of a larger variable costs more than its calls of NumPy
_LINE = 64  # bytes of a cache line
_PATIENCE = 16  # moves into fresh arrays that are allowed; then a group that moves at most updates is given up

_data = attrgetter("data")


def packable(entry: Entry) -> bool:
    """Whether a variable may share an array with others: small, dense, on the CPU, and free of constraints."""
    variable = entry.variable
    return (
        counted
        and type(variable.data) is numpy.ndarray
        and 0 < variable.data.size <= LARGEST
        and variable.constraint is None
        and all(slot.data.shape == variable.data.shape for slot in entry.slots)
        and all(slot.data.dtype == variable.data.dtype for slot in entry.slots)
    )


class _Side:
    """One of the two arrays, and its parts.

    Attributes:
        whole: the values of all roles.
        roles: one flat array for the variables, and one for each kind of slot.
        views: the arrays of all variables, then those of all first slots, and so on.
    """

    __slots__ = ("alone", "roles", "views", "whole")

    def __init__(self, dtype: Any, shapes: Sequence[tuple[int, ...]], count: int) -> None:
        line = max(1, _LINE // dtype.itemsize)
        sizes = [math.prod(shape) for shape in shapes]
        starts = [0]
        for size in sizes:
            starts.append(starts[-1] + -(-size // line) * line)
        length = starts[-1]
        memory = numpy.zeros(count * length + line, dtype)
        skipped = -memory.ctypes.data % _LINE // dtype.itemsize
        self.whole = memory[skipped : skipped + count * length]
        self.roles = [self.whole[length * role : length * (role + 1)] for role in range(count)]
        parts = list(zip(starts, sizes, shapes))
        self.views = [flat[start : start + size].reshape(shape) for flat in self.roles for start, size, shape in parts]
        del memory
        self.alone = self._references()

    def _references(self) -> int:
        """How often the views and the memory, which views of views refer to, are referred to, all in all."""
        return sum(map(sys.getrefcount, self.views)) + sys.getrefcount(self.whole.base)

    def seen(self) -> bool:
        """Whether anybody else refers to it. To be asked while no variable shows it."""
        return self._references() != self.alone


class Packed:
    """Variables of one type.

    Args:
        entries: packable ones, all of one type and with equally many slots.
        temporaries: how many scratch arrays the rule needs.

    Attributes:
        gradient: a flat array for the gradients.
        temporaries: as many more; None where a rule had better share those of the thread.
        hopeless: whether packing costs more than it saves, since somebody keeps looking at the variables.
        bound: what does a rule's work on one of the two arrays, with the settings that it was made for (`passes.py`).
    """

    def __init__(self, entries: Sequence[Entry], temporaries: int) -> None:
        self.entries = list(entries)
        columns = zip(*[(entry.variable, *entry.slots) for entry in entries])
        self.holders = [variable for column in columns for variable in column]
        self.shapes = [entry.variable.data.shape for entry in entries]
        self.dtype = entries[0].variable.data.dtype
        self.updates = self.moves = 0
        self.hopeless = False
        self.bound: dict[int, Any] = {}
        side = self._new_side(1 + (temporaries if sum(map(math.prod, self.shapes)) <= LARGEST else 0))
        self.gradient, *own = side.roles
        self.temporaries = own or None
        self.gradients = side.views[: len(self.entries)]
        self._shown, self._next = self._new_side(), self._new_side()

    def _new_side(self, roles: int | None = None) -> _Side:
        return _Side(self.dtype, self.shapes, roles or len(self.holders) // len(self.entries))

    def begin(self, gradients: Sequence[Any]) -> list[Any]:
        """The roles' arrays with the present values, where nobody sees them; takes the gradients in.

        The first call, and those after somebody put an array of his own into a variable, collect the values.
        """
        self.updates += 1
        as_before = all(map(is_, map(_data, self.holders), self._shown.views))
        alone = not self._next.seen()
        if not alone:
            self._next = self._new_side()
            self.bound.clear()
        if not as_before or not alone:
            self.moves += 1
            self.hopeless = self.moves > _PATIENCE and 2 * self.moves > self.updates
        if as_before:
            numpy.copyto(self._next.whole, self._shown.whole)
        else:
            for variable, view in zip(self.holders, self._next.views):
                view[...] = variable.data
        for place, gradient in zip(self.gradients, gradients):
            place[...] = gradient
        return self._next.roles

    def show(self) -> None:
        """Let the variables have the values of now."""
        for variable, view in zip(self.holders, self._next.views):
            variable.data = view
        self._shown, self._next = self._next, self._shown
