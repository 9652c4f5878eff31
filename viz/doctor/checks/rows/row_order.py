"""The order of rows: `sorted_rows`, one class after the other, and `shuffled_apart`, rows without their labels."""

from __future__ import annotations

import weakref
from functools import partial
from typing import Any

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.class_numbers import SORTED, Order, are_yes_or_no, label_classes
from viz.doctor.facts.host_arrays import is_variable, key_of, tensors, values_of
from viz.doctor.facts.reordered import reordered_apart
from viz.doctor.facts.step_facts import Loss
from viz.doctor.user_code import Place

__all__ = ["ClassOrder", "PairedOrders", "Shuffles"]


_ROWS = (8, 100_000)  # of an index
_NONE: frozenset[int] = frozenset()


class ClassOrder(Check):
    """Looks at the classes of the first batches, which follow each other, and of some from all over the training."""

    rules = {
        "sorted_rows": Rule.warning(
            SORTED,
            "Shuffle: leave out shuffle=False; for a loop or a generator, order = rng.permutation(len(x)); x, y = "
            "x[order], y[order]; for a Dataset, .shuffle(as many rows as there are) before batch.",
        ),
        "sorted_rows.batches": Rule.warning(
            SORTED,
            "Shuffle rows, not batches: dataset.shuffle(10_000).batch(32), in this order; what stands after batch() "
            "moves whole batches only.",
        ),
    }

    always = ("on_loss",)

    def begin(self) -> None:
        self._orders: dict[int, Order | None] = {}  # by the loss; None for one of amounts

    def on_loss(self, loss: Loss) -> None:
        order = self._orders.setdefault(id(loss.owner), Order() if loss.ours else None)
        if not loss.tracked or order is None or not order.due() or not hasattr(loss.given, "dtype"):
            return
        values, kind = loss.labels, loss.kind
        if values is None or values.size > limits.ANSWER_SIZE:
            return
        if kind == "other" and not are_yes_or_no(values):
            self._orders[id(loss.owner)] = None
            return
        classes = label_classes("binary" if kind == "other" else kind, values, loss.shape)
        if classes is not None and len(classes) == len(values):  # the classes of pixels have no order of rows
            order.place = order.place or self.watch.called_at()
            order.add(classes)

    def finish(self) -> None:
        for key, order in self._orders.items():
            found = order.sorted() if order is not None and order.steps >= limits.FEW_STEPS else None
            if found is not None and order is not None:
                rule = "sorted_rows" if found["in_order"] else "sorted_rows.batches"
                self.tell(rule, place=order.place, key=("sorted_rows", key), **found)


class Shuffles(Check):
    """Reads the script where the network learnt nothing that holds. Asked after `Answers` and `ValidationLoss`."""

    rules = {
        "shuffled_apart": Rule.warning(
            "the rows of {array!r} are put in a random order, and those of {other!r} are not in the same one, though "
            "both are trained with: each row now has another row's label",
            "Shuffle both with one order: order = rng.permutation(len(x)); x, y = x[order], y[order]; fit shuffles by "
            "itself. Rows of a batch are drawn once, and taken of both: rows = rng.integers(0, len(x), 32).",
        )
    }

    def finish(self) -> None:
        for found in self.watch.raw("not_learning", "validation_chance", "too_few_steps", "overfit"):
            alone = reordered_apart(found.file) if found.file else None
            if alone is not None and found.file:
                self.watch.retract(("too_few_steps", 0))  # more steps would only learn more rows by heart
                severity, place = "info" if self.watch.interrupted else "warning", Place(found.file, alone.line)
                about = {"array": alone.name, "other": alone.other, "line": alone.line}
                self.tell("shuffled_apart", severity, place=place, evidence={"name": alone.name}, **about)


class PairedOrders(Check):
    """Follows by which random indices rows were taken, up to what the model is given, and up to the labels."""

    rules = {
        "shuffled_apart.step": Rule.warning(
            "in {steps!c} the rows of the inputs are taken in one random order, and those of the labels in another: "
            "what is mixed or drawn so has labels of other rows",
            "Draw one order, and take both by it: order = torch.randperm(len(x)); x, y = x[order], y[order].",
        )
    }

    def begin(self) -> None:
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
        if op.means in ("take_index", "take", "gather", "index_select") and indices:
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
        if self._apart == limits.OFTEN:
            place = self._place or self.watch.called_at()
            self.tell("shuffled_apart.step", place=place, key=("shuffled_apart", "step"), steps=self._apart)

    def on_step_end(self) -> None:
        self._inputs = _NONE


def _forget(known: dict[int, Any], number: int, gone: Any) -> None:
    known.pop(number, None)
