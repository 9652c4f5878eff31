"""`validation_overlap.folds`: a cross-validation that goes on with one model, which knows the next folds by then."""

from __future__ import annotations

import weakref
from typing import Any

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.fit_arrays import inputs_of
from viz.doctor.facts.validation_data import row_hashes

__all__ = ["Folds"]

_COMMON = 0.3  # of the rows of this round were trained with before: else they belong to another task


class Folds(Check):
    """Compares what a model is judged by with what the calls of `fit` before the last one trained it with."""

    rules = {
        "validation_overlap.folds": Rule.warning(
            "{judged} is judged by rows that it was trained with: {overlap:.0%} of them in earlier rounds, though "
            "none in the last one, as in a cross-validation that goes on with one model",
            "Make and compile a new model in each round; or put the first weights back, model.set_weights(first), and "
            "make a new optimizer.",
        )
    }

    of_script = True
    always = ("on_scope_begin", "on_update")
    begins = ("step",)

    def begin(self) -> None:
        self._rounds: weakref.WeakKeyDictionary[Any, list[numpy.ndarray]] = weakref.WeakKeyDictionary()
        self._place: Any = None

    def on_update(self, name: str, variable: Any, inputs: Any) -> None:
        """Weights that are put back know nothing any more."""
        if name == "assign" and variable.trainable and self._rounds and not self.watch.inside("optimizer"):
            self._rounds.clear()

    def on_scope_begin(self, opened: Any) -> None:
        owner, feed = opened.owner, self.watch.feed
        if feed is None or owner is None:
            return
        trains = opened.scope.name == "train_step"
        rounds = self._rounds.setdefault(owner, [])
        rows = inputs_of(feed) if trains or len(rounds) > 1 else []
        if not rows or len(rows[0]) < limits.FEW_ROWS or len(rounds) > limits.WINDOW:
            return
        hashes = row_hashes(rows)
        if trains:
            self._place = self.watch.called_at()
            rounds.append(hashes)
            return
        earlier = numpy.concatenate(rounds[:-1])
        known, now, common = (
            float(numpy.isin(a, b).mean()) for a, b in ((hashes, earlier), (hashes, rounds[-1]), (rounds[-1], earlier))
        )
        if known >= limits.NEARLY_ALL and now <= limits.SOME and common >= _COMMON:
            key = ("validation_overlap", "folds")
            judged, shares = repr(getattr(owner, "name", "the model")), {"overlap": known, "chance": now}
            self.tell("validation_overlap.folds", place=self._place, key=key, judged=judged, **shares)
