"""What several ops usually take together: the median of their sums in the steps that ran them, of two the first."""

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

    The medians of single ops aren't added: no step took all of them. Ops that ran in other steps count for themselves,
    and of one of which only this run is known, its own time does.

    Args:
        usual: for ops by id, what they took in several steps.
    """

    def together(ops: Iterable[Op]) -> int:
        found: dict[tuple[int, ...], list[tuple[int, ...]]] = {}
        for op in ops:
            of_op = usual.get(op.id)
            steps, times = ((), (op.duration,)) if of_op is None else (of_op.steps, of_op.times)
            found.setdefault(steps, []).append(times)
        return sum([usual_of(list(map(sum, zip(*rows)))) for rows in found.values()])

    return together


def usual_of(times: Sequence[int]) -> int:
    """The usual of what was taken in several steps: the median, or the first of two (the faster step's)."""
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
