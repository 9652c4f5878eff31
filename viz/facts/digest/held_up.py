"""One call of an op that took far longer than its like: the machine did other things, and the op isn't slow."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from viz.facts import formatting

__all__ = ["held_up", "told_of"]

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


def told_of(once: Mapping[str, Any]) -> str:
    """What is said of such a call beside the sum.

    Args:
        once: its `time` in nanoseconds, and the number of its `step`, None without steps.

    >>> told_of({"time": 46_400_000, "step": 133})
    '46.4 ms of it in one call, in step 133'
    """
    step = "" if once["step"] is None else f", in step {once['step']}"
    return f"{formatting.seconds(once['time'])} of it in one call{step}"
