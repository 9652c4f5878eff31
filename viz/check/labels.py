"""Do the labels fit the loss?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

from eagerflow.data.packing import unpack_x_y_sample_weight
from viz.check.broken_numbers import broken_labels
from viz.check.row import Row, fault, fine, nothing_to_ask, open_question
from viz.check.subject import FEW, Subject, leaves
from viz.check.weights_move import words_of
from viz.doctor import thresholds as limits
from viz.doctor.checks.all_checks import ADVICE
from viz.doctor.checks.answers import ClassWeights
from viz.doctor.facts.class_numbers import Order, label_classes
from viz.doctor.facts.fit_arrays import labels_of
from viz.doctor.facts.host_arrays import number
from viz.doctor.facts.loss_questions import loss_kind
from viz.doctor.facts.reordered import reordered_apart
from viz.doctor.finding import Finding
from viz.doctor.user_code import Place
from viz.doctor.watcher import Watcher

__all__ = ["KINDS", "check_labels", "of_finding"]

KINDS = ("loss_mismatch", "label_range", "broadcast", "class_loss", "loss_sign", "softmax_axis", "label_leak")
"""What the doctor finds about labels."""


def check_labels(subject: Subject, findings: Sequence[Finding], error: BaseException | None) -> Row:
    """✗ where the doctor found, or the loss says, that they don't fit."""
    feed = getattr(subject.first.fit, "feed", None)
    whole = labels_of(feed) if feed is not None else None
    first = next(leaves(subject.first.batch[1]), None)
    rows = "labels of the first batch" if whole is None else "labels"
    broken = broken_labels(subject, first if whole is None else whole, rows)
    if broken is not None:
        return broken
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
            return open_question("the loop's loss isn't known, so its labels aren't")
        return nothing_to_ask("the batch has no labels")
    described = "; ".join([_described(a) for a in leaves(y)])
    loss = subject.first.loss
    out_of_order = _shuffled_apart(subject) or _one_class(subject) or _weights_of_classes(subject)
    if out_of_order is not None:
        return out_of_order
    name = getattr(getattr(loss, "given", loss), "name", None) or "the losses"
    return fine(f"{name}: {described}", subject.compiled_at)


def _weights_of_classes(subject: Subject) -> Row | None:
    """✗ where `class_weight` names other classes, or is the wrong way round; None where it is as it should."""
    watcher = Watcher()
    judge = ClassWeights(watcher)
    judge.on_logs("epoch", 0, {})  # which looks for the running `fit`
    judge.finish()
    return next((of_finding(found) for found in watcher.findings if found.severity != "info"), None)


def _shuffled_apart(subject: Subject) -> Row | None:
    """A script that puts inputs or labels in another order, and not the others; None where it reads otherwise."""
    file = subject.place.file if subject.place is not None else ""
    found = reordered_apart(file) if file else None
    if found is None:
        return None
    return fault(
        f"the rows of {found.name!r} are shuffled and those of {found.other!r} are not in the same order, so each row "
        "has another row's label",
        ADVICE["shuffled_apart"],
        Place(file, found.line),
        name=found.name,
    )


def _one_class(subject: Subject) -> Row | None:
    """A first batch of one class: a fault where the rows are sorted, else a question; None where it is none."""
    first = subject.first
    labels = list(leaves(first.batch[1]))
    outputs = list(leaves(subject.outputs(first.batch[0])))
    if first.loss is None or len(labels) != 1 or len(outputs) != 1 or len(labels[0]) < limits.OFTEN:
        return None
    kind, row = loss_kind(getattr(first.loss, "given", first.loss)), outputs[0].shape[1:]
    classes = label_classes(kind, labels[0], outputs[0].shape)
    if classes is None or len(classes) != len(labels[0]) or len(numpy.unique(classes)) > 1:
        return None
    feed: Any = getattr(first.fit, "feed", None)
    words = f"all {len(classes)} rows of the first batch are of class {classes[0]}"
    whole = labels_of(feed) if feed is not None else None
    # A discriminator may be given ones, and then zeros, for an epoch each.
    if whole is not None and first.fit.epochs > first.fit.initial_epoch + 1 and bool((whole == whole[:1]).all()):
        words = f"all {len(whole)} labels are {classes[0]}: there is nothing to tell apart"
        return fault(words, "look at how the labels are made, and whether they were cut out of rows sorted by class")
    order = Order()
    for batch in subject.epoch():  # a large one, sorted, begins with many of one class
        each = next(leaves(unpack_x_y_sample_weight(batch)[1]))
        known = label_classes(kind, each, (len(each), *row))
        if known is not None and order.due():
            order.add(known)
    found = order.sorted()
    if found is not None:
        how = "the rows come sorted by class" if found["in_order"] else "each batch holds one class"
        advice = ADVICE["sorted_rows" if found["in_order"] else "sorted_rows.batches"]
        return fault(f"{words}, and so on: {how}, of which there are {found['classes']}", advice, **found)
    if whole is not None or outputs[0].shape[-1] <= 2 or len(classes) < FEW:  # which may be by chance
        return None
    return open_question(f"{words}, of {outputs[0].shape[-1]}: are the rows sorted by class? Then shuffle them")


def of_finding(finding: Finding, excuse: str = "") -> Row:
    """What the doctor found, as a row."""
    place = Place(finding.file, finding.line) if finding.file and finding.line else None
    if excuse:
        words = f"{finding.message.rstrip('.')}; {excuse}. {finding.fix}"
        return open_question(words, place, kind=finding.kind, **finding.evidence)
    return fault(finding.message, finding.fix, place, kind=finding.kind, **finding.evidence)


def _described(y: numpy.ndarray) -> str:
    shape = "×".join(map(str, y.shape))
    if not y.size or y.dtype.kind not in "fiub":
        return f"{shape} {y.dtype}"
    low, high = float(y.min()), float(y.max())
    kinds = numpy.unique(y[:10_000])
    if len(kinds) <= 2 and low >= 0 and high <= 1 and y.ndim > 1 and y.shape[-1] > 2 and (y.sum(axis=-1) == 1).all():
        return f"{shape}, one-hot"
    if (kinds == kinds.round()).all() and len(kinds) <= 1000:
        if len(kinds) == 1:
            return f"{shape}, all {low:g} in the first batch"
        return f"{shape}, {len(kinds)} distinct integers from {low:g} to {high:g} in the first batch"
    return f"{shape}, {number(low)} to {number(high)}"
