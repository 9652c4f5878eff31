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

    def enter(self, trains: bool, loss: float) -> bool:
        """Add a loss; is a validation over by it?"""
        ends = trains and not self._trains
        if trains != self._trains:
            self._close()
        self._trains = trains
        self._losses.append(loss)
        return ends

    def finish(self) -> bool:
        """The last validation may have no training after it: is it over now?"""
        ends = not self._trains and bool(self._losses) and bool(self.train)
        if ends:
            self._close()
        return ends

    def _close(self) -> None:
        if self._losses:
            (self.train if self._trains else self.validation).append(statistics.fmean(self._losses))
        self._losses = []
