"""Do the validation data differ from the training data? The doctor's rules are asked before training."""

from __future__ import annotations

import itertools
from typing import Any

import numpy

from viz.check.broken_numbers import broken_inputs, broken_labels
from viz.check.labels import of_finding
from viz.check.row import Row, fault, fine, nothing_to_ask, open_question
from viz.check.subject import Subject, leaves
from viz.doctor import thresholds as limits
from viz.doctor.checks.all_checks import ADVICE
from viz.doctor.checks.validation.validation_rows import ValidationRows
from viz.doctor.facts.fit_arrays import better_by_name, inputs_of, labels_of, weighs_epochs
from viz.doctor.facts.prepared_rows import Seen, otherwise
from viz.doctor.facts.source_calls import only_call
from viz.doctor.watcher import Watcher

__all__ = ["check_validation"]

_BATCHES = 16  # of a data set that are looked at


def check_validation(subject: Subject) -> Row:
    """✗ where most rows of the validation data are among those to train with, or where they are unlike those."""
    fit = subject.first.fit
    if fit is None:
        return nothing_to_ask("the validation data of a loop aren't known")
    watched = _watched(subject)
    if watched is not None:
        return watched
    if fit.validation is None:
        return nothing_to_ask("fit has no validation data")
    train, held = _rows(fit.feed), _rows(fit.validation)
    if not train or not held:
        return open_question("they come from a generator, which would be used up by looking")
    shapes = [[x.shape[1:] for x in each] for each in (held, train)]
    if shapes[0] != shapes[1]:
        words = f"rows of the validation data have another shape than those to train with: {shapes[0]}, {shapes[1]}"
        return fault(words, "prepare both in the same way")
    labels = labels_of(fit.feed), labels_of(fit.validation)
    broken = broken_inputs(subject, held, "validation rows") or broken_labels(subject, labels[1], "validation labels")
    return broken or _compared(subject, train, held, labels)


def _compared(subject: Subject, train: list[numpy.ndarray], held: list[numpy.ndarray], labels: tuple[Any, Any]) -> Row:
    """✗ where the rows are the same ones, or of other classes, of another size, or prepared otherwise."""
    loss, outputs = subject.first.loss, list(leaves(subject.outputs(subject.x)))
    known = loss is not None and len(outputs) == 1 and outputs[0].ndim
    enough = min(len(train[0]), len(held[0])) >= limits.FEW_ROWS
    watcher = Watcher()
    if enough:
        row = (getattr(loss, "given", loss), outputs[0].shape[1:]) if known else None
        ValidationRows(watcher).compare(train, held, labels, row)
    for finding in watcher.findings:
        return of_finding(finding)
    words = _prepared_otherwise(train, held)
    if words:
        return fault(f"the validation rows {words}", ADVICE["validation_mismatch.prepared"])
    form = _other_form(*labels)
    if form:
        return fault(form, ADVICE["validation_mismatch.form"])
    if not enough:
        return open_question(f"{len(held[0])} validation rows are too few to tell")
    return fine(f"{len(held[0])} validation rows are like the {len(train[0])} to train with, and not among them")


def _watched(subject: Subject) -> Row | None:
    """✗ where a callback watches a number that there won't be, or takes its worse values for the better ones."""
    first = subject.first
    names = set() if first.own_step else set(getattr(first.model, "metrics_names", ()))
    for callback in first.fit.callbacks.callbacks:
        if not weighs_epochs(callback):
            continue
        name, monitor = type(callback).__name__, callback.monitor
        natural, asked = better_by_name(monitor, first.model), monitor.removeprefix("val_")
        meant = [each for each in names if each.startswith(asked) or asked.startswith(each)]
        if natural is not None and callback.mode not in ("auto", natural):
            less = "lower" if natural == "max" else "higher"
            way, words = "mode", f"{name} takes {less} values of {monitor!r} for better (mode={callback.mode!r})"
        elif monitor.startswith("val_") and first.fit.validation is None:
            way, words = "validation", f"fit has no validation data, and {name} watches {monitor!r}"
        elif first.fit.validation is not None and len(names) > 1 and asked not in names and meant:
            called = monitor[: -len(asked)] + meant[0]
            way, words = "monitor", f"{name} watches {monitor!r}, but the metric is called {called!r} here"
        else:
            continue
        place = only_call(subject.place.file, name) if subject.place is not None else None
        return fault(words, ADVICE[f"callback_mismatch.{way}"], place)
    return None


def _prepared_otherwise(train: list[numpy.ndarray], held: list[numpy.ndarray]) -> str:
    """How the columns or colours of the held rows show that they were prepared otherwise, in words; or empty."""
    for pair in zip(train, held):
        before, now = (Seen.of(x) for x in pair)
        words = otherwise(before, now, by_size=False, by_columns=True) if before is not None and now is not None else ""
        if words:
            return words
    return ""


def _other_form(train: numpy.ndarray | None, held: numpy.ndarray | None) -> str:
    """In words, that labels are class numbers in one set of rows, and one-hot rows in the other; or empty."""
    if train is None or held is None or {train.ndim, held.ndim} != {1, 2}:
        return ""
    wide = (train if train.ndim == 2 else held).shape[1]
    words = ("class numbers", f"one-hot rows of {wide}")
    first, second = words if train.ndim == 1 else words[::-1]
    return f"the labels to train with are {first}, and those of the validation data {second}" if wide > 1 else ""


def _rows(feed: Any) -> list[numpy.ndarray]:
    """The inputs of a feed: its arrays, or the first batches of a data set; none of what can be used only once."""
    found = inputs_of(feed)
    given = getattr(feed, "iterable", None)
    if found or getattr(feed, "parts", None) is not None or given is None or getattr(feed, "once", True):
        return found
    batches = [list(leaves(b[0] if isinstance(b, tuple) else b)) for b in itertools.islice(given, _BATCHES)]
    if not batches or any(not a.ndim or a.dtype.kind not in "fiub" for a in itertools.chain(*batches)):
        return []
    return [numpy.concatenate(arrays) for arrays in zip(*batches)]
