"""`not_learning` and `class_imbalance`: what the network answers in the end, against always answering the same."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow import Tensor
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, host, number
from viz.doctor.checks.losses import is_ours, loss_kind
from viz.doctor.constant_answers import best_constant, loss_of
from viz.doctor.user_code import made_at

__all__ = ["Answers"]

_KINDS = ("mean_squared_error", "mean_absolute_error")


class _Course:
    """Batches of one loss, fewer and fewer of the old ones: labels, predictions and the loss of each."""

    def __init__(self, loss: Any, kind: str) -> None:
        self.loss, self.kind = loss, kind
        self.place: Any = None
        self.steps = 0
        self.stride = 1
        self.kept: list[tuple[numpy.ndarray, numpy.ndarray]] = []
        self.weighted = False

    def due(self) -> bool:
        """Is this one of the steps that are kept?"""
        self.steps += 1
        return (self.steps - 1) % self.stride == 0

    def keep(self, labels: numpy.ndarray, predicted: numpy.ndarray) -> None:
        if len(self.kept) >= limits.ANSWERS_KEPT:
            self.kept = self.kept[::2]
            self.stride *= 2
        self.kept.append((labels.copy(), predicted.copy()))

    def earlier(self) -> list[tuple[numpy.ndarray, numpy.ndarray]]:
        """The other half."""
        return self.kept[: len(self.kept) // 2]

    def last(self) -> list[tuple[numpy.ndarray, numpy.ndarray]]:
        """The later half of what is kept: no more than the last half of the training."""
        return self.kept[len(self.kept) // 2 :]


class Answers(Check):
    """Keeps a few batches of answers from all over the training, and judges the last of them in the end."""

    always = ("on_scope_begin",)
    begins = ("optimizer", "step", "loss")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._courses: dict[int, _Course] = {}
        self._optimizers: set[int] = set()
        self._weighted = False

    def on_scope_begin(self, opened: Any) -> None:
        if opened.kind == "optimizer":
            self._optimizers.add(id(opened.owner))
        elif opened.kind == "step":
            data = opened.scope.inputs
            self._weighted = isinstance(data, tuple) and len(data) > 2 and data[2] is not None
        elif opened.kind == "loss":
            self._answered(opened)

    def _answered(self, opened: Any) -> None:
        given = opened.scope.inputs
        predicted = given[1] if isinstance(given, tuple) and len(given) == 2 else None
        if not isinstance(predicted, Tensor) or predicted.key is None or self._weighted:
            return
        course = self._courses.get(id(opened.owner))
        if course is None:
            course = self._courses[id(opened.owner)] = _Course(opened.owner, _kind(opened.owner))
        if not course.kind or not course.due():
            return
        labels = given[0].data if isinstance(given[0], Tensor) else given[0]
        if not hasattr(labels, "dtype") or predicted.data.size > limits.ANSWER_SIZE or labels.dtype.kind not in "fiub":
            return
        frame = opened.frame  # that of the loss' call
        if frame is not None and frame.f_locals.get("sample_weight") is not None:
            course.kind = ""
            return
        if course.place is None:
            course.place = self.watch.called_at()
        course.keep(host(labels), host(predicted.data))

    def finish(self) -> None:
        """Judge the training as it ended."""
        if len(self._optimizers) > 1 or len(self._courses) > limits.ANSWERS_LOSSES:
            return  # networks that play against each other don't learn to answer labels
        for course in self._courses.values():
            pairs = [pair for pair in course.last() if numpy.isfinite(pair[1]).all()]
            if course.steps < limits.FEW_STEPS or not pairs:
                continue
            if course.steps < limits.IMBALANCE_STEPS or not self._one_class(course, pairs):
                self._not_learning(course, pairs)

    def _not_learning(self, course: _Course, pairs: list[tuple[numpy.ndarray, numpy.ndarray]]) -> None:
        settings = getattr(course.loss, "settings", {})
        constant = best_constant(course.kind, course.earlier(), pairs, settings)
        if constant is None or constant < limits.NO_LOSS:
            return
        sizes = [len(labels) for labels, _ in pairs]
        losses = [loss_of(course.kind, labels, p, settings) for labels, p in pairs]
        reached, rows = float(numpy.average(losses, weights=sizes)), sum(sizes)
        if not numpy.isfinite(reached):
            return
        if course.steps < limits.LEARNT_BY:
            hardly = reached >= limits.HARDLY_LEARNT * constant and not self.watch.interrupted
            if hardly and self.watch.hints_alone():
                self._too_few(course, reached, constant)
            return
        if reached < limits.NOT_LEARNT * constant:
            return
        self.watch.report(
            "not_learning",
            "info" if self.watch.interrupted else "warning",
            f"after {course.steps} steps the {getattr(course.loss, 'name', 'loss')} over the last {rows} training "
            f"rows is {_exactly(reached)}, and {_exactly(constant)} is what one gets by always answering the same "
            f"({_answer(course.kind)}): the network has learnt nothing from its input",
            place=made_at(course.loss) or course.place,
            key=("not_learning", id(course)),
            evidence={"loss": reached, "constant_answer": constant, "steps": course.steps, "rows": rows},
        )

    def _too_few(self, course: _Course, reached: float, constant: float) -> None:
        self.watch.report(
            "too_few_steps",
            "info",
            f"training ended after {course.steps} steps with a loss of {_exactly(reached)}, and "
            f"{_exactly(constant)} is "
            "what one gets by always answering the same: that is too few steps to tell",
            place=course.place,
            key=("too_few_steps", 0),
            evidence={"steps": course.steps, "first": constant, "third": constant, "last": reached},
        )

    def _one_class(self, course: _Course, pairs: list[tuple[numpy.ndarray, numpy.ndarray]]) -> bool:
        """Are nearly all rows said to be of the most frequent class?"""
        classes = [_classes(course, labels, p) for labels, p in pairs]
        found = [pair for pair in classes if pair is not None]
        if len(found) != len(classes):
            return False
        actual, said = (numpy.concatenate(part) for part in zip(*found))
        names, counts = numpy.unique(actual, return_counts=True)
        most = names[counts.argmax()]
        others = actual != most
        share, missed = float(1 - others.mean()), int(others.sum())
        if share < limits.IMBALANCE or missed < limits.IMBALANCE_ROWS:
            return False
        recall = float((said[others] == actual[others]).mean())
        if recall > limits.IMBALANCE_RECALL or float((said == most).mean()) < 1 - limits.IMBALANCE_RECALL:
            return False
        self.watch.report(
            "class_imbalance",
            "warning",
            f"{(said == most).mean():.0%} of the answers are class {most}, as are {share:.0%} of the labels: "
            f"{missed - int(recall * missed)} of {missed} rows of the other class{'es' if len(names) > 2 else ''} "
            "aren't "
            f"recognized (recall {recall:.0%}), and an accuracy of {share:.0%} means nothing",
            place=course.place,
            key=("class_imbalance", id(course)),
            evidence={"class": int(most), "share": share, "rows_of_others": missed, "recall_of_others": recall},
        )
        return True


def _kind(loss: Any) -> str:
    """`"sparse"`, `"categorical"`, `"binary"`, `"mean_squared_error"`, `"mean_absolute_error"`, or empty."""
    if not is_ours(loss) or getattr(loss, "reduction", None) in (None, "none"):
        return ""
    kind = loss_kind(loss)
    function = getattr(getattr(loss, "fn", None), "__name__", "")
    name = function if kind == "other" else kind
    if kind == "other":
        return name if name in _KINDS else ""
    return "" if "focal" in function or getattr(loss, "settings", {}).get("ignore_class") is not None else name


def _classes(course: _Course, labels: numpy.ndarray, predicted: numpy.ndarray) -> Any:
    """The classes of the labels and of the answers; None where rows have no class."""
    units = predicted.shape[-1] if predicted.ndim else 0
    if course.kind == "sparse" and units > 1:
        return labels.reshape(-1).astype(int), predicted.reshape(-1, units).argmax(axis=1)
    if course.kind == "categorical" and labels.shape == predicted.shape and units > 1:
        return labels.reshape(-1, units).argmax(axis=1), predicted.reshape(-1, units).argmax(axis=1)
    if course.kind == "binary" and predicted.size == labels.size and (predicted.ndim < 2 or units == 1):
        limit = 0.0 if getattr(course.loss, "settings", {}).get("from_logits") else 0.5
        return (labels.reshape(-1) > 0.5).astype(int), (predicted.reshape(-1) > limit).astype(int)
    return None


def _answer(kind: str) -> str:
    return {
        "mean_squared_error": "the mean of the labels",
        "mean_absolute_error": "the median of the labels",
        "binary": "the share of ones",
    }.get(kind, "the shares of the classes")


def _exactly(value: float) -> str:
    return f"{value:.4g}" if 1e-3 < abs(value) < 1e5 else number(value)
