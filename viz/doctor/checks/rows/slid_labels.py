"""`shuffled_apart.slid`: batches whose labels are cut out at another place than their inputs."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.checks.rows.fit_arrays import Paired

__all__ = ["SlidLabels"]


class SlidLabels(Paired):
    """Asks whether batches share labels with the one before, and no inputs: `x[i * n:(i + 1) * n], y[i:i + n]`.

    Labels may be the same on purpose (the numbers of pairs, a batch of each class), so it tells that only where nothing
    is learnt. Asked after `Answers` and `ValidationLoss`.
    """

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._last: tuple[numpy.ndarray, numpy.ndarray] | None = None  # those of the last one, and its labels
        self._slid: list[int] = []  # by how many rows, for each pair of batches
        self._others = 0
        self._place: Any = None

    def on_scope_begin(self, opened: Any) -> None:
        pair = self.paired(opened)
        if pair is None:
            return
        rows, labels = pair
        if not labels.ndim or len(labels) != len(rows) or self.watch.step >= limits.HEAVY_STEPS:
            return
        if labels.size > limits.ANSWER_SIZE:
            return
        self._rows = None
        self._place = self._place or self.watch.called_at()
        now = rows.copy(), labels.copy()
        if self._last is not None:
            by = _slid_by(self._last[1], now[1])
            if by is None or _agree(self._last[0], now[0], by):
                self._others += 1
            else:
                self._slid.append(by)
        self._last = now

    def finish(self) -> None:
        """Tell it where it may be the reason for something."""
        self._last = None
        some = self.watch.raw("not_learning", "validation_chance")
        if not some or self._others or len(self._slid) < limits.WINDOW:
            return
        same = not any(self._slid)
        if not same:
            self.watch.retract(("too_few_steps", 0))  # more steps would only learn more rows by heart
        self.watch.report(
            "shuffled_apart.slid",
            # The same labels for other inputs may be a wish: a batch that is made of each class in turn, say.
            "info" if same or self.watch.interrupted else "warning",
            f"the labels of {len(self._slid) + 1} batches in a row are "
            f"{'the same' if same else 'those of the batch before, moved by a few rows'}, and their inputs are others: "
            f"{'if labels and inputs are not' if same else 'labels and inputs are not'} cut out at the same place, "
            f"{'that would explain' if same else 'which explains'} that nothing is learnt that holds for other rows",
            place=self._place,
            evidence={"batches": len(self._slid) + 1, "moved": max(map(abs, self._slid))},
        )


def _slid_by(before: numpy.ndarray, now: numpy.ndarray) -> int | None:
    """By how many rows labels were moved on; None where they are others, or where any move would look the same.

    >>> y = numpy.array([0, 1, 1, 0, 1, 0, 0, 0, 1, 1, 1, 0, 1, 0, 1, 1, 0, 0])
    >>> _slid_by(y[:16], y[2:]), _slid_by(y[2:], y[:16]), _slid_by(y, y), _slid_by(y, 1 - y), _slid_by(y % 1, y % 1)
    (2, -2, 0, None, None)
    """
    most = len(before) - limits.SLID_ROWS
    if before.shape != now.shape or most < 0:
        return None
    found = list(islice((by for by in _places(before, now) if _agree(before, now, by)), 2))
    return found[0] if len(found) == 1 else None


def _places(before: numpy.ndarray, now: numpy.ndarray) -> list[int]:
    """By how many rows they may have been moved, as the first and the last rows of what is left tell: few, mostly."""
    first, last = slice(0, limits.SLID_ROWS), slice(len(now) - limits.SLID_ROWS, len(now))
    onwards = _found(before, now[first]) & _found(now, before[last])[::-1]
    back = _found(now, before[first]) & _found(before, now[last])[::-1]
    return sorted({*numpy.flatnonzero(onwards).tolist(), *(-numpy.flatnonzero(back)).tolist()})


def _found(rows: numpy.ndarray, some: numpy.ndarray) -> numpy.ndarray:
    """At which places some rows, one after the other, stand among others."""
    places = len(rows) - len(some) + 1
    alike = numpy.array([rows[i : i + places] == each for i, each in enumerate(some)])
    found: numpy.ndarray = numpy.all(alike, axis=(0, *range(2, alike.ndim)))
    return found


def _agree(before: numpy.ndarray, now: numpy.ndarray, by: int) -> bool:
    """Are these the same rows, moved on by so many?"""
    if before.shape != now.shape:
        return False
    kept = len(before) - abs(by)
    first, second = (before[by:], now[:kept]) if by >= 0 else (before[:kept], now[-by:])
    return bool(numpy.array_equal(first, second))
