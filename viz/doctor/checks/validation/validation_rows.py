"""`validation_overlap`, `validation_mismatch`, `validation_chance`: validation data against those to train with."""

from __future__ import annotations

import math
from typing import Any

import numpy

from eagerflow import Tensor
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, host, number, rms
from viz.doctor.checks.answers import AMOUNTS, answer_kind
from viz.doctor.checks.endings import running_fit
from viz.doctor.checks.rows.fit_arrays import inputs_of, labels_of
from viz.doctor.checks.validation.shared_rows import Repeated, repeated_class, shared_rows
from viz.doctor.checks.validation.windows import overlapping_windows
from viz.doctor.class_numbers import Shares, are_yes_or_no, label_classes, named, shares_apart
from viz.doctor.constant_answers import best_constant
from viz.doctor.loss_questions import loss_kind
from viz.recorder.descriptions import flat

__all__ = [
    "answers_itself",
    "ValidationLoss",
    "ValidationRows",
    "classes_apart",
    "scales_apart",
    "targets_apart",
    "words_of_classes",
    "words_of_scales",
]

_SHARES_APART = 0.5  # of the classes' shares in training and validation: rare classes in equal parts are within it
_UNSEEN_CLASSES = 0.1  # of the validation rows, beyond chance, are of classes that training never sees
_TARGETS_APART = 10.0  # root mean squares of targets, in training and validation
_TARGETS_WIDER = 3.0  # the same for deviations, where those to train with are standardized
_CHANCE_LEARNT = 0.98  # the training loss against a constant answer's, while that on the validation data isn't below
_CHANCE_GAIN = 18.0  # what the validation rows together should gain, in nats: it has a noise of √(2 × itself), a third
_CHANCE_BEST = 100.0  # likelihood ratio, per epoch, from which the best validation loss is more than luck
_CHANCE_PART = 0.2  # of what the training loss gained: with right labels, the first epochs gain as much on both
_CHANCE_STAYS = 0.25  # of what the training loss falls by: then more of the same doesn't help other rows
_BATCHES_READ = 16  # again, of a data set that gives batches by their number
_CHANCE_SIZE = 2_000_000  # numbers of labels that are looked at


_AMOUNTS = ("mean_squared_error", "mean_absolute_error")

_FIXES = {
    "validation_overlap.repeated": (
        "Split first, and repeat rows of a rare class (RandomOverSampler, resample, augmentation) in the training part "
        "alone; or leave the rows as they are, and give fit class_weight={0: 1.0, 1: 6.0}."
    ),
    "validation_overlap.windows": (
        "Split the series first, and cut each part into windows: train, held = series[:n], series[n:]. Windows are "
        "shuffled after that, those to train with alone."
    ),
    "validation_overlap": "Use rows that training never sees: validation_split=0.2, or a split before fit.",
    "validation_mismatch.classes": (
        "Shuffle the rows before they are split (validation_split takes the last ones as they come): "
        "order = rng.permutation(len(x)); x, y = x[order], y[order]."
    ),
    "validation_mismatch.scale": (
        "Prepare both alike: divide both by the same number, or use mean and standard deviation of the training data "
        "for both."
    ),
    "validation_mismatch.targets": (
        "Scale the targets in the same way for both, with the mean and standard deviation (or the largest "
        "number) of the training data, and scale the predictions back after predict."
    ),
    "validation_mismatch.shifted": "Count the classes of all rows from 0, before they are split: y = y - y.min().",
    "validation_mismatch.answers": (
        "Give both the same answers: for a denoiser, the clean rows in training, too: fit(noisy, clean, "
        "validation_data=(noisy_val, clean_val))."
    ),
    "validation_chance": (
        "Look whether each row still has its own label (were x and y shuffled apart, or read in different orders?), "
        "whether validation rows are prepared as those to train with, and whether the inputs can tell the label at all."
    ),
    "overfit.chance": (
        "First look at some of the validation rows: does each have its own label, in the same numbers as in training? "
        "They may have been shuffled apart, or read in another order. If they are right: less training, more data, "
        "Dropout or a smaller model."
    ),
}


class _OfOneLoss(Check):
    """Knows the loss of the training, and the shape of a row of predictions; None where there are several."""

    fixes = _FIXES

    begins = ("loss",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._losses: dict[int, tuple[Any, tuple[int, ...]]] = {}

    def on_scope_begin(self, opened: Any) -> None:
        given = opened.scope.inputs
        predicted = given[1] if isinstance(given, tuple) and len(given) == 2 else None
        if isinstance(predicted, Tensor) and predicted.data.ndim:
            self._losses[id(opened.owner)] = opened.owner, predicted.data.shape[1:]

    @property
    def loss(self) -> tuple[Any, tuple[int, ...]] | None:
        """The loss, and the shape of a row of predictions."""
        return next(iter(self._losses.values())) if len(self._losses) == 1 else None


class ValidationRows(_OfOneLoss):
    """Compares the arrays that `fit` was given, once, after the first epoch."""

    always = ("on_logs",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._seen: list[Any] = []

    def on_logs(self, kind: str, step: int, logs: dict[str, Any]) -> None:
        if kind != "epoch" or "val_loss" not in logs:
            return
        fit = running_fit()
        if fit is None or any(fit is each for each in self._seen):
            return
        self._seen.append(fit)
        train, held = inputs_of(fit.feed), inputs_of(fit.validation)
        if not train or [x.shape[1:] for x in train] != [x.shape[1:] for x in held]:
            return
        if min(len(train[0]), len(held[0])) >= limits.OVERLAP_ROWS:
            self._judge(train, held, (labels_of(fit.feed), labels_of(fit.validation)))
            self._compare(fit, train, held)

    def _judge(self, train: list[numpy.ndarray], held: list[numpy.ndarray], labels: tuple[Any, Any]) -> None:
        overlap, chance, looked = shared_rows(train, held, labels)
        few = overlap < limits.OVERLAP
        repeated = None if chance or self.loss is None else repeated_class(*self.loss, train, held, labels)
        if repeated is not None and (few or repeated.others < limits.OVERLAP):
            self._tell_repeated(repeated)
            return
        if few or overlap < limits.OVERLAP_CHANCE * chance:
            self._look_for_windows(train, held)
            return
        self.watch.report(
            "validation_overlap",
            "warning",
            f"{overlap:.0%} of {looked} rows of the validation data looked at are in the training data too (by "
            "chance "
            f"it would be about {chance:.0%}): val_loss tells how well they are remembered, not how well others are "
            "answered",
            place=self.watch.called_at(),
            evidence={"overlap": overlap, "chance": chance, "rows": looked},
        )

    def _look_for_windows(self, train: list[numpy.ndarray], held: list[numpy.ndarray]) -> None:
        found = overlapping_windows(train, held)
        if found is None:
            return
        self.watch.report(
            "validation_overlap.windows",
            "warning",
            f"{found.words}, and val_loss tells how well steps are remembered that training has seen",
            place=self.watch.called_at(),
            key=("validation_overlap", "windows"),
            evidence={"overlap": found.share, "rows": found.rows, "steps": found.steps},
        )

    def _tell_repeated(self, found: Repeated) -> None:
        self.watch.report(
            "validation_overlap.repeated",
            "warning",
            f"{found.overlap:.0%} of {found.rows} validation rows of class {found.number} looked at are in the "
            f"training data too, and {found.others:.0%} of the others: rows of that class were repeated before the "
            "split, and val_loss tells how well they are remembered",
            place=self.watch.called_at(),
            key=("validation_overlap", "repeated"),
            evidence={"overlap": found.overlap, "others": found.others, "rows": found.rows, "class": found.number},
        )

    def _compare(self, fit: Any, train: list[numpy.ndarray], held: list[numpy.ndarray]) -> None:
        """Are they of the same classes, and of the same size?"""
        labels = labels_of(fit.feed), labels_of(fit.validation)
        shares = None if self.loss is None else classes_apart(*self.loss, *labels)
        scales = scales_apart(train, held)
        targets = "" if self.loss is None else targets_apart(self.loss[0], *labels)
        if answers_itself(train, labels[0]) and not answers_itself(held, labels[1]):
            self.watch.report(
                "validation_mismatch.answers",
                "warning",
                "each training row is to be answered with itself, and validation rows with something else: what is "
                "learnt is to copy the input, and val_loss asks for another thing",
                place=self.watch.called_at(),
                key=("validation_mismatch", "answers"),
                evidence={"rows": len(held[0])},
            )
        if targets:
            self.watch.report(
                "validation_mismatch.targets",
                "warning",
                f"{targets}: val_loss says nothing about how well they are answered",
                place=self.watch.called_at(),
                key=("validation_mismatch", "targets"),
                evidence={"rows": len(held[0])},
            )
        if shares is not None:
            self.watch.report(
                "validation_mismatch.shifted" if shares.shifted else "validation_mismatch.classes",
                "warning",
                f"{words_of_classes(shares)}: val_loss tells nothing about rows like those to train with",
                place=self.watch.called_at(),
                key=("validation_mismatch", "classes"),
                evidence={"apart": shares.apart, "unseen": shares.unseen, "usual": shares.by_chance},
            )
        if scales is not None:
            self.watch.report(
                "validation_mismatch.scale",
                "warning",
                f"{words_of_scales(*scales)}: val_loss tells nothing about rows like those to train with",
                place=self.watch.called_at(),
                key=("validation_mismatch", "scale"),
                evidence={"rms": rms(scales[0]), "validation_rms": rms(scales[1])},
            )


class ValidationLoss(_OfOneLoss):
    """Follows the validation loss of a `fit`, and compares it with that of a constant answer in the end."""

    always = ("on_logs",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._fit: Any = None
        self._logs: list[tuple[float, float]] = []
        self._began = 0
        self._place: Any = None

    def on_logs(self, kind: str, step: int, logs: dict[str, Any]) -> None:
        if kind != "epoch" or "val_loss" not in logs or "loss" not in logs:
            return
        fit = running_fit()
        if fit is None:
            return
        if fit is not self._fit:
            self._fit, self._logs, self._place = fit, [], self.watch.called_at()
            self._began = self.watch.number
        self._logs.append((float(logs["loss"]), float(logs["val_loss"])))

    def finish(self) -> None:
        """Judge the last `fit` that had validation data."""
        many = len(self._logs) >= limits.OVERFIT_EPOCHS
        if not many or self.loss is None or not numpy.isfinite(self._logs).all():
            return
        constants = self._constants(*self.loss)
        if constants is None or min(constants) < limits.NO_LOSS:
            return
        loss, best = self._logs[-1][0], min(validation for _, validation in self._logs)
        rows, relative = getattr(self._fit.validation, "rows", None), loss_kind(self.loss[0]) == "other"
        if rows is None:
            return  # a data set, whose rows nobody counts
        gain, of_best = (_gain(*pair, relative) for pair in ((constants[0], loss), (constants[1], best)))
        by_luck = of_best * rows < math.log(_CHANCE_BEST * len(self._logs)) * (2 if relative else 1)
        if by_luck and _stays(self._logs):
            self.watch.retract(("too_few_steps", 0))  # more steps would only learn more rows by heart
        sure = loss < _CHANCE_LEARNT * constants[0] and gain * rows > _CHANCE_GAIN
        never, hardly = best >= constants[1], by_luck and of_best < _CHANCE_PART * gain
        if self.watch.number - self._began < limits.LEARNT_BY or not sure or not (never or hardly):
            return
        words = f"{constants[1]:.4g}, which is what always giving the same answer gets"
        if self.watch.has("overfit"):
            if never:
                self.watch.amend("overfit", f"it never was below {words}", "overfit.chance")
        elif self.watch.hints_alone():
            self.watch.report(
                "validation_chance",
                "warning" if never and not self.watch.interrupted else "info",
                f"the training loss fell to {loss:.4g}, but in {len(self._logs)} epochs the validation loss never was "
                f"{'' if never else 'clearly '}below {words} (at best {best:.4g}): what the network learns of one row "
                "tells nothing about others",
                place=self._place,
                key=("validation_chance", 0),
                evidence={"loss": loss, "best_val_loss": best, "constant_answer": constants[1]},
            )

    def _constants(self, loss: Any, row: tuple[int, ...]) -> tuple[float, float] | None:
        """The losses of a constant answer: on the rows to train with, and on the others."""
        kind, settings = answer_kind(loss), getattr(loss, "settings", {})
        if not kind or getattr(self._fit.model, "losses", None):  # those of weights are a part of both losses
            return None
        given = [getattr(feed, "parts", None) for feed in (self._fit.feed, self._fit.validation)]
        if any(isinstance(parts, tuple) and len(parts) > 2 for parts in given):
            return None  # weighed
        rows = max(1, min(limits.OVERLAP_LOOKED, _CHANCE_SIZE // max(1, int(numpy.prod(row)))))
        pairs = []
        for feed in (self._fit.feed, self._fit.validation):
            labels = labels_of(feed)
            labels = _labels_by_index(feed) if labels is None else labels
            if labels is None:
                return None
            some = labels[numpy.linspace(0, len(labels) - 1, min(rows, len(labels))).astype(int)]
            pairs.append([(some, numpy.broadcast_to(numpy.float32(0), (len(some), *row)))])
        found = [best_constant(kind, pairs[0], each, settings, one_for_all_positions=True) for each in pairs]
        return None if found[0] is None or found[1] is None else (found[0], found[1])


def _gain(constant: float, loss: float, relative: bool) -> float:
    """What answers gain against a constant one: in nats, or as a part of the variance."""
    return 1 - loss / constant if relative else constant - loss


def _stays(logs: list[tuple[float, float]]) -> bool:
    """Does the validation loss stay where it is, while the training loss falls?"""
    part = max(1, len(logs) // 3)
    falls = numpy.mean(logs[:part], axis=0) - numpy.mean(logs[-part:], axis=0)
    return bool(falls[0] > 0 and falls[1] < _CHANCE_STAYS * falls[0])


def answers_itself(inputs: list[numpy.ndarray], labels: numpy.ndarray | None) -> bool:
    """Are the labels the inputs, as for an autoencoder?

    >>> rows = numpy.arange(6.0).reshape(3, 2)
    >>> answers_itself([rows], rows.copy()), answers_itself([rows], rows + 1)
    (True, False)
    """
    if labels is None or len(inputs) != 1 or inputs[0].shape != labels.shape or labels.ndim < 2:
        return False
    return bool(numpy.array_equal(inputs[0][: limits.OVERLAP_LOOKED], labels[: limits.OVERLAP_LOOKED]))


def _labels_by_index(feed: Any) -> numpy.ndarray | None:
    """Labels of some batches of a data set that gives them by their number; None for any other."""
    if type(feed).__name__ != "PyDatasetFeed" or not feed.available:
        return None
    some = sorted({int(i) for i in numpy.linspace(0, feed.available - 1, _BATCHES_READ)})
    batches: list[Any] = [feed.dataset[i] for i in some]
    labels = [list(flat(b[1])) if isinstance(b, tuple) and len(b) == 2 else [] for b in batches]
    if any(len(each) != 1 or not getattr(each[0], "ndim", 0) for each in labels):
        return None
    arrays = [host(y.data if isinstance(y, Tensor) else y) for (y,) in labels]
    return numpy.concatenate(arrays) if len({a.shape[1:] for a in arrays}) == 1 else None


def classes_apart(
    loss: Any, row: tuple[int, ...], train: numpy.ndarray | None, held: numpy.ndarray | None
) -> Shares | None:
    """How the classes of two sets of labels differ, where they differ by far; None where they don't, or there are none.

    Args:
        loss: the loss that the labels are for.
        row: the shape of the predictions for one row.
        train: labels to train with.
        held: labels of the validation data.
    """
    if train is None or held is None or min(len(train), len(held)) < limits.OVERLAP_ROWS:
        return None
    kind = answer_kind(loss)
    kind = "binary" if kind in AMOUNTS and are_yes_or_no(train, held) else kind
    classes = [label_classes(kind, y, (len(y), *row)) for y in (train, held)]
    if classes[0] is None or classes[1] is None:
        return None
    found = shares_apart(classes[0], classes[1])
    unseen = bool(found.shifted) or found.unseen > _UNSEEN_CLASSES + found.by_chance
    return found if unseen or found.apart > _SHARES_APART + found.by_chance else None


def targets_apart(loss: Any, train: numpy.ndarray | None, held: numpy.ndarray | None) -> str:
    """How targets differ from those of the validation data, in words; empty where they don't.

    Args:
        loss: the loss that they are for.
        train: those to train with.
        held: those of the validation data.
    """
    if (
        train is None
        or held is None
        or min(len(train), len(held)) < limits.OVERLAP_ROWS
        or answer_kind(loss) not in _AMOUNTS
    ):
        return ""
    (mean, size, low, high), (other, other_size, lowest, highest) = (_amounts(y) for y in (train, held))
    sizes = sorted([size[0], other_size[0]])
    far = sizes[0] > 0 and sizes[1] > _TARGETS_APART * sizes[0]
    standard = abs(mean) < limits.STANDARD and abs(size[1] - 1) < limits.STANDARD
    unit = low == 0 and high == 1 and other > 1 + limits.OUTSIDE_UNIT
    off = abs(other) > 1 or other_size[1] > _TARGETS_WIDER
    if not numpy.isfinite([*size, *other_size]).all() or not (far or unit or (standard and off)):
        return ""
    return (
        f"the targets range from {number(low)} to {number(high)} in the training data, and from "
        f"{number(lowest)} to {number(highest)} in the validation data"
    )


def _amounts(y: numpy.ndarray) -> tuple[float, tuple[float, float], float, float]:
    """The mean, the root mean square and the deviation, the least and the largest number."""
    values = y.astype("float64")
    return float(values.mean()), (rms(values), float(values.std())), float(values.min()), float(values.max())


def words_of_classes(found: Shares) -> str:
    """What `classes_apart` found, for people."""
    if found.shifted:
        return (
            f"the validation rows count their classes from {found.shifted[1]}, and those to train with from "
            f"{found.shifted[0]}"
        )
    if found.unseen:
        return f"{found.unseen:.0%} of the validation rows are of {named(found.classes)}, which training never sees"
    return (
        f"{named(found.classes)} has {found.shares[1]:.0%} of the validation rows, and {found.shares[0]:.0%} of those "
        "to train with"
    )


def scales_apart(train: list[numpy.ndarray], held: list[numpy.ndarray]) -> tuple[numpy.ndarray, numpy.ndarray] | None:
    """The first inputs of both whose sizes differ by far; None where there are none."""
    for pair in zip(train, held):
        some = [x[numpy.linspace(0, len(x) - 1, min(len(x), limits.OVERLAP_LOOKED)).astype(int)] for x in pair]
        a, b = (x.astype("float32") for x in some)
        sizes = sorted([rms(a), rms(b)])
        if 0 < sizes[0] and sizes[1] < numpy.inf and sizes[1] > limits.SCALES_APART * sizes[0]:
            return a, b
    return None


def words_of_scales(train: numpy.ndarray, held: numpy.ndarray) -> str:
    """What `scales_apart` found, for people."""
    sizes = [f"{number(float(x.min()))} to {number(float(x.max()))}" for x in (train, held)]
    return f"the inputs to train with range from {sizes[0]}, and those of the validation data from {sizes[1]}"
