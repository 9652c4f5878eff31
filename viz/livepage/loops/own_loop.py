"""What can be seen of a loop of the user's own: when a step begins, which models it calls, and with how many rows."""

from __future__ import annotations

import sys
import time
import weakref
from collections.abc import Callable, Iterable
from typing import Any

from eagerflow.core import observe
from viz.facts.formatting import clean
from viz.livepage.progress import sizes
from viz.recorder.names.kept_names import held_in_code
from viz.recorder.step_tracker import rows_of

__all__ = ["OwnLoop", "holder_of"]

_CALLS = ("model", "layer")


class OwnLoop:
    """Hears of the scopes outside of `fit`'s steps.

    A step begins with the first call of a model, a layer or a loss after the step before it: what comes between, such
    as reading data or a pause, is no part of it. (Of ops that belong to none of them nothing is heard.)
    """

    def __init__(self) -> None:
        self._models: weakref.WeakSet[Any] = weakref.WeakSet()
        self._kept = weakref.WeakKeyDictionary[Any, str]()  # what the code keeps models in whose names nobody chose
        self._outermost: observe.Scope | None = None  # the call that runs
        self._called: list[Any] = []  # since the last backward pass
        self._began: float | None = None
        self._took: float | None = None  # seconds of the parts of this step that are over
        self._rows: int | None = None  # of the last call
        self._samples = 0

    def begin(self, scope: observe.Scope) -> None:
        """Something begins."""
        if self._began is None and scope.kind in (*_CALLS, "loss"):
            self._began = time.perf_counter()
        if self._outermost is None and scope.kind in _CALLS:
            self._outermost = scope
            self._called.append(scope.owner)
            if scope.owner is not None and scope.owner not in self._kept:
                self._kept[scope.owner] = held_in_code(scope.owner, sys._getframe(1))
            self._rows = rows_of(scope.inputs) or self._rows

    def end(self, scope: observe.Scope) -> None:
        """Something is over."""
        if scope is self._outermost:
            self._outermost = None

    def backward(self) -> None:
        """A backward pass is over: what was called for it is what the loop trains, and the last call had its batch."""
        self._models.update(owner for owner in self._called if owner is not None)
        self._samples += self._rows or 0
        self._forget_calls()

    @property
    def has_begun(self) -> bool:
        """Whether a model, a layer or a loss was called since an optimizer ran."""
        return self._began is not None

    def end_part(self) -> None:
        """Another optimizer than the one that ends steps has run: what it trained with are the same rows once more."""
        if self._began is not None:
            self._took = (self._took or 0.0) + time.perf_counter() - self._began
        self._began, self._samples = None, 0
        self._forget_calls()

    def end_step(self) -> tuple[float | None, int]:
        """The weights were changed; gives the seconds that the step took, where they are known, and its rows."""
        samples = self._samples
        self.end_part()
        took, self._took = self._took, None
        return took, samples

    def leave(self) -> None:
        """What has run so far belongs to no step that goes on: `fit` or `evaluate` begins."""
        self._began = self._took = None
        self._samples = 0
        self._forget_calls()

    @property
    def models(self) -> list[Any]:
        """Those that were trained so far."""
        return list(self._models)

    def count_weights(self) -> int:
        """How many numbers all models hold that were trained so far; 0 for none."""
        return sum(sizes({id(w): w for model in self._models for w in getattr(model, "weights", ())}.values()))

    def name_of(self, variable: Any) -> str:
        """The name of the smallest model or layer among those trained so far that holds a variable, "" without one."""
        return holder_of(variable, self._models, lambda owner: self._kept.get(owner) or owner.name)

    def _forget_calls(self) -> None:
        self._outermost, self._called, self._rows = None, [], None


def holder_of(variable: Any, owners: Iterable[Any], name_of: Callable[[Any], str]) -> str:
    """The name of the smallest of some models and layers that holds a variable, "" without one."""
    found = [(len(owner.weights), name_of(owner)) for owner in owners if _holds(owner, variable)]
    return clean(min(found)[1], 60) if found else ""


def _holds(owner: Any, variable: Any) -> bool:
    return any(weight is variable for weight in getattr(owner, "weights", ()))
