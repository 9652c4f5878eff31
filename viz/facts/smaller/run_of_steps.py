"""As many whole steps around one of them as fit."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["MOST_STEPS", "run_of_steps"]

MOST_STEPS = 1_000
"""So many are shown together at most: nobody looks at more, and each takes its time to be prepared."""


def run_of_steps(
    spans: Mapping[int, tuple[int, int]], chosen: int, most: int, steps: int = MOST_STEPS
) -> tuple[int, int]:
    """The first op and the end of the longest run of steps around one, or the beginning of that where it is too large.

    Args:
        spans: the first op and the end of each step.
        chosen: the step.
        most: how many ops the run has at most.
        steps: how many steps it has at most.
    """
    low = high = chosen
    while True:
        wider = [(low, high + 1), (low - 1, high)]
        fits = [(a, b) for a, b in wider if a in spans and b in spans and spans[b][1] - spans[a][0] <= most]
        if not fits or high - low + 1 >= steps:
            break
        low, high = fits[0]
    return spans[low][0], min(spans[high][1], spans[low][0] + most)
