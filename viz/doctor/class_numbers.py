"""Classes among labels: which there are, and how their shares differ between two sets of rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy

__all__ = ["Shares", "agreement", "are_yes_or_no", "classes_of", "label_classes", "named", "shares_apart"]

_NAMED = 4  # classes that a message names one by one


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
    return Shares(
        float(abs(here - there).sum() / 2),
        float(spread),
        float(there[new].sum()),
        [int(name) for name in names[chosen]],
        (float(here[chosen].sum()), float(there[chosen].sum())),
        _shift(names[here > 0], names[there > 0]),
    )


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
    if len(classes) > _NAMED:
        return f"{len(classes)} classes from {min(classes)} to {max(classes)}"
    words = [str(each) for each in classes]
    return f"class {words[0]}" if len(words) == 1 else f"classes {', '.join(words[:-1])} and {words[-1]}"
