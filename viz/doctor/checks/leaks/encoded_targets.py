"""`label_leak.encoded`: a column of means of labels, which were taken over validation rows, or over the row itself."""

from __future__ import annotations

import ast
from typing import Any, NamedTuple

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check
from viz.doctor.checks.endings import running_fit
from viz.doctor.checks.rows.fit_arrays import inputs_of, labels_of
from viz.doctor.source_calls import tree_of
from viz.doctor.user_code import Place, user_frames

__all__ = ["Encoded", "EncodedTargets", "encoded_column"]


class Encoded(NamedTuple):
    """A column that holds, for each row, the mean label of all rows with this value.

    Attributes:
        column: which one.
        kinds: how many different values it has.
        size: of how many rows such a mean is, in the median.
        held: were the labels of validation rows among them?
    """

    column: int
    kinds: int
    size: float
    held: bool


class EncodedTargets(Check):
    """Compares the columns of the table that `fit` is given with means of its labels, once."""

    always = ("on_logs",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._seen: Any = None

    def on_logs(self, kind: str, step: int, logs: dict[str, Any]) -> None:
        fit = running_fit() if kind == "epoch" else None
        if fit is None or fit is self._seen:
            return
        self._seen = fit
        train, held = inputs_of(fit.feed), inputs_of(fit.validation)
        both = labels_of(fit.feed), labels_of(fit.validation)
        if len(train) != 1 or both[0] is None or train[0].ndim != 2 or len(train[0]) != len(both[0]):
            return
        others = (held[0], both[1]) if len(held) == 1 and both[1] is not None and len(held[0]) == len(both[1]) else None
        found = encoded_column((train[0], both[0]), others)
        if found is not None:
            rows = train[0][:, found.column]
            self._tell(found, rows, None if others is None else others[0][:, found.column])

    def _tell(self, found: Encoded, rows: numpy.ndarray, held: numpy.ndarray | None) -> None:
        whose = "those of the validation rows among them" if found.held else "its own among them"
        words = (
            "so val_loss tells how well labels are answered that were given"
            if found.held
            else f"and that is of {found.size:.0f} rows in the median: each row tells much of its own label"
        )
        self.watch.report(
            "label_leak.encoded",
            "warning",
            f"column {found.column} of the inputs holds the mean label of all rows with the same value "
            f"({found.kinds} values), {whose}: {words}",
            place=_made_at(rows, held) or self.watch.called_at(),
            key=("label_leak", "encoded"),
            evidence={"column": found.column, "rows": len(rows), "correlation": 1.0, "of_others": 0.0},
        )


def encoded_column(
    train: tuple[numpy.ndarray, numpy.ndarray], held: tuple[numpy.ndarray, numpy.ndarray] | None
) -> Encoded | None:
    """The first column that holds means of labels which it may not know; None for none.

    Means over the training rows alone are usual where they are over many rows.

    Args:
        train: a table, and its labels, one for each row.
        held: the same of the validation data; None without any.

    >>> rng = numpy.random.default_rng(0)
    >>> kinds, y = rng.integers(0, 100, 400), rng.random(400)
    >>> means = numpy.array([y[kinds == each].mean() for each in range(100)])[kinds][:, None]
    >>> encoded_column((means[:300], y[:300]), (means[300:], y[300:])).held
    True
    >>> encoded_column((kinds[:, None].astype(float), y), None) is None
    True
    """
    x, labels = train
    y = labels.reshape(len(labels), -1).astype("float64")
    small = limits.ENCODED_KINDS <= len(x) <= limits.ENCODED_ROWS and x.shape[1] <= limits.ENCODED_COLUMNS
    if y.shape[1] != 1 or x.dtype.kind != "f" or not small or not numpy.isfinite(y).all():
        return None
    for column in range(x.shape[1]):
        values = x[:, column]
        kinds, at = numpy.unique(values, return_inverse=True)
        if not limits.ENCODED_KINDS <= len(kinds) <= limits.ENCODED_SHARE * len(values):
            continue
        counts, sums = numpy.bincount(at), numpy.bincount(at, y[:, 0])
        spread = numpy.bincount(at, numpy.square(y[:, 0] - (sums / counts)[at]))
        if float((spread[counts > 1] > 0).mean()) < limits.ENCODED_SPREAD:
            continue  # what the label is made of
        size = float(numpy.median(_rows_of_means(kinds, counts, y)[at]))
        if size <= limits.ENCODED_SMALL and _are_means(kinds, sums / counts):
            return Encoded(column, len(kinds), size, False)
        if held is None:
            continue
        own = held[0][:, column]
        place = numpy.searchsorted(kinds, own).clip(0, len(kinds) - 1)
        known = kinds[place] == own
        labels_held = held[1].reshape(len(own), -1)[:, 0].astype("float64")
        all_counts = counts + numpy.bincount(place[known], minlength=len(kinds))
        all_sums = sums + numpy.bincount(place[known], labels_held[known], minlength=len(kinds))
        if known.any() and _are_means(kinds, all_sums / all_counts) and not _are_means(kinds, sums / counts):
            return Encoded(column, len(kinds), size, True)
    return None


def _rows_of_means(kinds: numpy.ndarray, counts: numpy.ndarray, y: numpy.ndarray) -> numpy.ndarray:
    """Of how many rows each mean is: at least so many as make it a whole number of ones, where labels are 0 and 1.

    Several kinds of rows may have the same mean.
    """
    found = counts.copy()
    if ((y == 0) | (y == 1)).all() and kinds.min() >= 0 and kinds.max() <= 1:
        for rows in range(int(limits.ENCODED_SMALL), 0, -1):
            times = kinds.astype("float64") * rows
            found[numpy.abs(times - times.round()) < limits.ENCODED_FRACTION] = rows
    return found


def _are_means(values: numpy.ndarray, means: numpy.ndarray) -> bool:
    """Are these values the means, or the means times a number, plus another?"""
    a, b = (each.astype("float64") - each.mean() for each in (values, means))
    size = float(numpy.sqrt((a @ a) * (b @ b)))
    return size > 0 and abs(float(a @ b)) / size >= 1 - limits.ENCODED_ROUNDING


def _made_at(rows: numpy.ndarray, held: numpy.ndarray | None) -> Place | None:
    """The line that makes the column, where an array of the script holds it under a name."""
    whole = rows if held is None else numpy.concatenate([rows, held])
    for frame in user_frames():
        tree = tree_of(frame.f_code.co_filename)
        for name, value in [*frame.f_locals.items(), *frame.f_globals.items()]:
            if not isinstance(value, numpy.ndarray) or value.shape not in (rows.shape, whole.shape):
                continue
            same = rows if value.shape == rows.shape else whole
            if numpy.array_equal(value.astype(same.dtype), same):
                lines = [
                    node.lineno
                    for node in (ast.walk(tree) if tree is not None else ())
                    if isinstance(node, ast.Assign) and any(getattr(t, "id", "") == name for t in node.targets)
                ]
                return Place(frame.f_code.co_filename, max(lines)) if lines else None
    return None
