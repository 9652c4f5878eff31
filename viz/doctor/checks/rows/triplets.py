"""`loss_sign.triplet`, `.pairs`: a loss of distances that pulls near what is apart, and drives away what is near."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy

from eagerflow import Tensor
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, first, first_gradient, host, number
from viz.doctor.user_code import Place

__all__ = ["Triplets"]

_TRIPLET_STEPS = 20  # in which both distances of a triplet are seen
_TRIPLET_SURE = 4.0  # standard errors by which the pair that is pulled together is further apart at first
_TRIPLET_NOISE = 3.0  # and by which it may be nearer in the end, for all that chance does
_PAIRS_SURE = 3.0  # the same for pairs; and in the end, training has not brought them to
_PAIRS_TOLD_APART = 0.5  # of the distance of the others

_KEEPS = ("square", "absolute", "power", "multiply", "add")  # of a difference, element by element
_SUMS = ("sum", "mean")

_FIXES = {
    "loss_sign.triplet": (
        "Exchange the two distances: maximum(distance(anchor, positive) - distance(anchor, negative) + margin, 0). If "
        "they are right, the triplets are too hard to begin with (positives chosen for being far, negatives for being "
        "near): begin with random ones."
    ),
    "loss_sign.pairs": (
        "Turn round which pairs are pulled together: where y is 1 for pairs that belong together, y * square(d) + (1 - "
        "y) * square(maximum(margin - d, 0)); or exchange 0 and 1 in y."
    ),
}


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

    fixes = _FIXES

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._differences: dict[int, frozenset[int]] = {}  # by the key of a tensor: what it is the difference of
        self._distances: dict[int, _Distance] = {}
        self._near: list[_Distance] = []  # which the loss makes smaller, in this step
        self._far: list[_Distance] = []
        self._mixed: list[tuple[_Distance, numpy.ndarray]] = []  # made smaller for some rows only, and for which
        self._pairs: list[tuple[numpy.ndarray, numpy.ndarray]] = []  # distances that it makes smaller, and the others
        self._gaps: list[numpy.ndarray] = []  # of each step looked at: how much further apart the former are
        self._first: tuple[float, float] = (0.0, 0.0)
        self._place: Place | None = None

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        key = outputs.key if isinstance(outputs, Tensor) else None
        if key is None or error is not None:
            return
        given = [(x.key, x) for x in inputs if isinstance(x, Tensor) and x.key is not None]  # not 0.5 of 0.5 * square
        if not given:
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
                self._distances[key] = _Distance(self._differences[source], values, self._line())

    def on_rule(self, op: Any, out_keys: Any, in_keys: Any, gradients: Any, results: Any) -> None:
        found = self._distances.pop(first(out_keys), None)
        if found is None:
            return
        values = first_gradient(gradients)
        if values.size and values.min() >= 0 and values.max() > 0:
            self._near.append(found)
        elif values.size and values.max() <= 0 and values.min() < 0:
            self._far.append(found)
        elif values.size == found.values.size and values.min() < 0 < values.max():
            self._mixed.append((found, values.reshape(-1) > 0))

    def on_step_end(self) -> None:
        if len(self._near) == len(self._far) == 1:
            near, far = self._near[0], self._far[0]
            if len(near.between & far.between) == 1 and near.values.shape == far.values.shape:
                if not self._gaps:
                    self._first = float(near.values.mean()), float(far.values.mean())
                self._gaps.append(near.values - far.values)
                self._place = near.place
        elif len(self._mixed) == 1 and not self._near and not self._far:
            found, near_ones = self._mixed[0]
            self._pairs.append((found.values[near_ones], found.values[~near_ones]))
            self._place = found.place
        for each in (self._differences, self._distances, self._near, self._far, self._mixed):
            each.clear()

    def finish(self) -> None:
        """Judge by the beginning and the end."""
        self._judge_triplets()
        self._judge_pairs()

    def _judge_pairs(self) -> None:
        """The same for pairs, of which a loss makes some near and drives others apart."""
        if len(self._pairs) < _TRIPLET_STEPS or self.watch.number <= limits.FEW_STEPS:
            return
        first, last = self._pairs[: limits.FIRST], self._pairs[-limits.LAST :]
        near, far = (float(numpy.concatenate(part).mean()) for part in zip(*last))
        if _apart(first) < _PAIRS_SURE or near < _PAIRS_TOLD_APART * far:
            return
        near, far = (float(numpy.concatenate(part).mean()) for part in zip(*first))
        self.watch.report(
            "loss_sign.pairs",
            "warning",
            f"the loss makes smaller the distances of those pairs that are further apart in the data: {number(near)} "
            f"on average at first, against {number(far)} for the other pairs, and after "
            f"{self.watch.counted(self.watch.step)} they are hardly any nearer than the others. So what belongs "
            "together is driven apart, if near rows are those that do",
            place=self._place,
            key=("loss_sign", "pairs"),
            evidence={"perfect": near, "now": far, "steps": self.watch.step},
        )

    def _judge_triplets(self) -> None:
        if len(self._gaps) < _TRIPLET_STEPS or self.watch.number <= limits.FEW_STEPS:
            return
        # Swapped, the gap stays above 0 to the end; else only the first steps are those of the data.
        first = max(_sureness(self._gaps[: limits.FIRST]), _sureness(self._gaps))
        last = _sureness(self._gaps[-limits.LAST :])
        if first < _TRIPLET_SURE or last < -_TRIPLET_NOISE:
            return
        near, far = self._first
        self.watch.report(
            "loss_sign.triplet",
            "warning",
            f"of two distances from the same rows, the loss makes smaller the one that is the larger in the data: "
            f"{number(near)} on average in the first step, against {number(far)} for the one that it makes larger, and "
            f"after {self.watch.counted(self.watch.step)} the order is still the same. So rows that belong together "
            "are driven apart, if near rows are those that do",
            place=self._place,
            key=("loss_sign", "triplet"),
            evidence={"perfect": near, "now": far, "steps": self.watch.step},
        )

    def _line(self) -> Place | None:
        return self.watch.own_line() or self.watch.place()


def _apart(pairs: Sequence[tuple[numpy.ndarray, numpy.ndarray]]) -> float:
    """How far the means of two kinds of distances differ, against the standard error of that."""
    sizes = [float(numpy.concatenate(pair).mean()) or 1.0 for pair in pairs]  # which the first steps change
    near, far = (numpy.concatenate([v / size for v, size in zip(part, sizes)]) for part in zip(*pairs))
    if min(len(near), len(far)) < limits.ROWS_TOLD or not numpy.isfinite([near.sum(), far.sum()]).all():
        return 0.0
    noise = math.hypot(near.std() / math.sqrt(len(near)), far.std() / math.sqrt(len(far)))
    return float(near.mean() - far.mean()) / noise if noise else 0.0


def _sureness(gaps: Sequence[numpy.ndarray]) -> float:
    """The mean of some numbers, against its own standard error."""
    values = numpy.concatenate(gaps)
    if len(values) < limits.ROWS_TOLD or not numpy.isfinite(values).all():
        return 0.0
    spread = float(values.std()) / math.sqrt(len(values))
    return float(values.mean()) / spread if spread else 0.0
