"""`validation_overlap`, `validation_mismatch`, `validation_chance`: validation data against those to train with."""

from __future__ import annotations

import math
from typing import Any

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.checks.overfitting import Overfit
from viz.doctor.facts.constant_answers import best_constant
from viz.doctor.facts.fit_arrays import inputs_of, labels_of, running_fit
from viz.doctor.facts.host_arrays import number, rms
from viz.doctor.facts.loss_questions import answer_kind, loss_kind
from viz.doctor.facts.step_facts import Loss
from viz.doctor.facts.validation_data import (
    classes_apart,
    overlapping_windows,
    scales_apart,
    shared_rows,
    targets_apart,
    words_of_classes,
)

__all__ = ["ValidationLoss", "ValidationRows"]

_CHANCE_LEARNT = 0.98  # the training loss against a constant answer's, while that on the validation data isn't below
_CHANCE_GAIN = 18.0  # what the validation rows together should gain, in nats: it has a noise of √(2 × itself), a third
_CHANCE_BEST = 100.0  # likelihood ratio, per epoch, from which the best validation loss is more than luck
_CHANCE_PART = 0.2  # of what the training loss gained: with right labels, the first epochs gain as much on both
_CHANCE_SIZE = 2_000_000  # numbers of labels that are looked at

_Loss = tuple[Any, tuple[int, ...]]
_UNLIKE = "{words}: val_loss tells nothing about rows like those to train with"


class _OfOneLoss(Check):
    """Knows the loss of the training, and the shape of a row of predictions."""

    def begin(self) -> None:
        self._losses: dict[int, _Loss] = {}

    def on_loss(self, loss: Loss) -> None:
        if loss.shape:
            self._losses[id(loss.owner)] = loss.owner, loss.shape[1:]

    @property
    def loss(self) -> _Loss | None:
        """The loss, and the shape of a row of predictions; None where there are several."""
        return next(iter(self._losses.values())) if len(self._losses) == 1 else None


class ValidationRows(_OfOneLoss):
    """Compares the arrays that `fit` was given, once, after the first epoch."""

    rules = {
        "validation_overlap": Rule.warning(
            "{overlap:.0%} of {rows} rows of the validation data looked at are in the training data too (by chance "
            "about {chance:.0%}): val_loss tells how well they are remembered, not how well others are answered",
            "Use rows that training never sees: validation_split=0.2, or a split before fit.",
        ),
        "validation_overlap.windows": Rule.warning(
            "{overlap:.0%} of {rows} validation windows looked at share half of their {steps} steps or more with a "
            "window to train with: shuffled before the split, and val_loss tells how well steps are remembered",
            "Split the series first, and cut each part into windows: train, held = series[:n], series[n:].",
        ),
        "validation_mismatch.classes": Rule.warning(
            _UNLIKE,
            "Shuffle the rows before they are split (validation_split takes the last ones as they come): "
            "order = rng.permutation(len(x)); x, y = x[order], y[order].",
        ),
        "validation_mismatch.scale": Rule.warning(
            _UNLIKE, "Prepare both alike, by the same number or with mean and standard deviation of the training data."
        ),
        "validation_mismatch.targets": Rule.warning(
            "{words}: val_loss says nothing about how well they are answered",
            "Scale the targets in the same way for both, with numbers of the training data, and the predictions back.",
        ),
        "validation_mismatch.shifted": Rule.warning(
            _UNLIKE, "Count the classes of all rows from 0, before they are split: y = y - y.min()."
        ),
    }

    always = ("on_logs",)

    def begin(self) -> None:
        super().begin()
        self._seen: list[Any] = []

    def on_logs(self, kind: str, step: int, logs: dict[str, Any]) -> None:
        fit = running_fit() if kind == "epoch" and "val_loss" in logs else None
        if fit is None or any(fit is each for each in self._seen):
            return
        self._seen.append(fit)
        train, held = inputs_of(fit.feed), inputs_of(fit.validation)
        if not train or [x.shape[1:] for x in train] != [x.shape[1:] for x in held]:
            return
        if min(len(train[0]), len(held[0])) >= limits.FEW_ROWS:
            self.compare(train, held, (labels_of(fit.feed), labels_of(fit.validation)), self.loss)

    def compare(self, train: Any, held: Any, labels: tuple[Any, Any], loss: _Loss | None) -> None:
        """Are they the same, of the same classes, and of the same size? `viz check` asks before training."""
        overlap, chance, looked = shared_rows(train, held, labels)
        if overlap >= max(limits.MOST, limits.CLEARLY * chance):
            self._tell("validation_overlap", overlap=overlap, chance=chance, rows=looked)
        else:
            windows = overlapping_windows(train, held)
            if windows is not None:
                self._tell("validation_overlap.windows", **dict(zip(("overlap", "rows", "steps"), windows)))
        shares = None if loss is None else classes_apart(*loss, *labels)
        scales = scales_apart(train, held)
        targets = "" if loss is None else targets_apart(loss[0], *labels)
        if targets:
            self._tell("validation_mismatch.targets", words=targets, rows=len(held[0]))
        if shares is not None:
            rule = f"validation_mismatch.{'shifted' if shares.shifted else 'classes'}"
            numbers = {"apart": shares.apart, "unseen": shares.unseen, "usual": shares.by_chance}
            self._tell(rule, words=words_of_classes(shares), **numbers)
        if scales is not None:
            ranges = [f"{number(float(x.min()))} to {number(float(x.max()))}" for x in scales]
            words = (
                f"the inputs to train with range from {ranges[0]}, and those of the validation data from {ranges[1]}"
            )
            sizes = {"rms": rms(scales[0]), "validation_rms": rms(scales[1])}
            self._tell("validation_mismatch.scale", words=words, **sizes)

    def _tell(self, rule: str, **about: Any) -> None:
        kind, _, way = rule.partition(".")
        key = (kind, way) if kind != "validation_overlap" or way else None
        self.tell(rule, place=self.watch.called_at(), key=key, **about)


class ValidationLoss(_OfOneLoss):
    """Compares the validation loss of a `fit`, or of a loop, with a constant answer's in the end."""

    rules = {
        "validation_chance": Rule.warning(
            "the training loss fell to {loss:.4g}, but in {epochs} epochs the validation loss never was {clearly}below "
            "the {constant_answer:.4g} of always giving the same answer (at best {best_val_loss:.4g}): what is learnt "
            "of one row tells nothing about others",
            "Look whether each row still has its own label (were x and y shuffled apart?), whether validation rows are "
            "prepared as those to train with, and whether the inputs can tell the label at all.",
        )
    }

    always = ("on_loss",)

    def begin(self) -> None:
        super().begin()
        self._rows = 0  # of all validations of a loop
        self._labels: dict[bool, list[numpy.ndarray]] = {True: [], False: []}  # of its training, and its validation

    def on_loss(self, loss: Loss) -> None:
        super().on_loss(loss)
        kept, y = self._labels[loss.tracked], loss.labels if not self.watch.inside("step") else None
        self._rows += len(y) if y is not None and y.ndim and not loss.tracked else 0
        if y is not None and y.ndim and sum(map(len, kept)) < limits.OVERLAP_LOOKED and y.size <= _CHANCE_SIZE:
            kept.append(y.copy())

    def finish(self) -> None:
        """Judge the last `fit` that had validation data, or the loop."""
        seen = next((each for each in self.watch.training.checks if isinstance(each, Overfit)), None)
        logs = [] if seen is None else list(zip(seen.losses.train, seen.losses.validation))
        alike = seen is not None and len(logs) == len(seen.losses.train) == len(seen.losses.validation)
        many = len(logs) >= limits.AGAIN
        if seen is None or not alike or not many or self.loss is None or not numpy.isfinite(logs).all():
            return
        constants = self._constants(*self.loss, seen.fit)
        held, relative = getattr(seen.fit, "validation", None), loss_kind(self.loss[0]) == "other"
        rows = getattr(held, "rows", None) if seen.fit is not None else self._rows // len(logs)
        if constants is None or min(constants) < limits.NO_LOSS or rows is None:  # a data set, whose rows nobody counts
            return
        loss, best = logs[-1][0], min(validation for _, validation in logs)
        gain, of_best = (
            1 - each / constant if relative else constant - each  # as a part of the variance, or in nats
            for constant, each in ((constants[0], loss), (constants[1], best))
        )
        by_luck = of_best * rows < math.log(_CHANCE_BEST * len(logs)) * (2 if relative else 1)
        if by_luck and _stays(logs):
            self.watch.retract(("too_few_steps", 0))  # more steps would only learn more rows by heart
        sure = loss < _CHANCE_LEARNT * constants[0] and gain * rows > _CHANCE_GAIN
        never, hardly = best >= constants[1], by_luck and of_best < _CHANCE_PART * gain
        if self.watch.number - seen.began < limits.LEARNT_BY or not sure or not (never or hardly):
            return
        if self.watch.hints_alone():
            severity = "warning" if never and not self.watch.interrupted else "info"
            at, clearly = {"place": seen.place, "key": ("validation_chance", 0)}, "" if never else "clearly "
            about = {"epochs": len(logs), "loss": loss, "best_val_loss": best, "constant_answer": constants[1]}
            self.tell("validation_chance", severity, clearly=clearly, **at, **about)

    def _constants(self, loss: Any, row: tuple[int, ...], fit: Any) -> tuple[float, float] | None:
        """The losses of a constant answer: on the rows to train with, and on the others."""
        kind, settings = answer_kind(loss), getattr(loss, "settings", {})
        if not kind or getattr(getattr(fit, "model", None), "losses", None):  # of weights: a part of both losses
            return None
        feeds = (fit.feed, fit.validation) if fit is not None else ()
        if any(isinstance(each, tuple) and len(each) > 2 for each in [getattr(f, "parts", None) for f in feeds]):
            return None  # weighed
        rows = max(1, min(limits.OVERLAP_LOOKED, _CHANCE_SIZE // max(1, int(numpy.prod(row)))))
        pairs = []
        alike = all(len({each.shape[1:] for each in parts}) == 1 for parts in self._labels.values())
        of_loop = [numpy.concatenate(self._labels[trained]) for trained in (True, False)] if alike else [None]
        for labels in [labels_of(feed) for feed in feeds] or of_loop:
            if labels is None:
                return None
            some = labels[numpy.linspace(0, len(labels) - 1, min(rows, len(labels))).astype(int)]
            pairs.append([(some, numpy.broadcast_to(numpy.float32(0), (len(some), *row)))])
        found = [best_constant(kind, pairs[0], each, settings, one_for_all_positions=True) for each in pairs]
        return None if found[0] is None or found[1] is None else (found[0], found[1])


def _stays(logs: list[tuple[float, float]]) -> bool:
    """Does the validation loss stay where it is, while the training loss falls?"""
    part = max(1, len(logs) // 3)
    falls = numpy.mean(logs[:part], axis=0) - numpy.mean(logs[-part:], axis=0)
    return bool(falls[0] > 0 and falls[1] < limits.A_PART * falls[0])
