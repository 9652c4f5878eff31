"""`class_imbalance`: weights of classes that favour the frequent one."""

from __future__ import annotations

from typing import Any

from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.class_weights import upside_down, weighed
from viz.doctor.facts.fit_arrays import labels_of, running_fit
from viz.doctor.facts.host_arrays import values_of

__all__ = ["ClassWeights"]


class ClassWeights(Check):
    """Judges the weights that the last `fit` is given with its arrays."""

    rules = {
        "class_imbalance.weights": Rule(
            "warning",
            "{words}",
            "Turn class_weight round: the rare class gets the large weight, as in {0: 1.0, 1: rows of 0 / rows of 1}; "
            "judge by recall or AUC instead of accuracy.",
        )
    }

    always = ("on_logs",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._fit: Any = None
        self._place: Any = None

    def on_logs(self, kind: str, step: int, logs: dict[str, Any]) -> None:
        fit = running_fit() if kind == "epoch" else None
        if fit is not None and fit is not self._fit:
            self._fit, self._place = fit, self.watch.called_at()

    def finish(self) -> None:
        """Compare them with the classes of the labels."""
        parts = getattr(getattr(self._fit, "feed", None), "parts", None)
        labels = labels_of(self._fit.feed) if isinstance(parts, tuple) and len(parts) > 2 else None
        if labels is None or parts is None or not hasattr(parts[2], "dtype"):
            return
        found = weighed(labels, values_of(parts[2]))
        words, sure = upside_down(found) if found is not None else ("", False)
        if words and found is not None:
            numbers = {"share": float(found.shares.max()), "recall_of_others": 0.0}
            about = {"place": self._place, "key": ("class_imbalance", "weights"), "words": words}
            self.tell("class_imbalance.weights", "warning" if sure else "info", **about, **numbers)
