"""`loss_sign.triplet`: a loss of distances that pulls near what is apart, and drives away what is near."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy

from eagerflow import Tensor
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.host_arrays import first, first_gradient, host
from viz.doctor.user_code import Place

__all__ = ["Triplets"]

_STEPS = 20  # in which both distances of a triplet are seen
_SURE = 4.0  # standard errors by which the pair that is pulled together is further apart at first
_NOISE = 3.0  # and by which it may be nearer in the end, for all that chance does

_KEEPS = ("square", "absolute", "power", "multiply", "add")  # of a difference, element by element
_SUMS = ("sum", "mean")


class _Distance(NamedTuple):
    """Between which two tensors, by their keys; how large it is for each row; and on which line it was computed."""

    between: frozenset[int]
    values: numpy.ndarray
    place: Place | None


class Triplets(Check):
    """Follows the two distances of a triplet loss: which one the loss makes smaller, and which one is smaller at first.

    Two facts together prove that they are swapped. A network that has learnt nothing yet keeps to the distances of the
    data, and there the pair that is pulled together is clearly the one further apart. And no training gets the mean of
    the two to part in the order that the loss asks for: between two classes, rows are on average at least as far apart
    as within each of them, however they are placed (the energy distance is never below 0).
    """

    rules = {
        "loss_sign.triplet": Rule(
            "warning",
            "of two distances from the same rows, the loss makes smaller the one that is the larger in the data: "
            "{perfect!n} on average in the first step, against {now!n} for the one that it makes larger, and after "
            "{steps!c} the order is still the same. So rows that belong together are driven apart, if near rows are "
            "those that do",
            "Exchange the two distances: maximum(distance(anchor, positive) - distance(anchor, negative) + margin, "
            "0). If they are right, the triplets are too hard to begin with (positives chosen for being far, "
            "negatives for being near): begin with random ones.",
        )
    }

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._differences: dict[int, frozenset[int]] = {}  # by the key of a tensor: what it is the difference of
        self._distances: dict[int, _Distance] = {}
        self._near: list[_Distance] = []  # which the loss makes smaller, in this step
        self._far: list[_Distance] = []
        self._gaps: list[numpy.ndarray] = []  # of each step looked at: how much further apart the former are
        self._first: tuple[float, float] = (0.0, 0.0)
        self._place: Place | None = None

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        key = outputs.key if isinstance(outputs, Tensor) else None
        given = [(x.key, x) for x in inputs if isinstance(x, Tensor) and x.key is not None]  # not 0.5 of 0.5 * square
        if key is None or error is not None or not given:
            return
        source, first = given[0]
        if op.name in ("subtract", "squared_difference") and len(given) == 2 and outputs.data.ndim == 2:
            other, second = given[1]
            if first.data.shape == second.data.shape and source != other:
                self._differences[key] = frozenset((source, other))
        elif source in self._differences:
            if op.name in _KEEPS and all(x == source for x, _ in given) and outputs.data.shape == first.data.shape:
                self._differences[key] = self._differences[source]
            elif op.name in _SUMS and outputs.data.size == len(first.data) > 1:
                values = host(outputs.data).reshape(-1).astype("float64")
                place = self.watch.own_line() or self.watch.place()
                self._distances[key] = _Distance(self._differences[source], values, place)

    def on_rule(self, op: Any, out_keys: Any, in_keys: Any, gradients: Any, results: Any) -> None:
        found = self._distances.pop(first(out_keys), None)
        values = first_gradient(gradients) if found is not None else numpy.zeros(0)
        if found is not None and values.size and values.min() >= 0 and values.max() > 0:
            self._near.append(found)
        elif found is not None and values.size and values.max() <= 0 and values.min() < 0:
            self._far.append(found)

    def on_step_end(self) -> None:
        if len(self._near) == len(self._far) == 1:
            near, far = self._near[0], self._far[0]
            if len(near.between & far.between) == 1 and near.values.shape == far.values.shape:
                if not self._gaps:
                    self._first = float(near.values.mean()), float(far.values.mean())
                self._gaps.append(near.values - far.values)
                self._place = near.place
        for each in (self._differences, self._distances, self._near, self._far):
            each.clear()

    def finish(self) -> None:
        """Swapped, the gap stays above 0 to the end; else only the first steps are those of the data."""
        if len(self._gaps) < _STEPS or self.watch.number <= limits.FEW_STEPS:
            return
        sure = max(_sureness(self._gaps[: limits.FIRST]), _sureness(self._gaps))
        if sure >= _SURE and _sureness(self._gaps[-limits.LAST :]) >= -_NOISE:
            numbers = {"perfect": self._first[0], "now": self._first[1], "steps": self.watch.step}
            self.tell("loss_sign.triplet", place=self._place, key=("loss_sign", "triplet"), **numbers)


def _sureness(gaps: Sequence[numpy.ndarray]) -> float:
    """The mean of some numbers, against its own standard error."""
    values = numpy.concatenate(gaps)
    if len(values) < limits.ROWS_TOLD or not numpy.isfinite(values).all():
        return 0.0
    spread = float(values.std()) / math.sqrt(len(values))
    return float(values.mean()) / spread if spread else 0.0
