"""Windows of one series that were shuffled before the split, so that each held one has neighbours to train with."""

from __future__ import annotations

from typing import NamedTuple

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.checks.validation.shared_rows import row_hashes

__all__ = ["Overlapping", "overlapping_windows"]

_WINDOW_STEPS = 6  # a window has at least: of fewer, a half is met again by chance
_WINDOW_KINDS = 0.9  # of the windows to train with begin in a way of their own
_WINDOW_STARTS = 8  # steps by which windows may lie behind each other, and powers of two beyond
_WINDOW_NUMBERS = 50_000_000  # in all windows; more would take seconds


class Overlapping(NamedTuple):
    """Validation windows that overlap with windows to train with.

    Attributes:
        share: which part of those looked at does.
        rows: how many were looked at.
        steps: how many a window has.
    """

    share: float
    rows: int
    steps: int

    @property
    def words(self) -> str:
        """What was found, for people."""
        return (
            f"{self.share:.0%} of {self.rows} validation windows looked at share half of their {self.steps} steps or "
            "more with a window to train with, which begins a little earlier or later in the same series: the windows "
            "were shuffled before the split"
        )


def overlapping_windows(train: list[numpy.ndarray], held: list[numpy.ndarray]) -> Overlapping | None:
    """How many held windows begin with steps that a window to train with has further on; None where hardly any do.

    Where each part is a stretch of the series of its own, only those at the border do. Where the same steps come again
    and again, as in noiseless waves or padding, nothing can be told.

    Args:
        train: inputs to train with, `(rows, steps)` or `(rows, steps, features)` each; others are passed over.
        held: those of the validation data.

    >>> series = numpy.random.default_rng(0).normal(size=120)
    >>> windows = numpy.lib.stride_tricks.sliding_window_view(series, 20)
    >>> overlapping_windows([windows[::2]], [windows[1::2]])
    Overlapping(share=1.0, rows=50, steps=20)
    >>> overlapping_windows([windows[:60]], [windows[60:]]) is None
    True
    """
    for rows, asked in zip(train, held):
        series = rows.ndim in (2, 3) and rows.shape[1] >= _WINDOW_STEPS and rows.size <= _WINDOW_NUMBERS
        share, looked = _shared_beginnings(rows, asked) if series else (0.0, 0)
        if share >= limits.OVERLAP:
            return Overlapping(share, looked, rows.shape[1])
    return None


def _shared_beginnings(rows: numpy.ndarray, asked: numpy.ndarray) -> tuple[float, int]:
    """Which part of some windows begins within another one, behind its first step; and how many were looked at."""
    steps = rows.shape[1]
    half = steps // 2
    kinds = len(numpy.unique(row_hashes([rows[:, :half]])))
    some = asked[numpy.linspace(0, len(asked) - 1, min(len(asked), limits.OVERLAP_LOOKED)).astype(int), :half]
    if kinds < _WINDOW_KINDS * len(rows):
        return 0.0, len(some)
    hashes, found = row_hashes([some]), numpy.zeros(len(some), bool)
    for start in _starts(steps - half):
        within = rows[:, start : start + half]
        every, at = numpy.unique(row_hashes([within]), return_index=True)
        place = numpy.searchsorted(every, hashes).clip(0, len(every) - 1)
        for i in numpy.flatnonzero(~found & (every[place] == hashes)):  # hashes are of some columns
            found[i] = bool((within[at[place[i]]] == some[i]).all())
    return float(found.mean()), len(some)


def _starts(last: int) -> list[int]:
    """The first few steps, by which windows usually advance, and then each second, fourth and so on."""
    return sorted({*range(1, min(last, _WINDOW_STARTS) + 1), *[2**k for k in range(last.bit_length())], last})
