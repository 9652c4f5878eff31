"""Do the validation data differ from the training data?"""

from __future__ import annotations

import itertools
from typing import Any

import numpy

from viz.check.row import Row, fault, fine, open_question
from viz.check.subject import Subject, leaves
from viz.doctor import thresholds as limits
from viz.doctor.checks.validation_rows import inputs_of, shared_rows

__all__ = ["check_validation"]

_BATCHES = 16  # of a data set that are looked at


def check_validation(subject: Subject) -> Row:
    """✗ where most rows of the validation data are among those to train with."""
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
    overlap, chance, looked = shared_rows(train, held)
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
