"""`frozen`: weights that have gradients, and never change."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow import Tensor, Variable
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, host
from viz.doctor.program import layer_label
from viz.doctor.user_code import made_at
from viz.doctor.variable_owners import Owners

__all__ = ["Frozen"]


class _Watched:
    """Elements of a variable with the largest gradients, as they were before the first update."""

    def __init__(self, variable: Variable, gradient: numpy.ndarray) -> None:
        self.variable = variable
        flat = numpy.abs(gradient.reshape(-1)[: limits.FROZEN_LOOKED])
        self.at = numpy.argsort(flat)[-limits.FROZEN_ELEMENTS :]
        self.at = self.at[flat[self.at] > 0]
        self.values = self._now()

    def _now(self) -> numpy.ndarray:
        return host(self.variable.data).reshape(-1)[self.at].copy()

    @property
    def unchanged(self) -> bool:
        return bool(self.at.size) and bool((self._now() == self.values).all())


class Frozen(Check):
    """Compares weights whose gradients aren't zero with what they were in the first step."""

    always = ("on_scope_begin", "on_scope_end")
    begins = ("optimizer", "layer", "model")
    ends = ("step",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._owners = Owners()
        self._watched: dict[int, _Watched] = {}
        self._asked: dict[int, int] = {}
        self._optimizers: dict[int, Any] = {}
        self._place: Any = None
        self._without: dict[int, int] = {}  # models without trainable weights: steps
        self._gradients = 0

    def on_scope_begin(self, opened: Any) -> None:
        if opened.kind == "optimizer":
            self._optimizers[id(opened.owner)] = opened.owner
        elif self.watch.step < 2:
            self._owners.meet(opened)

    def on_scope_end(self, opened: Any, outputs: Any, error: Any) -> None:
        if opened.kind != "step" or opened.scope.name != "train_step" or error is not None:
            return
        model = opened.owner
        if self._gradients or getattr(model, "trainable_variables", True) or not getattr(model, "weights", ()):
            return
        count = self._without[id(model)] = self._without.get(id(model), 0) + 1
        if count == limits.FIRST:
            self.watch.report(
                "frozen.all",
                "error",
                f"the model {layer_label(model)!r} has no trainable weights, of {len(model.weights)} altogether: "
                "training "
                "changes nothing",
                place=self.watch.called_at(),
                evidence={"trainable": 0, "weights": len(model.weights)},
            )

    def on_gradient(self, targets: Any, sources: Any, results: Any) -> None:
        self._gradients += 1
        if self._place is None:
            self._place = self.watch.called_at()
        for source, result in zip(sources, results):
            if not isinstance(source, Variable) or not source.trainable or not isinstance(result, Tensor):
                continue
            self._asked[source.identity] = self._asked.get(source.identity, 0) + 1
            if source.identity not in self._watched and self.watch.step < limits.FIRST:
                values = host(result.data)
                if numpy.isfinite(values).all() and values.any():
                    self._watched[source.identity] = _Watched(source, values)

    def finish(self) -> None:
        """Judge what has not changed."""
        many = [w for w in self._watched.values() if self._asked[w.variable.identity] >= limits.UNREACHED_STEPS]
        still = [w for w in many if w.unchanged]
        if not still or any(_accumulates(o) for o in self._optimizers.values()):
            return
        if len(still) == len(many):
            self._all(still)
        elif not self.watch.has("lr_too_low"):
            for watched in still:
                self._one(watched)

    def _all(self, still: list[_Watched]) -> None:
        optimizer = next(iter(self._optimizers.values()), None)
        if optimizer is None:
            why, way, place = (
                "no optimizer is given the gradients, and nothing is assigned",
                "frozen.update",
                self._place,
            )
        elif _rate(optimizer) == 0.0:
            why, way, place = "the learning rate is 0", "frozen.rate", made_at(optimizer)
        else:
            return  # updates too small to show: `lr_too_low` knows more
        steps = max(self._asked.values())
        self.watch.report(
            way,
            "error",
            f"none of {len(still)} trainable weights has changed in {steps} steps, though they have gradients: {why}",
            place=place,
            evidence={"unchanged": len(still), "steps": steps},
        )

    def _one(self, watched: _Watched) -> None:
        variable = watched.variable
        layer, steps = self._owners.of(variable), self._asked[variable.identity]
        name = layer_label(layer) or variable.path
        self.watch.report(
            "frozen",
            "warning",
            f"{variable.path!r} ({name}) has a gradient in all {steps} steps and never changes: the optimizer "
            "isn't "
            "given it, while others learn",
            layer=layer if layer is not None else variable.path,
            place=None if layer is not None else self._place,
            key=("frozen", id(layer) if layer is not None else variable.identity),
            evidence={"unchanged": 1, "steps": steps, "variable": variable.path},
        )


def _accumulates(optimizer: Any) -> bool:
    return (getattr(optimizer, "gradient_accumulation_steps", None) or 1) > 1


def _rate(optimizer: Any) -> float | None:
    try:
        return float(optimizer.learning_rate)
    except (TypeError, ValueError, AttributeError):
        return None
