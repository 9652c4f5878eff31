"""Gradients that are limited at the wrong time, and updates that are left out as gradients aren't finite."""

from __future__ import annotations

from typing import Any

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.host_arrays import computed, tensors
from viz.doctor.facts.step_facts import Gradients
from viz.doctor.user_code import made_at

__all__ = ["Clipping"]

_OFTEN = 4
_LEFT_OUT = 0.75  # of the updates
_ROUNDED = 0.9  # of the numbers in the gradient of most weights are 0


class Clipping(Check):
    """Follows the order of backward passes, clipping, unscaling and updates."""

    rules = {
        "exploding_gradient.clip_order": Rule(
            "error",
            "gradients are clipped {count} times between an update and the next backward pass, and never between a "
            "backward pass and its update: those that the optimizer is given have no limit",
            "Clip after the backward pass, and before the optimizer's step.",
        ),
        "lr_too_low.clipped": Rule(
            "warning",
            "gradients are clipped while they are still multiplied by the scale of the loss ({scale!n}), {count} "
            "times: of what is left, the update gets that part",
            "Take the scale out before: scaler.unscale_(optimizer), then clip, then scaler.step(optimizer).",
        ),
        "nonfinite.skipped": Rule(
            "error",
            "{skipped} of {steps} updates are left out, as their gradients are inf or NaN at any scale (the last one "
            "is {scale!n}): the weights stay as they are",
            "See where the forward pass leaves the range of float16, 65504: compute sums, squares and norms in "
            "float32, and scale the inputs.",
        ),
        "vanishing_gradient.half": Rule(
            "warning",
            "{share:.0%} of the gradients of most weights are exactly 0 in {steps!c}, behind ops in float16, which "
            "knows nothing below 6e-8; and the loss, {loss!n}, isn't scaled",
            "Multiply the loss, so that gradients stay in range: a gradient scaler (LossScaleOptimizer in Keras). Or "
            "take bfloat16.",
        ),
        "nonfinite.half_weights": Rule(
            "error",
            "{count} of the weights that this optimizer changes are float16: epsilon ({epsilon!n}) and small updates "
            "are 0 in it, and what is divided by them becomes inf or NaN",
            "Keep the weights in float32, and compute in float16 (autocast, mixed_float16) or bfloat16.",
        ),
        "lr_too_high.accumulated": Rule(
            "error",
            "each update sums up the gradients of {count} backward passes, each of a mean: together they are as many "
            "times as large as those of one batch, and the loss grows",
            "Divide the loss by the number of passes: (loss / {count}).backward(). Or divide the rate by it.",
        ),
    }

    always = ("on_gradients", "on_optimizer", "on_routine", "on_scope_end")
    ends = ("backward",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._late = self._right = self._scaled = self._skipped = self._steps = 0
        self._fresh = self._clipped = self._unscaled = False  # since the last update
        self._places: dict[str, Any] = {}
        self._half = False
        self._zeros: list[float] = []
        self._loss = self._scale = 0.0
        self._passes, self._counts = 0, list[int]()  # backward passes since the last update, and before each
        self._halves: tuple[int, Any] = 0, None  # weights in float16, and an optimizer

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        made = tensors(outputs)
        self._half = self._half or any(computed(x) and str(x.data.dtype) == "float16" for x in made)

    def on_gradients(self, gradients: Gradients) -> None:
        if not self._counts:
            self._halves = sum(str(v.data.dtype) == "float16" for v in gradients.variables), None
        if self._half and not self._scale and self.watch.heavy:
            self._zeros.append(float(numpy.median([(values == 0).mean() for _, values in gradients.pairs] or [0.0])))
            self._loss = gradients.value
            self._places.setdefault("half", self.watch.place())

    def on_scope_end(self, opened: Any, outputs: Any, error: Any) -> None:
        if opened.kind == "backward":
            self._passes += 1
            self._places["pass"] = self.watch.place()
            self._fresh, self._clipped, self._unscaled = True, False, False

    def on_optimizer(self, opened: Any) -> None:
        self._fresh = False
        self._counts, self._passes = [*self._counts[-limits.WINDOW :], self._passes], 0
        if self._halves[0] and self._halves[1] is None:
            self._halves = self._halves[0], opened.owner

    def on_routine(self, name: str, thing: Any, about: Any) -> None:
        if name == "clip":
            self._late, self._right = self._late + (not self._fresh), self._right + self._fresh
            self._clipped = not self._unscaled
            self._places["clip"] = self.watch.place()
        elif name == "unscale":
            self._unscaled = True
        elif name == "scaled_step":
            self._steps, self._skipped = self._steps + 1, self._skipped + about["skipped"]
            self._scale = about["scale"]
            self._scaled += self._clipped and self._scale > 1
            self._places["step"] = self.watch.place()

    def finish(self) -> None:
        """Judge what was so nearly always."""
        place = self._places.get
        if self._late >= _OFTEN and not self._right:
            sizes = {"norm": 1.0}
            self.tell("exploding_gradient.clip_order", place=place("clip"), count=self._late, evidence={"sizes": sizes})
        elif self._scaled >= _OFTEN:
            self.tell("lr_too_low.clipped", place=place("clip"), scale=self._scale, count=self._scaled)
        if self._steps >= limits.WINDOW and self._skipped >= _LEFT_OUT * self._steps:
            about = {"skipped": self._skipped, "steps": self._steps, "scale": self._scale}
            self.tell("nonfinite.skipped", place=place("step"), **about)
        halves, optimizer = self._halves
        if halves and optimizer is not None and self.watch.has("nonfinite"):
            about = {"count": halves, "epsilon": float(getattr(optimizer, "epsilon", None) or 0.0), "inf": halves}
            self.tell("nonfinite.half_weights", place=made_at(optimizer), size=halves, nan=0, **about)
        same = len(set(self._counts)) == 1 and self._counts[0] >= _OFTEN and not self.watch.has_tapes
        if same and self.watch.has("lr_too_high"):
            about = {"count": self._counts[0], "first_loss": 0.0, "last_loss": 0.0, "unusual": True}
            self.tell("lr_too_high.accumulated", place=place("pass"), key=("lr_too_high", "accumulated"), **about)
        if len(self._zeros) >= limits.WINDOW and min(self._zeros) >= _ROUNDED and not self._steps:
            about = {"share": min(self._zeros), "steps": len(self._zeros), "loss": self._loss}
            self.tell("vanishing_gradient.half", place=place("half"), sizes=[], **about)
