"""Classes among labels: which there are, and how their shares differ between two sets of rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy

from viz.doctor import thresholds as limits

__all__ = ["SORTED", "Order", "Shares", "agreement", "are_yes_or_no", "classes_of", "label_classes", "named"]
__all__ += ["shares_apart"]

_ORDER_BATCHES = 32  # the first ones, which follow each other
_ORDER_MIXED = 0.3  # how often two rows of all differ in class; with one class for nearly all, batches are of that one
_ORDER_WITHIN = 0.25  # two rows of a batch differ no more often than this part of that
_ORDER_NEXT = 0.75  # and rows of neighbouring batches no more than this: sorted rows stay with a class for a while

SORTED = (
    "{come}: on average {share:.0%} of a batch are of one class, and {then}, though there are {classes} classes: each "
    "step unlearns what was learnt of the others"
)


def label_classes(kind: str, labels: numpy.ndarray, shape: Sequence[int]) -> numpy.ndarray | None:
    """The class of each row, or of each position of it; None where labels have none.

    Args:
        kind: of the loss: `"sparse"`, `"categorical"` or `"binary"`; others have no classes.
        labels: as the loss is given them.
        shape: that of the predictions for these labels.

    >>> label_classes("sparse", numpy.array([[2], [0]]), (2, 3)).tolist()
    [2, 0]
    """
    units = shape[-1] if len(shape) else 0
    if not labels.size:
        return None
    if kind == "sparse" and units > 1 and labels.size * units == math.prod(shape):
        return labels.reshape(-1).astype(int)
    if kind == "categorical" and tuple(labels.shape) == tuple(shape) and units > 1:
        return labels.reshape(-1, units).argmax(axis=1)
    if kind == "binary" and labels.size == math.prod(shape) and (len(shape) < 2 or units == 1):
        return (labels.reshape(-1) > 0.5).astype(int)
    return None


def classes_of(labels: numpy.ndarray) -> numpy.ndarray | None:
    """The class of each row; None where rows have none."""
    if labels.ndim == 2 and labels.shape[1] > 1:
        one_hot = bool(((labels == 0) | (labels == 1)).all()) and bool((labels.sum(axis=1) == 1).all())
        return labels.argmax(axis=1) if one_hot else None
    whole = labels.size == len(labels) and (labels.dtype.kind in "iub" or bool((labels == numpy.floor(labels)).all()))
    return labels.reshape(-1).astype(int) if whole else None


def are_yes_or_no(*labels: numpy.ndarray) -> bool:
    """Are labels zeros and ones: two classes, whatever the loss makes of them?

    >>> are_yes_or_no(numpy.array([0.0, 1.0])), are_yes_or_no(numpy.array([0.0, 0.5, 1.0]))
    (True, False)
    """
    return all(bool(((each == 0) | (each == 1)).all()) for each in labels)


def agreement(counts: numpy.ndarray) -> float:
    """How likely two different rows are of one class; 1 for a single row.

    >>> agreement(numpy.array([2, 2])), agreement(numpy.array([4, 0]))
    (0.3333333333333333, 1.0)
    """
    total = int(counts.sum())
    return float((counts * (counts - 1)).sum() / (total * (total - 1))) if total > 1 else 1.0


class Shares(NamedTuple):
    """How the classes of two sets of rows differ.

    Attributes:
        apart: half the sum of the differences of all shares: 0 for equal ones, 1 where no class is in both.
        by_chance: about how far apart they are when all rows are drawn from the same source.
        unseen: the part of the held rows whose classes are not among the others.
        classes: of the held rows: the unseen ones, or else that which became more frequent.
        shares: of those classes, among the rows to train with and among the held ones.
        shifted: the lowest class of both, where the one has the other's classes, each one higher or lower; or nothing.
    """

    apart: float
    by_chance: float
    unseen: float
    classes: list[int]
    shares: tuple[float, float]
    shifted: tuple[int, ...] = ()


def shares_apart(train: numpy.ndarray, held: numpy.ndarray) -> Shares:
    """Compare the classes of rows to train with and of held rows.

    >>> found = shares_apart(numpy.array([0, 0, 1, 1]), numpy.array([1, 2]))
    >>> found.apart, found.unseen, found.classes
    (0.5, 0.5, [2])
    """
    names, numbers = numpy.unique(numpy.concatenate([train, held]), return_inverse=True)
    here = numpy.bincount(numbers[: len(train)], minlength=len(names)) / len(train)
    there = numpy.bincount(numbers[len(train) :], minlength=len(names)) / len(held)
    new = (here == 0) & (there > 0)
    chosen = new if new.any() else numpy.arange(len(names)) == (there - here).argmax()
    spread = numpy.sqrt(here * (1 - here) * (1 / len(train) + 1 / len(held))).sum() * 0.4  # half of E|normal| = 0.8
    apart, unseen, classes = float(abs(here - there).sum() / 2), float(there[new].sum()), names[chosen].astype(int)
    shares = float(here[chosen].sum()), float(there[chosen].sum())
    shifted = _shift(names[here > 0], names[there > 0])
    return Shares(apart, float(spread), unseen, classes.tolist(), shares, shifted)


def _shift(train: numpy.ndarray, held: numpy.ndarray) -> tuple[int, ...]:
    """The lowest of both, where the ones are the others, each counted one higher or lower."""
    moved = len(train) == len(held) > 2 and abs(int(held[0]) - int(train[0])) == 1
    alike = moved and len(set(held.astype(int) - train.astype(int))) == 1
    return (int(train[0]), int(held[0])) if alike else ()


def named(classes: Sequence[int]) -> str:
    """Classes in words.

    >>> named([3]), named([8, 9]), named([0, 1, 2, 3, 4, 7])
    ('class 3', 'classes 8 and 9', '6 classes from 0 to 7')
    """
    if len(classes) > limits.NAMED:
        return f"{len(classes)} classes from {min(classes)} to {max(classes)}"
    words = [str(each) for each in classes]
    return f"class {words[0]}" if len(words) == 1 else f"classes {', '.join(words[:-1])} and {words[-1]}"


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
        """Numbers and words that prove it, where rows come sorted by class; None where they don't."""
        batches = [batch for batch in self.first if sum(batch.values()) >= limits.OFTEN]
        if len(batches) < limits.WINDOW or len(self.all) < 2:
            return None
        mixed = 1 - agreement(numpy.array(list(self.all.values())))
        within = float(numpy.mean([agreement(numpy.array(list(batch.values()))) for batch in batches]))
        shares = [{name: count / sum(each.values()) for name, count in each.items()} for each in batches]
        nexts = float(numpy.mean([sum(a[name] * b.get(name, 0.0) for name in a) for a, b in pairwise(shares)]))
        # Batches of one class in turns, as a GAN's discriminator gets them, are none: the next is of another.
        pure = 1 - within <= _ORDER_WITHIN * mixed and mixed >= _ORDER_MIXED
        in_order = 1 - nexts <= _ORDER_NEXT * mixed
        if not pure or not (in_order or len(self.all) > 2):
            return None
        come, then = "each batch holds one class", "the batches come in any order"
        if in_order:
            come, then = "the rows come sorted by class", "the next batch is of the same for a while"
        share = float(numpy.mean([max(batch.values()) / sum(batch.values()) for batch in batches]))
        usual = max(self.all.values()) / sum(self.all.values())
        numbers = {"share": share, "usual": usual, "classes": len(self.all), "batches": len(batches)}
        return {**numbers, "in_order": in_order, "come": come, "then": then}
