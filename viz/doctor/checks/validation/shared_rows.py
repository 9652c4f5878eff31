"""Rows of the validation data that are among those to train with."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.checks.answers import answer_kind
from viz.doctor.class_numbers import label_classes

__all__ = ["Repeated", "repeated_class", "row_hashes", "shared_rows"]

_OVERLAP_CLASS = 0.8  # of the validation rows of one class: of rows repeated eleven times, nearly all are in both parts
_OVERLAP_OTHERS = 0.5  # and so small a part of that, at most, of the other rows: else it is no matter of that class
_OVERLAP_KINDS = 50  # different rows; fewer may be levels at which something was measured
_OVERLAP_KNOWN = 0.5  # a column with so many values, against the different rows, tells them apart
_OVERLAP_COMPARED = 1000  # different rows that are compared with some of them
_OVERLAP_PROBES = 64
_OVERLAP_APART = 8  # columns in which a row differs from any other: none of them is met again by chance


def shared_rows(
    train: list[numpy.ndarray], held: list[numpy.ndarray], labels: tuple[Any, Any] = (None, None)
) -> tuple[float, float, int]:
    """Which part of the held rows is among those to train with, what to expect by chance, and how many were looked at.

    By chance is what equal rows among the training data explain, as tables of few values have them. Where a single
    column tells the rows apart, or different rows differ in many columns, equal ones were repeated: then none are by
    chance, and only those with equal labels are counted, since the same input may well be measured again and again.
    """
    hashes = row_hashes(train)
    kinds, at = numpy.unique(hashes, return_index=True)
    repeated = _OVERLAP_KINDS <= len(kinds) < len(hashes)
    if repeated and (_told_apart(train, len(kinds)) or _far_apart(train, at)):
        y, held_y = labels
        known = y is not None and held_y is not None and y.shape[1:] == held_y.shape[1:]
        if known and len(y) == len(train[0]) and len(held_y) == len(held[0]):
            train, held = [*train, y], [*held, held_y]
        overlap, _, looked = _shared(train, held, row_hashes(train))
        return overlap, 0.0, looked
    return _shared(train, held, hashes)


class Repeated(NamedTuple):
    """A class whose rows are in both parts.

    Attributes:
        number: the class.
        overlap: which part of its held rows is among those to train with.
        others: the same, of the rows of all other classes.
        rows: how many of its rows were looked at.
    """

    number: int
    overlap: float
    others: float
    rows: int


def repeated_class(
    loss: Any,
    row: tuple[int, ...],
    train: list[numpy.ndarray],
    held: list[numpy.ndarray],
    labels: tuple[numpy.ndarray | None, numpy.ndarray | None],
) -> Repeated | None:
    """The class whose rows were repeated before the split, so that nearly all are in both parts; None for none.

    It is for rows of which none are equal by chance (see `shared_rows`). That a single row is met again and again, such
    as an empty picture, is no repetition of a class.

    Args:
        loss: the loss that the labels are for.
        row: the shape of the predictions for one row.
        train: inputs to train with.
        held: those of the validation data.
        labels: of both.
    """
    given, kept = labels
    if given is None or kept is None:
        return None
    own, other = (label_classes(answer_kind(loss), y, (len(y), *row)) for y in (given, kept))
    if own is None or other is None or (len(own), len(other)) != (len(train[0]), len(held[0])):
        return None
    for number_of_class in numpy.unique(other):
        held_own = [x[other == number_of_class] for x in held]
        different = len(numpy.unique(row_hashes(held_own)))
        if different < limits.OVERLAP_ROWS or not (own == number_of_class).any():
            continue
        overlap, looked = _shared_of(own == number_of_class, train, held_own)
        if overlap < _OVERLAP_CLASS:
            continue
        rest = [x[other != number_of_class] for x in held]
        others = _shared_of(own != number_of_class, train, rest)[0] if len(rest[0]) else overlap
        if others < _OVERLAP_OTHERS * overlap:
            return Repeated(int(number_of_class), overlap, others, looked)
    return None


def _shared_of(chosen: numpy.ndarray, train: list[numpy.ndarray], held: list[numpy.ndarray]) -> tuple[float, int]:
    """Which part of the held rows is among the chosen ones to train with, and how many were looked at."""
    rows = [x[chosen] for x in train]
    if not len(rows[0]):
        return 0.0, 0
    overlap, _, looked = _shared(rows, held, row_hashes(rows))
    return overlap, looked


def _told_apart(train: list[numpy.ndarray], kinds: int) -> bool:
    """Has one column nearly as many values as there are different rows, as measured numbers have?"""
    for rows in train:
        columns = rows.reshape(len(rows), -1)
        if columns.dtype.kind != "f":
            continue
        for column in range(0, columns.shape[1], max(1, columns.shape[1] // limits.OVERLAP_COLUMNS)):
            values = columns[:, column]
            if len(numpy.unique(values)) >= _OVERLAP_KNOWN * kinds and bool((values % 1).any()):
                return True
    return False


def _far_apart(train: list[numpy.ndarray], at: numpy.ndarray) -> bool:
    """Do most different rows differ in many columns from the one that is most like them, as pictures do?"""
    some = at[numpy.linspace(0, len(at) - 1, min(len(at), _OVERLAP_COMPARED)).astype(int)]
    columns = numpy.concatenate([_some_columns(rows[some]) for rows in train], axis=1)
    probes = numpy.linspace(0, len(some) - 1, min(len(some), _OVERLAP_PROBES)).astype(int)
    nearest = [numpy.partition((columns != columns[i]).sum(axis=1), 1)[1] for i in probes]  # the first is itself
    return float(numpy.median(nearest)) >= _OVERLAP_APART


def _shared(train: list[numpy.ndarray], held: list[numpy.ndarray], hashes: numpy.ndarray) -> tuple[float, float, int]:
    """`shared_rows`, where all arrays count."""
    kinds, at, counts = numpy.unique(hashes, return_index=True, return_counts=True)
    order = numpy.linspace(0, len(held[0]) - 1, min(len(held[0]), limits.OVERLAP_LOOKED)).astype(int)
    asked = row_hashes([x[order] for x in held])
    place = numpy.searchsorted(kinds, asked).clip(0, len(kinds) - 1)
    alike = kinds[place] == asked
    rows = at[place[alike]]
    # Hashes are of the bytes of some columns: only equal rows count.
    same = [all((a[i] == b[j]).all() for a, b in zip(train, held)) for i, j in zip(rows, order[alike])]
    return sum(same) / len(order), float((counts[counts > 1]).sum() / len(hashes)), len(order)


def row_hashes(arrays: list[numpy.ndarray]) -> numpy.ndarray:
    """A number for each row, equal for equal rows of all arrays."""
    found = numpy.zeros(len(arrays[0]), "uint64")
    for rows in arrays:
        some = numpy.ascontiguousarray(_some_columns(rows), dtype="float64") + 0.0
        factors = numpy.random.default_rng(0).integers(1, 2**63, some.shape[1], dtype="uint64") | numpy.uint64(1)
        found = found * numpy.uint64(31) + (some.view("uint64") * factors).sum(axis=1, dtype="uint64")
    return found


def _some_columns(rows: numpy.ndarray) -> numpy.ndarray:
    """Each row as one line, of which some numbers stand for all where there are many."""
    columns = rows.reshape(len(rows), -1)
    stride = max(1, columns.shape[1] // limits.OVERLAP_COLUMNS)
    return columns[:, ::stride][:, : limits.OVERLAP_COLUMNS]
