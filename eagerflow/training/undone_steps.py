"""A step that fails leaves the model as the last finished one left it."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from eagerflow.core.exclusive import exclusive_item
from eagerflow.core.variable import Variable
from eagerflow.layer.tracking import changes

__all__ = ["States", "whole_step"]


class States:
    """What a model keeps beside its weights: moving averages, states of random generators and recurrent layers."""

    def __init__(self, model: Any) -> None:
        self._model = weakref.proxy(model)  # which may keep these states
        self._known = -1
        self._variables: list[Variable] = []

    def arrays(self) -> list[Any]:
        """The arrays as they are. While they are held, `assign` leaves them alone and makes new ones."""
        if self._known != changes.count:
            self._variables, self._known = self._model.non_trainable_variables, changes.count
        return [v.data for v in self._variables]

    def settle(self, arrays: list[Any]) -> None:
        """Move what was made anew into the arrays of before, so that variables stay where they are in memory."""
        for i, variable in enumerate(self._variables):
            if variable.data is not arrays[i] and exclusive_item(arrays, i):  # which nobody keeps
                arrays[i][...] = variable.data
                variable.data = arrays[i]

    def put_back(self, arrays: list[Any]) -> None:
        """Set the variables to arrays of before."""
        for variable, array in zip(self._variables, arrays):
            variable.data = array

    def updates(self) -> int:
        """How many updates the optimizer has made."""
        optimizer = self._model.optimizer
        return int(optimizer.iterations.data) if optimizer is not None and optimizer.built else 0


def whole_step(model: Any, step: Callable[[Any], Any], states: States | None = None) -> Callable[[Any], Any]:
    """`step`, which either happens or, when it raises before weights are updated, leaves nothing changed.

    What layers change on the way to the loss (moving averages, random states) is put back. Weights themselves are
    only changed by the optimizer, at the end.

    Args:
        model: the model.
        step: a training step.
        states: what is known of the model's states, where steps are made one by one.
    """
    states = States(model) if states is None else states

    def make(data: Any) -> Any:
        before = states.arrays()
        if not before:
            return step(data)
        updates = states.updates()
        try:
            result = step(data)
        except BaseException:
            if states.updates() == updates:
                states.put_back(before)
            raise
        states.settle(before)
        return result

    return make
