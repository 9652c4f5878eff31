"""Columns and colours of two sets of rows: were both scaled alike, and are the colours in the same order?"""

from __future__ import annotations

from typing import NamedTuple

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.check_base import number

__all__ = ["Columns", "colours_swapped", "otherwise_scaled"]


class Columns(NamedTuple):
    """What the columns of some rows look like; of pictures, their colours.

    Attributes:
        rows: how many were looked at.
        means: of each column that has several values.
        deviations: of the same columns.
        lowest: their least values.
        highest: their largest ones.
        kept: which columns these are.
        colours: of pictures with three colours, the mean of each.
        gap: between the first and the last colour: its mean over the pictures, and how far that is off by chance.
    """

    rows: int
    means: numpy.ndarray
    deviations: numpy.ndarray
    lowest: numpy.ndarray
    highest: numpy.ndarray
    kept: numpy.ndarray
    colours: numpy.ndarray | None = None
    gap: tuple[float, float] = (0.0, 0.0)

    @classmethod
    def of(cls, x: numpy.ndarray) -> Columns | None:
        """Look at a table or at pictures; None where there is nothing to compare."""
        if x.dtype.kind not in "fiu" or x.ndim not in (2, 4) or len(x) < limits.OVERLAP_ROWS or not x.size:
            return None
        some = x[numpy.linspace(0, len(x) - 1, min(len(x), limits.OVERLAP_LOOKED)).astype(int)].astype("float32")
        empty = numpy.empty(0)
        if not numpy.isfinite(some).all():
            return None
        if some.ndim == 4:
            if some.shape[3] != 3:
                return None
            colours = some.mean(axis=(1, 2), dtype="float64")
            gap = colours[:, 0] - colours[:, 2]
            error = float(gap.std() / numpy.sqrt(len(gap)))
            mean = colours.mean(axis=0)
            return cls(len(some), empty, empty, empty, empty, empty, mean, (float(gap.mean()), error))
        deviations = some.std(axis=0, dtype="float64")
        kept = numpy.flatnonzero(deviations > 0)
        some = some[:, kept]
        means = some.mean(axis=0, dtype="float64")
        return cls(len(x), means, deviations[kept], some.min(axis=0, initial=0), some.max(axis=0, initial=0), kept)


def otherwise_scaled(train: Columns, given: Columns) -> str:
    """In words, that one set of rows was scaled column by column, and the other wasn't; else empty.

    >>> rows = numpy.random.default_rng(0).normal([3, 50, 1], [1, 10, 0.2], (200, 3))
    >>> scaled = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    >>> otherwise_scaled(Columns.of(scaled), Columns.of(rows))
    'have columns with means from 0.99 to 50, and those to train with a mean of 0 and a deviation of 1 in each'
    >>> otherwise_scaled(Columns.of(scaled), Columns.of(scaled[::2]))
    ''
    """
    both = numpy.intersect1d(train.kept, given.kept)
    if len(both) < limits.SCALED_COLUMNS:
        return ""
    here, there = numpy.searchsorted(train.kept, both), numpy.searchsorted(given.kept, both)
    means, deviations = given.means[there], given.deviations[there]
    apart = f"have columns with means from {number(means.min())} to {number(means.max())}, and those to train with"
    # A drift moves columns, but leaves them as wide as each other; columns as they were measured have their own widths.
    if deviations.max() < limits.WIDTHS_APART * deviations.min():
        return ""
    standard = (abs(train.means[here]) < limits.ABOUT_0).all() and (
        abs(train.deviations[here] - 1) < limits.ABOUT_1
    ).all()
    if standard and numpy.median(abs(means)) > 1:
        return f"{apart} a mean of 0 and a deviation of 1 in each"
    if (train.lowest[here] == 0).all() and (abs(train.highest[here] - 1) < limits.STANDARD).all():
        outside = (means < -limits.OUTSIDE_UNIT) | (means > 1 + limits.OUTSIDE_UNIT)
        if outside.mean() > limits.OUTSIDE_COLUMNS:
            return f"{apart} reach from 0 to 1 in each"
    return ""


def colours_swapped(train: Columns, given: Columns) -> str:
    """In words, that the first and the last colour of pictures changed places; else empty."""
    if train.colours is None or given.colours is None or min(train.rows, given.rows) < limits.COLOUR_ROWS:
        return ""
    (gap, error), (other, by_chance) = train.gap, given.gap
    sure = abs(gap) > limits.COLOURS_SURE * error and abs(other) > limits.COLOURS_SURE * by_chance
    alike = abs(gap + other) < limits.COLOURS_ALIKE * max(abs(gap), abs(other))
    if gap * other >= 0 or not sure or not alike:
        return ""
    means = [", ".join([number(float(mean)) for mean in each.colours]) for each in (given, train)]  # type: ignore[union-attr]
    return (
        f"have colours with the means {means[0]}, and those to train with {means[1]}: red and blue seem to have "
        "changed places (OpenCV reads blue, green, red)"
    )
