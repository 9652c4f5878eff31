"""The losses of a loop of the user's own: what the code calls them, and which model learns from each."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy

from viz.facts.formatting import clean
from viz.frameworks.objects import array_of, is_variable
from viz.recorder.names.array_names import ArrayNames

__all__ = ["OwnLosses", "number_of"]


class _Loss(NamedTuple):
    """What a backward pass began with: a number, or an array with one; and one of the gradients that it gave."""

    value: Any
    gradient: Callable[[], Any]


class OwnLosses:
    """Hears of backward passes, and keeps their losses until weights are updated."""

    def __init__(self, name_of: Callable[[Any], str]) -> None:
        self._name_of = name_of
        self._names = ArrayNames()
        self._waiting: dict[tuple[str, str], _Loss] = {}  # by name in the code, and model
        self._taken: list[tuple[str, _Loss]] = []  # by the last update, with their models

    def hear(self, targets: Sequence[Any], sources: Sequence[Any], results: Sequence[Any]) -> None:
        """A backward pass is over; its target is the loss. A pass for the data alone trains nothing."""
        variable = next((source for source in sources if is_variable(source)), None)
        value = number_of(targets[0]) if targets else None
        if variable is None or value is None:
            return
        name = clean(self._names.target(targets[0], sys._getframe(1)), 60) or "loss"
        self._waiting[name, self._name_of(variable)] = _Loss(value, _one_of(results))

    def take(self) -> list[tuple[str, str, Any]]:
        """Weights were updated: the losses since the last time, each with its name in the code and its model."""
        waiting, self._waiting = self._waiting, {}
        if waiting:
            self._taken = [(model, loss) for (_, model), loss in waiting.items()]
        return [(name, model, loss.value) for (name, model), loss in waiting.items()]

    def model_of(self, gradients: Sequence[Any]) -> str:
        """Whose gradients these are, among those of the losses that were taken last; else the last one's model."""
        arrays = [gradient.data for gradient in gradients]
        models = [model for model, loss in self._taken if any(loss.gradient() is array for array in arrays)]
        return models[0] if models else self._taken[-1][0] if self._taken else ""


def number_of(value: Any) -> Any:
    """A number; as an array where it is on a device, which training would have to wait for; None for anything else."""
    data = array_of(value)
    if isinstance(data, (bool, int, float, numpy.generic, numpy.ndarray)):
        array = numpy.asarray(data)
        return float(array.item()) if array.size == 1 and array.dtype.kind in "biuf" else None
    return data if getattr(data, "size", 0) == 1 else None


def _one_of(gradients: Sequence[Any]) -> Callable[[], Any]:
    """A reference to the first gradient that can be watched: NumPy's scalars can't."""
    arrays = (gradient.data for gradient in gradients if gradient is not None)
    return next((weakref.ref(array) for array in arrays if array.__class__ is numpy.ndarray), lambda: None)
