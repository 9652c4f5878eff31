"""Weights of classes: do they belong to other classes, leave one out, or favour the frequent one?"""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.facts.class_numbers import classes_of, named
from viz.doctor.facts.host_arrays import number

__all__ = ["Weighed", "counted_from_1", "given_keys", "left_out", "upside_down", "weighed"]

_TIMES = 1.5  # the weight of a row of the most frequent class against that of any other
_AS_SHARE = 0.35  # how far, in logarithms, weights may be from the shares of their classes


class Weighed(NamedTuple):
    """Classes, and what weights make of them.

    Attributes:
        names: the classes.
        rows: how many rows are of each.
        weights: of one row of each.
    """

    names: numpy.ndarray
    rows: numpy.ndarray
    weights: numpy.ndarray

    @property
    def shares(self) -> numpy.ndarray:
        """Of the rows."""
        return numpy.asarray(self.rows / self.rows.sum())


def weighed(labels: numpy.ndarray, weights: numpy.ndarray) -> Weighed | None:
    """What weights make of the classes; None where rows have none, or where rows of one class differ in weight.

    >>> weighed(numpy.array([0, 0, 0, 1]), numpy.array([1.0, 1.0, 1.0, 9.0])).shares.tolist()
    [0.75, 0.25]
    """
    classes = classes_of(labels)
    weights = weights.reshape(-1)
    if classes is None or len(classes) != len(weights):
        return None
    names, first, place, rows = numpy.unique(classes, return_index=True, return_inverse=True, return_counts=True)
    same = bool((weights == weights[first][place]).all())
    differ = len(numpy.unique(weights[first])) > 1
    return Weighed(names, rows, weights[first].astype("float64")) if same and differ and len(names) > 1 else None


def counted_from_1(keys: tuple[int, ...], names: numpy.ndarray) -> str:
    """In words, that weights name the classes from 1 where the labels count them from 0; else empty.

    Args:
        keys: of `class_weight`, in order.
        names: the classes of the labels.

    >>> counted_from_1((1, 2), numpy.array([0, 1]))[:45]
    'class_weight has weights for classes 1 and 2,'
    """
    classes = [int(name) for name in names]
    if len(classes) < 2 or list(keys) != [name + 1 for name in classes]:
        return ""
    return (
        f"class_weight has weights for {named(keys)}, but the labels are of {named(classes)}: each class is given the "
        f"weight of the one before it, and class {classes[0]} none"
    )


def left_out(found: Weighed) -> str:
    """In words, that a class with rows has the weight 0; else empty."""
    without = (found.weights == 0) & (found.rows > 0)
    if not without.any() or without.all():
        return ""
    names, share = [int(name) for name in found.names[without]], float(found.shares[without].sum())
    has, its = ("has", "its weight is") if len(names) == 1 else ("have", "their weights are")
    return (
        f"{named(names)} {has} {share:.0%} of the rows ({int(found.rows[without].sum())}), and {its} 0: nothing is "
        "learnt from these rows, so the network hardly ever answers with what they are"
    )


def upside_down(found: Weighed) -> tuple[str, bool]:
    """In words, that the class with most of the rows is given the largest weight, too; and whether that is no choice.

    Weights that are the shares of their classes were meant to be the inverse of these.
    """
    most = int(found.rows.argmax())
    others = numpy.delete(found.weights, most)
    share, heaviest = float(found.shares[most]), float(others.max())
    if share < limits.IMBALANCE or heaviest <= 0 or found.weights[most] < _TIMES * heaviest:
        return "", False
    as_shares = found.weights[most] * found.rows / (found.rows[most] * numpy.maximum(found.weights, 1e-12))
    words = (
        f"class {found.names[most]} has {share:.0%} of the rows, and each of them weighs "
        f"{number(float(found.weights[most]) / heaviest)} times as much as one of "
        f"{'the other classes' if len(others) > 1 else 'the other class'}: that makes what is rare rarer still"
    )
    return words, bool((abs(numpy.log(as_shares)) < _AS_SHARE).all())


def given_keys() -> tuple[int, ...]:
    """The classes for which the running `fit` was given weights, in order."""
    frame: Any = sys._getframe(1)
    while frame is not None:
        given = frame.f_locals.get("class_weight") if frame.f_code.co_name == "fit" else None
        if isinstance(given, dict):
            return tuple(sorted(int(key) for key in given))
        frame = frame.f_back
    return ()
