"""Weights of classes: do they favour the frequent one?"""

from __future__ import annotations

from typing import NamedTuple

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.facts.class_numbers import classes_of
from viz.doctor.facts.host_arrays import number

__all__ = ["Weighed", "upside_down", "weighed"]

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
