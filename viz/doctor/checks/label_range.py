"""`label_range`: labels that predictions can't reach."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow import Tensor
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, host, number
from viz.doctor.checks.own_losses.out_of_reach import RANGES, reach_of
from viz.doctor.loss_questions import is_ours, labels_and_answers, loss_kind, own_loss, reaches
from viz.doctor.user_code import loss_weights

__all__ = ["Labels"]

_ROWS_OFF = 0.05  # of the rows of labels may have another sum, as padding has
_NOISY_LABEL = 0.1  # beyond 0 and 1: as noise on the labels of a GAN's discriminator, which is done on purpose

_FIXES = {
    "label_range.fractions": "Leave class numbers as they are: scale the inputs only.",
    "label_range.several": (
        "Where several classes may be right at once, use sigmoid and binary_crossentropy; otherwise divide each "
        "row by its sum."
    ),
    "label_range.multi_hot": (
        "Several classes are right at once: give the last layer activation='sigmoid', and take binary_crossentropy as "
        "the loss and 'binary_accuracy' as the metric; each class is then a yes-or-no question of its own."
    ),
    "label_range.mask": (
        "Divide the labels by their largest value, y / 255, as masks from picture files need it; or y > 0."
    ),
    "label_range.binary": "Map the labels to 0 and 1; for class numbers use sparse_categorical_crossentropy.",
    "label_range.rows": (
        "Divide each row by its sum; where several classes may be right at once, use sigmoid and binary_crossentropy."
    ),
}


class Labels(Check):
    """Labels that the outputs can't reach, or that are no class at all."""

    fixes = _FIXES

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._asked: dict[int, tuple[Any, bool]] = {}  # losses of the user's: do they take labels as they are?

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        if self.watch.inside("metric"):
            return
        if op.name in ("sparse_softmax_crossentropy", "sigmoid_crossentropy"):
            if self.watch.inside("loss") and own_loss(self.watch) is None:
                return  # which was given the labels as they are
            if op.name == "sigmoid_crossentropy":
                self._binary(host(inputs[0].data), own_loss(self.watch))
            else:
                self._classes(inputs[0], inputs[1])

    def _classes(self, labels: Any, predicted: Any, ignored: Any = None) -> None:
        """Class numbers below 0, or not below the number of classes."""
        found = host(labels.data if isinstance(labels, Tensor) else numpy.asarray(labels))
        shape = (predicted.data if isinstance(predicted, Tensor) else numpy.asarray(predicted)).shape
        if not found.size or not shape or shape[-1] < 2 or found.dtype.kind not in "fiub":
            return
        low, high, classes = float(found.min()), float(found.max()), shape[-1]
        if found.dtype.kind == "f" and (found != numpy.floor(found)).any():
            what = (
                f"labels are fractions, from {number(low)} to {number(high)}, where class numbers are wanted: each "
                "counts as "
                "the whole number below it"
            )
            self._tell("label_range.fractions", what, low, high)
            return
        if ignored is not None:
            kept = found[found != ignored]
            low, high = (float(kept.min()), float(kept.max())) if kept.size else (0.0, 0.0)
        if low < 0 or high >= classes:
            origin = self.watch.origin(predicted)
            layer = origin.layer if origin is not None else None
            hint = " (counted from 1?)" if low >= 1 and high == classes else ""
            what = (
                f"labels go from {number(low)} to {number(high)}, but {classes} outputs stand for the classes 0 to "
                f"{classes - 1}{hint}"
            )
            self._tell("label_range.classes", what, low, high, layer)

    def on_scope_begin(self, opened: Any) -> None:
        pair = labels_and_answers(opened)
        if pair is None:
            return
        labels, predicted = pair
        labels, predicted = _weighed(opened, labels, predicted)
        kind = loss_kind(opened.owner)
        if kind == "sparse":
            ignored = getattr(opened.owner, "settings", {}).get("ignore_class")
            if labels.shape != predicted.data.shape or predicted.data.shape[-1:] == (1,):
                self._classes(labels, predicted, ignored=ignored)
        elif kind == "binary":
            self._binary(labels, next((each for each in self.watch.scopes if each.kind == "loss"), None))
        elif kind == "categorical" and labels.shape == predicted.data.shape:
            self._rows(labels)
        elif kind == "other" and labels.size == predicted.data.size:
            self._reachable(labels, predicted, opened.owner)

    def _binary(self, labels: numpy.ndarray, around: Any = None) -> None:
        """Labels of a binary crossentropy, which may be a part of a loss that the user wrote."""
        outside = labels.size and (labels.min() < -_NOISY_LABEL or labels.max() > 1 + _NOISY_LABEL)
        pair = None if around is None else labels_and_answers(around)
        own = None if pair is None or is_ours(around.owner) else around.owner
        if outside and own is not None and pair is not None:
            outside = self._counts(own, pair[0], 0.0, 1.0, self.watch.made_by(pair[1]) != "sigmoid")
        if outside:
            low, high = float(labels.min()), float(labels.max())
            what = (
                f"labels go from {number(low)} to {number(high)}, but binary crossentropy takes 0 and 1: the loss can "
                "fall without limit"
            )
            mask = high > 1 and set(numpy.unique(labels)) == {0, high}
            self._tell("label_range.mask" if mask and high == limits.BYTES else "label_range.binary", what, low, high)

    def _rows(self, labels: numpy.ndarray) -> None:
        sums = labels.astype("float64").sum(axis=-1)
        if not sums.size or _weighs_rows(labels, sums):
            return
        several = float((sums > 1 + limits.ROW_SUM).mean())
        if several >= _ROWS_OFF and ((labels == 0) | (labels == 1)).all():
            what = (
                f"{several:.0%} of the rows of labels have several ones, up to {number(float(sums.max()))}, but "
                "categorical crossentropy takes the outputs for the chances of classes of which one alone is right"
            )
            self._tell("label_range.multi_hot", what, float(labels.min()), float(labels.max()))
            return
        padding = (sums == 0).any() and (abs(sums - 1) < limits.ROW_SUM).any()
        if not padding and float(numpy.median(abs(sums - 1))) > limits.ROW_SUM:
            what = (
                f"rows of labels sum to {number(float(numpy.median(sums)))}, but categorical crossentropy takes "
                "one-hot rows or probabilities, which sum to 1"
            )
            self._tell("label_range.rows", what, float(labels.min()), float(labels.max()))

    def _reachable(self, labels: numpy.ndarray, predicted: Tensor, loss: Any) -> None:
        activation = self.watch.made_by(predicted)
        if activation == "softmax" and not is_ours(loss):
            return  # it may multiply logarithms of the answers by counts, or by rewards
        if activation not in RANGES or not labels.size or labels.dtype.kind == "b":
            return
        if activation == "softmax" and self._several(labels, predicted):
            return
        low, high = RANGES[activation]
        outside = (labels < low - limits.OUT_OF_RANGE) | (labels > high + limits.OUT_OF_RANGE)
        if float(outside.mean()) < limits.OUT_OF_REACH or not self._counts(loss, labels, low, high):
            return
        origin = self.watch.origin(predicted)
        least, most = float(labels.min()), float(labels.max())
        what = (
            f"labels go from {number(least)} to {number(most)}, but the outputs come from {activation}, which "
            f"{reach_of(activation)}: {outside.mean():.0%} of the labels are out of reach"
        )
        self._tell("label_range", what, least, most, origin.layer if origin is not None else None)

    def _counts(self, loss: Any, labels: numpy.ndarray, low: float, high: float, logits: bool = False) -> bool:
        """Does a loss take labels as they are? One that the user wrote may leave some out, or scale them."""
        if is_ours(loss):
            return True
        known = self._asked.get(id(loss))
        if known is None:
            known = self._asked[id(loss)] = loss, reaches(loss, labels, low, high, logits=logits) is False
        return known[1]

    def _several(self, labels: numpy.ndarray, predicted: Tensor) -> bool:
        """Rows of labels that don't sum to 1, as the rows of a softmax do."""
        if labels.ndim < 2 or labels.shape != predicted.data.shape or labels.shape[-1] < 2 or labels.min() < 0:
            return False
        sums = labels.astype("float64").sum(axis=-1)
        other = float((abs(sums - 1) > limits.ROW_SUM).mean())
        if other < _ROWS_OFF:
            return False
        origin = self.watch.origin(predicted)
        self.watch.report(
            "label_range.several",
            "error",
            f"rows of labels sum to {number(float(sums.min()))} to {number(float(sums.max()))}, but softmax's "
            "outputs sum to "
            f"1: {other:.0%} of the rows are out of reach",
            layer=origin.layer if origin is not None else None,
            place=origin.place if origin is not None else None,
            evidence={"lowest": float(sums.min()), "highest": float(sums.max()), "share": other},
        )
        return True

    def _tell(self, kind: str, message: str, low: float, high: float, layer: Any = None) -> None:
        self.watch.report(
            kind, "error", message, layer=layer, place=self.watch.called_at(), evidence={"lowest": low, "highest": high}
        )


def _weighed(opened: Any, labels: numpy.ndarray, predicted: Tensor) -> tuple[numpy.ndarray, Tensor]:
    """Labels without those rows whose weight is 0, as of rows whose label nobody knows."""
    weights = loss_weights(opened.frame)
    data = (
        host(weights.data if isinstance(weights, Tensor) else numpy.asarray(weights)) if weights is not None else None
    )
    if (
        data is None
        or data.size != len(labels)
        or data.dtype.kind not in "fiub"
        or labels.shape != predicted.data.shape
    ):
        return labels, predicted
    return labels[data.reshape(-1) != 0], predicted


def _weighs_rows(labels: numpy.ndarray, sums: numpy.ndarray) -> bool:
    """Is each row one-hot, times a number of its own, as rewards weigh what was done?"""
    single = bool(((labels != 0).sum(axis=-1) <= 1).all())
    return single and (len(numpy.unique(sums[sums != 0])) > 2 or bool(sums.min() < 0 < sums.max()))
