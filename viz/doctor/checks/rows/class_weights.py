"""`class_imbalance.weights`: weights of classes that favour the frequent one."""

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
        self._feed: Any = None
        self._place: Any = None

    def on_logs(self, kind: str, step: int, logs: dict[str, Any]) -> None:
        fit = running_fit() if kind == "epoch" else None
        if fit is not None and fit.feed is not self._feed:
            self._feed, self._place = fit.feed, self.watch.called_at()

    def finish(self) -> None:
        """Weights that are the shares of their classes were meant to be the inverse; others may be a choice."""
        labels = labels_of(self._feed)
        parts: Any = getattr(self._feed, "parts", ())
        given = parts[2] if labels is not None and len(parts) > 2 and hasattr(parts[2], "dtype") else None
        found = weighed(labels, values_of(given)) if labels is not None and given is not None else None
        words, sure = upside_down(found) if found is not None else ("", False)
        if found is not None and words and not self.watch.raw("class_imbalance"):
            numbers = {"share": float(found.shares.max()), "recall_of_others": 0.0}
            key, severity = ("class_imbalance", "weights"), "warning" if sure else "info"
            self.tell("class_imbalance.weights", severity, place=self._place, key=key, words=words, **numbers)
