"""`class_imbalance`: weights of classes that belong to other classes, favour the frequent one, or leave no other."""

from __future__ import annotations

import sys
from collections import deque
from typing import Any, NamedTuple

import numpy

from eagerflow import Tensor
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, host, number
from viz.doctor.checks.answers import answer_kind, said_and_right
from viz.doctor.checks.endings import running_fit
from viz.doctor.checks.rows.fit_arrays import labels_of
from viz.doctor.checks.rows.most_frequent import classes_of
from viz.doctor.class_numbers import named

__all__ = ["ClassWeights", "Weighed", "counted_from_1", "given_keys", "left_out", "upside_down", "weighed"]


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

    @property
    def heavy(self) -> numpy.ndarray:
        """The same, of all weights."""
        total = self.rows * self.weights
        return numpy.asarray(total / total.sum()) if total.sum() > 0 else self.shares


def weighed(labels: numpy.ndarray, weights: numpy.ndarray) -> Weighed | None:
    """What weights make of the classes; None where rows have none, or where rows of one class differ in weight.

    >>> found = weighed(numpy.array([0, 0, 0, 1]), numpy.array([1.0, 1.0, 1.0, 9.0]))
    >>> found.shares.tolist(), found.heavy.tolist()
    ([0.75, 0.25], [0.25, 0.75])
    """
    classes = classes_of(labels)
    weights = weights.reshape(-1)
    if classes is None or len(classes) != len(weights):
        return None
    names, first, place, rows = numpy.unique(classes, return_index=True, return_inverse=True, return_counts=True)
    same = bool((weights == weights[first][place]).all())
    differ = len(numpy.unique(weights[first])) > 1
    return Weighed(names, rows, weights[first].astype("float64")) if same and differ and len(names) > 1 else None


class ClassWeights(Check):
    """Judges the weights that `fit` is given with its arrays, by the answers in the end."""

    always = ("on_logs",)
    begins = ("loss",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._fit: Any = None
        self._place: Any = None
        self._keys: tuple[int, ...] = ()
        self._last: deque[tuple[numpy.ndarray, numpy.ndarray]] = deque(maxlen=limits.RENUMBERED_BATCHES)

    def on_logs(self, kind: str, step: int, logs: dict[str, Any]) -> None:
        fit = running_fit() if kind == "epoch" else None
        if fit is not None and fit is not self._fit:
            self._fit, self._place, self._keys = fit, self.watch.called_at(), given_keys()

    def on_scope_begin(self, opened: Any) -> None:
        given = opened.scope.inputs
        predicted = given[1] if isinstance(given, tuple) and len(given) == 2 else None
        if not isinstance(predicted, Tensor) or predicted.key is None or predicted.data.size > limits.ANSWER_SIZE:
            return
        kind = answer_kind(opened.owner)
        labels = given[0].data if isinstance(given[0], Tensor) else given[0]
        if kind in ("sparse", "categorical", "binary") and hasattr(labels, "dtype"):
            found = said_and_right(opened.owner, kind, host(labels), host(predicted.data))
            if found is not None and len(found[0]) == len(labels):
                self._last.append(found)

    def finish(self) -> None:
        """Judge the weights of the last `fit`."""
        parts = getattr(getattr(self._fit, "feed", None), "parts", None)
        labels = labels_of(self._fit.feed) if isinstance(parts, tuple) and len(parts) > 2 else None
        given = parts[2] if labels is not None and parts is not None else None
        if labels is None or not hasattr(given, "dtype"):
            return
        weights = host(given.data if isinstance(given, Tensor) else given)
        classes = classes_of(labels)
        if classes is not None and self._counted_from_1(numpy.unique(classes)):
            return
        found = weighed(labels, weights)
        told = found is None or self._left_out(found) or self._too_heavy(found)
        if found is not None and not told and not self.watch.raw("class_imbalance"):
            self._upside_down(found)

    def _counted_from_1(self, names: numpy.ndarray) -> bool:
        words = counted_from_1(self._keys, names)
        if words:
            evidence = {"share": 1.0, "recall_of_others": 0.0, "keys": list(self._keys)}
            self._tell("class_imbalance.keys", "warning", words, evidence)
        return bool(words)

    def _left_out(self, found: Weighed) -> bool:
        words = left_out(found) if self._keys else ""  # rows may be left out by their own weights on purpose
        if words:
            evidence = {"share": float(found.shares[found.weights == 0].max()), "recall_of_others": 0.0}
            self._tell("class_imbalance.zero", "warning", words, {**evidence, "weights": found.weights.tolist()})
        return bool(words)

    def _too_heavy(self, found: Weighed) -> bool:
        """Does a class that few rows are of have nearly all of the weight, and nearly all of the answers?"""
        most = int(found.heavy.argmax())
        share, heavy = float(found.shares[most]), float(found.heavy[most])
        said = numpy.concatenate([said for _, said in self._last]) if self._last else numpy.empty(0)
        right = numpy.concatenate([right for right, _ in self._last]) if self._last else numpy.empty(0)
        answered = float((said == found.names[most]).mean()) if len(said) else 0.0
        others = right != found.names[most]
        if heavy < limits.WEIGHT_ALL or share >= 0.5 or answered < limits.WEIGHT_ANSWERED or not others.any():
            return False
        recall = float((said[others] == right[others]).mean())
        if recall > limits.WEIGHT_RECALL:
            return False
        self._tell(
            "class_imbalance.heavy",
            "warning",
            f"class {found.names[most]} has {share:.0%} of the rows, and its weight makes that {heavy:.1%} of the "
            f"loss: {answered:.0%} of the answers are class {found.names[most]}, and {recall:.0%} of the rows of other "
            "classes are recognized",
            {"share": share, "heavy": heavy, "recall_of_others": recall, "answered": answered},
        )
        self.watch.retract(("overfit", 0))  # a few rows that weigh so much make any validation loss jump
        return True

    def _upside_down(self, found: Weighed) -> None:
        words, sure = upside_down(found)
        if words:
            evidence = {"share": float(found.shares.max()), "recall_of_others": 0.0, "weights": found.weights.tolist()}
            self._tell("class_imbalance.weights", "warning" if sure else "info", words, evidence)

    def _tell(self, rule: str, severity: str, words: str, evidence: dict[str, Any]) -> None:
        self.watch.report(
            rule, severity, words, place=self._place, key=("class_imbalance", "weights"), evidence=evidence
        )


def counted_from_1(keys: tuple[int, ...], names: numpy.ndarray) -> str:
    """In words, that weights name the classes from 1 where the labels count them from 0; else empty.

    Args:
        keys: of `class_weight`, in order.
        names: the classes of the labels.

    >>> counted_from_1((1, 2), numpy.array([0, 1]))[:45]
    'class_weight has weights for classes 1 and 2,'
    >>> counted_from_1((1,), numpy.array([0, 1]))
    ''
    """
    classes = [int(name) for name in names]
    if len(classes) < 2 or list(keys) != [name + 1 for name in classes]:
        return ""
    return (
        f"class_weight has weights for {named(keys)}, but the labels are of {named(classes)}: each class is given the "
        f"weight of the one before it, and class {classes[0]} none"
    )


def left_out(found: Weighed) -> str:
    """In words, that a class with rows has the weight 0; else empty.

    >>> left_out(Weighed(numpy.array([0, 1, 2]), numpy.array([5, 3, 2]), numpy.array([1.0, 1.0, 0.0])))[:50]
    'class 2 has 20% of the rows (2), and its weight is'
    """
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
    if share < limits.IMBALANCE or heaviest <= 0 or found.weights[most] < limits.WEIGHT_TIMES * heaviest:
        return "", False
    as_shares = found.weights[most] * found.rows / (found.rows[most] * numpy.maximum(found.weights, 1e-12))
    words = (
        f"class {found.names[most]} has {share:.0%} of the rows, and each of them weighs "
        f"{number(float(found.weights[most]) / heaviest)} times as much as one of "
        f"{'the other classes' if len(others) > 1 else 'the other class'}: that makes what is rare rarer still, "
        f"{1 - float(found.heavy[most]):.1%} of the loss"
    )
    return words, bool((abs(numpy.log(as_shares)) < limits.WEIGHT_AS_SHARE).all())


def given_keys() -> tuple[int, ...]:
    """The classes for which the running `fit` was given weights, in order."""
    frame: Any = sys._getframe(1)
    while frame is not None:
        given = frame.f_locals.get("class_weight") if frame.f_code.co_name == "fit" else None
        if isinstance(given, dict):
            return tuple(sorted(int(key) for key in given))
        frame = frame.f_back
    return ()
