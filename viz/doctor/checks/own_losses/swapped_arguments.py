"""`loss_mismatch.swapped`: the network's answers as the labels of a crossentropy, and the labels as its answers."""

from __future__ import annotations

import linecache
import re
from typing import Any

import numpy

from eagerflow import Tensor
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.host_arrays import host
from viz.doctor.facts.loss_questions import is_ours, loss_kind
from viz.doctor.user_code import Place

__all__ = ["SwappedArguments"]

_KEPT = ("log", "subtract", "negative", "add", "multiply")  # what a crossentropy makes of what it takes for answers


class SwappedArguments(Check):
    """The first argument depends on weights; the second doesn't, and holds 0 and 1, or numbers of classes.

    PyTorch's losses take predictions first, Keras' take labels first: who comes from the one swaps them in the other.
    """

    rules = {
        "loss_mismatch.swapped": Rule(
            "error",
            "{loss} is given the network's answers first, where it takes the labels, and the labels second (whole "
            "numbers from {low!n} to {high!n}, which no weight changes)",
            "Give the labels first: loss(y_true, y_pred).",
        )
    }

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._certain: dict[int, Any] = {}  # made of labels that were clipped as answers are; kept for their ids
        self._suspect: tuple[Place, numpy.ndarray] | None = None

    begins = ("loss",)

    def on_scope_begin(self, opened: Any) -> None:
        given, loss = opened.scope.inputs, opened.owner
        if not isinstance(given, tuple) or len(given) != 2 or not is_ours(loss) or loss_kind(loss) == "other":
            return
        found = host(given[1].data if isinstance(given[1], Tensor) else numpy.asarray(given[1]))
        if _depends(given[0]) and not _depends(given[1]) and _are_labels(found):
            self._tell(getattr(loss, "name", "the loss"), found, self.watch.called_at())

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        """The same for the function, `losses.binary_crossentropy(model(x), y)`, which is made of several ops."""
        if error is not None or self.watch.inside("loss", "metric", "layer"):
            return
        if op.name == "clip" and isinstance(inputs[0], Tensor) and not _depends(inputs[0]):
            low, high = inputs[1:3]
            clips = isinstance(low, float) and isinstance(high, float) and 0 < low < 1e-4 and 1 - 1e-4 < high < 1
            place = self.watch.called_at() if clips and _are_labels(host(inputs[0].data)) else None
            if place is not None:
                self._certain = {id(outputs): outputs}
                self._suspect = place, host(inputs[0].data)
        elif self._certain and op.name in _KEPT and any(id(x) in self._certain for x in inputs):
            if op.name == "multiply" and any(_depends(x) for x in inputs) and self._suspect is not None:
                place, found = self._suspect
                names = set(re.findall(r"(\w*crossentropy)\(", linecache.getline(place.file, place.line)))
                self._tell(names.pop() if len(names) == 1 else "the crossentropy", found, place)
            elif not _depends(outputs):
                self._certain[id(outputs)] = outputs

    def on_step_end(self) -> None:
        self._certain.clear()

    def _tell(self, name: str, found: numpy.ndarray, place: Place | None) -> None:
        ends = {"low": float(found.min()), "high": float(found.max())}
        self.tell("loss_mismatch.swapped", place=place, key=("loss_mismatch", "swapped"), loss=name, **ends)


def _depends(x: Any) -> bool:
    """Was it computed with weights whose gradient may be asked?"""
    return isinstance(x, Tensor) and x.key is not None


def _are_labels(values: numpy.ndarray) -> bool:
    """Are they whole numbers from 0 on?"""
    if not values.size or values.dtype.kind not in "fiub":
        return False
    return bool(numpy.isfinite(values).all() and values.min() >= 0 and (values == numpy.floor(values)).all())
