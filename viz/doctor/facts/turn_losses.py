"""Epochs of loops that nobody counts: training gives way to validation, and goes on."""

from __future__ import annotations

import statistics

__all__ = ["TurnLosses"]


class TurnLosses:
    """The mean losses of training and validation, as they take turns.

    Attributes:
        train, validation: one number for each turn that is over.
    """

    def __init__(self) -> None:
        self.train: list[float] = []
        self.validation: list[float] = []
        self._trains, self._losses = True, list[float]()

    def enter(self, trains: bool, loss: float) -> None:
        """Add a loss."""
        if trains != self._trains:
            self._close()
        self._trains = trains
        self._losses.append(loss)

    def finish(self) -> None:
        """The last validation may have no training after it."""
        if not self._trains and self.train:
            self._close()

    def _close(self) -> None:
        if self._losses:
            (self.train if self._trains else self.validation).append(statistics.fmean(self._losses))
        self._losses = []
