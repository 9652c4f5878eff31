"""`class_imbalance`: weights of classes that belong to other classes, favour the frequent one, or leave one out."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow import Tensor
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.class_numbers import classes_of
from viz.doctor.facts.class_weights import counted_from_1, given_keys, left_out, upside_down, weighed
from viz.doctor.facts.fit_arrays import labels_of, running_fit
from viz.doctor.facts.host_arrays import host

__all__ = ["ClassWeights"]


class ClassWeights(Check):
    """Judges the weights that the last `fit` is given with its arrays."""

    rules = {
        "class_imbalance.keys": Rule(
            "warning", "{words}", "Name the classes as the labels do, from 0: class_weight={0: ..., 1: ..., 2: ...}."
        ),
        "class_imbalance.zero": Rule(
            "warning",
            "{words}",
            "Give the class a weight above 0, len(y) / (classes * rows of the class), say; to leave its rows out, take "
            "them out of x and y, and out of the validation data.",
        ),
        "class_imbalance.weights": Rule(
            "warning",
            "{words}",
            "Turn class_weight round: the rare class gets the large weight, as in {0: 1.0, 1: rows of 0 / rows of 1}; "
            "judge by recall or AUC instead of accuracy.",
        ),
    }

    always = ("on_logs",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._fit: Any = None
        self._place: Any = None
        self._keys: tuple[int, ...] = ()

    def on_logs(self, kind: str, step: int, logs: dict[str, Any]) -> None:
        fit = running_fit() if kind == "epoch" else None
        if fit is not None and fit is not self._fit:
            self._fit, self._place, self._keys = fit, self.watch.called_at(), given_keys()

    def finish(self) -> None:
        """Rows may be left out by their own weights on purpose: only those of classes are asked about that."""
        parts = getattr(getattr(self._fit, "feed", None), "parts", None)
        labels = labels_of(self._fit.feed) if isinstance(parts, tuple) and len(parts) > 2 else None
        given = parts[2] if labels is not None and parts is not None else None
        classes = None if labels is None or not hasattr(given, "dtype") else classes_of(labels)
        if classes is None or labels is None:
            return
        found = weighed(labels, host(given.data if isinstance(given, Tensor) else given))
        way, severity, words = "keys", "warning", counted_from_1(self._keys, numpy.unique(classes))
        if not words and found is not None:
            way, words = "zero", left_out(found) if self._keys else ""
        if not words and found is not None and not self.watch.raw("class_imbalance"):
            (words, sure), way = upside_down(found), "weights"
            severity = "warning" if sure else "info"
        if words:
            share = 1.0 if found is None else float(found.shares.max())
            key, numbers = ("class_imbalance", "weights"), {"share": share, "recall_of_others": 0.0}
            self.tell(f"class_imbalance.{way}", severity, place=self._place, key=key, words=words, **numbers)
