"""Do the labels fit the loss?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

from viz.check.row import Row, fault, fine, open_question
from viz.check.subject import Subject, leaves
from viz.check.weights_move import words_of
from viz.doctor.check_base import number
from viz.doctor.finding import Finding
from viz.doctor.user_code import Place

__all__ = ["KINDS", "check_labels", "of_finding"]

KINDS = ("loss_mismatch", "label_range", "broadcast", "class_loss", "loss_sign", "softmax_axis")
"""What the doctor finds about labels."""


def check_labels(subject: Subject, findings: Sequence[Finding], error: BaseException | None) -> Row:
    """✗ where the doctor found, or the loss says, that they don't fit.

    Args:
        subject: the training.
        findings: what the doctor found in its first steps.
        error: what the first step raised.
    """
    for finding in findings:
        if finding.kind in KINDS and finding.severity != "info":
            return of_finding(finding)
    if error is not None:
        return fault(
            f"the first step fails: {words_of(error)}", "the message says what was expected", subject.compiled_at
        )
    y = subject.first.batch[1]
    if y is None:
        if subject.first.kind == "loop":
            return open_question("the loop's loss isn't known, so its labels aren't", subject.place)
        return open_question("the batch has no labels", subject.place)
    described = "; ".join([_described(a) for a in leaves(y)])
    loss = subject.first.loss
    return fine(f"{_named(loss)}: {described}", subject.compiled_at)


def of_finding(finding: Finding, harmless: bool = False) -> Row:
    """What the doctor found, as a row.

    Args:
        finding: what it found.
        harmless: the network learns nevertheless, so it is told and no fault.
    """
    place = Place(finding.file, finding.line) if finding.file and finding.line else None
    if harmless:
        words = f"{finding.message.rstrip('.')}; it learns nevertheless. {finding.fix}"
        return open_question(words, place, kind=finding.kind, **finding.evidence)
    return fault(finding.message, finding.fix, place, kind=finding.kind, **finding.evidence)


def _named(loss: Any) -> str:
    given = getattr(loss, "given", loss)
    return str(getattr(given, "name", None) or "the losses" if not isinstance(given, (list, dict)) else "the losses")


def _described(y: numpy.ndarray) -> str:
    shape = "×".join(map(str, y.shape))
    if not y.size or y.dtype.kind not in "fiub":
        return f"{shape} {y.dtype}"
    low, high = float(y.min()), float(y.max())
    kinds = numpy.unique(y[:10_000])
    if len(kinds) <= 2 and low >= 0 and high <= 1 and y.ndim > 1 and y.shape[-1] > 2 and (y.sum(axis=-1) == 1).all():
        return f"{shape}, one-hot"
    if (kinds == kinds.round()).all() and len(kinds) <= 1000:
        return f"{shape}, {len(kinds)} distinct integers from {low:g} to {high:g} in the first batch"
    return f"{shape}, {number(low)} to {number(high)}"
