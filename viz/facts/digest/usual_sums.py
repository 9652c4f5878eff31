"""What several ops usually take together: the sum of the medians, of two steps what they took in the first."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from viz.facts.schema import Op

__all__ = ["TimesInSteps", "steps_of", "told_steps", "usual_of", "usual_sums"]


class TimesInSteps(Protocol):
    """What an op took in several steps."""

    @property
    def steps(self) -> tuple[int, ...]:
        """Their numbers; of two the one that was faster altogether is the first."""
        ...

    @property
    def times(self) -> tuple[int, ...]:
        """What it took in each, in nanoseconds."""
        ...


def usual_sums(usual: Mapping[int, TimesInSteps]) -> Callable[[Iterable[Op]], int]:
    """A function that tells what some ops usually take together, in nanoseconds.

    It is the sum of what each usually takes, so that times of parts add up to that of the whole. The median of their
    sums wouldn't, and the times of the step in the middle would have whatever held up a single op in it. Of an op of
    which only this run is known, its own time counts.

    Args:
        usual: for ops by id, what they took in several steps.
    """

    def together(ops: Iterable[Op]) -> int:
        return sum([usual_of(usual[op.id].times) if op.id in usual else op.duration for op in ops])

    return together


def usual_of(times: Sequence[int]) -> int:
    """The usual of what an op took in several steps: the median, or the first of two (the faster step's)."""
    return round(statistics.median(times)) if len(times) > 2 else times[0]


def told_steps(count: int) -> str:
    """Of which of so many steps a usual time is, as the page says it.

    >>> told_steps(4)
    'median of 4 steps'
    """
    if count < 2:
        return "one step"
    return f"{'median' if count > 2 else 'faster'} of {count:,} steps"


def steps_of(ops: Iterable[Op], usual: Mapping[int, TimesInSteps]) -> int:
    """In how many steps ops ran, the most of any; 0 where nothing is known of other steps."""
    return max([len(usual[op.id].steps) for op in ops if op.id in usual], default=0)
