"""Knowing where in a run one is, without recording all of it.

Training repeats itself: after the first steps, the same ops run in the same order. So the first steps are recorded
in full, and from then on only which op ran is noted. When something is wrong at the n-th op of a later step, the
recorded step with the same ops up to there tells layer, line and neighbours.
"""

from __future__ import annotations

import copy
import itertools
from types import FrameType
from typing import Any, NamedTuple

from eagerflow.core import observe
from viz.facts.digest.excerpt import MOST_OPS
from viz.recorder.capture import Capture, Options
from viz.recorder.journal import Journal
from viz.recorder.record_builder import build
from viz.recorder.scopes import OpenScope, Scopes
from viz.recorder.step_tracker import StepTracker
from viz.recording import Recording

__all__ = ["Located", "Segments", "located"]

_RECORDED = 4  # how many steps are recorded before one relies on them: a loop may have several kinds of steps


Located = tuple[Recording, list[int | None]]
"""A recording that ends with the op in question, and the id of each op and rule that ran: None for those without."""


class _Reference(NamedTuple):
    """A recorded step: what the capture wrote down, its number, and the ops that ran."""

    capture: Capture
    number: int
    trail: list[Any]


class Segments:
    """The steps of a run, or what stands for them: what lies between two updates.

    Args:
        options: what to record of a step.
        frame: code that called this frame's is no part of any stack.
        idle: record nothing.

    Attributes:
        trail: the ops and rules of this step so far. Whoever listens appends them.
        recorder: records this step, or None.
        steps: counts the steps; whoever listens tells it what happens.
    """

    def __init__(self, options: Options, frame: FrameType | None, idle: bool = False) -> None:
        self._options, self._frame = options._replace(memory=False, time=True, max_ops=MOST_OPS), frame
        self._references: list[_Reference] = []
        self._left = _RECORDED
        self._open = Scopes[OpenScope]()
        self._updated = self._has_steps = False
        self.trail: list[Any] = []
        self.recorder: Capture | None = None
        self.steps = StepTracker()
        self._number = 0  # of the step with which this trail began
        if not idle:
            self._begin()

    def on_scope_begin(self, scope: observe.Scope) -> None:
        """A scope begins, and perhaps a step."""
        if scope.kind == "step":
            self._begin()
            self._has_steps = True
        elif not self._open and not self._has_steps and (self._updated or len(self.trail) >= MOST_OPS):
            self._begin()
        self._open.append(OpenScope(scope))
        if self.recorder is not None:
            self.recorder.on_scope_begin(scope)

    def on_scope_end(self, scope: observe.Scope, outputs: Any, error: BaseException | None) -> None:
        """A scope ends."""
        self._open.end(scope)
        self._updated = self._updated or scope.kind == "optimizer"
        if self.recorder is not None:
            self.recorder.on_scope_end(scope, outputs, error)

    def _begin(self) -> None:
        """A new step begins; let go of the one before, or keep it as a reference."""
        if self.trail:
            self._end()
        self.trail = []
        self._number = self.steps.upcoming
        self._updated = False
        if self._left and self.recorder is None:
            self.recorder = Capture(self._options)
            self.recorder.start(self._frame)
            for opened in self._open:
                self.recorder.on_scope_begin(opened.scope)

    def _end(self) -> None:
        known = any(reference.trail == self.trail for reference in self._references)
        if self.recorder is not None:
            self._left -= 1
            self.recorder.stop()
            if not known or not self._references:
                kept = _Reference(self.recorder, self._number, self.trail)
                self._references = [*self._references[1 - _RECORDED :], kept]
            self.recorder = None
        elif not known:
            self._left = _RECORDED  # something new: record what comes next

    def close(self) -> None:
        """Record no more."""
        if self.recorder is not None:
            self.recorder.stop()

    # ------------------------------------------------------------------ what was recorded

    def here(self) -> Located | None:
        """A recording of this step up to the last op; None when no step like it was recorded."""
        if self.recorder is not None:
            return located(self.recorder, len(self.trail), self.steps.upcoming)
        ran = len(self.trail)
        for reference in reversed(self._references):
            if reference.trail[:ran] == self.trail:
                found = located(_cut(reference.capture, ran), ran, self.steps.upcoming)
                if found is None:
                    return None
                found[0].notes.append(
                    f"step {self.steps.upcoming} ran the same ops as step {reference.number}, whose recording this is: "
                    "shapes of batches, times and settings are those of that step."
                )
                return found
        return None

    def latest(self) -> Recording:
        """The last step that was recorded."""
        if self.recorder is not None and (self.trail or not self._references):
            return _recording(self.recorder, self._number)
        reference = self._references[-1]
        return _recording(reference.capture, reference.number)

    def alone(self, event: str, *arguments: Any) -> Recording:
        """A recording of one event and the scopes around it."""
        capture = Capture(self._options)
        capture.start(self._frame)
        for opened in self._open:
            capture.on_scope_begin(opened.scope)
        getattr(capture, event)(*arguments)
        capture.stop()
        return _recording(capture, self.steps.upcoming)


def located(capture: Capture, ran: int, number: int | None = None) -> Located | None:
    """The recording of `ran` ops and rules, and the ids of their ops; None when the capture stopped before."""
    starts = [event.started for event in capture.journal.events() if event.kind not in ("update", "taken")]
    if len(starts) != ran:
        return None
    recording = _recording(capture, number)
    at = {op.start: op.id for op in recording.ops}
    return recording, [at.get(max(0, start - capture.began)) for start in starts]


def _recording(capture: Capture, number: int | None) -> Recording:
    capture.describe_open()
    now = copy.copy(capture)
    now.stopped = capture.stopped or observe.clock()
    found = Recording.pending()
    found.fill(build(now))
    for step in found.steps if number is not None else ():
        step.number = number
    return found


def _cut(capture: Capture, ops: int) -> Capture:
    """The same capture as if it had ended after so many ops and rules."""
    part = copy.copy(capture)
    part.journal = Journal()
    whole = capture.journal
    events = whole.events()
    counted = itertools.count(1)
    end, until = len(whole.log), 0
    for event in events:
        until = event.ended
        if event.kind != "update" and next(counted) == ops:
            end = next((later.begin for later in events), len(whole.log))
            break
    part.journal.log = whole.log[:end]
    part.journal.tensors = whole.tensors
    part.journal.errors = {at: text for at, text in whole.errors.items() if at < end}
    part.scopes = [scope for scope in capture.scopes if scope.started <= until]
    return part
