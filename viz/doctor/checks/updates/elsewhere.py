"""`no_gradient.elsewhere`: gradients of something that isn't computed from the network's answers."""

from __future__ import annotations

from typing import Any

from eagerflow import Tensor
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, tensors
from viz.doctor.program import layer_label
from viz.doctor.trainings.training import identities
from viz.doctor.user_code import Place

__all__ = ["Elsewhere"]


class Elsewhere(Check):
    """Follows each backward pass back to the network, in the steps that are looked at closely.

    A penalty of weights, to which the loss was never added, has gradients for all of them, so nothing else tells that
    neither rows nor labels count.
    """

    begins = ("loss",)
    ends = ("layer", "model")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._answers: dict[int, Any] = {}  # who gave them, by the keys of answers
        # By what is computed in layers, too: crossentropies go past a softmax, from what it is given.
        self._within: set[Any] = set()
        self._judged: tuple[Any, Place | None] | None = None  # who gave answers to a loss, and where that was called
        self._reached = False  # has any gradient come to the network? Then all is as it should be
        self._heard = False  # was any part of a backward pass announced?
        self._steps = 0
        self._place: Place | None = None
        self._asked: set[int] = set()  # the weights that have gradients

    def on_scope_end(self, opened: Any, outputs: Any, error: Any) -> None:
        if error is None and not self._reached and self.watch.outermost():
            self._answers.update((x.key, opened.owner) for x in tensors(outputs) if x.key is not None)

    def on_scope_begin(self, opened: Any) -> None:
        for x in tensors(opened.scope.inputs):
            if x.key in self._answers:
                self._judged = self._answers[x.key], self.watch.called_at()

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        """The same for a loss that is written with ops."""
        if self._reached or error is not None:
            return
        if self.watch.inside("layer", "model"):
            self._within.update(x.key for x in tensors(outputs) if x.key is not None)
            return
        if getattr(outputs, "key", None) is None:
            return
        given = next((x.key for x in inputs if isinstance(x, Tensor) and x.key in self._answers), None)
        if given is not None and not self.watch.inside("metric", "loss"):
            self._judged = self._answers[given], self.watch.place()

    def on_rule(self, op: Any, out_keys: Any, in_keys: Any, gradients: Any, results: Any) -> None:
        self._heard = True
        keys = (*(out_keys or ()), *(in_keys or ()))
        self._reached = self._reached or any(key in self._within or key in self._answers for key in keys)

    def on_gradient(self, targets: Any, sources: Any, results: Any) -> None:
        self._reached = self._reached or any(target.key in self._answers for target in targets)
        self._asked |= identities([s for s, result in zip(sources, results) if isinstance(result, Tensor)])
        self._place = self._place or self.watch.called_at()

    def on_step_end(self) -> None:
        self._steps += bool(self._asked) and self._judged is not None

    def finish(self) -> None:
        """Judge when all steps are over: the first ones may do something else."""
        if self._reached or not self._heard or self._judged is None or self._steps < limits.WINDOW:
            return
        owner, place = self._judged
        if identities(getattr(owner, "trainable_variables", ())).isdisjoint(self._asked):
            return  # others learn, and this network only looks on
        where = f" (line {place.line})" if place is not None else ""
        self.watch.report(
            "no_gradient.elsewhere",
            "error",
            f"what is differentiated here isn't computed from the answers of {layer_label(owner)!r}, in all "
            f"{self.watch.counted(self._steps)}: the loss that they are given to{where} is no part of it, so neither "
            "rows nor labels count",
            place=self._place,
            key=("no_gradient", "elsewhere"),
            evidence={"steps": self._steps, "gradient": "of something else"},
        )
