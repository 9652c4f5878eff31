"""What several ops usually take together: what they took in the median step, of two in the first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from viz.facts.schema import Op

__all__ = ["TimesInSteps", "steps_of", "told_steps", "usual_of", "usual_sums"]


class TimesInSteps(Protocol):
    """What an op took in several steps."""

    @property
    def steps(self) -> tuple[int, ...]:
        """Their numbers, the one that was fastest altogether first."""
        ...

    @property
    def times(self) -> tuple[int, ...]:
        """What it took in each, in nanoseconds."""
        ...


def usual_sums(usual: Mapping[int, TimesInSteps]) -> Callable[[Iterable[Op]], int]:
    """A function that tells what some ops usually take together, in nanoseconds.

    It is the sum of what each usually takes, as that is of the same step. Of an op of which only this run is known, its
    own time counts.

    Args:
        usual: for ops by id, what they took in several steps.
    """

    def together(ops: Iterable[Op]) -> int:
        return sum([usual_of(usual[op.id].times) if op.id in usual else op.duration for op in ops])

    return together


def usual_of(times: Sequence[int]) -> int:
    """What was taken in the median step, or in the first of two (the faster); `times` has the fastest step's first."""
    half = len(times) // 2
    return times[half] if len(times) % 2 else times[0] if half == 1 else round((times[half - 1] + times[half]) / 2)


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
