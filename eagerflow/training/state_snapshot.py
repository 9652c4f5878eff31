"""A step that fails leaves the model as the last finished one left it."""

from __future__ import annotations

import weakref
from typing import Any

from eagerflow.core.exclusive import exclusive_item
from eagerflow.core.variable import Variable, changes

__all__ = ["StateSnapshot"]


class StateSnapshot:
    """A model's state besides its weights: moving averages, states of random generators and recurrent layers.

    A training step either happens or, when it raises before weights are updated, leaves nothing changed: what layers
    changed on the way to the loss is put back. Weights themselves are only changed by the optimizer, at the end.

    A step stands between `before = states.taken()` and `states.settle(before)`, or `states.undo(before)` after an
    exception.
    """

    def __init__(self, model: Any) -> None:
        self._model = weakref.proxy(model)
        self._known = -1
        self._variables: list[Variable] = []

    def taken(self) -> tuple[list[Any], int] | None:
        """The arrays as they are, and how many updates were made; None where a model has no states.

        While the arrays are held, `assign` leaves them alone and makes new ones.
        """
        if self._known != changes.count:
            self._variables, self._known = self._model.non_trainable_variables, changes.count
        return ([v.data for v in self._variables], self._updates()) if self._variables else None

    def settle(self, before: tuple[list[Any], int]) -> None:
        """Move what was made again into the arrays of before, so that variables stay where they are in memory."""
        arrays = before[0]
        for i, variable in enumerate(self._variables):
            if variable.data is not arrays[i] and exclusive_item(arrays, i):  # which nobody keeps
                arrays[i][...] = variable.data
                variable.data = arrays[i]

    def undo(self, before: tuple[list[Any], int]) -> None:
        """Set the variables to the arrays of before, unless weights were updated meanwhile."""
        arrays, updates = before
        if self._updates() == updates:
            for variable, array in zip(self._variables, arrays):
                variable.data = array

    def _updates(self) -> int:
        """How many updates the optimizer has made."""
        optimizer = self._model.optimizer
        return int(optimizer.iterations.data) if optimizer is not None and optimizer.built else 0
