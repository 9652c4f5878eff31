"""Do the validation data differ from the training data?"""

from __future__ import annotations

import itertools
from typing import Any

import numpy

from eagerflow import Tensor
from viz.check.row import Row, fault, fine, nothing_to_ask, open_question
from viz.check.subject import Subject, leaves
from viz.doctor import thresholds as limits
from viz.doctor.checks.all_checks import ADVICE
from viz.doctor.facts.broken_rows import broken_rows
from viz.doctor.facts.fit_arrays import better_by_name, inputs_of, labels_of, weighs_epochs
from viz.doctor.facts.loss_questions import is_ours
from viz.doctor.facts.prepared_rows import Seen, otherwise
from viz.doctor.facts.source_calls import only_call
from viz.doctor.facts.validation_data import (
    classes_apart,
    overlapping_windows,
    scales_apart,
    shared_rows,
    targets_apart,
    words_of_classes,
    words_of_scales,
)
from viz.doctor.user_code import Place

__all__ = ["check_validation"]

_FEW = 8  # rows
_BATCHES = 16  # of a data set that are looked at


def check_validation(subject: Subject) -> Row:
    """✗ where most rows of the validation data are among those to train with, or where they are unlike those."""
    fit = subject.first.fit
    if fit is None:
        return nothing_to_ask("the validation data of a loop aren't known")
    turned = _watched_the_wrong_way(subject) or _watched_by_another_name(subject)
    if turned is not None:
        return turned
    if fit.validation is None:
        return _watched_in_vain(subject) or nothing_to_ask("fit has no validation data")
    train, held = _rows(fit.feed), _rows(fit.validation)
    if not train or not held:
        return open_question("they come from a generator, which would be used up by looking")
    if [x.shape[1:] for x in train] != [x.shape[1:] for x in held]:
        return fault(
            f"rows of the validation data have another shape than those to train with: "
            f"{[x.shape[1:] for x in held]}, {[x.shape[1:] for x in train]}",
            "prepare both in the same way",
        )
    unlike = _broken(subject, held) or _unlike(subject, train, held)
    if unlike is not None:
        return unlike
    both = labels_of(fit.feed), labels_of(fit.validation)
    overlap, chance, looked = shared_rows(train, held, both)
    shared = round(overlap * looked)
    evidence = {"rows": looked, "shared": shared, "chance": chance}
    words = f"{shared} of {looked} validation rows looked at are among the {len(train[0])} to train with"
    if looked < limits.OVERLAP_ROWS:
        return open_question(f"{looked} validation rows are too few to tell", **evidence)
    if overlap >= limits.OVERLAP and overlap >= limits.OVERLAP_CHANCE * chance:
        fix = "validate with rows that aren't trained with: validation_split, or a split before anything is repeated"
        return fault(words, fix, **evidence)
    windows = overlapping_windows(train, held)
    if windows is not None:
        return fault(windows.words, ADVICE["validation_overlap.windows"], **evidence)
    if overlap and overlap < chance:
        words += f" (equal rows are common: {chance:.0%} of the training rows have a twin)"
    return fine(words, **evidence)


def _unlike(subject: Subject, train: list[numpy.ndarray], held: list[numpy.ndarray]) -> Row | None:
    """✗ where the held rows are of other classes, or of another size; None where they aren't."""
    first = subject.first
    both = labels_of(first.fit.feed), labels_of(first.fit.validation)
    scales = scales_apart(train, held)
    if scales is not None:
        return fault(words_of_scales(*scales), ADVICE["validation_mismatch.scale"])
    words = _prepared_otherwise(train, held)
    if words:
        return fault(f"the validation rows {words}", ADVICE["validation_mismatch.prepared"])
    given = getattr(first.loss, "given", first.loss)
    words = targets_apart(given, *both) if given is not None else ""
    if words:
        return fault(words, ADVICE["validation_mismatch.targets"])
    form = _other_form(*both)
    if form:
        return fault(form, ADVICE["validation_mismatch.form"])
    outputs = list(leaves(subject.outputs(first.batch[0])))
    if first.loss is None or len(outputs) != 1 or not outputs[0].ndim:
        return None
    shares = classes_apart(given, outputs[0].shape[1:], *both)
    if shares is None:
        return None
    evidence = {"apart": shares.apart, "unseen": shares.unseen}
    words = words_of_classes(shares)
    return fault(words, ADVICE[f"validation_mismatch.{'shifted' if shares.shifted else 'classes'}"], **evidence)


def _watched_in_vain(subject: Subject) -> Row | None:
    """✗ where callbacks watch numbers of validation data, which there are none of."""
    for callback in subject.first.fit.callbacks.callbacks:
        if weighs_epochs(callback) and callback.monitor.startswith("val_"):
            words = f"fit has no validation data, and {type(callback).__name__} watches {callback.monitor!r}"
            return fault(words, ADVICE["callback_mismatch.validation"])
    return None


def _watched_the_wrong_way(subject: Subject) -> Row | None:
    """✗ where a callback takes the worse values of a number for the better ones."""
    first = subject.first
    for callback in first.fit.callbacks.callbacks:
        natural = better_by_name(callback.monitor, first.model) if weighs_epochs(callback) else None
        if natural is not None and callback.direction() != natural:
            name, less = type(callback).__name__, "lower" if natural == "max" else "higher"
            words = f"{name} takes {less} values of {callback.monitor!r} for better (mode={callback.mode!r})"
            return fault(words, ADVICE["callback_mismatch.mode"], _made_in(subject, name))
    return None


def _watched_by_another_name(subject: Subject) -> Row | None:
    """✗ where a callback watches a metric by another name than it has: 'val_acc', where it is 'val_accuracy'."""
    first = subject.first
    names = set(getattr(first.model, "metrics_names", ()))
    if first.own_step or len(names) < 2:
        return None
    for callback in first.fit.callbacks.callbacks if first.fit.validation is not None else ():
        asked = callback.monitor.removeprefix("val_") if weighs_epochs(callback) else ""
        meant = [name for name in names if asked and (name.startswith(asked) or asked.startswith(name))]
        if asked and asked not in names and meant:
            name, prefix = type(callback).__name__, callback.monitor[: -len(asked)]
            words = f"{name} watches {callback.monitor!r}, but the metric is called {prefix + meant[0]!r} here"
            return fault(words, ADVICE["callback_mismatch.monitor"], _made_in(subject, name))
    return None


def _made_in(subject: Subject, name: str) -> Place | None:
    """The line on which a callback is made, where there is one such line."""
    return only_call(subject.place.file, name) if subject.place is not None else None


def _broken(subject: Subject, held: list[numpy.ndarray]) -> Row | None:
    """✗ where inputs or labels of the validation data are NaN or infinite, and so then is the loss."""
    inputs, outputs = held[0], list(leaves(subject.outputs(subject.x)))
    broken, what = (broken_rows(inputs), "rows") if len(held) == 1 and not subject.fixed else (None, "")
    if broken is not None and len(outputs) == 1:
        made = subject.outputs(Tensor(inputs[broken[0][:_FEW]], None, None))
        if all(numpy.isfinite(a).all() for a in leaves(made) if a.dtype.kind == "f"):
            broken = None  # the model has layers that fill them in
    labels = labels_of(subject.first.fit.validation)
    if broken is None and labels is not None and is_ours(getattr(subject.first.loss, "given", subject.first.loss)):
        broken, what = broken_rows(labels), "labels"
    if broken is None:
        return None
    return fault(
        f"{len(broken[0])} of the {len(inputs)} validation {what} hold NaN or infinities, the first is row "
        f"{broken[0][0]}: val_loss is no number then",
        ADVICE[f"nonfinite.{'labels' if what == 'labels' else 'data'}"],
        rows=len(broken[0]),
    )


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
