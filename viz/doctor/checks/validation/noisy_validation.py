"""`validation_mismatch` by randomness: what is measured is measured with Dropout on, or of rows that change."""

from __future__ import annotations

from typing import Any

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.host_arrays import first_tensor, tracked
from viz.doctor.program import layer_label
from viz.doctor.user_code import Place

__all__ = ["NoisyValidation"]


class NoisyValidation(Check):
    """Follows what is dropped in evaluation mode, and what rows data sets give that are read in their order."""

    rules = {
        "validation_mismatch.dropout": Rule.warning(
            "in evaluation mode {who} drops a part of its values nevertheless, in {calls} calls: the function that "
            "does so isn't told the mode, so each answer is another one",
            "Tell it the mode: training=training in a layer's call; or use the layer Dropout.",
        ),
        "augmentation.validation": Rule.warning(
            "the rows that are read in the same order for each validation change from one to the next, in {turns} "
            "turns, though their labels stay: random transforms alter them, too",
            "Transform the rows to train with alone: two data sets of the same files, of which only the one for "
            "training has random transforms, split by the same indices.",
        ),
    }

    always = ("on_op", "on_routine", "on_answer")

    def begin(self) -> None:
        self._functions: dict[Place | None, list[Any]] = {}
        # By the data set: it, its first batch, how often it changed or stayed, a line.
        self._turns: dict[int, list[Any]] = {}
        self._asked = 0  # the data set whose first batch nothing was called with yet

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        if op.means != "masked_scale" or tracked(first_tensor(outputs)):
            return
        opened = self.watch.scopes.innermost("layer", "model")
        if opened is not None and opened.training is False:
            known = self._functions.setdefault(self.watch.place(), [opened.owner, 0])
            known[1] += 1

    def on_routine(self, name: str, thing: Any, about: Any) -> None:
        """The first batches of a data set that is read in its order."""
        if name != "first_batch" or not about["in_order"] or len(about["batch"]) < 2:
            return
        first, last = about["batch"][0].copy(), about["batch"][-1].copy()
        known = self._turns.setdefault(id(thing), [thing, None, 0, 0, None])
        if known[1] is not None:
            x, y = known[1]
            same = y.shape == last.shape and numpy.array_equal(y, last)
            known[2 if same and x.shape == first.shape and not numpy.array_equal(x, first) else 3] += 1
        known[1], self._asked = (first, last), id(thing)

    def on_answer(self, opened: Any, outputs: Any) -> None:
        """Rows to train with may well be altered; those of a validation are asked for outside of training."""
        known = self._turns.get(self._asked)
        if known is not None and tracked(first_tensor(outputs)):
            known[3] += 1
        elif known is not None:
            known[4] = self.watch.called_at()
        self._asked = 0

    def finish(self) -> None:
        """Judge what was always so."""
        for place, (layer, calls) in self._functions.items():
            if calls >= limits.AGAIN:
                who = f"layer {layer_label(layer)!r}"
                self.tell("validation_mismatch.dropout", layer=layer, place=place, who=who, calls=calls, apart=1.0)
        for thing, _, changed, stayed, place in self._turns.values():
            if changed >= limits.AGAIN - 1 and not stayed and place is not None and self.watch.step >= limits.FEW_STEPS:
                key = ("augmentation", id(thing))
                self.tell("augmentation.validation", place=place, key=key, turns=changed + 1)
