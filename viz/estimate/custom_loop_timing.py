"""The steps of a script's own loop as the script makes them: what they took, with its own batches."""

from __future__ import annotations

import dataclasses
import statistics
import time
from typing import Any

from viz.doctor.user_code import Place
from viz.dry_run.first_step import FirstStep, Stop, rows_of
from viz.estimate.measured import peak_so_far
from viz.facts.digest.time_spans import step_spans
from viz.facts.memory_use import memory_use
from viz.facts.schema import Record
from viz.recorder.step_tracker import Step, StepTracker

__all__ = ["RECORDED", "AsItIs", "LoopSteps", "as_it_is"]

RECORDED = frozenset(range(1, 9))  # steps; the first one builds what later ones use again
_LEAST = 20  # updates
_ENOUGH = 60  # updates, if they take as long as
_STEADY = 0.5  # seconds
_SECONDS = 4.0  # that slow ones may take together


@dataclasses.dataclass(frozen=True)
class AsItIs:
    """What the steps of a loop took."""

    rows: int  # of its batches; 0 where that isn't known
    steps: int  # how many were looked at
    process: int | None  # the most memory that the process had, in bytes; None where the system doesn't tell
    arrays: int  # the same, of arrays alone
    seconds: float | None  # the time of a step, of the middle one
    layers: dict[str, int]  # bytes at the peak by the layer that made them
    roles: dict[str, int]  # the same by role
    at: str  # the op at the peak, with its layer and line
    why: str  # no other batch could be put in the place of the loop's own, in words
    limit: int | None  # the memory that may be used, or None
    place: Place | None  # the line of the loop

    @property
    def fits(self) -> bool:
        """Into the limit, as the script is."""
        return self.limit is None or (self.process or self.arrays) <= self.limit

    def to_dict(self) -> dict[str, Any]:
        """Plain data, under the names of an estimate's."""
        file, line = self.place or (None, None)
        return {
            "batch_size": self.rows or None,
            "limit": self.limit,
            "process_bytes": self.process,
            "array_bytes": self.arrays,
            "step_seconds": self.seconds,
            "steps": self.steps,
            "message": self.why,
            "file": file,
            "line": line,
            "peak": {"at": self.at, "layers": self.layers, "roles": self.roles},
        }


class LoopSteps:
    """Counts the updates of a loop that goes on, and ends the script when there were enough of them."""

    def __init__(self) -> None:
        self.peak: int | None = None
        self._optimizers: dict[int, Any] = {}
        self._began: float | None = None
        self._updates = 0
        tracker = StepTracker(hears_ops=False)
        tracker.subscribe(lambda step: None, self._updated)
        self.on_gradient = lambda targets, sources, results: tracker.on_gradient(sources, results)
        self.on_scope_begin = tracker.on_scope_begin
        self.on_scope_end = lambda scope, outputs, error=None: tracker.on_scope_end(scope)

    @property
    def optimizers(self) -> int:
        """How many updated weights."""
        return len(self._optimizers)

    def go_on(self) -> None:
        """The loop goes on from here."""
        self._began = time.perf_counter()

    def _updated(self, step: Step) -> None:
        if step.optimizer is not None:
            self._optimizers[id(step.optimizer)] = step.optimizer
        if self._began is None:
            return
        self._updates += 1
        if self._updates == 2:
            self.peak = peak_so_far()  # before what is recorded counts
        passed = time.perf_counter() - self._began
        if self._updates >= _LEAST and (passed > _SECONDS or (passed > _STEADY and self._updates >= _ENOUGH)):
            raise Stop


def as_it_is(
    recording: Record, heard: LoopSteps, first: FirstStep, why: str, limit: int | None, own: int
) -> AsItIs | None:
    """What the steps of a loop took; None where too few of them ran.

    Args:
        recording: of those in `RECORDED`.
        heard: what counted them.
        first: the first one, before which it was looked at.
        why: no step could be made with other batches; where several optimizers are the reason, that is said instead.
        limit: bytes that may be used, or None.
        own: bytes of this process that the script alone wouldn't need.
    """
    if not recording.ops:
        return None
    use = memory_use(recording)
    spans = step_spans(recording)
    recorded = [end - begin for begin, end in [spans[step.index] for step in recording.steps if step.index in spans]]
    untraced = recording.meta.get("untraced_step") or {"steps": 0}
    # Of a single one that wasn't recorded, it is the first, in which all else was measured.
    took = untraced["duration"] if untraced["steps"] > 1 else statistics.median(recorded) if recorded else None
    peak = None if heard.peak is None else heard.peak - own
    if heard.optimizers > 1:
        why = f"{heard.optimizers} optimizers update weights in the loop, so a step isn't the update of one model"
    return AsItIs(
        rows_of(first.data),
        len(recording.steps) + (untraced["steps"] if untraced["steps"] > 1 else 0),
        peak,
        use.peak,
        None if took is None else took / 1e9,
        use.by("layer"),
        use.by("role"),
        use.at.removeprefix(", in "),
        why,
        limit,
        first.place,
    )
