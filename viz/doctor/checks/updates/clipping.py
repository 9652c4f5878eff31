"""Gradients on their way to the update: clipped or scaled at the wrong time, left out, or never begun again."""

from __future__ import annotations

from typing import Any

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.host_arrays import computed, host, tensors
from viz.doctor.facts.step_facts import Gradients
from viz.doctor.user_code import made_at

__all__ = ["AccumulatedGradients", "Clipping"]

_LOOKED = 256  # steps in which a loop without an optimizer is listened to, and elements of each of a few gradients
_APART = 1e-4  # square of the sine of the angle between two gradients: nearer ones can't be told apart in a sum
_REST = 1e-5  # of a sum may be something else: float32 resolves 1e-7, and momentum by hand leaves 1e-3


class Clipping(Check):
    """Follows the order of backward passes, clipping, unscaling and updates."""

    rules = {
        "exploding_gradient.clip_order": Rule.error(
            "gradients are clipped {count} times between an update and the next backward pass, and never between a "
            "backward pass and its update: those that the optimizer is given have no limit",
            "Clip after the backward pass, and before the optimizer's step.",
        ),
        "lr_too_low.clipped": Rule.warning(
            "gradients are clipped while they are still multiplied by the scale of the loss ({scale!n}), {count} "
            "times: of what is left, the update gets that part",
            "Take the scale out before: scaler.unscale_(optimizer), then clip, then scaler.step(optimizer).",
        ),
        "nonfinite.skipped": Rule.error(
            "{skipped} of {steps} updates are left out, as their gradients are inf or NaN at any scale (the last one "
            "is {scale!n}): the weights stay as they are",
            "See where the forward pass leaves the range of float16, 65504: compute sums, squares and norms in "
            "float32, and scale the inputs.",
        ),
        "vanishing_gradient.half": Rule.warning(
            "{share:.0%} of the gradients of most weights are exactly 0 in {steps!c}, behind ops in float16, which "
            "knows nothing below 6e-8; and the loss, {loss!n}, isn't scaled",
            "Multiply the loss, so that gradients stay in range: a gradient scaler (LossScaleOptimizer in Keras). Or "
            "take bfloat16.",
        ),
        "nonfinite.half_weights": Rule.error(
            "{count} of the weights that this optimizer changes are float16: epsilon ({epsilon!n}) and small updates "
            "are 0 in it, and what is divided by them becomes inf or NaN",
            "Keep the weights in float32, and compute in float16 (autocast, mixed_float16) or bfloat16.",
        ),
        "lr_too_high.accumulated": Rule.error(
            "each update sums up the gradients of {count} backward passes, each of a mean: together they are as many "
            "times as large as those of one batch, and the loss grows",
            "Divide the loss by the number of passes: (loss / {count}).backward(). Or divide the rate by it.",
        ),
    }

    always = ("on_gradients", "on_optimizer", "on_routine", "on_scope_end")
    ends = ("backward",)

    def begin(self) -> None:
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
        place = self._places.get
        if self._late >= limits.OFTEN and not self._right:
            sizes = {"norm": 1.0}
            self.tell("exploding_gradient.clip_order", place=place("clip"), count=self._late, evidence={"sizes": sizes})
        elif self._scaled >= limits.OFTEN:
            self.tell("lr_too_low.clipped", place=place("clip"), scale=self._scale, count=self._scaled)
        if self._steps >= limits.WINDOW and self._skipped >= limits.MOSTLY * self._steps:
            about = {"skipped": self._skipped, "steps": self._steps, "scale": self._scale}
            self.tell("nonfinite.skipped", place=place("step"), **about)
        halves, optimizer = self._halves
        if halves and optimizer is not None and self.watch.has("nonfinite"):
            about = {"count": halves, "epsilon": float(getattr(optimizer, "epsilon", None) or 0.0), "inf": halves}
            self.tell("nonfinite.half_weights", place=made_at(optimizer), size=halves, nan=0, **about)
        same = len(set(self._counts)) == 1 and self._counts[0] >= limits.OFTEN and not self.watch.has_tapes
        if same and self.watch.has("lr_too_high"):
            about = {"count": self._counts[0], "first_loss": 0.0, "last_loss": 0.0, "unusual": True}
            self.tell("lr_too_high.accumulated", place=place("pass"), key=("lr_too_high", "accumulated"), **about)
        if len(self._zeros) >= limits.WINDOW and min(self._zeros) >= limits.NEARLY_ALL and not self._steps:
            about = {"share": min(self._zeros), "steps": len(self._zeros), "loss": self._loss}
            self.tell("vanishing_gradient.half", place=place("half"), sizes=[], **about)


class AccumulatedGradients(Check):
    """Asks of each update whether it is given the tape's gradients plus all that the one before it was given."""

    rules = {
        "lr_too_high.summed": Rule.error(
            "in {updates} updates in a row, the optimizer is given the new gradients added to all that it was given "
            "before: the sums don't begin again after an update, so each applies all old gradients again, in full",
            "After each update, begin the sums again with zeros. Optimizers do that by themselves: "
            "Adam(gradient_accumulation_steps=4) sums the gradients of four batches.",
        )
    }

    always = ("on_gradients", "on_optimizer")

    def begin(self) -> None:
        self._before: dict[Any, numpy.ndarray] = {}  # what each optimizer was given last, by their shapes
        self._links: dict[int, int] = {}  # updates in a row that added the tape's gradients to that
        self._others: dict[int, int] = {}
        self._pending: dict[Any, numpy.ndarray] = {}  # sums of what tapes gave since the last update, by their shapes

    def on_gradients(self, gradients: Gradients) -> None:
        if (self._others or self.watch.step < _LOOKED) and min(self._others.values(), default=0) < limits.OFTEN:
            shapes, now = _some(gradients.results)
            self._pending[shapes] = self._pending.get(shapes, 0.0) + now

    def on_optimizer(self, opened: Any) -> None:
        key = id(opened.owner)
        if self._others.setdefault(key, 0) >= limits.OFTEN:
            return
        shapes, now = _some(opened.scope.inputs)
        taken, before = self._pending.pop(shapes, None), self._before.get((key, shapes))
        self._before[key, shapes] = now
        added = None if taken is None or before is None else _is_added(before, taken, now)
        links = self._links[key] = self._links.get(key, 0) + (added is True)
        if added and links == limits.OFTEN:
            for each in self.watch.keys("lr_too_high"):  # what follows from it
                self.watch.retract(("lr_too_high", each))
            about = {"op": getattr(opened.owner, "name", None), "place": self.watch.place(), "unusual": True}
            self.tell("lr_too_high.summed", key=("lr_too_high.summed", key), updates=links, **about)
        elif added is False or taken is None:  # as of averages, which add up gradients in the first epoch alone
            self.watch.retract(("lr_too_high.summed", key))
            self._others[key], self._links[key] = self._others[key] + 1 + links, 0


def _some(nested: Any) -> tuple[Any, numpy.ndarray]:
    """The shapes of gradients, and a few elements of some of them."""
    gradients = tensors(nested)
    parts = [host(g.data.reshape(-1)[:_LOOKED]) for g in gradients[: limits.WINDOW]]
    return tuple([g.data.shape for g in gradients]), numpy.concatenate([*parts, numpy.zeros(0)])


def _is_added(before: numpy.ndarray, taken: numpy.ndarray, now: numpy.ndarray) -> bool | None:
    """Is what an optimizer is given what it was given before, plus the tape's gradients? None where nothing tells."""
    aa, bb, ab = float(before @ before), float(taken @ taken), float(before @ taken)
    if not aa * bb - ab * ab > _APART * aa * bb:  # as those of a single weight, or of nothing but zeros
        return None
    new = float((now - before) @ taken) / bb
    rest = now - before - new * taken
    return new > 0 and float(rest @ rest) <= _REST**2 * float(now @ now)
