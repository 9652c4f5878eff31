"""The loss of each batch by itself, from the means of an epoch so far that `fit` reports."""

from __future__ import annotations

import math
from typing import Any

__all__ = ["BatchLoss"]


class BatchLoss:
    """Hears the mean after each batch: times the rows so far, it grows by the batch's own loss times its rows."""

    def __init__(self) -> None:
        self._before: tuple[int, int, Any] = (-1, 0, 0.0)  # the batch of the epoch, the rows so far, and the mean

    def hear(self, batch: int, rows: int, mean: Any) -> _Difference | None:
        """The loss of a batch, as something that is read later: training doesn't wait for it.

        Returns:
            None where the batch before wasn't heard.
        """
        before, had, earlier = self._before if batch else (-1, 0, 0.0)
        self._before = (batch, had + rows, mean)
        return _Difference(mean, had + rows, earlier, had) if batch == before + 1 and rows else None


class _Difference:
    def __init__(self, mean: Any, rows: int, before: Any, had: int) -> None:
        self._now, self._earlier = (mean, rows), (before, had)

    def __float__(self) -> float:
        (mean, rows), (before, had) = self._now, self._earlier
        now = float(mean)
        if not had or not math.isfinite(now):
            return now
        return (now * rows - float(before) * had) / (rows - had)
