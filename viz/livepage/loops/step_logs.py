"""The numbers of steps that a program makes one by one, with `train_on_batch`, and what their curves are called."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from typing import Any

import numpy

from viz.facts.formatting import clean
from viz.frameworks.objects import array_of

__all__ = ["StepLogs"]

HELD = 8  # steps after which a model is taken to train alone; until then its curves have no name


class StepLogs:
    """Hears of steps outside of `fit`.

    A curve is called as `train_on_batch` calls the number, "loss" say; where models take turns, as in a GAN, each has
    its own, "loss (generator)". So the first few steps wait for what comes next; where another model comes later, the
    first one's curves get its name then.

    Args:
        point: told the name, the step and the value of each point.
        rename: told that a curve has another name from now on.
        rename_rate: told the same of the endings of learning rates.
    """

    def __init__(
        self,
        point: Callable[[str, int, Any], None],
        rename: Callable[[str, str, int | None], None],
        rename_rate: Callable[[str, str, int | None], None],
    ) -> None:
        self._point, self._rename, self._rename_rate = point, rename, rename_rate
        self._alone: tuple[str, set[str]] | None = None  # the only model so far, by its name, and what its numbers are
        self._taken: set[str] = set()  # endings
        self._endings: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()  # of the names, by model
        self._held: list[tuple[weakref.ref[Any], str, int, dict[str, Any]]] = []

    def hear(self, model: Any, step: int, logs: Mapping[str, Any]) -> dict[str, Any]:
        """A model made this step; gives its numbers, those on a device as they are."""
        numbers = {name: number for name, value in logs.items() if (number := _number(value)) is not None}
        if model not in self._endings:
            self._held.append((weakref.ref(model), str(getattr(model, "name", "")), step, numbers))
            others = bool(self._endings) or any(held() is not model for held, *_ in self._held)
            if others or len(self._held) == HELD:
                self._name_held(apart=others)
        else:
            self._tell(self._endings[model], step, numbers)
        return numbers

    def ending_of(self, model: Any) -> str | None:
        """What is behind the names of a model's numbers; None where that isn't known yet."""
        if any(held() is model for held, *_ in self._held):
            return None
        return self._endings.get(model, "")

    def flush(self) -> None:
        """Nothing comes for now."""
        self._name_held(apart=bool(self._endings))

    def _name_held(self, apart: bool) -> None:
        held, self._held = self._held, []
        if apart and held:
            self._part()
        named: dict[weakref.ref[Any], str] = {}
        for reference, name, step, numbers in held:
            model = reference()
            if model is not None and model in self._endings:
                named[reference] = self._endings[model]
            elif reference not in named:
                named[reference] = self._ending(name) if apart else ""
                if not apart:
                    self._alone = self._alone or (name, set())
                if model is not None:
                    self._endings[model] = named[reference]
            self._tell(named[reference], step, numbers)

    def _part(self) -> None:
        """Another model has come: so the first one's curves get its name."""
        alone, self._alone = self._alone, None
        if alone is None:
            return
        name, numbers = alone
        ending = self._ending(name)
        for model in [model for model, known in self._endings.items() if not known]:
            self._endings[model] = ending
        for number in numbers:
            self._rename(number, f"{number}{ending}", None)
        self._rename_rate("", ending, None)

    def _ending(self, name: str) -> str:
        each = clean(name, 60)
        ending = next(e for e in (f" ({each})", *[f" ({each} {i})" for i in range(2, 9999)]) if e not in self._taken)
        self._taken.add(ending)
        return ending

    def _tell(self, ending: str, step: int, numbers: Mapping[str, Any]) -> None:
        if self._alone is not None:
            self._alone[1].update(numbers)
        for name, number in numbers.items():
            self._point(f"{name}{ending}", step, number)


def _number(value: Any) -> Any:
    """A number; as an array where it is on a device, which training would have to wait for; None for anything else."""
    data = array_of(value)
    if isinstance(data, (bool, int, float, numpy.generic, numpy.ndarray)):
        return float(data) if numpy.size(data) == 1 and numpy.asarray(data).dtype.kind in "biuf" else None
    return data if getattr(data, "size", 0) == 1 else None
