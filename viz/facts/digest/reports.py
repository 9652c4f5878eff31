"""Which report of training belongs to which step."""

from __future__ import annotations

import bisect
from collections.abc import Sequence

from viz.facts.schema import Record

__all__ = ["own_reports"]


def own_reports(record: Record, times: Sequence[int]) -> list[int | None]:
    """For each step the place of the first report after it began; None where the next one began before.

    Args:
        record: the recording.
        times: when training reported, in nanoseconds, in order.
    """
    begins = [step.start for step in record.steps]
    found: list[int | None] = []
    for begin, following in zip(begins, [*begins[1:], None]):
        at = bisect.bisect_left(times, begin or 0)
        is_own = begin is not None and at < len(times) and (following is None or times[at] < following)
        found.append(at if is_own else None)
    return found
