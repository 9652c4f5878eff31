"""The losses of a loop of the user's own: which one belongs to an optimizer, and what their curves are called."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy

from eagerflow import Variable

__all__ = ["OwnLosses"]

_ALONE = "loss"


class _Loss(NamedTuple):
    """What a backward pass began with: a number, or an array with one; the first variable, and one of the gradients."""

    value: Any
    variable: Callable[[], Any]
    gradient: Callable[[], Any]


class OwnLosses:
    """Hears of backward passes and of optimizers.

    A curve is called "loss" as long as there is a single optimizer; where there are several, after the model that each
    of them trains. So the very first number waits until the next optimizer has run.

    Args:
        point: told the name, the step and the value of each point.
        name_of: gives the name of the model that a variable belongs to, "" where it isn't known.
    """

    def __init__(self, point: Callable[[str, int, Any], None], name_of: Callable[[Any], str]) -> None:
        self._point, self._name_of = point, name_of
        self._waiting: list[_Loss] = []  # for their optimizer
        self._names: dict[int, str] = {}  # of curves, by the optimizer's id
        self._models: dict[int, str] = {}  # that optimizers train
        self._last = 0  # the optimizer that ran last
        self._first: tuple[int, int, Any] | None = None  # optimizer, step and loss, before there is a name

    @property
    def has_any(self) -> bool:
        """Whether a backward pass is over and no optimizer has run since."""
        return bool(self._waiting)

    def is_again(self, sources: Sequence[Any]) -> bool:
        """Has a pass for the same variables waited for an optimizer already?"""
        variable = _first_variable(sources)
        return any(loss.variable() is variable for loss in self._waiting)

    def hear(self, targets: Sequence[Any], sources: Sequence[Any], results: Sequence[Any]) -> None:
        """A backward pass is over; its target is the loss."""
        data = targets[0].data if targets else None
        variable = _first_variable(sources)
        before, self._waiting = self._waiting, []
        for loss in before:  # of the same variables this one counts; a pass for the data trains nothing
            known = loss.variable()
            if known is not None and known is not variable:
                self._waiting.append(loss)
        if getattr(data, "size", 0) == 1:
            value = float(data) if data.__class__ is numpy.ndarray else data  # another would wait for its device
            reference = _nothing if variable is None else weakref.ref(variable)
            self._waiting.append(_Loss(value, reference, _one_of(results)))

    def model_of(self, optimizer: int) -> str:
        """The name of the model that an optimizer trains, by its id; "" where it isn't known."""
        return self._models.get(optimizer, "")

    def ending_of(self, optimizer: Any) -> str | None:
        """What is behind "loss" in the name of an optimizer's curve; None where that isn't known yet."""
        if self._first is not None:
            return None
        return self._names.get(id(optimizer), _ALONE).removeprefix(_ALONE)

    def take(self, optimizer: Any, gradients: Any, step: int, follows: bool = False) -> None:
        """An optimizer has run with these gradients, in this step.

        Args:
            optimizer: the optimizer.
            gradients: what it was given.
            step: the number of the step.
            follows: whether it takes the place of the one before, whose curve goes on.
        """
        if not self._waiting:
            return
        arrays = [gradient.data for gradient in gradients or ()]
        matching = [loss for loss in self._waiting if any(loss.gradient() is array for array in arrays)]
        loss = matching[0] if matching else self._waiting[-1]  # gradients may have been clipped on their way, say
        self._waiting = [other for other in self._waiting if matching and other is not loss]
        number, before = id(optimizer), self._last
        self._last = number
        if number not in self._models or follows:
            self._models[number] = self._name_of(loss.variable())
        if follows:
            self.flush()
            self._names[number] = self._names.get(before, _ALONE)
        elif number != before and number in self._names and self._names[number] == self._names.get(before):
            self._part(before, number)
        if not self._names and self._first is None:
            self._first = number, step, loss.value
        else:
            self._name(number)
            self._point(self._names[number], step, loss.value)

    def take_without(self, step: int) -> None:
        """A step has ended without an optimizer."""
        if self._waiting:
            self._point(_ALONE, step, self._waiting[-1].value)
        self._waiting.clear()

    def flush(self) -> None:
        """Nothing comes for now."""
        if self._first is not None:
            self._name(self._first[0])

    def _part(self, *optimizers: int) -> None:
        """One of two that followed each other comes back: so they take turns."""
        for number in optimizers:
            del self._names[number]
        for number in optimizers:
            self._name(number)

    def _name(self, optimizer: int) -> None:
        """Name the curve of an optimizer, and that of the first one with it."""
        first, self._first = self._first, None
        if first is not None:
            model, other = self._models[first[0]], self._models[optimizer]
            self._names[first[0]] = f"{_ALONE} ({model})" if model and other and model != other else _ALONE
            self._point(self._names[first[0]], *first[1:])
        if optimizer not in self._names:
            model = self._models[optimizer]
            is_taken = any(self._models[known] == model for known in self._names)
            self._names[optimizer] = (
                f"{_ALONE} {len(self._names) + 1}" if is_taken or not model else f"{_ALONE} ({model})"
            )


def _nothing() -> None:
    return None


def _first_variable(sources: Sequence[Any]) -> Variable | None:
    return next((source for source in sources if isinstance(source, Variable)), None)


def _one_of(gradients: Sequence[Any]) -> Callable[[], Any]:
    """A reference to the first gradient that can be watched: NumPy's scalars can't."""
    arrays = (gradient.data for gradient in gradients if gradient is not None)
    return next((weakref.ref(array) for array in arrays if array.__class__ is numpy.ndarray), _nothing)
