"""The order of rows: `sorted_rows`, one class after the other, and `shuffled_apart`, rows without their labels."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy

from eagerflow import Tensor
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, host, tensors
from viz.doctor.checks.endings import running_fit
from viz.doctor.checks.rows.reordered import Reordered, reordered_apart
from viz.doctor.class_numbers import agreement, are_yes_or_no, label_classes
from viz.doctor.loss_questions import is_ours, loss_kind
from viz.doctor.source_calls import (
    is_half_in_loop,
    is_half_of_data,
    is_half_of_validation,
    lone_shuffles,
    separate_shuffles,
    zipped_shuffles,
)
from viz.doctor.user_code import Place

__all__ = ["ClassOrder", "Order", "SameBatch", "Shuffles", "told"]

_ORDER_BATCHES = 32  # the first ones, which follow each other
_ORDER_MIXED = 0.3  # how often two rows of all differ in class; with one class for nearly all, batches are of that one
_ORDER_WITHIN = 0.25  # two rows of a batch differ no more often than this part of that
_ORDER_NEXT = 0.75  # and rows of neighbouring batches no more than this: sorted rows stay with a class for a while

_FIXES = {
    "sorted_rows": (
        "Shuffle: leave out shuffle=False; for a loop or a generator, order = rng.permutation(len(x)); "
        "x, y = x[order], y[order]; for a Dataset, .shuffle(10_000) before "
        "batch: a buffer of fewer rows than there are mixes neighbours alone."
    ),
    "sorted_rows.batches": (
        "Shuffle rows, not batches: dataset.shuffle(10_000).batch(32), in this order; what stands after batch() moves "
        "whole batches only."
    ),
    "sorted_rows.same": ("Use the index: __getitem__(self, index) gives the rows from index * batch_size on."),
    "sorted_rows.same_given": (
        "Look at what makes the batches: a take(n) before repeat() leaves no more than n rows, and a generator has to "
        "go on to the next rows with each yield. If a few rows are repeated on purpose, to see whether they can be "
        "learnt, leave it as it is."
    ),
    "shuffled_apart.drawn": (
        "Draw once, and take the same rows of both: rows = rng.integers(0, len(x), 32); x[rows], y[rows]."
    ),
    "shuffled_apart.zipped": (
        "Pair first, then shuffle the pairs: Dataset.zip((inputs, labels)).shuffle(10_000), or "
        "Dataset.from_tensor_slices((x, y)).shuffle(10_000)."
    ),
    "shuffled_apart": (
        "Shuffle both with one order: order = rng.permutation(len(x)); x, y = x[order], y[order]; fit shuffles by "
        "itself."
    ),
}


class Order:
    """How the classes of one loss come: in its first batches, and in all."""

    def __init__(self) -> None:
        self.place: Any = None
        self.steps = 0
        self.first: list[dict[int, int]] = []  # rows of each class, of batches that follow each other
        self.all: dict[int, int] = {}

    def due(self) -> bool:
        """Is this one of the steps that are looked at: the first ones, and then more and more seldom?"""
        step, self.steps = self.steps, self.steps + 1
        return step < _ORDER_BATCHES or not step % (1 << (step.bit_length() - 4))

    def add(self, classes: numpy.ndarray) -> None:
        """Enter a batch."""
        names, counts = numpy.unique(classes, return_counts=True)
        batch = dict(zip(names.tolist(), counts.tolist()))
        if self.steps <= _ORDER_BATCHES:
            self.first.append(batch)
        for name, count in batch.items():
            self.all[name] = self.all.get(name, 0) + count

    def sorted(self) -> dict[str, Any] | None:
        """Numbers that prove it, where rows come sorted by class; None where they don't."""
        batches = [batch for batch in self.first if sum(batch.values()) >= limits.ORDER_ROWS]
        if len(batches) < limits.WINDOW or len(self.all) < 2:
            return None
        mixed = 1 - agreement(numpy.array(list(self.all.values())))
        within = float(numpy.mean([agreement(numpy.array(list(batch.values()))) for batch in batches]))
        nexts = float(numpy.mean([_alike(a, b) for a, b in pairwise(batches)]))
        # Batches of one class in turns, as a GAN's discriminator gets them, are none: the next is of another.
        pure = 1 - within <= _ORDER_WITHIN * mixed and mixed >= _ORDER_MIXED
        in_order = 1 - nexts <= _ORDER_NEXT * mixed
        if not pure or not (in_order or len(self.all) > 2):
            return None
        share = float(numpy.mean([max(batch.values()) / sum(batch.values()) for batch in batches]))
        usual = max(self.all.values()) / sum(self.all.values())
        numbers = {"share": share, "usual": usual, "classes": len(self.all), "batches": len(batches)}
        return {**numbers, "in_order": in_order}


class ClassOrder(Check):
    """Looks at the classes of the first batches, which follow each other, and of some from all over the training."""

    fixes = _FIXES

    always = ("on_scope_begin",)
    begins = ("loss",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._orders: dict[int, Order] = {}
        self._kinds: dict[int, str] = {}

    def on_scope_begin(self, opened: Any) -> None:
        given = opened.scope.inputs
        predicted = given[1] if isinstance(given, tuple) and len(given) == 2 else None
        if not isinstance(predicted, Tensor) or predicted.key is None:
            return
        loss = opened.owner
        order = self._orders.get(id(loss))
        if order is None:
            order = self._orders[id(loss)] = Order()
            self._kinds[id(loss)] = loss_kind(loss) if is_ours(loss) else ""
        if not self._kinds[id(loss)] or not order.due():
            return
        labels = given[0].data if isinstance(given[0], Tensor) else given[0]
        if not hasattr(labels, "dtype") or labels.dtype.kind not in "fiub" or labels.size > limits.ANSWER_SIZE:
            return
        values, kind = host(labels), self._kinds[id(loss)]
        if kind == "other" and not are_yes_or_no(values):
            self._kinds[id(loss)] = ""  # these are amounts
            del order.first[:]
            return
        classes = label_classes("binary" if kind == "other" else kind, values, predicted.data.shape)
        if classes is None or len(classes) != len(labels):  # the classes of pixels have no order of rows
            return
        order.place = order.place or self.watch.called_at()
        order.add(classes)

    def finish(self) -> None:
        """Judge the order of each loss' labels."""
        for key, order in self._orders.items():
            found = order.sorted() if order.steps >= limits.FEW_STEPS else None
            if found is None:
                continue
            self.watch.report(
                "sorted_rows" if found["in_order"] else "sorted_rows.batches",
                "warning",
                told(found),
                place=order.place,
                key=("sorted_rows", key),
                evidence=found,
            )


class SameBatch(Check):
    """A data set of several batches that gives the same one again and again."""

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._last: numpy.ndarray | None = None
        self._alike = 0

    def on_scope_begin(self, opened: Any) -> None:
        if opened.kind != "step" or opened.scope.name != "train_step" or self.watch.step >= limits.HEAVY_STEPS:
            return
        found = tensors(opened.scope.inputs)
        now = host(found[0].data) if found else None
        known, self._last = self._last, now
        alike = now is not None and known is not None and known.shape == now.shape and bool((known == now).all())
        self._alike = self._alike + 1 if alike else 0
        if self._alike != limits.WINDOW - 1 or now is None or bool((now == now[:1]).all()):
            return
        feed = getattr(running_fit(), "feed", None)
        of_index = type(feed).__name__ == "PyDatasetFeed"
        batches = getattr(feed, "available", None) if of_index else getattr(feed, "steps", None)
        if not batches or batches <= 1:
            return
        self.watch.report(
            "sorted_rows.same" if of_index else "sorted_rows.same_given",
            # A data set that repeats one batch may be meant: can it be learnt? Nobody asks that with other rows.
            "warning" if of_index or getattr(running_fit(), "validation", None) is not None else "info",
            f"the first {limits.WINDOW} of {batches} batches are the same {len(now)} rows"
            f"{', whatever the index: __getitem__ does not use it' if of_index else ''}",
            place=self.watch.called_at(),
            key=("sorted_rows", "same"),
            evidence={"share": 1.0, "usual": 1 / batches, "batches": limits.WINDOW, "classes": 0},
        )


class Shuffles(Check):
    """Reads the script where the network learnt nothing that holds. Asked after `Answers` and `ValidationLoss`."""

    def finish(self) -> None:
        """Look for a shuffle of one array, or of two in different orders."""
        for found in self.watch.raw("not_learning", "validation_chance", "overfit"):
            if found.rule == "overfit":
                continue  # something holds for other rows
            file = found.file or ""
            alone = reordered_apart(file) if file else None
            if alone is not None:
                self._tell_alone(file, alone)
                continue
            lone, apart, zipped = (
                (lone_shuffles(file), separate_shuffles(file), zipped_shuffles(file)) if file else ([], [], [])
            )
            shuffles = zipped or lone[:1] or apart
            half = bool(zipped) or _are_halves(file, shuffles, found.kind != "not_learning")
            if not shuffles or (found.kind == "overfit" and not half):
                continue
            name, line = shuffles[-1]
            if zipped:
                what = f"the zip pairs rows of {zipped[0][0]!r} and {name!r} after a shuffle of their own"
                which = "they come in different orders"
            elif lone:
                what = f"{name!r} is shuffled and nothing else is"
                which = "it is one of inputs and labels" if half else "if it holds inputs or labels"
            else:
                other, before = shuffles[0]
                what = f"{other!r} is shuffled on line {before} and {name!r} on line {line}, each on its own"
                which = "they are inputs and labels" if half else "if they are inputs and labels"
            self.watch.retract(("too_few_steps", 0))  # more steps would only learn more rows by heart
            self.watch.report(
                "shuffled_apart.zipped" if zipped else "shuffled_apart",
                "warning" if half and not self.watch.interrupted else "info",
                f"{what}: {which}, each row now has another row's label, which "
                f"{'explains' if half else 'would explain'} that nothing is learnt that holds for other rows",
                place=Place(file, line),
                evidence={"name": name, "line": line},
            )

    def _tell_alone(self, file: str, alone: Reordered) -> None:
        what = (
            f"the rows of {alone.other!r} and of {alone.name!r} are drawn by two draws, which give different ones"
            if alone.twice
            else f"the rows of {alone.name!r} are put in a random order, and those of {alone.other!r} are not, though "
            "both are trained with"
        )
        self.watch.retract(("too_few_steps", 0))  # more steps would only learn more rows by heart
        self.watch.report(
            "shuffled_apart.drawn" if alone.twice else "shuffled_apart",
            "info" if self.watch.interrupted else "warning",
            f"{what}: each row now has another row's label, which explains that nothing is learnt that holds for other "
            "rows",
            place=Place(file, alone.line),
            evidence={"name": alone.name, "line": alone.line},
        )


def _are_halves(file: str, shuffles: list[tuple[str, int]], of_validation: bool) -> bool:
    """Are these inputs or labels, of a `fit` (of its validation data, too, where those are in question) or a loop?"""
    asked = (is_half_of_data, is_half_of_validation) if of_validation else (is_half_of_data,)
    if any(is_half(file, name) for name, _ in shuffles for is_half in asked):
        return True
    return bool(shuffles) and all(is_half_in_loop(file, *each) for each in shuffles)


def told(found: dict[str, Any]) -> str:
    """What `Order.sorted` found, in words."""
    if found["in_order"]:
        come, then = "the rows come sorted by class", "the next batch is of the same for a while"
    else:
        come, then = "each batch holds one class", "the batches come in any order"
    return (
        f"{come}: on average {found['share']:.0%} of a batch are of one class, and {then}, though there are "
        f"{found['classes']} classes: each step unlearns what was learnt of the others"
    )


def _alike(a: dict[int, int], b: dict[int, int]) -> float:
    """How likely a row of one batch and a row of another are of one class."""
    return sum(count * b.get(name, 0) for name, count in a.items()) / (sum(a.values()) * sum(b.values()))
