"""`lr_too_high.summed`: gradients that are added up over the steps, and never begin again."""

from __future__ import annotations

from typing import Any

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.host_arrays import host, tensors
from viz.doctor.facts.step_facts import Gradients

__all__ = ["AccumulatedGradients"]

_LINKS = 4  # updates in a row that are given all that was given before, too
_OTHERS = 4  # updates that aren't, behind which an optimizer isn't asked any more
_ELEMENTS = 256  # of each of a few gradients
_STEPS = 256  # in which a loop without an optimizer is listened to
_APART = 1e-4  # square of the sine of the angle between two gradients: nearer ones can't be told apart in a sum
_REST = 1e-5  # of a sum may be something else: float32 resolves 1e-7, and momentum by hand leaves 1e-3


class AccumulatedGradients(Check):
    """Asks of each update whether it is given the tape's gradients plus all that the one before it was given."""

    rules = {
        "lr_too_high.summed": Rule(
            "error",
            "in {updates} updates in a row, the optimizer is given the new gradients added to all that it was given "
            "before: the sums don't begin again after an update, so each applies all old gradients again, in full",
            "After each update, begin the sums again with zeros. Optimizers do that by themselves: "
            "Adam(gradient_accumulation_steps=4) sums the gradients of four batches.",
        )
    }

    always = ("on_gradients", "on_optimizer")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._before: dict[Any, numpy.ndarray] = {}  # what each optimizer was given last, by their shapes
        self._links: dict[int, int] = {}  # updates in a row that added the tape's gradients to that
        self._others: dict[int, int] = {}
        self._pending: dict[Any, numpy.ndarray] = {}  # sums of what tapes gave since the last update, by their shapes

    def on_gradients(self, gradients: Gradients) -> None:
        if (self._others or self.watch.step < _STEPS) and min(self._others.values(), default=0) < _OTHERS:
            shapes, now = _some(gradients.results)
            self._pending[shapes] = self._pending.get(shapes, 0.0) + now

    def on_optimizer(self, opened: Any) -> None:
        key = id(opened.owner)
        if self._others.setdefault(key, 0) >= _OTHERS:
            return
        shapes, now = _some(opened.scope.inputs)
        taken, before = self._pending.pop(shapes, None), self._before.get((key, shapes))
        self._before[key, shapes] = now
        added = None if taken is None or before is None else _is_added(before, taken, now)
        links = self._links[key] = self._links.get(key, 0) + (added is True)
        if added and links == _LINKS:
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
    parts = [host(g.data.reshape(-1)[:_ELEMENTS]) for g in gradients[: limits.WINDOW]]
    return tuple([g.data.shape for g in gradients]), numpy.concatenate([*parts, numpy.zeros(0)])


def _is_added(before: numpy.ndarray, taken: numpy.ndarray, now: numpy.ndarray) -> bool | None:
    """Is what an optimizer is given what it was given before, plus the tape's gradients? None where nothing tells."""
    aa, bb, ab = float(before @ before), float(taken @ taken), float(before @ taken)
    if not aa * bb - ab * ab > _APART * aa * bb:  # as those of a single weight, or of nothing but zeros
        return None
    new = float((now - before) @ taken) / bb
    rest = now - before - new * taken
    return new > 0 and float(rest @ rest) <= _REST**2 * float(now @ now)
