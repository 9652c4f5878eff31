"""`loss_sign.triplet`: a loss of distances that pulls near what is apart, and drives away what is near."""

from __future__ import annotations

import math
from typing import Any

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.host_arrays import first, first_gradient, host, tracked

__all__ = ["Triplets"]

_STEPS = 20  # in which both distances of a triplet are seen
_SURE = 4.0  # standard errors by which the pair that is pulled together is further apart at first
_NOISE = 3.0  # and by which it may be nearer in the end, for all that chance does
_KEEPS = ("square", "absolute", "power", "multiply", "add")  # of a difference, element by element


class Triplets(Check):
    """Follows the two distances of a triplet loss: which one the loss makes smaller, and which one is smaller at first.

    Swapped ones never part in the order that the loss asks for: between two classes, rows are on average at least as
    far apart as within each of them.
    """

    rules = {
        "loss_sign.triplet": Rule(
            "warning",
            "of two distances from the same rows, the loss makes smaller the one that is the larger in the data: "
            "{perfect!n} on average in the first step, against {now!n} for the other, and after {steps!c} the order is "
            "still the same: rows that belong together are driven apart",
            "Exchange the two distances: maximum(distance(anchor, positive) - distance(anchor, negative) + margin, "
            "0). If they are right, the triplets are too hard to begin with: begin with random ones.",
        )
    }

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._differences: dict[int, frozenset[int]] = {}  # by the key of a tensor: what it is the difference of
        self._distances: dict[int, Any] = {}  # between which two, how large for each row, and on which line
        self._pulled: dict[bool, list[Any]] = {True: [], False: []}  # which the loss makes smaller, or larger
        self._gaps: list[numpy.ndarray] = []  # of each step looked at: how much further apart the former are
        self._first: tuple[float, float] | None = None
        self._place: Any = None

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        given = [x for x in inputs if tracked(x)]  # not 0.5 of 0.5 * square
        if error is not None or not given or not tracked(outputs):
            return
        keys, shape = {x.key for x in given}, given[0].data.shape
        known = self._differences.get(given[0].key)
        if op.name in ("subtract", "squared_difference") and len(keys) == 2 and len(shape) == 2:
            self._differences[outputs.key] = frozenset(keys)
        elif known is not None and op.name in _KEEPS and len(keys) == 1 and outputs.data.shape == shape:
            self._differences[outputs.key] = known
        elif known is not None and op.name in ("sum", "mean") and outputs.data.size == shape[0] > 1:
            values = host(outputs.data).reshape(-1).astype("float64")
            self._distances[outputs.key] = known, values, self.watch.own_line() or self.watch.place()

    def on_rule(self, op: Any, out_keys: Any, in_keys: Any, gradients: Any, results: Any) -> None:
        found = self._distances.pop(first(out_keys), None)
        values = first_gradient(gradients) if found is not None else numpy.zeros(0)
        if found is not None and values.any() and (values.min() >= 0 or values.max() <= 0):
            self._pulled[bool(values.min() >= 0)].append(found)

    def on_step_end(self) -> None:
        if len(self._pulled[True]) == len(self._pulled[False]) == 1:
            (pulled, near, self._place), (driven, far, _) = self._pulled[True] + self._pulled[False]
            if len(pulled & driven) == 1 and near.shape == far.shape:
                self._first = self._first or (float(near.mean()), float(far.mean()))
                self._gaps.append(near - far)
        self._differences.clear()
        self._distances.clear()
        self._pulled = {True: [], False: []}

    def finish(self) -> None:
        """Swapped, the gap stays above 0 to the end; else only the first steps are those of the data."""
        if self._first is None or len(self._gaps) < _STEPS or self.watch.number <= limits.FEW_STEPS:
            return
        sure = max(_sureness(self._gaps[: limits.FIRST]), _sureness(self._gaps))
        if sure >= _SURE and _sureness(self._gaps[-limits.LAST :]) >= -_NOISE:
            perfect, now = self._first
            self.tell("loss_sign.triplet", place=self._place, perfect=perfect, now=now, steps=self.watch.step)


def _sureness(gaps: list[numpy.ndarray]) -> float:
    """The mean of some numbers, against its own standard error."""
    values = numpy.concatenate(gaps)
    spread = float(values.std()) / math.sqrt(len(values))
    known = len(values) >= limits.ROWS_TOLD and math.isfinite(spread) and spread > 0
    return float(values.mean()) / spread if known else 0.0
