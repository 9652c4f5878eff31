"""What rows of inputs look like, and whether others were prepared in the same way."""

from __future__ import annotations

from typing import NamedTuple

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.facts.host_arrays import number

__all__ = ["Seen", "otherwise"]

_SCALED_COLUMNS = 3  # with several values, at least: of fewer, a drift explains it as well
_ABOUT = 0.2  # how far from 0 and 1 are means and deviations of columns that were standardized with rows like these
_WIDTHS_APART = 2.0  # the widest column against the narrowest: as they were measured, and not scaled


class Seen(NamedTuple):
    """What some rows of inputs look like.

    Attributes:
        rows: how many.
        columns: how many numbers a row has.
        sizes: the root mean squares of rows: the least and the largest one.
        middles: their medians: the least and the largest one, of several sets of rows.
        low: the least number.
        high: the largest one.
        whole: are all of them whole numbers?
        table: means, deviations, least and largest numbers of the columns, where it is a table.
    """

    rows: int
    columns: int
    sizes: tuple[float, float]
    middles: tuple[float, float]
    low: float
    high: float
    whole: bool
    table: numpy.ndarray | None = None

    @classmethod
    def of(cls, x: numpy.ndarray) -> Seen | None:
        """Look at up to some thousands of rows; None where there is nothing to compare."""
        if x.dtype.kind not in "fiu" or x.ndim < 2 or not x.size:
            return None
        some = x[numpy.linspace(0, len(x) - 1, min(len(x), limits.OVERLAP_LOOKED)).astype(int)]
        flat = some.reshape(len(some), -1).astype("float32")
        if not numpy.isfinite(flat).all():
            return None
        sizes = numpy.sqrt(numpy.square(flat, dtype="float64").mean(axis=1))
        table = None
        if x.ndim == 2 and len(x) >= limits.FEW_ROWS:
            ends = flat.mean(axis=0, dtype="float64"), flat.std(axis=0, dtype="float64"), flat.min(axis=0)
            table = numpy.stack([*ends, flat.max(axis=0)])
        span, middle = (float(sizes.min()), float(sizes.max())), float(numpy.median(sizes))
        whole, low, high = bool((flat == numpy.floor(flat)).all()), float(flat.min()), float(flat.max())
        return cls(len(x), flat.shape[1], span, (middle, middle), low, high, whole, table)

    def and_those(self, others: Seen | None) -> Seen:
        """These rows, and those of other calls of `fit`."""
        if others is None or others.columns != self.columns:
            return self
        sizes = min(self.sizes[0], others.sizes[0]), max(self.sizes[1], others.sizes[1])
        middles = min(self.middles[0], others.middles[0]), max(self.middles[1], others.middles[1])
        low, high, whole = min(self.low, others.low), max(self.high, others.high), self.whole or others.whole
        return self._replace(
            rows=self.rows + others.rows, sizes=sizes, middles=middles, low=low, high=high, whole=whole
        )

    @property
    def range(self) -> str:
        """From the least number to the largest one, in words."""
        return f"{number(self.low)} to {number(self.high)}"


def otherwise(train: Seen, given: Seen, by_size: bool = True, by_columns: bool = False) -> str:
    """How rows were prepared otherwise than those to train with, in words; empty where nothing says so.

    Args:
        train: the rows to train with.
        given: the others.
        by_size: are they compared by how large their numbers are, too?
        by_columns: and column by column? What is asked of a trained network may be far from all that it was shown.

    >>> rows = numpy.random.default_rng(0).random((50, 8)) + 0.1
    >>> otherwise(Seen.of(rows), Seen.of(255 * rows))
    'range from 26 to 280, and those to train with from 0.1 to 1.1'
    >>> otherwise(Seen.of(rows), Seen.of(rows[::2]))
    ''
    """
    if train.columns != given.columns or (train.whole and given.whole):  # numbers of words, say, of any size
        return ""
    if by_size and _far(train, given):
        return f"range from {given.range}, and those to train with from {train.range}"
    if not by_columns or train.table is None or given.table is None:
        return ""
    return _otherwise_scaled(train.table, given.table)


def _otherwise_scaled(train: numpy.ndarray, given: numpy.ndarray) -> str:
    """In words, that one set of rows was scaled column by column, and the other wasn't; else empty."""
    kept = (train[1] > 0) & (given[1] > 0)
    if kept.sum() < _SCALED_COLUMNS:
        return ""
    (mean, deviation, low, high), (means, deviations, *_) = train[:, kept], given[:, kept]
    apart = f"have columns with means from {number(means.min())} to {number(means.max())}, and those to train with"
    # A drift moves columns, but leaves them as wide as each other; columns as they were measured have their own widths.
    if deviations.max() < _WIDTHS_APART * deviations.min():
        return ""
    standard = (abs(mean) < _ABOUT).all() and (abs(deviation - 1) < _ABOUT).all()
    if standard and numpy.median(abs(means)) > 1:
        return f"{apart} a mean of 0 and a deviation of 1 in each"
    outside = (means < -limits.OUTSIDE_UNIT) | (means > 1 + limits.OUTSIDE_UNIT)
    unit = (low == 0).all() and (abs(high - 1) < limits.STANDARD).all()
    return f"{apart} reach from 0 to 1 in each" if unit and outside.mean() > limits.MOST else ""


def _far(train: Seen, given: Seen) -> bool:
    """Are rows ten times as large or small as those to train with, and further away than any of these?"""
    size, (least, most) = given.middles[0], train.sizes
    few = given.rows < limits.FEW_ROWS  # a single row may be next to 0, as what is given first in a game is
    if few and train.rows < limits.MANY:
        return False
    if size > max(limits.SCALES_APART * train.middles[1], 2 * most):
        return most > 0
    return not few and 0 < size < min(train.middles[0] / limits.SCALES_APART, least / 2)
