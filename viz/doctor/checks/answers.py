"""`not_learning` and `class_imbalance`: what the network answers in the end, against always answering the same."""

from __future__ import annotations

import math
import statistics
from collections import deque
from typing import Any

import numpy

from eagerflow import Tensor
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, host, number
from viz.doctor.checks.course.far_targets import far_targets
from viz.doctor.checks.learning_rate import rate_of, times_usual
from viz.doctor.checks.rows.reordered import reordered_apart
from viz.doctor.class_numbers import label_classes
from viz.doctor.constant_answers import best_constant, least_loss, loss_of
from viz.doctor.loss_questions import function_name, is_ours, loss_kind
from viz.doctor.source_calls import lone_shuffles
from viz.doctor.user_code import loss_weights, made_at
from viz.recorder.names.input_names import names_of_outputs

__all__ = ["AMOUNTS", "Answers", "answer_kind", "said_and_right"]

_IN_AN_ORDER = 1.1  # so many times worse does an answer on the last rows that was chosen on others, if rows are sorted
_RATE_SUSPECT = 30.0  # times what such optimizers begin with: the first thing to change where nothing is learnt
_ANSWERS_MORE = 64  # of its end, where classes are so rare that those have next to none of them
_ANSWERS_SMALL = 50_000  # predictions of batches of which so many more are kept
_NOT_LEARNT = 0.99  # its loss against that of the best constant answer
_ABOVE = 1.02  # a loss above, which falls, is on its way to that constant: what comes after isn't known
_HARDLY_LEARNT = 0.97  # the same, where there were fewer steps: worth a hint
_LITTLE_LEARNT = 0.95  # the same: so much is also learnt of the rows by heart
_LITTLE_SHUFFLED = 0.9  # where the script shuffles labels or inputs alone
_TARGETS_STEPS = 100  # of fewer steps, a few may be all that was asked for
_LITTLE_WIDE = 0.7  # of a constant answer's loss is left, where answers are far narrower than the labels
_TARGETS_WORSE = 1.5  # times the loss of a constant answer
_ROWS_ALIKE = 0.01  # variance of answers between rows, against that of labels: less is one answer for all rows
_IMBALANCE_CLEAR = 0.95  # the same, from which on it is the first thing to look at where nothing is learnt
_IMBALANCE_ROWS = 20  # of other classes, among the rows looked at
_IMBALANCE_RECALL = 0.02

AMOUNTS = ("mean_squared_error", "mean_absolute_error")

_FIXES = {
    "class_imbalance": (
        "Give fit class_weight={0: ..., 1: ...}, or repeat rows of the rare class; judge by recall or AUC instead of "
        "accuracy."
    ),
    "class_imbalance.pixels": (
        "Weigh the pixels of the rare class: a loss for overlap (1 - dice), or a sample_weight of the masks' shape, as "
        "in numpy.where(masks > 0, 10.0, 1.0); judge by MeanIoU or recall instead of accuracy."
    ),
    "not_learning.imbalance": (
        "Of the labels, nearly all are of one class, and its share is all that the network answers: give fit "
        "class_weight={0: ..., 1: ...}, or repeat rows of the rare class; then look at the other findings, the labels "
        "and the learning rate."
    ),
    "not_learning": (
        "If there are other findings, mend these first. Then see whether a few rows can be learnt by heart (viz check "
        "tries it). If not, take another learning rate (ten times more, ten times less); if so, look whether each row "
        "has the label that belongs to it."
    ),
    "not_learning.rate": (
        "Lower the learning rate to a tenth, and again until the loss falls; good first values: 0.001 for Adam (with "
        "attention or many layers 0.0003), 0.01 for SGD. If that doesn't help, see whether a few rows can be learnt by "
        "heart (viz check tries it), and whether each row has the label that belongs to it."
    ),
    "not_learning.rises": (
        "More of the same makes it worse. Lower the learning rate to a tenth; where the loss still rises, look at the "
        "signs of the loss and of the update."
    ),
    "not_learning.little": (
        "Look whether each row still has its own label (were x and y shuffled apart, or read in different orders?), "
        "and at rows that training doesn't see: validation_data, or validation_split=0.2."
    ),
    "too_few_steps": "Train for more epochs, or raise the learning rate; EarlyStopping can say when it is enough.",
    "unscaled_target": (
        "Scale the targets for training, mean, std = y_train.mean(), y_train.std(); y = (y - mean) / std, validation "
        "targets with the same two numbers, and the answers back: predict(x) * std + mean. Or begin where they are: "
        "Dense(1, bias_initializer=initializers.Constant(mean))."
    ),
}


class _Course:
    """Labels and predictions of one loss: of batches from all over the training, and of the last ones."""

    def __init__(self, loss: Any, kind: str, unseen: int) -> None:
        self.loss, self.kind = loss, kind
        self.output = ""  # its name, where the model has several
        self.place: Any = None
        self.seen = 0  # steps
        self.steps = 0  # and those that nobody watched, too
        self.unseen = unseen
        self.weighed = False  # do rows count differently?
        self.weights: list[tuple[numpy.ndarray, numpy.ndarray]] = []  # of rows, with their labels
        self._stride = 1
        self._kept: list[tuple[int, numpy.ndarray, numpy.ndarray]] = []
        self._last: deque[tuple[int, numpy.ndarray, numpy.ndarray]] = deque(maxlen=limits.ANSWERS_KEPT // 2)
        self._more: deque[tuple[int, numpy.ndarray, numpy.ndarray]] = deque(maxlen=_ANSWERS_MORE)

    def due(self, unseen: int) -> bool:
        """Is this one of the steps that are kept?"""
        self.seen += 1
        self.steps += 1 + unseen - self.unseen
        self.unseen = unseen
        return self._everywhere() or self._lately(_ANSWERS_MORE)

    def _everywhere(self) -> bool:
        return (self.seen - 1) % self._stride == 0

    def _lately(self, kept: int = limits.ANSWERS_KEPT // 2) -> bool:
        """More and more seldom: the last ones kept are always of the last eighth of the training, or nearly so."""
        return self.seen % max(1, self.seen // (8 * kept)) == 0

    def keep(self, labels: numpy.ndarray, predicted: numpy.ndarray) -> None:
        batch = self.seen, labels.copy(), predicted.copy()
        if self._lately():
            self._last.append(batch)
        if self._lately(_ANSWERS_MORE) and predicted.size <= _ANSWERS_SMALL:
            self._more.append(batch)
        if not self._everywhere():
            return
        if len(self._kept) >= limits.ANSWERS_KEPT:
            self._kept = self._kept[::2]
            self._stride *= 2
        self._kept.append(batch)

    def earlier(self) -> list[tuple[numpy.ndarray, numpy.ndarray]]:
        """Batches from all over the training, before the last ones."""
        return [batch[1:] for batch in self._kept if batch[0] < self._first_of_last()]

    def before(self) -> list[tuple[numpy.ndarray, numpy.ndarray]]:
        """Those of the second half of the training, before the last ones."""
        first = self._first_of_last()
        return [batch[1:] for batch in self._kept if self.seen // 2 < batch[0] < first]

    def last(self) -> list[tuple[numpy.ndarray, numpy.ndarray]]:
        """The last batches: as the network answers now, and not as it did when it still had to learn."""
        return [batch[1:] for batch in self._last if batch[0] >= self._first_of_last()]

    def more(self) -> list[tuple[numpy.ndarray, numpy.ndarray]]:
        """As `last`, and as many batches before them as there are, where batches are small: for rare classes."""
        return [batch[1:] for batch in self._more if batch[0] > self.seen // 2]

    def _first_of_last(self) -> int:
        """In a short training, the last batches that are kept would be nearly all."""
        later = [batch[0] for batch in self._last if batch[0] > self.seen // 2]
        return min(later, default=self.seen)


class Answers(Check):
    """Keeps a few batches of answers from all over the training, and judges the last of them in the end."""

    fixes = _FIXES

    always = ("on_scope_begin",)
    begins = ("optimizer", "step", "loss")
    ends = ("model", "layer")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._courses: dict[int, _Course] = {}
        self._optimizers: set[int] = set()
        self._optimizer: Any = None  # the last of them
        self._weights: Any = None  # of the rows of this step
        self._outputs: list[tuple[str, Any]] = []  # of a model that has several, with their names

    def on_scope_begin(self, opened: Any) -> None:
        if opened.kind == "optimizer":
            self._optimizers.add(id(opened.owner))
            self._optimizer = opened.owner
        elif opened.kind == "step":
            data = opened.scope.inputs
            self._weights = data[2] if isinstance(data, tuple) and len(data) > 2 else None
        elif opened.kind == "loss":
            self._answered(opened)

    def on_scope_end(self, opened: Any, outputs: Any, error: Any) -> None:
        if error is None and self.watch.outermost():
            self._outputs = names_of_outputs(opened.owner, outputs)

    def on_step_end(self) -> None:
        self._outputs = []

    def _answered(self, opened: Any) -> None:
        given = opened.scope.inputs
        predicted = given[1] if isinstance(given, tuple) and len(given) == 2 else None
        if not isinstance(predicted, Tensor) or predicted.key is None:
            return
        course = self._courses.get(id(opened.owner))
        if course is None:
            course = self._courses[id(opened.owner)] = _Course(
                opened.owner, answer_kind(opened.owner), self.watch.unseen
            )
        if not course.kind or not course.due(self.watch.unseen):
            return
        labels = given[0].data if isinstance(given[0], Tensor) else given[0]
        if not hasattr(labels, "dtype") or predicted.data.size > limits.ANSWER_SIZE or labels.dtype.kind not in "fiub":
            return
        weights = loss_weights(opened.frame) if self._weights is None else self._weights
        if weights is not None:
            course.weighed = True
            data = weights.data if isinstance(weights, Tensor) else weights
            if not hasattr(data, "dtype") or data.size != len(labels):
                course.kind = ""
                return
            if len(course.weights) < limits.ANSWERS_KEPT:
                course.weights.append((host(data).reshape(-1).copy(), host(labels).copy()))
        if course.place is None:
            course.place = self.watch.called_at()
            course.output = next((name for name, x in self._outputs if x is predicted), "")
        course.keep(host(labels), host(predicted.data))

    def finish(self) -> None:
        """Judge the training as it ended."""
        several = len(self._optimizers) > 1 or self.watch.training.turns
        if several or len(self._courses) > limits.ANSWERS_LOSSES:
            return  # networks that play against each other don't learn to answer labels
        for course in self._courses.values():
            pairs = [pair for pair in course.last() if numpy.isfinite(pair[1]).all()]
            if course.seen < limits.FEW_STEPS or not pairs:
                continue
            more = [pair for pair in course.more() if numpy.isfinite(pair[1]).all()]
            told = course.seen >= limits.IMBALANCE_STEPS and (
                self._one_class(course, pairs) or (len(more) > len(pairs) and self._one_class(course, more))
            )
            if not told and not course.weighed:
                self._not_learning(course, pairs)

    def _not_learning(self, course: _Course, pairs: list[tuple[numpy.ndarray, numpy.ndarray]]) -> None:
        settings = getattr(course.loss, "settings", {})
        positions = any(p.ndim > 2 for _, p in pairs) and not _rows_alike(pairs)
        constant = _best_constant(course, pairs, settings, positions)
        if constant is None or constant < limits.NO_LOSS:
            return
        sizes = [len(labels) for labels, _ in pairs]
        losses = [loss_of(course.kind, labels, p, settings) for labels, p in pairs]
        reached, rows = float(numpy.average(losses, weights=sizes)), sum(sizes)
        if not numpy.isfinite(reached):
            return
        # No answer is better than the labels themselves, which may be no yes or no, but shares.
        least = float(numpy.mean([least_loss(course.kind, labels, p, settings) for labels, p in pairs]))
        if constant > least:
            self.watch.training.learnt = (constant - reached) / (constant - least)
        if course.kind in AMOUNTS and self._far_from(course, pairs, reached, constant):
            return
        if course.steps < limits.LEARNT_BY:
            hardly = reached >= _HARDLY_LEARNT * constant and not self.watch.interrupted
            if hardly and self.watch.hints_alone():
                before = self._rises_from(course, losses, settings)
                if before is None:
                    self._too_few(course, reached, constant)
                elif reached > _ABOVE * constant:
                    self._rises(course, before, reached, constant)
            return
        if reached - least < _NOT_LEARNT * (constant - least):
            self._little(course, reached, constant, least)
            return
        short = bool(self.watch.raw("too_few_steps"))  # by epochs, without the noise of batches
        falls = short or self._falls(course, losses, settings)
        if reached > _ABOVE * constant and falls:
            if self.watch.hints_alone():
                self._too_few(course, reached, constant)
            return
        share = self._largest_share(course, pairs)
        way, high = "not_learning" if share < _IMBALANCE_CLEAR else "not_learning.imbalance", ""
        times = times_usual(self._optimizer) or 0.0
        if way == "not_learning" and times >= _RATE_SUSPECT:
            way, name = "not_learning.rate", type(self._optimizer).__name__
            high = (
                f"; its learning rate, {rate_of(self._optimizer):.2g}, is {number(times)} times what {name} usually "
                "begins with"
            )
        of_output, who = (f" of output {course.output!r}", "that output") if course.output else ("", "the network")
        self.watch.report(
            way,
            "info" if self.watch.interrupted or short else "warning",
            f"after {course.steps} steps the {getattr(course.loss, 'name', 'loss')}{of_output} over the last {rows} "
            f"{'rows watched' if self.watch.unseen else 'training rows'} is {_exactly(reached)}, "
            f"{_against(reached, constant)} the {_exactly(constant)} of always giving the same answer "
            f"({_answer(course.kind, pairs, positions)}): {who} has learnt nothing from its input{high}",
            place=made_at(course.loss) or course.place,
            key=("not_learning", id(course)),
            evidence={"loss": reached, "constant_answer": constant, "steps": course.steps, "rows": rows},
        )

    def _far_from(
        self, course: _Course, pairs: list[tuple[numpy.ndarray, numpy.ndarray]], reached: float, constant: float
    ) -> bool:
        """Is nothing learnt as the answers are still on their way to numbers that are far from 0?"""
        if course.steps < _TARGETS_STEPS or reached < _LITTLE_WIDE * constant or self.watch.interrupted:
            return False
        found = far_targets(pairs)
        if found is None or (not found.wide and reached < _TARGETS_WORSE * constant):
            return False
        if not self.watch.hints_alone():
            return False
        self.watch.retract(("too_few_steps", 0))
        self.watch.report(
            "unscaled_target",
            "warning",
            f"after {course.steps} steps {found.words}: the loss is {_exactly(reached)}, where always giving the same "
            f"answer gets {_exactly(constant)}. A last layer begins with answers around 0, and no step moves them "
            "far",
            place=course.place,
            key=("unscaled_target", id(course)),
            evidence={"target": found.label, "spread": found.label_spread, "answer": found.answer},
        )
        return True

    def _largest_share(self, course: _Course, pairs: list[tuple[numpy.ndarray, numpy.ndarray]]) -> float:
        """Of the labels, those of the most frequent class; 0 where there are no classes."""
        classes = [_classes(course, labels, p) for labels, p in (*course.earlier(), *pairs)]
        if not classes or any(pair is None for pair in classes):
            return 0.0
        _, counts = numpy.unique(numpy.concatenate([actual for actual, _ in classes]), return_counts=True)
        return float(counts.max() / counts.sum())

    def _little(self, course: _Course, reached: float, constant: float, least: float) -> None:
        """A warning where the loss is hardly below that of a constant answer: memorized rows gain as much."""
        place = made_at(course.loss) or course.place
        file = place.file if place is not None else ""
        shuffled = bool(file and (lone_shuffles(file) or reordered_apart(file)))
        share = _LITTLE_SHUFFLED if shuffled else _LITTLE_LEARNT
        if reached - least < share * (constant - least) or not self.watch.hints_alone():
            return
        if self.watch.raw("too_few_steps") and not shuffled:
            return  # it is on its way, perhaps
        self.watch.report(
            "not_learning.little",
            "info" if self.watch.interrupted else "warning",
            f"after {course.steps} steps the {getattr(course.loss, 'name', 'loss')} is {_exactly(reached)}, and "
            f"{_exactly(constant)} is what always giving the same answer gets: so small a gain may come from "
            "learning single rows by heart",
            place=place,
            key=("not_learning", id(course)),
            evidence={"loss": reached, "constant_answer": constant, "steps": course.steps},
        )

    def _falls(self, course: _Course, last: list[float], settings: Any) -> bool:
        """Is the loss, which is still above that of a constant answer, on its way down?"""
        before = _losses(course, course.before(), settings)
        return _differ(before, last) and statistics.fmean(before) > statistics.fmean(last)

    def _rises_from(self, course: _Course, last: list[float], settings: Any) -> float | None:
        """What the loss was earlier, where it was clearly lower than now; else None."""
        before = _losses(course, course.earlier(), settings)
        rises = _differ(before, last) and statistics.fmean(before) < statistics.fmean(last)
        return statistics.fmean(before) if rises else None

    def _rises(self, course: _Course, before: float, reached: float, constant: float) -> None:
        """A hint for a short training that makes the loss larger: more steps are no cure for that."""
        self.watch.report(
            "not_learning.rises",
            "info",
            f"the loss rises: it was {_exactly(before)}, and is {_exactly(reached)} after {course.steps} steps, where "
            f"{_exactly(constant)} is what always giving the same answer gets",
            place=course.place,
            key=("not_learning", id(course)),
            evidence={"loss": reached, "constant_answer": constant, "steps": course.steps, "earlier": before},
        )

    def _too_few(self, course: _Course, reached: float, constant: float) -> None:
        if course.unseen < self.watch.unseen:
            return  # how it ended wasn't watched
        steps = min(course.steps, self.watch.step or course.steps)  # an update may be made of many batches' losses
        self.watch.report(
            "too_few_steps",
            "info",
            f"training ended after {steps} step{'s' if steps > 1 else ''} with a loss of {_exactly(reached)}, and "
            f"{_exactly(constant)} is what always giving the same answer gets: that is too few steps to tell",
            place=course.place,
            key=("too_few_steps", 0),
            evidence={"steps": steps, "first": constant, "third": constant, "last": reached},
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
        if share < limits.IMBALANCE or missed < _IMBALANCE_ROWS:
            return False
        recall = float((said[others] == actual[others]).mean())
        if recall > _IMBALANCE_RECALL or float((said == most).mean()) < 1 - _IMBALANCE_RECALL:
            return False
        way, but = "class_imbalance", ""
        if course.weighed:
            heavier = _weight_of(course, most, pairs[0][1].shape)
            if heavier is None or heavier <= share:
                return False  # the weights work against it
            way, but = "class_imbalance.weights", f", which the weights of rows raise to {heavier:.1%}"
        things = _things(pairs, len(actual))
        self.watch.report(
            f"{way}.pixels" if things == "pixels" and way == "class_imbalance" else way,
            # Segmentation begins with the background, and goes on to the rest.
            "info" if things == "pixels" and self.watch.raw("too_few_steps") else "warning",
            f"{(said == most).mean():.0%} of the answers are class {most}, as are {share:.0%} of the labels{but}: "
            f"{missed - int(recall * missed)} of {missed} {things} of the other "
            f"class{'es' if len(names) > 2 else ''} aren't recognized (recall {recall:.0%}), and an accuracy of "
            f"{share:.0%} means nothing",
            place=course.place,
            key=("class_imbalance", id(course)),
            evidence={"class": int(most), "share": share, "rows_of_others": missed, "recall_of_others": recall},
        )
        return True


def _best_constant(
    course: _Course, pairs: list[tuple[numpy.ndarray, numpy.ndarray]], settings: Any, positions: bool
) -> float | None:
    """What always giving the same answer gets, as well as that was known before: see `best_constant`.

    Where rows come in an order, those before may lack whole classes, so that it is chosen on the last rows, too.
    """
    before = course.earlier()
    known, of_all = (
        best_constant(course.kind, chosen, pairs, settings, one_for_all_positions=positions)
        for chosen in (before, [*before, *pairs])
    )
    return of_all if known is not None and of_all is not None and known > _IN_AN_ORDER * of_all else known


def _losses(course: _Course, pairs: list[tuple[numpy.ndarray, numpy.ndarray]], settings: Any) -> list[float]:
    """The loss of each batch whose answers are numbers."""
    return [loss_of(course.kind, y, p, settings) for y, p in pairs if numpy.isfinite(p).all()]


def _differ(before: list[float], last: list[float]) -> bool:
    """Is a difference between these losses more than the noise of batches?"""
    if min(len(before), len(last)) < limits.FIRST:
        return False
    noise = math.hypot(*[statistics.stdev(x) / math.sqrt(len(x)) for x in (before, last)])
    change = abs(statistics.fmean(before) - statistics.fmean(last))
    return change > max(limits.FEW_SIGMA * noise, limits.FEW_FALL * statistics.fmean(last))


def answer_kind(loss: Any) -> str:
    """`"sparse"`, `"categorical"`, `"binary"`, `"mean_squared_error"`, `"mean_absolute_error"`, or empty."""
    if not is_ours(loss) or getattr(loss, "reduction", None) in (None, "none"):
        return ""
    kind = loss_kind(loss)
    function = function_name(loss)
    name = function if kind == "other" else kind
    if kind == "other":
        return name if name in AMOUNTS else ""
    return "" if "focal" in function or getattr(loss, "settings", {}).get("ignore_class") is not None else name


def said_and_right(
    loss: Any, kind: str, labels: numpy.ndarray, predicted: numpy.ndarray
) -> tuple[numpy.ndarray, numpy.ndarray] | None:
    """The classes of the labels and of the answers; None where rows have no class."""
    actual = label_classes(kind, labels, predicted.shape)
    if actual is None:
        return None
    if kind != "binary":
        return actual, predicted.reshape(-1, predicted.shape[-1]).argmax(axis=1)
    limit = 0.0 if getattr(loss, "settings", {}).get("from_logits") else 0.5
    return actual, (predicted.reshape(-1) > limit).astype(int)


def _classes(course: _Course, labels: numpy.ndarray, predicted: numpy.ndarray) -> Any:
    """The same, for a course of batches."""
    return said_and_right(course.loss, course.kind, labels, predicted)


def _weight_of(course: _Course, most: Any, shape: tuple[int, ...]) -> float | None:
    """Which part of all weights the rows of a class have; None where rows have no class."""
    of_class = altogether = 0.0
    for weights, labels in course.weights:
        actual = label_classes(course.kind, labels, (len(labels), *shape[1:]))
        if actual is None or len(actual) != len(weights):
            return None
        of_class += float(weights[actual == most].sum())
        altogether += float(weights.sum())
    return of_class / altogether if altogether else None


def _rows_alike(pairs: list[tuple[numpy.ndarray, numpy.ndarray]]) -> bool:
    """Do the answers differ between rows by next to nothing, against the labels?"""
    if any(labels.shape != p.shape or p.shape[1:] != pairs[0][1].shape[1:] for labels, p in pairs):
        return False
    labels, answers = (numpy.concatenate(part).astype("float64") for part in zip(*pairs))
    return bool(answers.var(axis=0).mean() <= _ROWS_ALIKE * labels.var(axis=0).mean())


def _things(pairs: list[tuple[numpy.ndarray, numpy.ndarray]], count: int) -> str:
    """What has a class: a row, or a pixel or another position within a row."""
    if count == sum(len(p) for _, p in pairs):
        return "rows"
    return "pixels" if pairs[0][1].ndim == 4 else "positions"


def _answer(kind: str, pairs: list[tuple[numpy.ndarray, numpy.ndarray]], one_for_all_positions: bool) -> str:
    words = {
        "mean_squared_error": "the mean of the labels",
        "mean_absolute_error": "the median of the labels",
        "binary": "the share of ones",
    }.get(kind, "the shares of the classes")
    if pairs[0][1].ndim < 3:
        return words
    place = "pixel" if pairs[0][1].ndim == 4 else "position"
    alike = one_for_all_positions or kind in ("sparse", "categorical")
    return f"{words}, the same for every {place}" if alike else f"{words}, of each {place} its own"


def _against(reached: float, constant: float) -> str:
    """How a loss compares with that of a constant answer, in words."""
    if reached > _ABOVE * constant:
        return "worse than"
    return "no better than" if reached >= constant else "hardly better than"


def _exactly(value: float) -> str:
    return f"{value:.4g}" if 1e-3 < abs(value) < 1e5 else number(value)
