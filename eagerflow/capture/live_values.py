"""The values of a run that is being captured, by number: no large array lives longer than it does in an eager run."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import numpy

from eagerflow.core.tensor import WEAK

__all__ = ["LiveValues"]

_LARGE = 1 << 16  # bytes


class LiveValues:
    """Arrays are known by their identities, as long as somebody else holds them; small ones, and a GPU's, are kept."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self._values: list[list[Callable[[], Any]]] = []  # all arrays with a slot's values
        self._slots: dict[int, int] = {}  # by the identities of arrays
        self._held: list[Any] = []

    def new(self, value: Any) -> int:
        """A slot with this value."""
        self._values.append([])
        self.sizes.append(getattr(value, "nbytes", 0))
        self.add(len(self._values) - 1, value)
        return len(self._values) - 1

    def add(self, number: int, value: Any) -> None:
        """A slot has its values in this array, too."""
        if value is None or value.__class__ in WEAK:
            self._values[number].append(lambda: value)
            return
        key, slots = id(value), self._slots
        slots[key] = number
        if value.__class__ is numpy.ndarray and value.nbytes >= _LARGE:
            # Its identity may be another array's once it is gone.
            self._values[number].append(weakref.ref(value, lambda _: slots.pop(key, None)))
        else:
            self._values[number].append(lambda: value)

    def hold(self, value: Any) -> Any:
        """The value, which lives until `let_go`: nobody else has it."""
        self._held.append(value)
        return value

    def let_go(self) -> None:
        """End what `hold` began."""
        self._held.clear()

    def slot_of(self, value: Any) -> int | None:
        """The slot with this very array."""
        return self._slots.get(id(value))

    def __getitem__(self, number: int) -> Any:
        return next((value for ask in self._values[number] if (value := ask()) is not None), None)
