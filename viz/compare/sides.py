"""One side of a comparison: the figures of a program that was recorded once, or several times."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from viz.compare.noise import drift, quiet
from viz.compare.step_figures import StepFigures, figures_of
from viz.facts.schema import Record

__all__ = ["Side", "nearest"]


class Side:
    """The recordings of one program.

    Attributes:
        runs: the figures of each.
    """

    def __init__(self, records: Sequence[Record], steps: frozenset[int] | None = None) -> None:
        self.runs: list[StepFigures] = [figures_of(record, steps) for record in records]

    @property
    def names(self) -> list[str]:
        """What any of them has one number of, such as what training reported."""
        return list(dict.fromkeys([name for run in self.runs for name in run.single]))

    def times(self, name: str, least: int) -> list[float]:
        """The quicker half of each recording's times."""
        return [x for run in self.runs for x in quiet(run.noisy[name], least)]

    def lowered(self, name: str) -> float:
        """How far times differ for another reason than the program: within a recording, and from one to the next."""
        typical = [statistics.median(quiet(run.noisy[name])) for run in self.runs if run.noisy[name]]
        between = max(typical) / min(typical) - 1 if typical and min(typical) > 0 else 0.0
        return max([between, *[drift(run.noisy[name]) for run in self.runs]])

    def losses(self) -> list[float]:
        """The loss of each step, the mean of all recordings where they made as many steps."""
        found = [run.noisy["loss"] for run in self.runs]
        if len({len(each) for each in found}) == 1:
            return [statistics.fmean(each) for each in zip(*found)]
        return [x for each in found for x in each]

    def single(self, name: str) -> list[float]:
        """A figure of which a recording has one number, of each; empty where one of them hasn't got it."""
        found = [run.single[name] for run in self.runs if name in run.single]
        return found if len(found) == len(self.runs) else []


def nearest(a: Sequence[float], b: Sequence[float], above: bool) -> tuple[float, float]:
    """The two figures between which a change is smallest: a change of the whole side is at least as large."""
    if any(math.isnan(x) for x in (*a, *b)):
        return math.nan if any(math.isnan(x) for x in a) else a[0], math.nan if any(math.isnan(x) for x in b) else b[0]
    return (max(a), min(b)) if above else (min(a), max(b))
