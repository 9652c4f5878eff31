"""`lr_too_high.summed`: gradients that are added up over the steps, and never begin again."""

from __future__ import annotations

import math
from typing import Any

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.host_arrays import host, tensors
from viz.doctor.facts.step_facts import Gradients

__all__ = ["AccumulatedGradients"]

_ENOUGH = 4  # updates in a row that are given all that was given before, too; and others, after which it is none
_ELEMENTS = 256  # of each of a few gradients
_BATCHES = 256  # gradients for one update, at most
_APART = 0.01  # sine of the angle between two gradients: nearer ones can't be told apart in a sum of them
_REST = 1e-5  # of a sum may be something else: float32 resolves 1e-7
_EXACT = 3e-4  # how far from 1 the factor of what was before may be; that of momentum is 0.999 at most


class AccumulatedGradients(Check):
    """Asks whether an optimizer is given the tape's gradients plus all of what it was given before, again and again.

    It looks at the first optimizer of a training, in all steps, since the updates of summed gradients may be far apart,
    until a few updates have shown that they are none of these.
    """

    rules = {
        "lr_too_high.summed": Rule(
            "error",
            "in {updates} updates in a row, the optimizer is given the new gradients added to all that it was given "
            "before: the sums don't begin again after an update, so each of them applies all old gradients again, in "
            "full",
            "After each update, begin the sums again with zeros; where nothing is to be summed, give the optimizer "
            "the tape's gradients. Optimizers do both by themselves: Adam(gradient_accumulation_steps=4) sums those "
            "of four batches, SGD(momentum=0.9) lets old ones fade.",
        )
    }

    always = ("on_gradients", "on_optimizer")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._optimizer: Any = None
        self._taken: Any = None  # some of what tapes gave since the last update
        self._before: Any = None  # some of what the optimizer was given in that
        self._waiting = self._added = self._others = self._unseen = 0

    def on_gradients(self, gradients: Gradients) -> None:
        self._waiting += 1
        if self._others < _ENOUGH and self._waiting <= _BATCHES:
            now = _some(tensors(gradients.results))
            self._taken = now if self._taken is None or now.shape != self._taken.shape else self._taken + now

    def on_optimizer(self, opened: Any) -> None:
        if self._optimizer is None:
            self._optimizer = opened.owner
        if opened.owner is not self._optimizer or self._others >= _ENOUGH:
            return
        before = self._before if self.watch.unseen == self._unseen else None  # else others came in between
        taken, self._taken, self._unseen, self._waiting = self._taken, None, self.watch.unseen, 0
        now = self._before = _some(tensors(opened.scope.inputs))
        if before is None or taken is None or not before.shape == taken.shape == now.shape:
            return
        how = _made_of(before, taken, now)
        self._added = self._added + 1 if how == "added" else 0 if how else self._added
        self._others += how == "other" or how == "reset"
        key = "lr_too_high.summed", id(self._optimizer)
        if how == "other":  # methods that keep a gradient of each batch add them up in the first epoch
            self.watch.retract(key)
        elif self._added == _ENOUGH:
            for each in self.watch.keys("lr_too_high"):  # what follows from it
                self.watch.retract(("lr_too_high", each))
            about = {"op": getattr(self._optimizer, "name", None), "place": self.watch.place(), "unusual": True}
            self.tell("lr_too_high.summed", key=key, updates=self._added, **about)


def _some(gradients: list[Any]) -> numpy.ndarray:
    """A few elements of some of the gradients."""
    parts = [host(g.data.reshape(-1)[:_ELEMENTS]) for g in gradients[: limits.WINDOW]]
    return numpy.concatenate(parts).astype("float64") if parts else numpy.zeros(0)


def _made_of(before: numpy.ndarray, taken: numpy.ndarray, now: numpy.ndarray) -> str:
    """How an optimizer's gradients are made of those it had before, and of the tape's; empty where that can't be told.

    Gradients all along one line, as those of a single weight, can be made of each other in many ways.

    >>> a, b = numpy.array([1.0, 2.0, 0.0]), numpy.array([0.5, -1.0, 3.0])
    >>> _made_of(a, b, a + b), _made_of(a, b, 0.9 * a + b), _made_of(a, b, b / 2), _made_of(a, a, 3 * a)
    ('added', 'other', 'reset', '')
    """
    if numpy.array_equal(now, taken):
        return "reset"
    aa, bb, ab = float(before @ before), float(taken @ taken), float(before @ taken)
    an, bn, nn = float(before @ now), float(taken @ now), float(now @ now)
    apart = aa * bb - ab * ab
    if not math.isfinite(apart + nn) or apart <= _APART**2 * aa * bb:
        return ""
    old, new = (an * bb - bn * ab) / apart, (bn * aa - an * ab) / apart
    rest = now - old * before - new * taken
    if float(rest @ rest) > _REST**2 * nn or new <= 0:
        return "other"
    return "reset" if abs(old) <= _EXACT else "added" if abs(old - 1) <= _EXACT else "other"
