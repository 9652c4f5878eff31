"""The steps of a script's own loop as the script makes them: what they took, with its own batches."""

from __future__ import annotations

import statistics
import time
from typing import Any

from viz.doctor import thresholds as limits
from viz.dry_run.first_step import FirstStep, Stop, rows_of
from viz.estimate.measured import enough_steps, peak_so_far
from viz.facts.digest.time_spans import step_spans
from viz.facts.memory_use import memory_use
from viz.facts.schema import Record
from viz.recorder.step_tracker import Step, StepTracker

__all__ = ["RECORDED", "LoopSteps", "fits", "loop_facts"]

RECORDED = frozenset(range(1, 9))  # steps; the first one builds what later ones use again


class LoopSteps:
    """Counts the updates of a loop that goes on, and ends the script when there were enough of them."""

    def __init__(self) -> None:
        self.peak: int | None = None
        self.optimizers: dict[int, Any] = {}  # that updated weights
        self._began: float | None = None
        self._updates = 0
        tracker = StepTracker(hears_ops=False)
        tracker.subscribe(lambda step: None, self._updated)
        self.on_gradient = lambda targets, sources, results: tracker.on_gradient(sources, results)
        self.on_scope_begin = tracker.on_scope_begin
        self.on_scope_end = lambda scope, outputs, error=None: tracker.on_scope_end(scope)

    def go_on(self) -> None:
        """The loop goes on from here."""
        self._began = time.perf_counter()

    def _updated(self, step: Step) -> None:
        if step.optimizer is not None:
            self.optimizers[id(step.optimizer)] = step.optimizer
        if self._began is None:
            return
        self._updates += 1
        if self._updates == 2:
            self.peak = peak_so_far()  # before what is recorded counts
        steps, passed = self._updates / 2, time.perf_counter() - self._began  # of two optimizers, say
        if self._updates >= limits.FEW_STEPS and enough_steps(steps, passed, seconds=4.0):
            raise Stop


def loop_facts(
    recording: Record, heard: LoopSteps, first: FirstStep, why: str, limit: int | None, own: int
) -> dict[str, Any] | None:
    """What the steps of a loop took, under the names of an estimate's facts; None where too few of them ran.

    `why` no step could be made with other batches is replaced where several optimizers are the reason.
    """
    if not recording.ops:
        return None
    use, spans = memory_use(recording), step_spans(recording)
    recorded = [end - begin for begin, end in [spans[step.index] for step in recording.steps if step.index in spans]]
    untraced = recording.meta.get("untraced_step") or {"steps": 0}
    several = untraced["steps"] > 1  # a single one that wasn't recorded is the first, in which all else was measured
    took = untraced["duration"] if several else statistics.median(recorded) if recorded else None
    if len(heard.optimizers) > 1:
        why = f"{len(heard.optimizers)} optimizers update weights in the loop, so a step isn't the update of one model"
    file, line = first.place or (None, None)
    return {
        "batch_size": rows_of(first.data) or None,
        "limit": limit,
        "process_bytes": None if heard.peak is None else heard.peak - own,
        "array_bytes": use.peak,
        "step_seconds": None if took is None else took / 1e9,
        "steps": len(recording.steps) + (untraced["steps"] if several else 0),
        "message": why,
        "file": file,
        "line": line,
        "peak": {"at": use.at.removeprefix(", in "), "layers": use.by("layer"), "roles": use.by("role")},
    }


def fits(facts: dict[str, Any]) -> bool:
    """Whether the loop fits into the limit as it is."""
    return facts["limit"] is None or (facts["process_bytes"] or facts["array_bytes"]) <= facts["limit"]
