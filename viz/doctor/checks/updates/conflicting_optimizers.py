"""`opposed_updates`: two optimizers that pull the same weights to and fro."""

from __future__ import annotations

import math
import statistics
from typing import Any

import numpy

from eagerflow import Tensor, Variable
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, host, number
from viz.doctor.program import layer_label
from viz.doctor.user_code import Place
from viz.doctor.variable_owners import Owners

__all__ = ["ConflictingOptimizers"]

_OPPOSED = -0.6  # cosine of the gradients that two optimizers have for the same weights; other tasks' are around 0
_OPPOSED_ROUNDS = 8  # so many cosines, at least

_FIXES = {
    "opposed_updates": (
        "Give each optimizer the weights of its own network, in tape.gradient and in apply: in a GAN, the "
        "discriminator's step takes discriminator.trainable_variables alone, and stop_gradient(generator(noise)) as "
        "its input. Where a compiled model trains the generator through the discriminator, set "
        "discriminator.trainable = False before gan.compile and each gan.train_on_batch, and True before each "
        "discriminator.train_on_batch."
    )
}


class _Course:
    """What one optimizer updates."""

    def __init__(self, optimizer: Any) -> None:
        self.optimizer = optimizer
        self.place: Place | None = None  # where it was used
        self.turns = 0
        self.last = -1  # when its last turn was over, among those of all
        self.gradients: dict[int, numpy.ndarray] = {}  # by the variable, some of it
        self.variables: dict[int, Variable] = {}


class ConflictingOptimizers(Check):
    """Compares the gradients that two optimizers, which take turns, have for the weights that both update.

    A GAN whose discriminator step takes the variables of both networks is the usual case.
    """

    fixes = _FIXES

    of_script = True
    begins = ("layer", "model", "optimizer")
    ends = ("optimizer",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._owners = Owners()
        self._courses: dict[int, _Course] = {}
        self._now: _Course | None = None
        self._turns = 0
        self._cosines: dict[tuple[int, int], list[float]] = {}  # of the optimizer with more weights, and the other

    def on_scope_begin(self, opened: Any) -> None:
        if opened.kind != "optimizer":
            if self.watch.step < 2:
                self._owners.meet(opened)
            return
        course = self._courses.setdefault(id(opened.owner), _Course(opened.owner))
        course.place = course.place or self.watch.place()
        self._now = course

    def on_update(self, name: str, variable: Any, inputs: Any) -> None:
        gradient = inputs[0] if inputs else None
        if self._now is None or len(self._courses) < 2 or not isinstance(gradient, Tensor):
            return
        if gradient.shape == variable.shape:
            flat = host(gradient.data).reshape(-1)[: limits.FROZEN_LOOKED]
            self._now.gradients[variable.identity] = flat.astype("float64")
            self._now.variables[variable.identity] = variable

    def on_scope_end(self, opened: Any, outputs: Any, error: Any) -> None:
        own, self._now = self._now, None
        if own is None or error is not None:
            return
        for other in self._courses.values():
            if other.last > own.last and other is not own:
                self._compare(*sorted([own, other], key=lambda course: -len(course.gradients)))
        own.turns += 1
        own.last = self._turns = self._turns + 1

    def _compare(self, more: _Course, fewer: _Course) -> None:
        """One of two that take turns, and updates only a part of what the other does, as a generator's."""
        if not fewer.gradients or not fewer.gradients.keys() < more.gradients.keys():
            return
        mine, others = [numpy.concatenate([c.gradients[i] for i in fewer.gradients]) for c in (more, fewer)]
        with numpy.errstate(all="ignore"):
            cosine = float(mine @ others) / math.sqrt(float(mine @ mine) * float(others @ others) or math.nan)
        if not math.isfinite(cosine):
            return
        found = self._cosines.setdefault((id(more.optimizer), id(fewer.optimizer)), [])
        found.append(cosine)
        if len(found) == _OPPOSED_ROUNDS:
            self._judge(more, fewer, found)

    def finish(self) -> None:
        """They may have pulled apart only at first."""
        for (more, fewer), cosines in self._cosines.items():
            if len(cosines) >= _OPPOSED_ROUNDS:
                self._judge(self._courses[more], self._courses[fewer], cosines)

    def _judge(self, more: _Course, fewer: _Course, cosines: list[float]) -> None:
        key = "opposed_updates", id(more.optimizer), id(fewer.optimizer)
        middle = statistics.median(cosines)
        # Else one only takes over from the other now and then.
        take_turns = len(cosines) >= min(more.turns, fewer.turns)
        if middle > _OPPOSED or not take_turns:
            self.watch.retract(key)
            return
        whose = self._whose(fewer)
        other = "" if fewer.place is None else f" on line {fewer.place.line}"
        self.watch.report(
            "opposed_updates",
            "warning",
            f"this optimizer updates {len(more.gradients)} weights, among them {whose}, which the optimizer{other} "
            f"updates in turn with it: their gradients point in opposite directions (cosine {number(middle)}, in "
            f"{len(cosines)} rounds), so each undoes what the other does",
            place=more.place,
            key=key,
            evidence={
                "cosine": middle,
                "rounds": len(cosines),
                "weights": len(more.gradients),
                "shared": len(fewer.gradients),
            },
        )

    def _whose(self, course: _Course) -> str:
        """The weights that an optimizer updates, in words."""
        own = course.variables
        for root in self._owners.roots():
            if {v.identity for v in root.trainable_variables} == own.keys():
                return f"all {len(own)} of {layer_label(root)!r}"
        paths = [v.path for v in own.values()]
        return ", ".join(paths[:4]) + (", …" if len(paths) > 4 else "")
