"""`label_range` in a crossentropy that the user wrote out: labels of -1 and 1, classes that are counted from 1."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow import Tensor
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, host
from viz.doctor.checks.losses import labels_and_answers
from viz.doctor.loss_questions import own_loss

__all__ = ["LabelsByHand"]

_SIGNS, _FROM_SIGNS = (-1.0, 1.0), (0.0, 2.0)  # labels, and what 1 - t makes of them


class LabelsByHand(Check):
    """Looks at what logarithms of answers are multiplied by, and what one-hot rows are made of."""

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._signs: set[tuple[float, float]] = set()  # what logarithms of answers were multiplied by, in this step

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        if op.name == "multiply" and not self.watch.inside("layer", "loss", "metric"):
            self._by_hand(inputs)
        elif op.name == "equal":
            opened = own_loss(self.watch)
            pair = None if opened is None else labels_and_answers(opened)
            if pair is not None:
                self._one_hot(host(inputs[0].data), inputs[1], pair[1])

    def _by_hand(self, inputs: Any) -> None:
        """A crossentropy written by hand, t * log(p) + (1 - t) * log(1 - p), of labels t that are -1 and 1."""
        for x, other in (inputs[:2], inputs[1::-1]):
            if self.watch.made_by(x) != "log" or getattr(other, "key", None) is not None:
                continue
            labels = host(other.data if isinstance(other, Tensor) else numpy.asarray(other))
            if labels.size < limits.WINDOW or labels.dtype.kind not in "fiu":
                continue
            low, high = float(labels.min()), float(labels.max())
            if (low, high) in (_SIGNS, _FROM_SIGNS) and bool(((labels == low) | (labels == high)).all()):
                self._signs.add((low, high))
        if len(self._signs) == 2:
            self._signs.clear()
            what = (
                "labels are -1 and 1, but a binary crossentropy, t * log(p) + (1 - t) * log(1 - p), takes 0 and 1: it "
                "can fall without limit"
            )
            self._tell("label_range.binary", what, *_SIGNS, self.watch.place())

    def on_step_end(self) -> None:
        self._signs.clear()

    def _one_hot(self, labels: numpy.ndarray, classes: Any, predicted: Tensor) -> None:
        """A loss of the user's makes one-hot rows of classes that are counted from 1: the last gets no one."""
        numbers = classes.data if isinstance(classes, Tensor) else numpy.asarray(classes)
        count = predicted.data.shape[-1] if predicted.data.ndim > 1 else 0
        if count < 2 or numbers.shape != (count,) or labels.size < limits.WINDOW or labels.shape[-1:] != (1,):
            return
        if labels.min() == 1 and labels.max() == count and numpy.array_equal(host(numbers), numpy.arange(count)):
            what = (
                f"labels go from 1 to {count}, but {count} outputs stand for the classes 0 to {count - 1} (counted "
                "from 1?)"
            )
            self._tell("label_range.classes", what, 1.0, float(count), self.watch.called_at())

    def _tell(self, rule: str, message: str, low: float, high: float, place: Any) -> None:
        self.watch.report(rule, "error", message, place=place, evidence={"lowest": low, "highest": high})
