"""Do the validation data differ from the training data?"""

from __future__ import annotations

import itertools
from typing import Any

import numpy

from viz.check.row import Row, fault, fine, open_question
from viz.check.subject import Subject, leaves
from viz.doctor import thresholds as limits
from viz.doctor.advice import ADVICE
from viz.doctor.checks.rows.validation_rows import (
    classes_apart,
    inputs_of,
    labels_of,
    scales_apart,
    shared_rows,
    words_of_classes,
    words_of_scales,
)

__all__ = ["check_validation"]

_BATCHES = 16  # of a data set that are looked at


def check_validation(subject: Subject) -> Row:
    """✗ where most rows of the validation data are among those to train with, or where they are unlike those."""
    fit = subject.first.fit
    if fit is None:
        return open_question("the validation data of a loop aren't known", subject.place)
    if fit.validation is None:
        return open_question("fit has no validation data", subject.place)
    train, held = _rows(fit.feed), _rows(fit.validation)
    if not train or not held:
        return open_question("they come from a generator, which would be used up by looking", subject.place)
    if [x.shape[1:] for x in train] != [x.shape[1:] for x in held]:
        return fault(
            f"rows of the validation data have another shape than those to train with: "
            f"{[x.shape[1:] for x in held]}, {[x.shape[1:] for x in train]}",
            "prepare both alike",
            subject.place,
        )
    unlike = _unlike(subject, train, held)
    if unlike is not None:
        return unlike
    overlap, chance, looked = shared_rows(train, held, (labels_of(fit.feed), labels_of(fit.validation)))
    shared = round(overlap * looked)
    evidence = {"rows": looked, "shared": shared, "chance": chance}
    words = f"{shared} of {looked} validation rows looked at are among the {len(train[0])} to train with"
    if looked < limits.OVERLAP_ROWS:
        return open_question(f"{looked} validation rows are too few to tell", subject.place, **evidence)
    if overlap >= limits.OVERLAP and overlap >= limits.OVERLAP_CHANCE * chance:
        return fault(
            words,
            "validate with rows that aren't trained with: validation_split, or a split before anything is repeated",
            subject.place,
            **evidence,
        )
    if overlap and overlap < chance:
        words += f" (equal rows are common: {chance:.0%} of the training rows have a twin)"
    return fine(words, subject.place, **evidence)


def _unlike(subject: Subject, train: list[numpy.ndarray], held: list[numpy.ndarray]) -> Row | None:
    """✗ where the held rows are of other classes, or of another size; None where they aren't."""
    first = subject.first
    scales = scales_apart(train, held)
    if scales is not None:
        return fault(words_of_scales(*scales), ADVICE["validation_mismatch.scale"], subject.place)
    outputs = list(leaves(subject.outputs(first.batch[0])))
    if first.loss is None or len(outputs) != 1 or not outputs[0].ndim:
        return None
    labels = labels_of(first.fit.feed), labels_of(first.fit.validation)
    shares = classes_apart(getattr(first.loss, "given", first.loss), outputs[0].shape[1:], *labels)
    if shares is None:
        return None
    evidence = {"apart": shares.apart, "unseen": shares.unseen}
    return fault(words_of_classes(shares), ADVICE["validation_mismatch.classes"], subject.place, **evidence)


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
