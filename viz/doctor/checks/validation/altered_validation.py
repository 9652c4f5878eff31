"""`augmentation.validation`: validation rows that are altered anew whenever they are read, as those to train with."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow import Tensor
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.fit_arrays import running_fit
from viz.doctor.facts.host_arrays import host
from viz.doctor.facts.source_calls import argument_made_at

__all__ = ["AlteredValidation"]

_ALTERED_PASSES = 6  # over the validation data, whose first rows are compared with those of the pass before
_ALTERED_ROWS = 32
_ALTERED_SHARE = 0.3  # of the rows are others than before: where they are turned over by chance, half stay
_ALTERED_NEAR = 0.75  # of the distance to another row is that to the same one, before it was altered


class AlteredValidation(Check):
    """Compares the first validation batch of one epoch with that of the next: the same labels, and other inputs.

    One augmenting pipeline for both data sets is the shortest way to write it.
    """

    rules = {
        "augmentation.validation": Rule(
            "warning",
            "the validation rows are altered at random, too: the first {rows} have the same labels in each epoch, and "
            "other inputs, which are much like them. val_loss then tells of rows that nobody will ask about, and "
            "jumps by itself",
            "Alter rows to train with only: give the validation data a pipeline of their own, without the random "
            "layers (and without shuffling), or put these layers into the model, which leaves them out in validation.",
        )
    }

    always = ("on_scope_begin", "on_logs")
    begins = ("step",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._known: tuple[numpy.ndarray, numpy.ndarray] | None = None
        self._waits = True  # for the first batch of this epoch's validation
        self._passes = 0
        self._altered = 0

    def on_logs(self, kind: str, step: int, logs: dict[str, Any]) -> None:
        if kind == "epoch":
            self._waits = True

    def on_scope_begin(self, opened: Any) -> None:
        if not self._waits or self._passes >= _ALTERED_PASSES or opened.scope.name != "test_step":
            return
        if running_fit() is None:
            return
        self._waits, self._passes = False, self._passes + 1
        batch = _batch(opened.scope.inputs)
        known, self._known = self._known, batch
        if known is None or batch is None or not _altered(known, batch):
            return
        self._altered += 1
        if self._altered >= 2:
            place = self.watch.called_at()
            made = None if place is None else argument_made_at(place, "validation_data")
            key, numbers = ("augmentation", "validation"), {"rows": len(batch[0]), "epochs": self._passes}
            self.tell("augmentation.validation", place=made or place, key=key, **numbers)


def _batch(given: Any) -> tuple[numpy.ndarray, numpy.ndarray] | None:
    """The first rows of a batch of one input and one label each, of several kinds; None for any other."""
    if not isinstance(given, (tuple, list)) or len(given) < 2:
        return None
    arrays = [each.data if isinstance(each, Tensor) else each for each in given[:2]]
    if any(getattr(each, "dtype", None) is None or not getattr(each, "ndim", 0) for each in arrays):
        return None
    rows, labels = (host(each[:_ALTERED_ROWS]) for each in arrays)
    varied = len(labels) >= limits.WINDOW and bool((labels != labels[:1]).any()) and rows.shape != labels.shape
    return (rows.copy(), labels.copy()) if varied and rows.dtype.kind in "fu" and rows.ndim > 1 else None


def _altered(known: tuple[numpy.ndarray, numpy.ndarray], now: tuple[numpy.ndarray, numpy.ndarray]) -> bool:
    """Have the same labels other inputs, each much more like the earlier one than like another row of this label?

    Rows are alike where their numbers are, in their places, or in the order of their sizes, as those of a picture that
    was turned or moved.
    """
    if known[0].shape != now[0].shape or not numpy.array_equal(known[1], now[1]):
        return False
    before, after = (each[0].reshape(len(each[0]), -1).astype("float64") for each in (known, now))
    if not (before != after).any(axis=1).mean() >= _ALTERED_SHARE or not numpy.isfinite([before, after]).all():
        return False
    alike = (known[1].reshape(len(before), 1, -1) == known[1].reshape(1, len(before), -1)).all(axis=2)
    numpy.fill_diagonal(alike, False)
    other = numpy.where(alike.any(axis=1), alike.argmax(axis=1), numpy.roll(numpy.arange(len(before)), 1))
    for a, b in ((before, after), (numpy.sort(before, axis=1), numpy.sort(after, axis=1))):
        same = numpy.sqrt(numpy.square(a - b).mean(axis=1))
        others = numpy.sqrt(numpy.square(a - b[other]).mean(axis=1))
        if numpy.median(same) <= _ALTERED_NEAR * numpy.median(others):
            return True
    return False
