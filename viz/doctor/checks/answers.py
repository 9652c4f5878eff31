"""`not_learning` and `class_imbalance`: what the network answers in the end, and weights that favour one class."""

from __future__ import annotations

import math
import statistics
from collections import deque
from typing import Any

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.class_numbers import classes_of, label_classes
from viz.doctor.facts.constant_answers import best_constant, least_loss, loss_of
from viz.doctor.facts.fit_arrays import labels_of, running_fit
from viz.doctor.facts.host_arrays import number, rms, values_of
from viz.doctor.facts.loss_questions import AMOUNTS
from viz.doctor.facts.reordered import reordered_apart
from viz.doctor.facts.step_facts import Loss
from viz.doctor.user_code import made_at
from viz.recorder.names.input_names import names_of_outputs

__all__ = ["Answers", "ClassWeights"]

_KEPT = 32  # batches of labels and predictions, from all over the training; and half as many of its end
_IN_AN_ORDER = 1.1  # with sorted rows, the best constant for the first rows is at least so many times worse on the last
_NOT_LEARNT = 0.99  # its loss against that of the best constant answer
_ABOVE = 1.02  # a loss above, which falls, is on its way to that constant: what comes after isn't known
_LITTLE_LEARNT = 0.95  # its loss, where labels or inputs may be shuffled: so much is also learnt of the rows by heart
_TARGETS_AWAY = 2.0  # of their standard deviations lie between their mean and that of the answers, in the end
_ROWS_ALIKE = 0.01  # variance of answers between rows, against that of labels: less is one answer for all rows
_IMBALANCE_ROWS = 20  # of other classes, among the rows looked at
_IMBALANCE_RECALL = 0.02

_Pairs = list[tuple[numpy.ndarray, numpy.ndarray]]
_AS_SHARE = 0.35  # how far, in logarithms, weights may be from the shares of their classes


class _Course:
    """Labels and predictions of one loss: of batches from all over the training, and of the last ones."""

    def __init__(self, loss: Loss, unseen: int) -> None:
        self.loss, self.kind, self.settings = loss.owner, loss.compares, loss.settings
        self.output = ""  # its name, where the model has several
        self.place: Any = None
        self.seen = 0  # steps
        self.steps = 0  # and those that nobody watched, too
        self.unseen = unseen
        self._stride = 1
        self._kept: list[tuple[int, numpy.ndarray, numpy.ndarray]] = []
        self._last: deque[tuple[int, numpy.ndarray, numpy.ndarray]] = deque(maxlen=_KEPT // 2)

    def due(self, unseen: int) -> bool:
        """Is this one of the steps that are kept?"""
        self.seen += 1
        self.steps += 1 + unseen - self.unseen
        self.unseen = unseen
        return self._everywhere() or self._lately()

    def _everywhere(self) -> bool:
        return (self.seen - 1) % self._stride == 0

    def _lately(self) -> bool:
        """More and more seldom: the last ones kept are always of the last eighth of the training, or nearly so."""
        return self.seen % max(1, self.seen // (4 * _KEPT)) == 0

    def keep(self, labels: numpy.ndarray, predicted: numpy.ndarray) -> None:
        batch = self.seen, labels.copy(), predicted.copy()
        if self._lately():
            self._last.append(batch)
        if not self._everywhere():
            return
        if len(self._kept) >= _KEPT:
            self._kept = self._kept[::2]
            self._stride *= 2
        self._kept.append(batch)

    def earlier(self, after: int = 0) -> _Pairs:
        """Batches from all over the training (or after a step), before the last ones."""
        return [batch[1:] for batch in self._kept if after < batch[0] < self._first_of_last()]

    def last(self) -> _Pairs:
        """The last batches: as the network answers now, and not as it did when it still had to learn."""
        return [batch[1:] for batch in self._last if batch[0] >= self._first_of_last()]

    def _first_of_last(self) -> int:
        """In a short training, the last batches that are kept would be nearly all."""
        return min([batch[0] for batch in self._last if batch[0] > self.seen // 2], default=self.seen)

    def losses(self, pairs: _Pairs) -> list[float]:
        """The loss of each batch whose answers are numbers."""
        return [loss_of(self.kind, y, p, self.settings) for y, p in pairs if numpy.isfinite(p).all()]

    def constant(self, pairs: _Pairs, positions: bool) -> float | None:
        """What always giving the same answer gets, as well as that was known before: see `best_constant`.

        Where rows come in an order, those before may lack whole classes, so that it is chosen on the last rows, too.
        """
        before = self.earlier()
        known, of_all = (
            best_constant(self.kind, chosen, pairs, self.settings, one_for_all_positions=positions)
            for chosen in (before, [*before, *pairs])
        )
        return of_all if known is not None and of_all is not None and known > _IN_AN_ORDER * of_all else known

    def classes(self, pairs: _Pairs) -> list[tuple[numpy.ndarray, numpy.ndarray]] | None:
        """The classes of the labels and of the answers, by batches; None where rows have no class."""
        found = []
        for labels, predicted in pairs:
            actual = label_classes(self.kind, labels, predicted.shape)
            if actual is None:
                return None
            if self.kind == "binary":
                said = (predicted.reshape(-1) > (0.0 if self.settings.get("from_logits") else 0.5)).astype(int)
            else:
                said = predicted.reshape(-1, predicted.shape[-1]).argmax(axis=1)
            found.append((actual, said))
        return found


class Answers(Check):
    """Keeps a few batches of answers from all over the training, and judges the last of them in the end."""

    rules = {
        "class_imbalance": Rule.warning(
            "{answered:.0%} of the answers are class {number_of_class}, as are {share:.0%} of the labels: {missed} of "
            "{rows_of_others} {things} of the other class{es} aren't recognized (recall {recall_of_others:.0%}), and "
            "an accuracy of {share:.0%} means nothing",
            "Give fit class_weight={0: ..., 1: ...}, or repeat rows of the rare class (for pixels, take a loss for "
            "overlap, 1 - dice); judge by recall or AUC.",
        ),
        "not_learning": Rule.warning(
            "after {steps} steps the {of_loss} over the last {rows} {which} is {reached}, {against} the {least} of "
            "always giving the same answer ({answer}): {who} has learnt nothing from its input",
            "If there are other findings, mend these first. Then see whether a few rows can be learnt by heart (viz "
            "check tries it): if not, take another learning rate; if so, look whether each row has its own label.",
        ),
        "not_learning.little": Rule.warning(
            "after {steps} steps the {of_loss} is {reached}, and {least} is what always giving the same answer gets: "
            "so small a gain may come from learning single rows by heart",
            "Look whether each row still has its own label (were x and y shuffled apart, or read in different "
            "orders?), and at rows that training doesn't see: validation_data, or validation_split=0.2.",
        ),
        "too_few_steps": Rule.info(
            "training ended after {steps} step{s} with a loss of {reached}, and {least} is what always giving the same "
            "answer gets: that is too few steps to tell",
            "Train for more epochs, or raise the learning rate; EarlyStopping can say when it is enough.",
        ),
        "unscaled_target": Rule.warning(
            "after {steps} steps the targets are {target!n} on average, give or take {spread!n}, and the answers have "
            "only come to {answer!n}: the loss is {reached}, where always giving the same answer gets {least}",
            "Scale the targets, y = (y - mean) / std with numbers of those to train with, and the answers back: "
            "predict(x) * std + mean. Or begin there: Dense(1, bias_initializer=initializers.Constant(mean)).",
        ),
    }

    always = ("on_loss", "on_optimizer", "on_fit_step")

    def begin(self) -> None:
        self._courses: dict[int, _Course] = {}
        self._optimizers: set[int] = set()
        self._weighed = False  # do the rows of this step count differently?
        self._outputs: list[tuple[str, Any]] = []  # of a model that has several, with their names

    def on_optimizer(self, opened: Any) -> None:
        self._optimizers.add(id(opened.owner))

    def on_fit_step(self, opened: Any) -> None:
        data = opened.scope.inputs
        self._weighed = isinstance(data, tuple) and len(data) > 2 and data[2] is not None

    def on_answer(self, opened: Any, outputs: Any) -> None:
        self._outputs = names_of_outputs(opened.owner, outputs)

    def on_step_end(self) -> None:
        self._outputs = []

    def on_loss(self, loss: Loss) -> None:
        if not loss.tracked:
            return
        course = self._courses.get(id(loss.owner))
        if course is None:
            course = self._courses[id(loss.owner)] = _Course(loss, self.watch.unseen)
        if not course.kind or not course.due(self.watch.unseen):
            return
        if not hasattr(loss.given, "dtype") or loss.answers.data.size > limits.ANSWER_SIZE or loss.labels is None:
            return
        if loss.weights is not None or self._weighed:
            course.kind = ""  # what rows of unequal weight should be answered with isn't known
            return
        if course.place is None:
            course.place = self.watch.called_at()
            course.output = next((name for name, x in self._outputs if x is loss.answers), "")
        course.keep(loss.labels, loss.values)

    def finish(self) -> None:
        several = len(self._optimizers) > 1 or self.watch.training.turns
        if several or len(self._courses) > limits.ANSWERS_LOSSES:
            return  # networks that play against each other don't learn to answer labels
        for course in self._courses.values():
            pairs = [pair for pair in course.last() if numpy.isfinite(pair[1]).all()]
            if course.seen < limits.FEW_STEPS or not pairs:
                continue
            told = course.seen >= limits.IMBALANCE_STEPS and self._one_class(course, pairs)
            if not told:
                self._not_learning(course, pairs)

    def _not_learning(self, course: _Course, pairs: _Pairs) -> None:
        positions = any(p.ndim > 2 for _, p in pairs) and not _rows_alike(pairs)
        constant = course.constant(pairs, positions)
        if constant is None or constant < limits.NO_LOSS:
            return
        sizes, losses = [len(labels) for labels, _ in pairs], course.losses(pairs)
        reached = float(numpy.average(losses, weights=sizes))
        if not numpy.isfinite(reached):
            return
        # No answer is better than the labels themselves, which may be no yes or no, but shares.
        least = float(numpy.mean([least_loss(course.kind, labels, p, course.settings) for labels, p in pairs]))
        if constant > least:
            self.watch.training.learnt = (constant - reached) / (constant - least)
        if course.kind in AMOUNTS and self._far_from(course, pairs, reached, constant):
            return
        if course.steps < limits.LEARNT_BY:
            hardly = reached >= limits.HARDLY_LEARNT * constant and not self.watch.interrupted
            if hardly and self.watch.hints_alone() and not _differ(course.losses(course.earlier()), losses, up=True):
                self._too_few(course, reached, constant)
            return
        if reached - least < _NOT_LEARNT * (constant - least):
            self._little(course, reached, constant, least)
            return
        short = bool(self.watch.raw("too_few_steps"))  # by epochs, without the noise of batches
        falls = short or _differ(course.losses(course.earlier(course.seen // 2)), losses, up=False)
        if reached > _ABOVE * constant and falls:
            if self.watch.hints_alone():
                self._too_few(course, reached, constant)
            return
        severity = "info" if self.watch.interrupted or short else "warning"
        against = "worse than" if reached > _ABOVE * constant else "no better than"
        words = {"against": against if reached >= constant else "hardly better than", "answer": _answer(course.kind)}
        words |= {"which": "rows watched" if self.watch.unseen else "training rows"}
        words |= {"who": "that output" if course.output else "the network"}
        place = made_at(course.loss) or course.place
        self._tell("not_learning", severity, course, reached, constant, place=place, rows=sum(sizes), **words)

    def _tell(self, rule: str, severity: str, course: _Course, reached: float, constant: float, **about: Any) -> None:
        of_output = f" of output {course.output!r}" if course.output else ""
        about = {"place": course.place, "key": (rule.partition(".")[0], id(course)), "steps": course.steps, **about}
        words = {"of_loss": f"{getattr(course.loss, 'name', 'loss')}{of_output}", "reached": _exactly(reached)}
        numbers = {"loss": reached, "constant_answer": constant}
        self.tell(rule, severity, **about, **words, least=_exactly(constant), **numbers)

    def _far_from(self, course: _Course, pairs: _Pairs, reached: float, constant: float) -> bool:
        """Is nothing learnt as the answers are still on their way to numbers that are far from 0?"""
        if course.steps < limits.MANY or self.watch.interrupted:
            return False
        found = _far_targets(pairs)
        if found is None or reached < limits.CLEARLY * constant or not self.watch.hints_alone():
            return False
        self.watch.retract(("too_few_steps", 0))
        self._tell("unscaled_target", "warning", course, reached, constant, **found)
        return True

    def _little(self, course: _Course, reached: float, constant: float, least: float) -> None:
        """A warning where the loss is hardly below that of a constant answer: memorized rows gain as much."""
        place = made_at(course.loss) or course.place
        shuffled = place is not None and reordered_apart(place.file) is not None
        share = limits.NOT_IMPROVED if shuffled else _LITTLE_LEARNT
        if reached - least < share * (constant - least) or not self.watch.hints_alone():
            return
        if self.watch.raw("too_few_steps") and not shuffled:
            return  # it is on its way, perhaps
        severity = "info" if self.watch.interrupted else "warning"
        self._tell("not_learning.little", severity, course, reached, constant, place=place)

    def _too_few(self, course: _Course, reached: float, constant: float) -> None:
        if course.unseen < self.watch.unseen:
            return  # how it ended wasn't watched
        steps = min(course.steps, self.watch.step or course.steps)  # an update may be made of many batches' losses
        numbers = {"steps": steps, "s": "s" if steps > 1 else "", "first": constant, "third": constant, "last": reached}
        self._tell("too_few_steps", "info", course, reached, constant, key=("too_few_steps", 0), **numbers)

    def _one_class(self, course: _Course, pairs: _Pairs) -> bool:
        """Are nearly all rows said to be of the most frequent class?"""
        found = course.classes(pairs)
        if found is None:
            return False
        actual, said = (numpy.concatenate(part) for part in zip(*found))
        names, counts = numpy.unique(actual, return_counts=True)
        most = names[counts.argmax()]
        others = actual != most
        share, missed = float(1 - others.mean()), int(others.sum())
        if share < limits.IMBALANCE or missed < _IMBALANCE_ROWS:
            return False
        recall = float((said[others] == actual[others]).mean())
        if recall > _IMBALANCE_RECALL or float((said == most).mean()) < 1 - _IMBALANCE_RECALL:
            return False
        things = "rows" if len(actual) == sum(len(p) for _, p in pairs) else _places(pairs)
        # Segmentation begins with the background, and goes on to the rest.
        severity = "info" if things == "pixels" and self.watch.raw("too_few_steps") else "warning"
        about = {"answered": float((said == most).mean()), "number_of_class": int(most), "share": share}
        about |= {"missed": missed - int(recall * missed), "rows_of_others": missed, "recall_of_others": recall}
        at = {"place": course.place, "key": ("class_imbalance", id(course))}
        self.tell("class_imbalance", severity, things=things, es="es" if len(names) > 2 else "", **about, **at)
        return True


def _differ(before: list[float], last: list[float], up: bool) -> bool:
    """Are losses higher (or lower) than before, by more than the noise of batches?"""
    if min(len(before), len(last)) < limits.FIRST:
        return False
    noise = math.hypot(*[statistics.stdev(x) / math.sqrt(len(x)) for x in (before, last)])
    change = (statistics.fmean(last) - statistics.fmean(before)) * (1 if up else -1)
    return change > max(limits.FEW_SIGMA * noise, limits.FEW_FALL * statistics.fmean(last))


def _rows_alike(pairs: _Pairs) -> bool:
    """Do the answers differ between rows by next to nothing, against the labels?"""
    if any(labels.shape != p.shape or p.shape[1:] != pairs[0][1].shape[1:] for labels, p in pairs):
        return False
    labels, answers = (numpy.concatenate(part).astype("float64") for part in zip(*pairs))
    return bool(answers.var(axis=0).mean() <= _ROWS_ALIKE * labels.var(axis=0).mean())


def _far_targets(pairs: _Pairs) -> dict[str, float] | None:
    """Labels far from 0, with their deviation, and the answers, which began there and are still on their way.

    None where they have arrived, where labels are of a usual size, or where nothing shows what keeps them away.
    """
    shapes = {labels.shape[1:] for labels, _ in pairs} | {answers.shape[1:] for _, answers in pairs}
    if any(labels.size != answers.size for labels, answers in pairs) or shapes - {(), (1,)}:
        return None
    labels, answers = (numpy.concatenate([each.reshape(-1) for each in part]).astype("float64") for part in zip(*pairs))
    if len(labels) < limits.ROWS_TOLD or not numpy.isfinite(labels).all():
        return None
    mean, spread, answer = float(labels.mean()), float(labels.std()), float(answers.mean())
    far = rms(labels) >= limits.UNSCALED_HINT and abs(mean) > _TARGETS_AWAY * spread > 0 and abs(answer) < abs(mean)
    away = far and abs(mean - answer) >= _TARGETS_AWAY * spread
    return {"target": mean, "spread": spread, "answer": answer} if away else None


def _places(pairs: _Pairs) -> str:
    """What has a class within a row."""
    return "pixels" if pairs[0][1].ndim == 4 else "positions"


def _answer(kind: str) -> str:
    of_amounts = dict(zip(AMOUNTS, ("the mean of the labels", "the median of the labels")))
    return {**of_amounts, "binary": "the share of ones"}.get(kind, "the shares of the classes")


def _exactly(value: float) -> str:
    return f"{value:.4g}" if 1e-3 < abs(value) < 1e5 else number(value)


class ClassWeights(Check):
    """Judges the weights that the last `fit` is given with its arrays, where rows of one class have the same."""

    rules = {
        "class_imbalance.weights": Rule.warning(
            "class {name} has {share:.0%} of the rows, and each of them weighs {times!n} times as much as one of any "
            "other class: that makes what is rare rarer still",
            "Turn class_weight round: the rare class gets the large weight, as in {0: 1.0, 1: rows of 0 / rows of 1}; "
            "judge by recall or AUC instead of accuracy.",
        )
    }

    always = ("on_logs", "on_loss")

    def begin(self) -> None:
        self._feed: Any = None
        self._place: Any = None
        self._classes: list[numpy.ndarray] = []  # that a loss with weights of its own is given
        self._weights: Any = None

    def on_loss(self, loss: Loss) -> None:
        weights = getattr(loss.owner, "class_weight", None)
        if weights is None or not loss.tracked or loss.labels is None or len(self._classes) >= limits.ROWS_TOLD:
            return
        classes = label_classes(loss.kind, loss.labels, loss.shape)
        if classes is not None and classes.max(initial=0) < len(weights):
            self._weights, self._place = weights, made_at(loss.owner) or self.watch.called_at()
            self._classes.append(classes)

    def on_logs(self, kind: str, step: int, logs: dict[str, Any]) -> None:
        fit = running_fit() if kind == "epoch" else None
        if fit is not None and fit.feed is not self._feed:
            self._feed, self._place = fit.feed, self.watch.called_at()

    def finish(self) -> None:
        """Weights that are the shares of their classes were meant to be the inverse; others may be a choice."""
        labels = labels_of(self._feed)
        parts: Any = getattr(self._feed, "parts", ())
        classes = classes_of(labels) if labels is not None and len(parts) > 2 and hasattr(parts[2], "dtype") else None
        given = values_of(parts[2]).reshape(-1) if classes is not None else numpy.zeros(0)
        if self._classes:
            classes = numpy.concatenate(self._classes)
            given = numpy.asarray(self._weights)[classes]
        if classes is None or len(classes) != len(given) or self.watch.raw("class_imbalance"):
            return
        names, at, which, rows = numpy.unique(classes, return_index=True, return_inverse=True, return_counts=True)
        weights, most, share = given[at].astype("float64"), int(rows.argmax()), float(rows.max() / rows.sum())
        heaviest = float(numpy.delete(weights, most).max(initial=0.0))
        if (given != given[at][which]).any() or share < limits.IMBALANCE or weights[most] < limits.CLEARLY * heaviest:
            return
        if heaviest > 0:
            as_shares = weights[most] * rows / (rows[most] * numpy.maximum(weights, 1e-12))
            in_order = len(rows) > 2 and (numpy.argsort(rows) == numpy.argsort(weights)).all()
            severity = "warning" if in_order or (abs(numpy.log(as_shares)) < _AS_SHARE).all() else "info"
            words = {"name": str(names[most]), "times": float(weights[most]) / heaviest, "recall_of_others": 0.0}
            key = "class_imbalance", "weights"
            self.tell("class_imbalance.weights", severity, place=self._place, key=key, share=share, **words)
