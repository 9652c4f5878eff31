"""Is a label spread over several columns: as one-hot rows, as its digits, or as a sum of counts?"""

from __future__ import annotations

from typing import NamedTuple

import numpy

from viz.doctor import thresholds as limits

__all__ = ["Spread", "as_bits", "as_one_hot", "as_sum", "listed"]

_SPREAD_OF_CLASS = 5  # rows of each class in the mean, where one-hot columns tell them apart
_SPREAD_COLUMNS = 16  # at most, whose sum is the label; each is looked for among all
_SPREAD_TIMES = 65_536  # by which a digit of a label counts, at most
_SPREAD_KINDS = 0.9  # of the rows, at most, have a value of their own where a column counts something
_SPREAD_SPANNED = 1e-6  # of a column's variance is all that others leave of it


class Spread(NamedTuple):
    """Columns that together are the label.

    Attributes:
        columns: which, in the order of the classes for one-hot rows.
        of: how many classes the label has; 0 where it is an amount.
        weights: what each column is to be multiplied with, in steps of the label, where the label is their sum.
        several: are there several labels for each row, each of them yes or no?
    """

    columns: list[int]
    of: int = 0
    weights: tuple[int, ...] = ()
    several: bool = False

    def summed(self) -> str:
        """The sum that the label is, in words.

        >>> Spread([1, 3], 0, (1, 1)).summed(), Spread([1, 2, 3], 0, (4, -1, 1)).summed()
        ('the sum of columns 1 and 3', '4 * column 1 - column 2 + column 3')
        """
        if {*self.weights} == {1}:
            return f"the sum of columns {listed(self.columns)}"
        parts = []
        for column, times in zip(self.columns, self.weights):
            sign = "-" if times < 0 else "+"
            parts.append(f"{sign} {f'{abs(times)} * ' if abs(times) != 1 else ''}column {column}")
        return " ".join(parts).removeprefix("+ ")


def listed(numbers: list[int]) -> str:
    """Ascending numbers, as few words as do.

    >>> listed([8, 9, 10, 11]), listed([1, 3]), listed([2, 5, 9]), listed(list(range(0, 60, 2)))
    ('8 to 11', '1 and 3', '2, 5 and 9', '0, 2, 4, 6, 8, 10, 12, 14, 16, 18 and 20 more')
    """
    first, last = numbers[0], numbers[-1]
    if len(numbers) > 2 and numbers == list(range(first, last + 1)):
        return f"{first} to {last}"
    shown = [str(each) for each in numbers[: 10 if len(numbers) > 12 else 12]]
    rest = f"{len(numbers) - len(shown)} more" if len(numbers) > len(shown) else shown.pop()
    return f"{', '.join(shown)} and {rest}"


def as_one_hot(inputs: numpy.ndarray, y: numpy.ndarray) -> Spread | None:
    """Columns of which each tells one class from all others; one class may have none, as `drop_first` leaves it.

    They may stand anywhere and in any order, be scaled, or say no where others say yes. A few of the classes don't
    count: what has feathers is a bird, and that is no leak.

    Args:
        inputs: rows of a table.
        y: the number of the class of each row.

    >>> y = numpy.random.default_rng(0).integers(0, 4, 200)
    >>> table = numpy.c_[numpy.arange(200) % 7, numpy.eye(4)[y][:, [2, 0, 3, 1]]]
    >>> as_one_hot(table, y), as_one_hot(table[:, :3], y)
    (Spread(columns=[2, 4, 1, 3], of=4, weights=(), several=False), None)
    """
    kinds, at, counts = numpy.unique(y, return_inverse=True, return_counts=True)
    few = len(kinds) * _SPREAD_OF_CLASS <= len(y)  # with fewer, a row's own number tells as much
    if len(kinds) < 3 or not few or not (kinds == kinds.round()).all():
        return None
    found: dict[int, int] = {}
    for column in _of_two_values(inputs):
        high = inputs[:, column] == inputs[:, column].max()
        for side in (high, ~high):
            rows = numpy.flatnonzero(side)
            kind = int(at[rows[0]])
            if len(rows) == counts[kind] and bool((at[rows] == kind).all()):
                found.setdefault(kind, int(column))
    if len(found) < len(kinds) - 1:
        return None
    return Spread([found[kind] for kind in sorted(found)], len(kinds))


def as_bits(inputs: numpy.ndarray, labels: numpy.ndarray) -> Spread | None:
    """Columns that are those of labels of several zeros and ones, each of which is found.

    >>> labels = numpy.random.default_rng(0).integers(0, 2, (200, 3))
    >>> as_bits(numpy.c_[numpy.arange(400).reshape(200, 2) % 9, numpy.zeros(200), 5 - 2 * labels], labels)
    Spread(columns=[3, 4, 5], of=3, weights=(), several=True)
    """
    if labels.shape[1] < 2 or not ((labels == 0) | (labels == 1)).all() or labels.shape[1] * 2 > inputs.shape[1]:
        return None
    two = _of_two_values(inputs)
    highs = inputs[:, two] == inputs[:, two].max(axis=0)
    found = []
    for label in labels.T.astype(bool):
        if label.all() or not label.any():
            continue
        same = numpy.flatnonzero((highs == label[:, None]).all(axis=0) | (highs != label[:, None]).all(axis=0))
        if not len(same):
            return None
        found.append(int(two[same[0]]))
    return Spread(found, labels.shape[1], several=True) if len(set(found)) > 1 else None


def as_sum(inputs: numpy.ndarray, y: numpy.ndarray) -> Spread | None:
    """A few columns of counts whose sum is the label, or that are its digits.

    Amounts between whole numbers don't count: what somebody made up to try a network is often such a sum.

    >>> rng = numpy.random.default_rng(0)
    >>> guests, members, others = rng.integers(0, 50, (3, 300))
    >>> table = numpy.c_[others, guests / 50, others > 9, members - 7.5, others % 5]
    >>> as_sum(table, guests + members)
    Spread(columns=[1, 3], of=0, weights=(1, 1), several=False)
    """
    most = min(_SPREAD_COLUMNS, inputs.shape[1] // 2)
    label_step = _step(y)
    if not label_step or most < 2 or len(numpy.unique(y)) < 3:
        return None
    moving = inputs - inputs.mean(axis=0)
    sizes = numpy.sqrt((moving * moving).sum(axis=0))
    target = y - y.mean()
    used: list[int] = []
    left = target
    while len(used) < most:
        with numpy.errstate(all="ignore"):
            alike = numpy.nan_to_num(numpy.abs(left @ moving) / sizes)
        alike[used] = 0
        used.append(int(alike.argmax()))
        chosen = moving[:, used]
        weights = numpy.linalg.lstsq(chosen, target, rcond=None)[0]
        left = target - chosen @ weights
        if _is_nothing(left, target):
            break
    else:
        return None
    steps = [_step(inputs[:, column]) for column in used]
    times = [weight * step / label_step for weight, step in zip(weights, steps)]
    whole = all(0 < abs(round(each)) <= _SPREAD_TIMES and abs(each - round(each)) < 1e-3 for each in times)
    if not whole or len(used) < 2 or _spans(moving, used):
        return None
    order = sorted(range(len(used)), key=used.__getitem__)
    return Spread([used[i] for i in order], 0, tuple(round(times[i]) for i in order))


def _of_two_values(inputs: numpy.ndarray) -> numpy.ndarray:
    """The columns that have two different values."""
    low, high = inputs.min(axis=0), inputs.max(axis=0)
    return numpy.flatnonzero(((inputs == low) | (inputs == high)).all(axis=0) & (low < high))


def _step(values: numpy.ndarray) -> float:
    """The step of values that are whole numbers of it, from the lowest; 0 where there is none."""
    kinds = numpy.unique(values)
    if not 2 <= len(kinds) <= len(values) * _SPREAD_KINDS:
        return 0.0
    step = float(numpy.diff(kinds).min())
    times = (kinds - kinds[0]) / step
    whole = numpy.abs(times - times.round()).max() <= limits.ROUNDED_GRID and times[-1] <= limits.ROUNDED_STEPS
    return step if whole else 0.0


def _is_nothing(left: numpy.ndarray, target: numpy.ndarray) -> bool:
    """Is what is left of a label no more than rounding?"""
    return float((left * left).sum()) <= 2 * limits.LEAK_ROUNDING * float((target * target).sum())


def _spans(moving: numpy.ndarray, used: list[int]) -> bool:
    """Do these columns give most of the others, too, as in windows of a series that repeats itself?"""
    others = numpy.delete(moving, used, axis=1)
    others = others[:, others.any(axis=0)]
    base = moving[:, used]
    left = others - base @ numpy.linalg.lstsq(base, others, rcond=None)[0]
    share = (left * left).sum(axis=0) / (others * others).sum(axis=0)
    return not len(share) or float((share < _SPREAD_SPANNED).mean()) > 0.5
