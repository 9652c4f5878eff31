"""Whether the steps of two recordings differ in time by more than chance: a machine does other things, too."""

from __future__ import annotations

import statistics

from viz.compare.changes import Changes
from viz.compare.noise import SURE, by_ranks
from viz.compare.sides import Side
from viz.facts import formatting

__all__ = ["chance"]

_ENOUGH = 5  # steps of each beside the first, of which the quicker half is looked at


def chance(found: Changes) -> list[str]:
    """A line on how far the times of a difference can be trusted; none where nothing was recorded twice."""
    if found.recordings is None or not any(cost.time_a and cost.time_b for cost in found.layers):
        return []
    of_a, of_b = found.steps if found.steps is not None else (None, None)
    sides = [Side([record], steps) for record, steps in zip(found.recordings, (of_a, of_b))]
    counts = [len(side.runs[0].noisy["time"]) for side in sides]
    if min(counts) < _ENOUGH:
        return [f"  times: chance can't be told from change; that takes at least {_ENOUGH + 1} steps of each"]
    a, b = (side.times("time", _ENOUGH) for side in sides)
    before, after = statistics.median(a), statistics.median(b)
    lowered = max(side.lowered("time") for side in sides)
    slower = after > before
    _, sure = by_ranks(a, b, slower, lowered) or (0.0, 0.0)
    change = f"  times: a step takes {formatting.seconds(round(before))} → {formatting.seconds(round(after))}"
    if before == after:
        return [f"  times: a step takes {formatting.seconds(round(before))} in both"]
    drifts = lowered >= abs(after / before - 1)  # one of them differs from itself by more than from the other
    if drifts or (sure <= 0 if slower else sure >= 0):
        return [f"{change}, which may be chance: parts of one run differ by {lowered:.0%}"]
    if not (found.ops or found.settings):
        return [f"{change}, though both ran the same: another machine, or one that did other things, too"]
    least = f"at least {abs(sure):.0%} {'slower' if slower else 'faster'}"
    sure_of = f"{SURE:.0%} certainty within these two runs"  # nobody knows how much others would differ
    return [f"{change}: {least} (with {sure_of}; parts of one differ by {lowered:.0%})"]
