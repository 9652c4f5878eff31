"""Rows and labels of whole arrays that are NaN or infinite, and that nothing fills in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy

from eagerflow import Tensor, no_grad
from viz.check.row import Row, fault
from viz.check.subject import FEW, Subject, leaves
from viz.doctor.checks.all_checks import ADVICE
from viz.doctor.facts.broken_rows import broken_rows
from viz.doctor.facts.loss_questions import is_ours

__all__ = ["broken_inputs", "broken_labels"]


def broken_inputs(subject: Subject, arrays: Sequence[numpy.ndarray], rows: str) -> Row | None:
    """✗ where rows (named in words) of a single array hold NaN or infinities of which the model makes such answers."""
    broken = broken_rows(arrays[0]) if len(arrays) == 1 and arrays[0].ndim and not subject.fixed else None
    if broken is None:
        return None
    at, column = broken
    with no_grad(), subject.undone():
        made = subject.outputs(Tensor(arrays[0][at[:FEW]], None, None))
    if all(bool(numpy.isfinite(a).all()) for a in leaves(made) if a.dtype.kind == "f"):
        return None  # the model has layers that fill them in
    where = f" (column {column})" if arrays[0].ndim == 2 else ""
    words = f"{_counted(at, arrays[0], rows)}{where}: what the model answers there is no number either"
    fix = "look at numpy.isnan(x).any(axis=1), and replace or drop those rows (of a Dataset, by dataset.filter)"
    return fault(words, fix, rows=len(at), first=at[0])


def broken_labels(subject: Subject, labels: numpy.ndarray | None, rows: str) -> Row | None:
    """✗ where labels are NaN or infinite, and the loss isn't one of the script's own, which may leave them out."""
    loss = subject.first.loss
    known = labels is not None and labels.ndim and loss is not None and is_ours(getattr(loss, "given", loss))
    broken = broken_rows(labels) if known and labels is not None else None
    if broken is None or labels is None:
        return None
    words = f"{_counted(broken[0], labels, rows)}: so is then the loss"
    return fault(words, ADVICE["nonfinite.labels"], rows=len(broken[0]))


def _counted(broken: list[int], array: numpy.ndarray, rows: str) -> str:
    hold = "hold" if len(broken) > 1 else "holds"
    return f"{len(broken)} of the {len(array)} {rows} {hold} NaN or infinities, the first is row {broken[0]}"
