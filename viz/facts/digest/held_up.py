"""One call of an op that took far longer than its like: the machine did other things, and the op isn't slow."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from viz.facts import formatting

__all__ = ["held_up", "held_up_step", "told_of", "told_of_step"]

_ENOUGH = 5  # calls
_SHARE = 0.3  # of what all took together
_TIMES = 10  # as long as the call in the middle


def held_up(times: Sequence[int]) -> int | None:
    """The place of a call that took so much longer than its like that their sum tells of it; None for none.

    Args:
        times: what each call took, in nanoseconds.

    >>> held_up([3, 2, 90, 3, 3]), held_up([3, 2, 9, 3, 3]), held_up([1, 90])
    (2, None, None)
    """
    if len(times) < _ENOUGH:
        return None
    longest = max(range(len(times)), key=lambda i: times[i])
    alone = times[longest] > max(_SHARE * sum(times), _TIMES * statistics.median(times))
    return longest if alone else None


def held_up_step(times: Mapping[int, int]) -> dict[str, Any] | None:
    """The step in which a layer, say, took so much longer than in others; None for none.

    Args:
        times: what it took in each step, in nanoseconds, by the number of the step.

    >>> held_up_step({0: 90, 1: 3, 2: 3, 3: 4, 4: 3})
    {'time': 90, 'step': 0}
    """
    longest = held_up([*times.values()])
    return None if longest is None else {"time": [*times.values()][longest], "step": [*times][longest]}


def told_of_step(once: Mapping[str, Any]) -> str:
    """What is said of such a step beside the sum.

    >>> told_of_step({"time": 2_700_000, "step": 0})
    '2.7 ms of it in step 0 alone'
    """
    return f"{formatting.seconds(once['time'])} of it in step {once['step']} alone"


def told_of(once: Mapping[str, Any]) -> str:
    """What is said of such a call beside the sum.

    Args:
        once: its `time` in nanoseconds, and the number of its `step`, None without steps.

    >>> told_of({"time": 46_400_000, "step": 133})
    '46.4 ms of it in one call, in step 133'
    """
    step = "" if once["step"] is None else f", in step {once['step']}"
    return f"{formatting.seconds(once['time'])} of it in one call{step}"
