"""Softmax of the rows of a matrix, its logarithm and crossentropy."""

from __future__ import annotations

from typing import Any

import numpy
from numpy import ndarray

from eagerflow.compiled.loops import softmax as loops
from eagerflow.compiled.pieces import run_rows

__all__ = ["crossentropy_of_labels", "crossentropy_of_labels_gradient", "log_softmax", "log_softmax_gradient"]
__all__ += ["softmax", "softmax_gradient"]


def softmax(rows: ndarray) -> Any:
    """exp(rows) divided by its sum per row."""
    if not rows.size:
        return None
    out = numpy.empty(rows.shape, rows.dtype)
    work = loops.softmax.on(rows, out)
    if work is None:
        return None
    run_rows(work, len(rows), rows.shape[1], rows.size * 0.6)
    return out


def softmax_gradient(g: ndarray, out: ndarray) -> Any:
    """out (g - sum(g out))."""
    found = numpy.empty(out.shape, out.dtype)
    work = loops.softmax_gradient.on(g, out, found)
    if work is None:
        return None
    run_rows(work, len(out), out.shape[1], out.size * 0.3)
    return found


def log_softmax(rows: ndarray) -> Any:
    """rows - log(sum(exp(rows)))."""
    if not rows.size:
        return None
    out = numpy.empty(rows.shape, rows.dtype)
    work = loops.log_softmax.on(rows, out)
    if work is None:
        return None
    run_rows(work, len(rows), rows.shape[1], rows.size * 0.6)
    return out


def log_softmax_gradient(g: ndarray, out: ndarray) -> Any:
    """g - exp(out) sum(g)."""
    found = numpy.empty(out.shape, out.dtype)
    work = loops.log_softmax_gradient.on(g, out, found)
    if work is None:
        return None
    run_rows(work, len(out), out.shape[1], out.size * 0.6)
    return found


def crossentropy_of_labels(labels: Any, rows: ndarray) -> Any:
    """-log of each row's softmax at its label, and the softmax."""
    if not rows.size:
        return None
    loss, out = numpy.empty(len(rows), rows.dtype), numpy.empty(rows.shape, rows.dtype)
    work = loops.crossentropy_of_labels.on(rows, _places(labels, rows), loss, out)
    if work is None:
        return None
    run_rows(work, len(rows), rows.shape[1], rows.size * 0.6)
    return loss, out


def crossentropy_of_labels_gradient(g: ndarray, labels: Any, probabilities: ndarray) -> Any:
    """(probabilities - 1 at the label) g, where g (rows,) is the losses' gradient."""
    found = numpy.empty(probabilities.shape, probabilities.dtype)
    work = loops.crossentropy_of_labels_gradient.on(g, _places(labels, found), probabilities, found)
    if work is None:
        return None
    run_rows(work, len(found), found.shape[1], found.size * 0.3)
    return found


def _places(labels: Any, rows: ndarray) -> Any:
    """Labels as places in rows.

    Raises:
        IndexError: for one that is outside.
    """
    found, classes = numpy.ascontiguousarray(labels, "int64"), rows.shape[1]
    if found.size and not -classes <= found.min() <= found.max() < classes:
        raise IndexError(f"labels go from {found.min()} to {found.max()}, and there are {classes} classes")
    return numpy.where(found < 0, found + classes, found) if found.size and found.min() < 0 else found
