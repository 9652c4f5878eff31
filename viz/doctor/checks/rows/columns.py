"""Numbers and colours of two sets of rows: were both scaled alike, and are the colours in the same order?"""

from __future__ import annotations

from typing import NamedTuple

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.check_base import number

__all__ = ["Columns", "Spread", "colours_swapped", "moved_apart", "otherwise_scaled"]

_SCALED_COLUMNS = 3  # with several values, at least: of fewer, a drift explains it as well
_ABOUT_0 = 0.15  # means of columns that were standardized with rows like these
_ABOUT_1 = 0.2  # and how far from 1 their deviations are
_WIDTHS_APART = 2.0  # the widest column against the narrowest: as they were measured, and not scaled
_SPREAD_VARIED = 0.1  # of the rows, at least, have another number at a place than the median one
_MEANS_APART = 4.0  # deviations between the means; a straight trend moves the last fifth of a series by 2.2
_MEANS_FAR = 10.0  # the same, where nothing else tells of another scale
_MEANS_MOST = 0.75  # of the places
_WIDTHS_ALIKE = 1.5  # the wide places against the narrow ones, in windows of a series
_MEANS_ALIKE = 0.75  # deviations between the high and the low means, there
_OUTSIDE_COLUMNS = 0.5  # in this part of the columns, at least
_COLOUR_ROWS = 50  # pictures in both sets
_COLOURS_SURE = 4.0  # standard errors between red and blue
_COLOURS_ALIKE = 0.5  # as far apart in both sets, but for this part: the one is the other, turned round


class Spread(NamedTuple):
    """Where the numbers of some rows lie, of any shape: those at some of their places, and all of them.

    Attributes:
        kept: the places whose number differs from row to row: what is nearly always the same, as a rare one-hot column
            or the corner of a picture, seems to move far where it moves a little.
        means: at these places.
        deviations: there, too.
        mean: of all numbers.
        deviation: of all numbers.
    """

    kept: numpy.ndarray
    means: numpy.ndarray
    deviations: numpy.ndarray
    mean: float
    deviation: float

    @classmethod
    def of(cls, flat: numpy.ndarray) -> Spread:
        """Look at rows of finite numbers."""
        count = flat.shape[1]
        looked = numpy.linspace(0, count - 1, min(count, limits.OVERLAP_COLUMNS)).astype(int)
        some = flat[:, looked].astype("float64")
        varied = (some != numpy.median(some, axis=0)).mean(axis=0) >= _SPREAD_VARIED
        some = some[:, varied]
        whole = float(flat.mean(dtype="float64")), float(flat.std(dtype="float64"))
        return cls(looked[varied], some.mean(axis=0), some.std(axis=0), *whole)

    @property
    def size(self) -> float:
        """The root mean square of all numbers."""
        return float(numpy.hypot(self.mean, self.deviation))

    @property
    def standard(self) -> bool:
        """Are all numbers together about as they are once they were standardized?"""
        return abs(self.mean) < _ABOUT_0 and abs(self.deviation - 1) < _ABOUT_1


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
    if len(both) < _SCALED_COLUMNS:
        return ""
    here, there = numpy.searchsorted(train.kept, both), numpy.searchsorted(given.kept, both)
    means, deviations = given.means[there], given.deviations[there]
    apart = f"have columns with means from {number(means.min())} to {number(means.max())}, and those to train with"
    # A drift moves columns, but leaves them as wide as each other; columns as they were measured have their own widths.
    if deviations.max() < _WIDTHS_APART * deviations.min():
        return ""
    standard = (abs(train.means[here]) < _ABOUT_0).all() and (abs(train.deviations[here] - 1) < _ABOUT_1).all()
    if standard and numpy.median(abs(means)) > 1:
        return f"{apart} a mean of 0 and a deviation of 1 in each"
    if (train.lowest[here] == 0).all() and (abs(train.highest[here] - 1) < limits.STANDARD).all():
        outside = (means < -limits.OUTSIDE_UNIT) | (means > 1 + limits.OUTSIDE_UNIT)
        if outside.mean() > _OUTSIDE_COLUMNS:
            return f"{apart} reach from 0 to 1 in each"
    return ""


def moved_apart(train: Spread, given: Spread) -> str:
    """In words, that the numbers of two sets of rows lie apart at most places, as scaling moves them; else empty.

    What drifts with time moves, too, but windows of a series look the same at each place, and other rows don't move so
    far at most of them; nor do pictures that are brighter or darker.

    >>> rows = numpy.random.default_rng(0).random((300, 8)) * numpy.arange(9, 17)
    >>> rows[:, ::2] *= 0.2
    >>> scaled = (rows - rows.mean()) / (4 * rows.std())
    >>> moved_apart(Spread.of(scaled), Spread.of(rows))
    'the means at 8 of the 8 places looked at are more than 4 standard deviations apart'
    >>> moved_apart(Spread.of(scaled), Spread.of(scaled[::2] + 0.5))
    ''
    """
    both = numpy.intersect1d(train.kept, given.kept)
    if len(both) < _SCALED_COLUMNS:
        return ""
    here, there = numpy.searchsorted(train.kept, both), numpy.searchsorted(given.kept, both)
    ours, theirs = train.deviations[here], given.deviations[there]
    if _alike(train.means[here], ours) or _alike(given.means[there], theirs):
        return ""
    apart = numpy.abs(train.means[here] - given.means[there])
    wider, many = float(numpy.median(theirs / ours)), _MEANS_MOST * len(both)
    for least, deviations, told in (
        (_MEANS_APART, ours, wider >= _WIDTHS_APART),
        (_MEANS_APART, theirs, wider <= 1 / _WIDTHS_APART and given.standard),
        (_MEANS_FAR, ours, True),
    ):
        count = int((apart > least * deviations).sum())
        if told and count >= many:
            places = f"{count} of the {len(both)} places looked at"
            return f"the means at {places} are more than {least:.0f} standard deviations apart"
    return ""


def _alike(means: numpy.ndarray, deviations: numpy.ndarray) -> bool:
    """Are most places like each other, as in windows of a series, all of which a drift moves alike?"""
    narrow, wide = numpy.quantile(deviations, (0.1, 0.9))
    low, high = numpy.quantile(means, (0.1, 0.9))
    return bool(wide < _WIDTHS_ALIKE * narrow and high - low < _MEANS_ALIKE * numpy.median(deviations))


def colours_swapped(train: Columns, given: Columns) -> str:
    """In words, that the first and the last colour of pictures changed places; else empty."""
    if train.colours is None or given.colours is None or min(train.rows, given.rows) < _COLOUR_ROWS:
        return ""
    (gap, error), (other, by_chance) = train.gap, given.gap
    sure = abs(gap) > _COLOURS_SURE * error and abs(other) > _COLOURS_SURE * by_chance
    alike = abs(gap + other) < _COLOURS_ALIKE * max(abs(gap), abs(other))
    if gap * other >= 0 or not sure or not alike:
        return ""
    means = [", ".join([number(float(mean)) for mean in each.colours]) for each in (given, train)]  # type: ignore[union-attr]
    return (
        f"have colours with the means {means[0]}, and those to train with {means[1]}: red and blue seem to have "
        "changed places (OpenCV reads blue, green, red)"
    )
