"""`validation_mismatch` by randomness: what is measured is measured with Dropout on, or of rows that change."""

from __future__ import annotations

from typing import Any

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.host_arrays import first_tensor, tracked
from viz.doctor.facts.step_facts import Gradients
from viz.doctor.program import layer_label
from viz.doctor.trainings.training import identities
from viz.doctor.user_code import Place

__all__ = ["NoisyValidation"]


class NoisyValidation(Check):
    """Follows what Dropout does outside of training, and what rows data sets give that are read in their order."""

    rules = {
        "validation_mismatch.training_mode": Rule.warning(
            "layer {name} drops {rate:.0%} of its input in all of {calls} calls outside of training, since the "
            "network never leaves training mode: what is measured there is that of a network with units missing",
            "Choose evaluation mode for what is measured, and training mode before training goes on; a Dropout that "
            "is called in a model gets training=False.",
        ),
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

    always = ("on_call_end", "on_op", "on_routine", "on_optimizer", "on_answer")

    def begin(self) -> None:
        self._drops: list[tuple[Any, bool]] = []  # in the running call: layers, and whether they drop something
        # By the layer: it, calls, the line of the last one, and the model's weights.
        self._noisy: dict[int, list[Any]] = {}
        self._quiet = False  # is anything ever called outside of training that drops nothing?
        self._functions: dict[Place | None, list[Any]] = {}
        # By the data set: it, its first batch, how often it changed or stayed, a line.
        self._turns: dict[int, list[Any]] = {}
        self._asked = 0  # the data set whose first batch nothing was called with yet
        self._optimizers: set[int] = set()
        self._trained: set[int] = set()

    def on_optimizer(self, opened: Any) -> None:
        self._optimizers.add(id(opened.owner))

    def on_gradients(self, gradients: Gradients) -> None:
        self._trained |= gradients.asked

    def on_call_end(self, opened: Any, outputs: Any) -> None:
        rate, made = getattr(opened.owner, "rate", 0.0), first_tensor(outputs)
        if rate and type(opened.owner).__name__.endswith("Dropout") and made is not None and not tracked(made):
            self._drops.append((opened.owner, bool(opened.training)))

    def _dropped(self, layer: Any, training: bool, outer: Any) -> None:
        if not training:
            self._quiet = True
        elif self.watch.step:
            known = self._noisy.get(id(layer))
            if known is None:
                weights = identities(getattr(outer, "trainable_variables", ()))
                known = self._noisy[id(layer)] = [layer, 0, None, weights]
            known[1:3] = [known[1] + 1, self.watch.called_at()]

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        if op.name != "masked_scale" or tracked(first_tensor(outputs)):
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
        """Rows to train with may well be altered; those of a validation are asked for outside of training.

        What a frozen network drops is outside of training only if the whole answer is.
        """
        drops, self._drops = self._drops, []
        if not tracked(first_tensor(outputs)) and not self.watch.trains():
            for layer, training in drops:
                self._dropped(layer, training, opened.owner)
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
        noisy = max(self._noisy.values(), key=lambda each: each[1], default=None)
        few = noisy is None or noisy[1] < limits.AGAIN or len(self._optimizers) > 1
        # A teacher, which isn't trained itself, may be noisy on purpose.
        if noisy is not None and not few and not self._quiet and noisy[3] & self._trained:
            layer, calls, place, _ = noisy
            about = {"rate": layer.rate, "calls": calls, "apart": 1.0}
            self.tell("validation_mismatch.training_mode", layer=layer, place=place, **about)
        for thing, _, changed, stayed, place in self._turns.values():
            if changed >= limits.AGAIN - 1 and not stayed and place is not None and self.watch.step >= limits.FEW_STEPS:
                key = ("augmentation", id(thing))
                self.tell("augmentation.validation", place=place, key=key, turns=changed + 1)
