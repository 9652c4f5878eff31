"""`loss_mismatch.swapped`: the network's answers as the labels of a crossentropy, and the labels as its answers."""

from __future__ import annotations

from typing import Any

import numpy

from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.host_arrays import tracked, values_of
from viz.doctor.facts.loss_questions import loss_kind

__all__ = ["SwappedArguments"]


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

    begins = ("loss",)

    def on_scope_begin(self, opened: Any) -> None:
        given, loss = opened.scope.inputs, opened.owner
        if not isinstance(given, tuple) or len(given) != 2 or loss_kind(loss) == "other":
            return
        if tracked(given[0]) and not tracked(given[1]):
            found = values_of(given[1])
            if _are_labels(found):
                ends = {"low": float(found.min()), "high": float(found.max())}
                about = {"place": self.watch.called_at(), "key": ("loss_mismatch", "swapped")}
                self.tell("loss_mismatch.swapped", loss=getattr(loss, "name", "the loss"), **about, **ends)


def _are_labels(values: numpy.ndarray) -> bool:
    """Are they whole numbers from 0 on?"""
    if not values.size or values.dtype.kind not in "fiub":
        return False
    return bool(numpy.isfinite(values).all() and values.min() >= 0 and (values == numpy.floor(values)).all())
