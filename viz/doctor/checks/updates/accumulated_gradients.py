"""`lr_too_high.summed`: gradients that are added up over the steps, and never begin again."""

from __future__ import annotations

import math
from typing import Any

import numpy

from eagerflow import Tensor
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.host_arrays import host, tensors
from viz.doctor.facts.step_facts import Gradients

__all__ = ["AccumulatedGradients"]

_SUMMED = 4  # updates in a row that are given all that was given before, too; or that aren't
_SUMMED_ELEMENTS = 256  # of each of a few gradients
_SUMMED_BATCHES = 256  # gradients for one update, at most
_SUMMED_APART = 0.01  # sine of the angle between two gradients: nearer ones can't be told apart in a sum of them
_SUMMED_REST = 1e-5  # of a sum may be something else: float32 resolves 1e-7
_SUMMED_EXACT = 3e-4  # how far from 1 the factor of what was before may be; that of momentum is 0.999 at most

_Shapes = tuple[tuple[int, ...], ...]


class _Given:
    """What one optimizer was given."""

    def __init__(self, optimizer: Any) -> None:
        self.optimizer = optimizer
        self.before: numpy.ndarray | None = None  # some of it, at the last update
        self.links = 0  # updates in a row that added the tape's gradients to what was given before
        self.others = 0  # updates that did anything else
        self.unclear = 0
        self.told = False
        self.settled = False


class AccumulatedGradients(Check):
    """Asks whether an optimizer is given the tape's gradients plus all of what it was given before, again and again.

    It listens in all steps, since the updates of summed gradients may be far apart, but only until a few updates have
    shown that they are none of these: from then on nothing is compared.
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
        self._all: dict[int, _Given] = {}
        self._settled = False
        self._unseen = 0
        self._pending: dict[_Shapes, numpy.ndarray] = {}  # sums of what tapes gave since the last update
        self._waiting = 0  # gradients since then

    def on_gradients(self, gradients: Gradients) -> None:
        if self._settled:
            return
        self._waiting += 1
        if self._waiting > _SUMMED_BATCHES:  # no optimizer is given any
            self._settle()
            return
        shapes, now = _some([r for r in gradients.results if isinstance(r, Tensor)])
        if shapes in self._pending or len(self._pending) < limits.WINDOW:
            self._pending[shapes] = self._pending.get(shapes, 0.0) + now

    def _settle(self) -> None:
        self._settled = True
        self._pending.clear()

    def on_optimizer(self, opened: Any) -> None:
        self._waiting = 0
        course = self._all.get(id(opened.owner))
        if course is None:
            if len(self._all) >= limits.WINDOW:
                return
            course = self._all[id(opened.owner)] = _Given(opened.owner)
            self._settled = False
        if course.settled:
            return
        if self.watch.unseen != self._unseen:  # others came in between
            self._unseen = self.watch.unseen
            for each in self._all.values():
                each.before = None
        shapes, now = _some(tensors(opened.scope.inputs))
        taken = self._pending.pop(shapes, None)
        before, course.before = course.before, now
        if taken is not None and before is not None:
            self._count(course, _made_of(before, taken, now))
        elif taken is None:
            self._count(course, "other")

    def _count(self, course: _Given, how: str) -> None:
        if how == "":
            course.unclear += 1
        elif how == "added":
            course.links += 1
            if course.links == _SUMMED and not course.told:
                course.told = True
                self._tell(course)
        else:
            course.links = 0
            course.others += 1
        if course.told and how == "other":  # methods that keep a gradient of each batch add them up in the first epoch
            self.watch.retract(("lr_too_high.summed", id(course.optimizer)))
            course.told, course.others = False, _SUMMED
        if not course.told and (course.others >= _SUMMED or course.unclear >= _SUMMED_BATCHES):
            course.settled = True
            if all(each.settled for each in self._all.values()):
                self._settle()

    def _tell(self, course: _Given) -> None:
        for key in self.watch.keys("lr_too_high"):  # what follows from it
            self.watch.retract(("lr_too_high", key))
        key = "lr_too_high.summed", id(course.optimizer)
        about = {"op": getattr(course.optimizer, "name", None), "place": self.watch.place(), "unusual": True}
        self.tell("lr_too_high.summed", key=key, updates=course.links, **about)


def _some(gradients: list[Tensor]) -> tuple[_Shapes, numpy.ndarray]:
    """The shapes of gradients, and a few elements of some of them."""
    parts = [host(g.data.reshape(-1)[:_SUMMED_ELEMENTS]) for g in gradients[: limits.WINDOW]]
    values = numpy.concatenate(parts).astype("float64") if parts else numpy.zeros(0)
    return tuple([g.data.shape for g in gradients]), values


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
    if not math.isfinite(apart + nn) or apart <= _SUMMED_APART**2 * aa * bb:
        return ""
    old, new = (an * bb - bn * ab) / apart, (bn * aa - an * ab) / apart
    rest = now - old * before - new * taken
    if float(rest @ rest) > _SUMMED_REST**2 * nn or new <= 0:
        return "other"
    if abs(old) <= _SUMMED_EXACT:
        return "reset"
    return "added" if abs(old - 1) <= _SUMMED_EXACT else "other"
