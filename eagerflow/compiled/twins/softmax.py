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
    return _filled(loops.softmax, 0.6, rows, numpy.empty(rows.shape, rows.dtype)) if rows.size else None


def softmax_gradient(g: ndarray, out: ndarray) -> Any:
    """out (g - sum(g out))."""
    return _filled(loops.softmax_gradient, 0.3, g, out, numpy.empty(out.shape, out.dtype))


def log_softmax(rows: ndarray) -> Any:
    """rows - log(sum(exp(rows)))."""
    return _filled(loops.log_softmax, 0.6, rows, numpy.empty(rows.shape, rows.dtype)) if rows.size else None


def log_softmax_gradient(g: ndarray, out: ndarray) -> Any:
    """g - exp(out) sum(g)."""
    return _filled(loops.log_softmax_gradient, 0.6, g, out, numpy.empty(out.shape, out.dtype))


def crossentropy_of_labels(labels: Any, rows: ndarray) -> Any:
    """-log of each row's softmax at its label, and the softmax."""
    if not rows.size:
        return None
    loss, out = numpy.empty(len(rows), rows.dtype), numpy.empty(rows.shape, rows.dtype)
    found = _filled(loops.crossentropy_of_labels, 0.6, rows, _places(labels, rows), loss, out)
    return None if found is None else (loss, found)


def crossentropy_of_labels_gradient(g: ndarray, labels: Any, probabilities: ndarray) -> Any:
    """(probabilities - 1 at the label) g, where g (rows,) is the losses' gradient."""
    found = numpy.empty(probabilities.shape, probabilities.dtype)
    return _filled(loops.crossentropy_of_labels_gradient, 0.3, g, _places(labels, found), probabilities, found)


def _filled(loop: Any, cost: float, *arrays: Any) -> Any:
    """The last of these arrays, which a loop over rows fills from the others; None where it can't.

    Args:
        loop: compiled, of `loops`.
        cost: of a number, as `run_rows` has it.
        *arrays: what the loop takes, in order.
    """
    out = arrays[-1]
    work = loop.on(*arrays)
    if work is None:
        return None
    run_rows(work, len(out), out.shape[1], out.size * cost)
    return out


def _places(labels: Any, rows: ndarray) -> Any:
    """Labels as places in rows.

    Raises:
        IndexError: for one that is outside.
    """
    found, classes = numpy.ascontiguousarray(labels, "int64"), rows.shape[1]
    if not found.size or numpy.maximum.reduce(found.view("uint64"), None) < classes:  # as such, negative ones are large
        return found
    if not -classes <= found.min() <= found.max() < classes:
        raise IndexError(f"labels go from {found.min()} to {found.max()}, and there are {classes} classes")
    return numpy.where(found < 0, found + classes, found)
