"""Small variables side by side in one array, with their slots and gradients: an update is one pass over all of them.

Variables become views of the array. What others have seen of them never changes, as with variables of their own
arrays (`core/exclusive.py`): where anybody refers to a view, or to the array through a view of his own, or has put
another array into a variable, all values move into fresh arrays before the update.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from operator import attrgetter, is_
from typing import Any

import numpy

from eagerflow.optimizers.entry import Entry

__all__ = ["Packed", "packable"]

LARGEST = 1 << 14  # elements: copying the gradient of a larger variable costs more than its calls of NumPy
_LINE = 64  # bytes of a cache line
_PATIENCE = (
    16  # moves into fresh arrays that are forgiven; then a group that moves at most updates is given up
)

_count: Callable[[Any], int] | None = getattr(sys, "getrefcount", None)
_data = attrgetter("data")


def packable(entry: Entry) -> bool:
    """Whether a variable may share an array with others: small, dense, on the CPU, and free of constraints."""
    variable = entry.variable
    return (
        _count is not None
        and type(variable.data) is numpy.ndarray
        and 0 < variable.data.size <= LARGEST
        and variable.constraint is None
        and all(slot.data.shape == variable.data.shape for slot in entry.slots)
        and all(slot.data.dtype == variable.data.dtype for slot in entry.slots)
    )


class Packed:
    """Variables of one type.

    Args:
        entries: packable ones, all of one type and with equally many slots.

    Attributes:
        roles: one flat array for the variables, and one for each kind of slot.
        gradient: a flat array for the gradients.
        hopeless: whether packing costs more than it saves, since somebody keeps looking at the variables.
    """

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = list(entries)
        columns = zip(*[(entry.variable, *entry.slots) for entry in entries])
        self.holders = [variable for column in columns for variable in column]
        self.shapes = [entry.variable.data.shape for entry in entries]
        self.dtype = entries[0].variable.data.dtype
        self.updates = self.moves = 0
        _, self.gradient, self.gradients = self._side_by_side()
        self._move()

    @property
    def hopeless(self) -> bool:
        return self.moves > _PATIENCE and 2 * self.moves > self.updates

    def ready(self, gradients: Sequence[Any]) -> None:
        """See to it that the arrays hold the values, that nobody else looks, and take the gradients in."""
        self.updates += 1
        if not all(map(is_, map(_data, self.holders), self.views)) or self._references() != self.alone:
            self._move()
        for place, gradient in zip(self.gradients, gradients):
            place[...] = gradient

    def _references(self) -> list[int]:
        """How often the views, all in all, and each array are referred to."""
        assert _count is not None
        return [sum(map(_count, self.views)), *map(_count, self._owners)]

    def _move(self) -> None:
        """Lay all values into fresh arrays, which nobody else has seen."""
        self.moves += 1
        count = len(self.entries)
        self._owners: list[Any] = []  # of the memory: what views of views refer to, too
        self.roles: list[Any] = []
        self.views: list[Any] = []
        for start in range(0, len(self.holders), count):
            owner, flat, views = self._side_by_side()
            for variable, view in zip(self.holders[start : start + count], views):
                view[...] = variable.data
                variable.data = view
            self._owners.append(owner)
            self.roles.append(flat)
            self.views += views
        del owner, view, views
        self.alone = self._references()

    def _side_by_side(self) -> tuple[Any, Any, list[Any]]:
        """Zeros: their memory, all of them, and parts in the variables' shapes that begin with cache lines."""
        line = max(1, _LINE // self.dtype.itemsize)
        sizes = [math.prod(shape) for shape in self.shapes]
        starts = [0]
        for size in sizes:
            starts.append(starts[-1] + -(-size // line) * line)
        whole = numpy.zeros(starts[-1] + line, self.dtype)
        skipped = -whole.ctypes.data % _LINE // self.dtype.itemsize
        flat = whole[skipped : skipped + starts[-1]]
        parts = zip(starts, sizes, self.shapes)
        return whole, flat, [flat[start : start + size].reshape(shape) for start, size, shape in parts]
