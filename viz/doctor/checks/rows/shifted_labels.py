"""`shuffled_apart.shifted`: labels that are some rows further down, or up, than their inputs."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.checks.endings import running_fit
from viz.doctor.checks.rows.fit_arrays import Paired, inputs_of, labels_of

__all__ = ["ShiftedLabels", "shifted_by"]


class ShiftedLabels(Paired):
    """Looks at rows that are alike: do they have one label a few rows further on, and different ones at their place?

    A header that is read as a row, `x[1:]` beside `y[:-1]`, `numpy.roll`: no error, and nothing is learnt. Asked after
    `Answers` and `ValidationLoss`.
    """

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._arrays: tuple[numpy.ndarray, numpy.ndarray] | None = None  # that a fit was given
        self._batches: list[tuple[numpy.ndarray, numpy.ndarray]] = []  # of a loop, as they come
        self._count = 0
        self._place: Any = None

    def on_scope_begin(self, opened: Any) -> None:
        if self._arrays is not None or self._count >= limits.SHIFTED_ROWS or self.watch.step >= limits.HEAVY_STEPS:
            return
        pair = self.paired(opened)
        if pair is None:
            return
        self._rows = None  # the labels of another loss would be others
        self._place = self._place or self.watch.called_at()
        feed = getattr(running_fit(), "feed", None)
        inputs, labels = inputs_of(feed), labels_of(feed)
        if len(inputs) == 1 and labels is not None and len(labels) == len(inputs[0]):
            self._arrays = inputs[0], labels
            return
        rows, found = pair
        if found.ndim and len(found) == len(rows) and found.size <= limits.ANSWER_SIZE:
            self._batches.append((rows.copy(), found.copy()))
            self._count += len(rows)

    def finish(self) -> None:
        """Tell it where nothing is learnt, or where it is sure: single rows may be learnt by heart all the same."""
        pair, self._arrays = self._arrays, None
        batches, self._batches = self._batches, []
        if pair is None and len({(x.shape[1:], y.shape[1:]) for x, y in batches}) == 1:
            pair = numpy.concatenate([x for x, _ in batches]), numpy.concatenate([y for _, y in batches])
        found = None if pair is None else shifted_by(*pair)
        if found is None:
            return
        by, agree, here, chance, rows = found
        idle = bool(self.watch.raw("not_learning", "validation_chance"))
        if not idle and agree - chance < limits.SHIFTED_SURE * (1 - chance):
            return
        self.watch.retract(("too_few_steps", 0))  # more steps would only learn more rows by heart
        times = "one row" if abs(by) == 1 else f"{abs(by)} rows"
        self.watch.report(
            "shuffled_apart.shifted",
            "info" if self.watch.interrupted else "warning",
            f"each label stands {times} {'below' if by > 0 else 'above'} its input: of rows that are most alike, "
            f"{agree:.0%} have the same label {times} {'further down' if by > 0 else 'further up'}, and {here:.0%} "
            f"at their own place, where chance alone makes {chance:.0%}: "
            f"{'that explains that nothing is learnt' if idle else 'what is learnt, is learnt by heart'}",
            place=self._place,
            evidence={"moved": by, "agree": agree, "agree_here": here, "rows": rows},
        )


class Shift(NamedTuple):
    """What `shifted_by` finds.

    Attributes:
        by: how many rows labels stand below their inputs; where they stand above, it is less than 0.
        agree: which part of the rows have the label of the row that is most alike, once labels are moved back.
        here: the same as it is.
        chance: the same for labels in a random order.
        rows: how many were looked at.
    """

    by: int
    agree: float
    here: float
    chance: float
    rows: int


def shifted_by(inputs: numpy.ndarray, labels: numpy.ndarray) -> Shift | None:
    """By how many rows labels are moved against inputs.

    Args:
        inputs: rows of anything.
        labels: their classes, as numbers, or rows of one-hot numbers.

    Returns:
        None where labels aren't moved, or nobody can tell.

    >>> rng = numpy.random.default_rng(0)
    >>> y = rng.integers(0, 3, 200)
    >>> x = y[:, None] + rng.normal(0, 0.1, (200, 4))
    >>> shifted_by(x, y), shifted_by(x, numpy.roll(y, 2)).by, shifted_by(x[1:], y[:-1]).by, shifted_by(x, y[::-1])
    (None, 2, 1, None)
    """
    classes = _classes(labels[: limits.SHIFTED_ROWS])
    rows = inputs[: limits.SHIFTED_ROWS].reshape(min(len(inputs), limits.SHIFTED_ROWS), -1)
    if classes is None or rows.shape[1] > limits.SHIFTED_COLUMNS or inputs.dtype.kind not in "fiub":
        return None
    nearest = _nearest(rows)
    if nearest is None:
        return None
    _, counts = numpy.unique(classes, return_counts=True)
    chance = float(numpy.square(counts / len(classes)).sum())
    noise = float(numpy.sqrt(chance * (1 - chance) / len(classes)))
    here = _agreement(classes, nearest, 0)
    moves = [by for by in range(-limits.SHIFTED_BY, limits.SHIFTED_BY + 1) if by]
    best = max(moves, key=lambda by: _agreement(classes, nearest, by))
    agree = _agreement(classes, nearest, best)
    clear = agree - chance >= max(limits.SHIFTED_CLEAR * (1 - chance), limits.SHIFTED_SIGMA * noise)
    if clear and _is_of_the_inputs(rows, labels, best):
        return None
    if not clear or here - chance > max(limits.FEW_SIGMA * noise, limits.SHIFTED_HERE * (agree - chance)):
        return None
    return Shift(best, agree, here, chance, len(classes))


def _is_of_the_inputs(rows: numpy.ndarray, labels: numpy.ndarray, by: int) -> bool:
    """Whether labels are a column of the inputs some rows away, as the next letter of a text is."""
    values = labels[: len(rows)].reshape(len(rows), -1)
    if values.shape[1] > 1:
        values = values.argmax(axis=1)[:, None]
    rows = numpy.concatenate([rows, rows.argmax(axis=1)[:, None]], axis=1)  # they may be one-hot, too
    at = slice(max(0, by), len(rows) + min(0, by)), slice(max(0, -by), len(rows) + min(0, -by))
    return bool(((rows[at[1]] == values[at[0]]).mean(axis=0) > limits.SHIFTED_SURE).any())


def _classes(labels: numpy.ndarray) -> numpy.ndarray | None:
    """One number per row; None where labels are no classes."""
    flat = labels.reshape(len(labels), -1)
    if flat.shape[1] > 1:
        one_hot = flat.shape[1] <= len(flat) and bool(
            ((flat == 0) | (flat == 1)).all() and (flat.sum(axis=1) == 1).all()
        )
        return flat.argmax(axis=1) if one_hot else None
    kinds, numbers = numpy.unique(flat[:, 0], return_inverse=True)
    few = 1 < len(kinds) <= len(flat) // limits.SHIFTED_OF_A_CLASS
    return numbers.reshape(-1) if few and len(flat) >= limits.SHIFTED_FEWEST else None


def _nearest(rows: numpy.ndarray) -> numpy.ndarray | None:
    """For each row the number of the one that is most alike, by the distance of scaled columns."""
    values = rows.astype("float32")
    spread = values.std(axis=0)
    if not numpy.isfinite(spread).all() or not spread.any():
        return None
    values = (values - values.mean(axis=0)) / numpy.where(spread > 0, spread, 1)
    squares = numpy.square(values).sum(axis=1)
    distances = squares[:, None] + squares[None, :] - 2 * (values @ values.T)
    numpy.fill_diagonal(distances, numpy.inf)
    nearest: numpy.ndarray = distances.argmin(axis=1)
    return nearest


def _agreement(classes: numpy.ndarray, nearest: numpy.ndarray, by: int) -> float:
    """How many rows have the class of the row that is most alike, if labels are those of so many rows further on."""
    mine, other = numpy.arange(len(classes)) + by, nearest + by
    inside = (numpy.minimum(mine, other) >= 0) & (numpy.maximum(mine, other) < len(classes))
    return float((classes[mine[inside]] == classes[other[inside]]).mean()) if inside.any() else 0.0
