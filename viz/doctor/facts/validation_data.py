"""Validation data against those to train with: the same rows, windows of the same series, other classes or sizes."""

from __future__ import annotations

from typing import Any

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.facts.class_numbers import Shares, are_yes_or_no, label_classes, named, shares_apart
from viz.doctor.facts.host_arrays import number, rms
from viz.doctor.facts.loss_questions import AMOUNTS, answer_kind

__all__ = ["classes_apart", "overlapping_windows", "row_hashes", "scales_apart", "shared_rows", "targets_apart"]
__all__ += ["words_of_classes"]

_OVERLAP_KINDS = 50  # different rows; fewer may be levels at which something was measured
_OVERLAP_COMPARED = 1000  # different rows that are compared with some of them
_OVERLAP_PROBES = 64
_OVERLAP_APART = 8  # columns in which a row differs from any other: none of them is met again by chance
_COLUMNS = 256  # of a row, by which it is known again
_WINDOW_STEPS = 6  # a window has at least: of fewer, a half is met again by chance
_WINDOW_NUMBERS = 50_000_000  # in all windows; more would take seconds
_UNSEEN_CLASSES = 0.1  # of the validation rows, beyond chance, are of classes that training never sees
_TARGETS_WIDER = 3.0  # the same for deviations, where those to train with are standardized

_Arrays = list[numpy.ndarray]


def _some(x: numpy.ndarray, rows: int = limits.OVERLAP_LOOKED) -> numpy.ndarray:
    """Up to so many rows, from all over an array."""
    return x[numpy.linspace(0, len(x) - 1, min(len(x), rows)).astype(int)]


def shared_rows(train: _Arrays, held: _Arrays, labels: tuple[Any, Any] = (None, None)) -> tuple[float, float, int]:
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


def _told_apart(train: _Arrays, kinds: int) -> bool:
    """Has one column nearly as many values as there are different rows, as measured numbers have?"""
    columns = [c for rows in train if rows.dtype.kind == "f" for c in _some_columns(rows).T]
    return any(len(numpy.unique(c)) >= limits.MOST * kinds and bool((c % 1).any()) for c in columns)


def _far_apart(train: _Arrays, at: numpy.ndarray) -> bool:
    """Do most different rows differ in many columns from the one that is most like them, as pictures do?"""
    some = _some(at, _OVERLAP_COMPARED)
    columns = numpy.concatenate([_some_columns(rows[some]) for rows in train], axis=1)
    probes = numpy.linspace(0, len(some) - 1, min(len(some), _OVERLAP_PROBES)).astype(int)
    nearest = [numpy.partition((columns != columns[i]).sum(axis=1), 1)[1] for i in probes]  # the first is itself
    return float(numpy.median(nearest)) >= _OVERLAP_APART


def _shared(train: _Arrays, held: _Arrays, hashes: numpy.ndarray) -> tuple[float, float, int]:
    """`shared_rows`, where all arrays count."""
    kinds, at, counts = numpy.unique(hashes, return_index=True, return_counts=True)
    order = _some(numpy.arange(len(held[0])))
    asked = row_hashes([x[order] for x in held])
    place = numpy.searchsorted(kinds, asked).clip(0, len(kinds) - 1)
    alike = kinds[place] == asked
    # Hashes are of the bytes of some columns: only equal rows count.
    same = [all((a[i] == b[j]).all() for a, b in zip(train, held)) for i, j in zip(at[place[alike]], order[alike])]
    return sum(same) / len(order), float((counts[counts > 1]).sum() / len(hashes)), len(order)


def row_hashes(arrays: _Arrays) -> numpy.ndarray:
    """A number for each row, equal for equal rows of all arrays; of some columns, where there are many."""
    found = numpy.zeros(len(arrays[0]), "uint64")
    for rows in arrays:
        some = numpy.ascontiguousarray(_some_columns(rows), dtype="float64") + 0.0
        factors = numpy.random.default_rng(0).integers(1, 2**63, some.shape[1], dtype="uint64") | numpy.uint64(1)
        found = found * numpy.uint64(31) + (some.view("uint64") * factors).sum(axis=1, dtype="uint64")
    return found


def _some_columns(rows: numpy.ndarray) -> numpy.ndarray:
    """Each row as one line, of which some numbers stand for all where there are many."""
    columns = rows.reshape(len(rows), -1)
    return columns[:, :: max(1, columns.shape[1] // _COLUMNS)][:, :_COLUMNS]


def overlapping_windows(train: _Arrays, held: _Arrays) -> tuple[float, int, int] | None:
    """Which part of the held windows begins with steps that a window to train with has further on.

    With how many were looked at, and their steps; None where hardly any do.

    Where each part is a stretch of the series, only those at the border do. Where the same steps come again and again,
    as in noiseless waves or padding, nothing can be told.

    >>> series = numpy.random.default_rng(0).normal(size=120)
    >>> windows = numpy.lib.stride_tricks.sliding_window_view(series, 20)
    >>> overlapping_windows([windows[::2]], [windows[1::2]])
    (1.0, 50, 20)
    >>> overlapping_windows([windows[:60]], [windows[60:]]) is None
    True
    """
    for rows, asked in zip(train, held):
        if rows.ndim not in (2, 3) or rows.shape[1] < _WINDOW_STEPS or rows.size > _WINDOW_NUMBERS:
            continue
        steps, half = rows.shape[1], rows.shape[1] // 2
        if len(numpy.unique(row_hashes([rows[:, :half]]))) < limits.NEARLY_ALL * len(rows):
            continue
        some, last = _some(asked)[:, :half], steps - half
        hashes, found = row_hashes([some]), numpy.zeros(len(some), bool)
        starts = {*range(1, min(last, limits.WINDOW) + 1), *[2**k for k in range(last.bit_length())], last}
        for start in starts:
            within = rows[:, start : start + half]
            every, at = numpy.unique(row_hashes([within]), return_index=True)
            place = numpy.searchsorted(every, hashes).clip(0, len(every) - 1)
            for i in numpy.flatnonzero(~found & (every[place] == hashes)):  # hashes are of some columns
                found[i] = bool((within[at[place[i]]] == some[i]).all())
        if found.mean() >= limits.MOST:
            return float(found.mean()), len(some), steps
    return None


def classes_apart(
    loss: Any, row: tuple[int, ...], train: numpy.ndarray | None, held: numpy.ndarray | None
) -> Shares | None:
    """How the classes of two sets of labels differ, where they differ by far; None where they don't, or there are none.

    Args:
        loss: the loss that the labels are for.
        row: the shape of the predictions for one row.
        train: labels to train with.
        held: labels of the validation data.
    """
    if train is None or held is None or min(len(train), len(held)) < limits.FEW_ROWS:
        return None
    kind = answer_kind(loss)
    kind = "binary" if kind in AMOUNTS and are_yes_or_no(train, held) else kind
    classes = [label_classes(kind, y, (len(y), *row)) for y in (train, held)]
    if classes[0] is None or classes[1] is None:
        return None
    found = shares_apart(classes[0], classes[1])
    unseen = bool(found.shifted) or found.unseen > _UNSEEN_CLASSES + found.by_chance
    return found if unseen or found.apart > limits.MOST + found.by_chance else None


def words_of_classes(found: Shares) -> str:
    """What `classes_apart` found, for people."""
    if found.shifted:
        return (
            f"the validation rows count their classes from {found.shifted[1]}, and those to train with from "
            f"{found.shifted[0]}"
        )
    if found.unseen:
        return f"{found.unseen:.0%} of the validation rows are of {named(found.classes)}, which training never sees"
    return (
        f"{named(found.classes)} has {found.shares[1]:.0%} of the validation rows, and {found.shares[0]:.0%} of those "
        "to train with"
    )


def targets_apart(loss: Any, train: numpy.ndarray | None, held: numpy.ndarray | None) -> str:
    """How targets of a loss differ from those of the validation data, in words; empty where they don't."""
    if train is None or held is None or min(len(train), len(held)) < limits.FEW_ROWS:
        return ""
    (mean, size, wide, low, high), (other, other_size, wider, lowest, highest) = (_amounts(y) for y in (train, held))
    if answer_kind(loss) not in AMOUNTS or not numpy.isfinite([size, other_size]).all():
        return ""
    least, most = sorted([size, other_size])
    standard = abs(mean) < limits.STANDARD and abs(wide - 1) < limits.STANDARD
    unit = low == 0 and high == 1 and other > 1 + limits.OUTSIDE_UNIT
    off = abs(other) > 1 or wider > _TARGETS_WIDER
    if not (0 < least and most > limits.SCALES_APART * least) and not unit and not (standard and off):
        return ""
    return (
        f"the targets range from {number(low)} to {number(high)} in the training data, and from "
        f"{number(lowest)} to {number(highest)} in the validation data"
    )


def _amounts(y: numpy.ndarray) -> tuple[float, float, float, float, float]:
    """The mean, the root mean square, the deviation, the least and the largest number."""
    values = y.astype("float64")
    return float(values.mean()), rms(values), float(values.std()), float(values.min()), float(values.max())


def scales_apart(train: _Arrays, held: _Arrays) -> tuple[numpy.ndarray, numpy.ndarray] | None:
    """The first inputs of both whose sizes differ by far; None where there are none."""
    for pair in zip(train, held):
        a, b = (_some(x).astype("float32") for x in pair)
        sizes = sorted([rms(a), rms(b)])
        if 0 < sizes[0] and sizes[1] < numpy.inf and sizes[1] > limits.SCALES_APART * sizes[0]:
            return a, b
    return None
