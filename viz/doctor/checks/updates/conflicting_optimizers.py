"""`opposed_updates`: two optimizers that pull the same weights to and fro."""

from __future__ import annotations

import math
import statistics
from typing import Any

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.host_arrays import host, is_tensor
from viz.doctor.user_code import Place
from viz.frameworks.contract import Variable

__all__ = ["ConflictingOptimizers"]

_OPPOSED = -0.6  # cosine of the gradients that two optimizers have for the same weights; other tasks' are around 0
_OPPOSED_ROUNDS = 8  # so many cosines, at least


class _Course:
    """What one optimizer updates."""

    def __init__(self, optimizer: Any, place: Place | None) -> None:
        self.optimizer, self.place = optimizer, place
        self.turns = 0
        self.last = -1  # when its last turn was over, among those of all
        self.gradients: dict[int, numpy.ndarray] = {}  # by the variable, some of it
        self.variables: dict[int, Variable] = {}


class ConflictingOptimizers(Check):
    """Compares the gradients that two optimizers, which take turns, have for the weights that both update.

    A GAN whose discriminator step takes the variables of both networks is the usual case.
    """

    rules = {
        "opposed_updates": Rule(
            "warning",
            "this optimizer updates {weights} weights, among them {whose}, which the optimizer{other} updates in turn "
            "with it: their gradients point in opposite directions (cosine {cosine!n}, in {rounds} rounds), so each "
            "undoes what the other does",
            "Give each optimizer the weights of its own network, in tape.gradient and in apply: in a GAN, the "
            "discriminator's step takes discriminator.trainable_variables alone, and stop_gradient(generator(noise)) "
            "as its input. Where a compiled model trains the generator through the discriminator, set "
            "discriminator.trainable = False before gan.compile and each gan.train_on_batch, and True before each "
            "discriminator.train_on_batch.",
        )
    }

    of_script = True
    ends = ("optimizer",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._courses: dict[int, _Course] = {}
        self._now: _Course | None = None
        self._turns = 0
        self._cosines: dict[tuple[int, int], list[float]] = {}  # of the optimizer with more weights, and the other

    def on_optimizer(self, opened: Any) -> None:
        self._now = self._courses.setdefault(id(opened.owner), _Course(opened.owner, self.watch.place()))

    def on_update(self, name: str, variable: Any, inputs: Any) -> None:
        gradient = inputs[0] if inputs else None
        if self._now is None or len(self._courses) < 2 or not is_tensor(gradient):
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
        if math.isfinite(cosine):
            self._cosines.setdefault((id(more.optimizer), id(fewer.optimizer)), []).append(cosine)

    def finish(self) -> None:
        """Judge those that took turns; else one only takes over from the other now and then."""
        for (of_more, of_fewer), cosines in self._cosines.items():
            more, fewer, middle = self._courses[of_more], self._courses[of_fewer], statistics.median(cosines)
            rounds = len(cosines)
            if rounds < max(_OPPOSED_ROUNDS, min(more.turns, fewer.turns)) or middle > _OPPOSED:
                continue
            paths = [v.path for v in fewer.variables.values()]
            self.tell(
                "opposed_updates",
                place=more.place,
                key=("opposed_updates", of_more, of_fewer),
                whose=", ".join(paths[:4]),
                other="" if fewer.place is None else f" on line {fewer.place.line}",
                cosine=middle,
                rounds=rounds,
                weights=len(more.gradients),
                shared=len(fewer.gradients),
            )
