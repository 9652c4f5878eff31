"""`class_imbalance.weights`: weights of classes that favour the frequent one."""

from __future__ import annotations

from typing import Any

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.class_numbers import classes_of, label_classes
from viz.doctor.facts.fit_arrays import labels_of, running_fit
from viz.doctor.facts.host_arrays import values_of
from viz.doctor.facts.step_facts import Loss
from viz.doctor.user_code import made_at

__all__ = ["ClassWeights"]

_TIMES = 1.5  # the weight of a row of the most frequent class against that of any other
_AS_SHARE = 0.35  # how far, in logarithms, weights may be from the shares of their classes


class ClassWeights(Check):
    """Judges the weights that the last `fit` is given with its arrays, where rows of one class have the same."""

    rules = {
        "class_imbalance.weights": Rule.warning(
            "class {name} has {share:.0%} of the rows, and each of them weighs {times!n} times as much as one of any "
            "other class: that makes what is rare rarer still",
            "Turn class_weight round: the rare class gets the large weight, as in {0: 1.0, 1: rows of 0 / rows of 1}; "
            "judge by recall or AUC instead of accuracy.",
        )
    }

    always = ("on_logs", "on_loss")

    def begin(self) -> None:
        self._feed: Any = None
        self._place: Any = None
        self._classes: list[numpy.ndarray] = []  # that a loss with weights of its own is given
        self._weights: Any = None

    def on_loss(self, loss: Loss) -> None:
        weights = getattr(loss.owner, "class_weight", None)
        if weights is None or not loss.tracked or loss.labels is None or len(self._classes) >= limits.ROWS_TOLD:
            return
        classes = label_classes(loss.kind, loss.labels, loss.shape)
        if classes is not None and classes.max(initial=0) < len(weights):
            self._weights, self._place = weights, made_at(loss.owner) or self.watch.called_at()
            self._classes.append(classes)

    def on_logs(self, kind: str, step: int, logs: dict[str, Any]) -> None:
        fit = running_fit() if kind == "epoch" else None
        if fit is not None and fit.feed is not self._feed:
            self._feed, self._place = fit.feed, self.watch.called_at()

    def finish(self) -> None:
        """Weights that are the shares of their classes were meant to be the inverse; others may be a choice."""
        labels = labels_of(self._feed)
        parts: Any = getattr(self._feed, "parts", ())
        classes = classes_of(labels) if labels is not None and len(parts) > 2 and hasattr(parts[2], "dtype") else None
        given = values_of(parts[2]).reshape(-1) if classes is not None else numpy.zeros(0)
        if self._classes:
            classes = numpy.concatenate(self._classes)
            given = numpy.asarray(self._weights)[classes]
        if classes is None or len(classes) != len(given) or self.watch.raw("class_imbalance"):
            return
        names, at, which, rows = numpy.unique(classes, return_index=True, return_inverse=True, return_counts=True)
        weights, most, share = given[at].astype("float64"), int(rows.argmax()), float(rows.max() / rows.sum())
        heaviest = float(numpy.delete(weights, most).max(initial=0.0))
        if (given != given[at][which]).any() or share < limits.IMBALANCE or weights[most] < _TIMES * heaviest:
            return
        if heaviest > 0:
            as_shares = weights[most] * rows / (rows[most] * numpy.maximum(weights, 1e-12))
            in_order = len(rows) > 2 and (numpy.argsort(rows) == numpy.argsort(weights)).all()
            severity = "warning" if in_order or (abs(numpy.log(as_shares)) < _AS_SHARE).all() else "info"
            words = {"name": str(names[most]), "times": float(weights[most]) / heaviest, "recall_of_others": 0.0}
            key = "class_imbalance", "weights"
            self.tell("class_imbalance.weights", severity, place=self._place, key=key, share=share, **words)
