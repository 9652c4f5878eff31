"""`opposed_updates.mixed_up`: weights that are updated by the gradients of others."""

from __future__ import annotations

import math
from typing import Any

import numpy

from eagerflow import Tensor, Variable
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, host

__all__ = ["MixedUp"]


class MixedUp(Check):
    """Compares the gradient that a variable is updated by with its own, and with those of the others.

    It takes a variable only if the tape gave its gradient in the same step: then somebody has it, and uses another. To
    update weights by the gradients of a copy, as in learning to learn, is another thing.
    """

    begins = ("optimizer",)
    ends = ("optimizer",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._gradients: list[tuple[Variable, numpy.ndarray]] = []  # what tapes gave in this step
        self._mixed: list[tuple[Variable, Variable]] = []  # what is updated, and whose gradient it is given
        self._steps = 0
        self._place: Any = None
        self._settled = False

    def on_gradient(self, targets: Any, sources: Any, results: Any) -> None:
        if not self._settled:
            self._gradients += [
                (source, _direction(result))
                for source, result in zip(sources, results)
                if isinstance(source, Variable) and isinstance(result, Tensor)
            ]

    def on_scope_begin(self, opened: Any) -> None:
        self._mixed = []
        self._place = self._place or self.watch.place()

    def on_update(self, name: str, variable: Any, inputs: Any) -> None:
        given = inputs[0] if inputs else None
        own = [g for source, g in self._gradients if source is variable]
        if not own or not isinstance(given, Tensor) or given.shape != variable.shape:
            return
        now = _direction(given)
        if not now.any() or any(numpy.allclose(now, g, atol=limits.MIXED_UP) for g in own):
            return
        for source, gradient in self._gradients:
            if source.shape == variable.shape and numpy.allclose(now, gradient, atol=limits.MIXED_UP):
                self._mixed.append((variable, source))
                return

    def on_scope_end(self, opened: Any, outputs: Any, error: Any) -> None:
        if len(self._mixed) > 1:
            self._steps += 1
            if self._steps == limits.MIXED_UP_STEPS:
                self._tell()

    def on_step_end(self) -> None:
        self._gradients = []
        self._settled = self.watch.step >= limits.WINDOW  # each step does what the first ones did

    def _tell(self) -> None:
        updated, whose = self._mixed[0]
        self.watch.report(
            "opposed_updates.mixed_up",
            "error",
            f"{updated.path!r} is updated by the gradient of {whose.path!r}, and {len(self._mixed) - 1} other "
            f"weight{'s' if len(self._mixed) > 2 else ''} by that of another one, too: gradients and variables stand "
            "in different orders, and as some shapes are equal, nothing fails",
            place=self._place,
            key=("opposed_updates", "mixed_up"),
            evidence={"mixed_up": len(self._mixed), "steps": self._steps, "variable": updated.path},
        )


def _direction(gradient: Tensor) -> numpy.ndarray:
    """Some of a gradient, as a vector of length 1: clipping by a norm and averaging over batches leave it as it is.

    A few numbers have no direction of their own, so 0 stands for them, as for what is 0 or isn't finite.
    """
    some = host(gradient.data).reshape(-1)[: limits.FROZEN_LOOKED].astype("float64")
    length = math.sqrt(float(some @ some))
    return some / length if some.size >= limits.MIXED_UP_SIZE and 0 < length < math.inf else numpy.zeros_like(some)
