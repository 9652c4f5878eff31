"""`shuffled_apart.step`: in each step, inputs are taken in one random order, and labels in another."""

from __future__ import annotations

import weakref
from functools import partial
from typing import Any

import numpy

from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.host_arrays import is_variable, key_of, tensors, values_of
from viz.doctor.facts.step_facts import Loss

__all__ = ["PairedOrders"]

_ROWS = (8, 100_000)  # of an index
_STEPS = 4
_NONE: frozenset[int] = frozenset()


class PairedOrders(Check):
    """Follows by which random indices rows were taken, up to what the model is given, and up to the labels."""

    rules = {
        "shuffled_apart.step": Rule(
            "warning",
            "in {steps!c} the rows of the inputs are taken in one random order, and those of the labels in another: "
            "what is mixed or drawn so has labels of other rows",
            "Draw one order, and take both by it: order = torch.randperm(len(x)); x, y = x[order], y[order].",
        )
    }

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._orders: dict[int, tuple[Any, frozenset[int], Any]] = {}  # of tensors, by their ids, with a line
        self._inputs, self._place = _NONE, None
        self._apart = 0

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        if error is not None or self.watch.inside("layer", "model", "loss", "optimizer", "metric"):
            return
        made = [x for x in tensors(outputs) if x.key is None]
        given = [x for x in inputs if hasattr(x, "dtype") and not is_variable(x) and key_of(x) is None]
        if not made or not given:
            return
        orders = _NONE.union(*[self._of(x) for x in given])
        indices = [*given[1:], *[each for each in settings if hasattr(each, "dtype")]]
        if op.name in ("take_index", "take", "gather", "index_select") and indices:
            values = values_of(indices[-1])
            if values.dtype.kind in "iu" and values.ndim == 1 and _ROWS[0] <= values.size <= _ROWS[1]:
                orders = orders | ({hash(values.tobytes())} if (numpy.diff(values) < 0).any() else _NONE)
        place = self.watch.place() if orders else None
        for x in made if orders else ():
            self._orders[id(x)] = weakref.ref(x, partial(_forget, self._orders, id(x))), orders, place

    def _of(self, x: Any) -> frozenset[int]:
        known = self._orders.get(id(x))
        if known is None or known[0]() is not x:
            return _NONE
        self._place = known[2] or self._place
        return known[1]

    def on_call(self, opened: Any) -> None:
        if self.watch.outermost():
            self._inputs = _NONE.union(*[self._of(x) for x in tensors(opened.scope.inputs)])

    def on_loss(self, loss: Loss) -> None:
        labels = self._of(loss.given)
        if not loss.tracked or not self._inputs or not labels:
            return
        random = loss.kind != "other"
        self._apart = self._apart + 1 if random and self._inputs.isdisjoint(labels) else 0
        if self._apart == _STEPS:
            place = self._place or self.watch.called_at()
            self.tell("shuffled_apart.step", place=place, key=("shuffled_apart", "step"), steps=self._apart)

    def on_step_end(self) -> None:
        self._inputs = _NONE


def _forget(known: dict[int, Any], number: int, gone: Any) -> None:
    known.pop(number, None)
