"""`label_range`: labels that predictions can't reach."""

from __future__ import annotations

from typing import Any

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.host_arrays import number, values_of
from viz.doctor.facts.step_facts import Loss

__all__ = ["Labels"]

_NOISY_LABEL = 0.1  # beyond 0 and 1: as noise on the labels of a GAN's discriminator, which is done on purpose
_RANGES = {"sigmoid": (0.0, 1.0), "softmax": (0.0, 1.0), "tanh": (-1.0, 1.0), "relu": (0.0, numpy.inf)}


class Labels(Check):
    """Labels that the outputs can't reach, or that are no class at all."""

    rules = {
        "label_range": Rule.error(
            "labels go from {lowest!n} to {highest!n}, but the outputs come from {activation}, which {gives}: "
            "{share:.0%} of the labels are out of reach",
            "Scale the labels into that range, or leave out the last activation.",
        ),
        "label_range.classes": Rule.error(
            "labels go from {lowest!n} to {highest!n}, but {classes} outputs stand for the classes 0 to {last}{hint}",
            "Count classes from 0, or give the last layer one unit per class.",
        ),
        "label_range.fractions": Rule.error(
            "labels are fractions, from {lowest!n} to {highest!n}, where class numbers are wanted: each counts as the "
            "whole number below it",
            "Leave class numbers as they are: scale the inputs only.",
        ),
        "label_range.multi_hot": Rule.error(
            "{share:.0%} of the rows of labels have several ones, but categorical crossentropy takes the outputs for "
            "the chances of classes of which one alone is right",
            "Give the last layer activation='sigmoid', and take binary_crossentropy as the loss and 'binary_accuracy' "
            "as the metric.",
        ),
        "label_range.binary": Rule.error(
            "labels go from {lowest!n} to {highest!n}, but binary crossentropy takes 0 and 1: the loss can fall "
            "without limit",
            "Map the labels to 0 and 1 (y / 255, for masks from picture files); for class numbers use "
            "sparse_categorical_crossentropy.",
        ),
    }

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        if self.watch.inside("metric", "loss"):
            return  # a loss object is asked as a whole, and the user's own may leave labels out, or scale them
        if op.means == "sigmoid_crossentropy":
            self._binary(values_of(inputs[0]))
        elif op.means == "sparse_softmax_crossentropy":
            self._classes(values_of(inputs[0]), inputs[1])

    def on_loss(self, loss: Loss) -> None:
        labels = loss.labels
        if labels is None or sum(opened.kind == "loss" for opened in self.watch.scopes) > 1:
            return  # within one of the user's own, which may leave labels out, or scale them
        fits = labels.shape == loss.shape
        data = values_of(loss.weights) if loss.weights is not None and fits else None
        if data is not None and data.size == len(labels):
            labels = labels[data.reshape(-1) != 0]  # a row of weight 0 may have a label that nobody knows
        if loss.kind == "sparse":
            if not fits or loss.shape[-1:] == (1,):
                self._classes(labels, loss.answers, loss.settings.get("ignore_class"))
        elif loss.kind == "binary":
            self._binary(labels)
        elif loss.kind == "categorical" and fits:
            several = float((labels.astype("float64").sum(axis=-1) > 1 + limits.ROW_SUM).mean())
            if several >= limits.SOME and ((labels == 0) | (labels == 1)).all():
                self._tell("label_range.multi_hot", labels, share=several)
        elif loss.ours and labels.size and loss.labels is not None and loss.labels.size == loss.values.size:
            self._reachable(labels, loss)

    def _tell(self, rule: str, labels: numpy.ndarray, **about: Any) -> None:
        ends = {"lowest": float(labels.min()), "highest": float(labels.max())}
        self.tell(rule, **{"place": self.watch.called_at(), **ends, **about})

    def _classes(self, found: numpy.ndarray, predicted: Any, ignored: Any = None) -> None:
        """Class numbers below 0, or not below the number of classes."""
        shape = predicted.data.shape
        if not found.size or not shape or shape[-1] < 2 or found.dtype.kind not in "fiub":
            return
        if found.dtype.kind == "f" and (found != numpy.floor(found)).any():
            self._tell("label_range.fractions", found)
            return
        kept, classes = found[found != ignored] if ignored is not None else found, shape[-1]
        if kept.size and (kept.min() < 0 or kept.max() >= classes):
            origin = self.watch.origin(predicted)
            layer = origin.layer if origin is not None else None
            hint = " (counted from 1?)" if kept.min() >= 1 and kept.max() == classes else ""
            self._tell("label_range.classes", kept, layer=layer, classes=classes, last=classes - 1, hint=hint)

    def _binary(self, labels: numpy.ndarray) -> None:
        if labels.size and (labels.min() < -_NOISY_LABEL or labels.max() > 1 + _NOISY_LABEL):
            self._tell("label_range.binary", labels)

    def _reachable(self, labels: numpy.ndarray, loss: Loss) -> None:
        origin = self.watch.origin(loss.answers)
        activation = "" if origin is None else origin.made_by
        if activation not in _RANGES or labels.dtype.kind == "b" or origin is None:
            return
        low, high = _RANGES[activation]
        outside = (labels < low - limits.OUT_OF_RANGE) | (labels > high + limits.OUT_OF_RANGE)
        share = float(outside.mean())
        if share >= limits.SOME:
            gives = f"only gives {number(low)} to {number(high)}" if numpy.isfinite(high) else "gives nothing below 0"
            self._tell("label_range", labels, layer=origin.layer, activation=activation, gives=gives, share=share)
