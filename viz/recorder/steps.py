"""Training steps: `viz.trace(steps=...)` listens only while chosen ones run; `viz.step` marks those of other loops."""

from __future__ import annotations

import collections
import statistics
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Any

from eagerflow.core import observe
from viz.chosen_steps import ChosenSteps
from viz.recorder.capture import Capture
from viz.recorder.listening import HOOKS, Listening
from viz.recorder.step_tracker import StepTracker

__all__ = ["StepGate", "checked_steps", "step"]

_LOOKS = ("metric", "optimizer")  # scopes that don't begin another step


# What training reports of a step comes when the step is over, and so may this be by then: `StepGate` hears it itself.
_EVENTS = [name for name in HOOKS if name != "on_logs"]


class StepGate(observe.Observer):
    """Counts the steps that begin, from 0, and installs a capture for the chosen ones.

    A step that begins inside of another one, as that of `train_on_batch` inside of a `viz.step()`, is a part of it.
    Of a loop that marks none, somewhat more is recorded: where a step ends is known only when the next update comes,
    and where it began only from what its gradients come from. `record_builder` takes the steps out of it.

    Attributes:
        capture: what records.
    """

    hears_steps = True  # those that `step` marks
    hears_replays = True
    wants_ops = False  # only steps, so that those which aren't chosen run at full speed

    def __init__(self, made: Callable[[], Capture], steps: frozenset[int] | ChosenSteps) -> None:
        self._made, self._steps = made, steps
        self.capture = made()
        self._told: list[tuple[int, int]] = []  # see `Clocks`
        self._tracker = StepTracker(hears_ops=False)
        self._has_own = self._has_marks = self._was_on = False
        self._leaves = False  # what looks at the last step's results is still recorded
        self._trained = 0  # batches, by models, in this training
        self._epochs = 0  # of it, that are over
        self._reported: int | None = None  # the marked step that training reports on next
        self.relay = Relay(everywhere=True)  # to the capture; it stands behind this among the observers
        self._times = collections.deque[int](maxlen=500)  # what the latest steps took that weren't chosen
        self._began = 0
        self._updated: int | None = None  # when the last update was over, if nobody recorded and nothing else ran since

    @property
    def wants_scopes(self) -> bool:  # type: ignore[override]
        """Optimizers of replayed steps count outside of what is a step already."""
        return not self._tracker.in_marked

    @property
    def untraced(self) -> dict[str, int] | None:
        """What the steps that weren't chosen took, in nanoseconds, in the middle; None where none ended.

        The first of the run warms up and counts only where there is no other.
        """
        times = [*self._times][1:] or self._times
        return {"duration": int(statistics.median(times)), "steps": len(times)} if times else None

    def open(self) -> None:
        """Begin: the first step of a loop that marks none begins at once, as far as one knows."""
        self._record(0 in self._steps)

    def close(self) -> None:
        """Let the capture hear nothing more."""
        self._record(False)
        self.capture.told = self._told
        self.capture.upcoming = self._tracker.upcoming

    # ------------------------------------------------------------------ what is announced

    def on_scope_begin(self, scope: observe.Scope) -> None:
        """A step begins, or something else."""
        if self._leaves and scope.kind not in _LOOKS:
            self._record(False)
        is_inside = self._tracker.in_marked
        self._tracker.on_scope_begin(scope)
        if scope.kind == "step" and not is_inside:
            self._begin_marked(scope)

    def on_scope_end(self, scope: observe.Scope, outputs: Any, error: BaseException | None = None) -> None:
        """The chosen step ends, or something else."""
        before = self._tracker.number
        ended = self._tracker.on_scope_end(scope)
        if ended == "optimizer":
            self._update(scope, before)
        elif ended == "step":
            self._end_marked(scope, error)

    def on_gradient(self, targets: Sequence[Any], sources: Sequence[Any], results: Sequence[Any]) -> None:
        """Gradients were computed; without an optimizer, weights that changed since the last ones tell of an update."""
        if not self._tracker.on_gradient(sources, results):
            return
        if not self._tracker.has_optimizers:
            self._tell(observe.clock(), self._tracker.number)
            self._choose(perhaps_next=True)
        elif self._leaves:
            self._record(False)

    def on_logs(self, kind: str, step: int, logs: dict[str, Any]) -> None:
        """Training reports on the step that has ended, or on an epoch that ended with it."""
        if kind == "epoch":
            self._epochs = step + 1
        if self.relay.is_on if self._reported is None else self._reported in self._steps:
            self.capture.on_logs(kind, step, logs)

    @property
    def _training(self) -> None:
        """A `fit` that runs puts itself here, and None when it is over."""

    @_training.setter
    def _training(self, fit: Any) -> None:
        if fit is not None and fit.initial_epoch < self._epochs:  # another training: its epochs begin anew
            self._trained = self._epochs = 0

    # ------------------------------------------------------------------ steps that nothing marks

    def _update(self, scope: observe.Scope, before: int) -> None:
        number = self._tracker.number
        self._tell(scope.started, number)
        now = observe.clock()
        if self._updated is not None and number != before:
            self._times.append(now - self._updated)
        self._choose(perhaps_next=self._tracker.has_begun)
        if self.relay.is_on:
            self._updated = None
        elif number != before or self._updated is None:
            self._updated = now

    def _tell(self, moment: int, number: int) -> None:
        """Note the number of an update's step, where it is recorded, or ends what is."""
        self._has_own = True
        if self._is_heard():
            self._told.append((moment, number))

    def _is_heard(self) -> bool:
        """Is what happens now recorded, or was what happened before? A training may have millions of steps."""
        before, self._was_on = self._was_on, self.relay.is_on
        return before or self._was_on

    def _choose(self, perhaps_next: bool) -> None:
        """Record what comes, if it belongs to a chosen step, or may do so."""
        number = self._tracker.number
        if perhaps_next and number + 1 in self._steps:
            self._record(True)
        elif number not in self._steps:
            self._record(False)
        else:  # as long as it may go on; what nobody heard the beginning of is no step
            self._leaves = self.relay.is_on and self._tracker.is_settled

    def _record(self, wanted: bool) -> None:
        self._leaves = False
        if wanted and not self.relay.is_on:
            self._close_scopes()
            self.relay.turn_on(self.capture)
        elif not wanted and self.relay.is_on:
            self.relay.turn_off()
            self._close_scopes()

    def _close_scopes(self) -> None:
        """End those whose end the capture doesn't hear, as it left meanwhile."""
        for opened in reversed(self.capture.open.copy()):
            self.capture.on_scope_end(opened.scope, None)

    # ------------------------------------------------------------------ steps that something marks

    def _begin_marked(self, scope: observe.Scope) -> None:
        number = self._tracker.number
        self._updated = None
        if not self._told and not self._has_marks and self.relay.is_on:
            self._record(False)
            self.capture.stop()  # what ran before the first step belongs to none
            self.capture = self._made()
        self._has_marks = True
        if scope.name != "predict_step":  # of which nothing is reported: a callback may predict before a step is
            self._reported = number
        if number in self._steps or self._is_heard():
            self.capture.marks[scope.started] = number, self._trained
        self._trained += scope.name == "train_step" and scope.owner is not None
        self._began = observe.clock()
        if number in self._steps:
            self._record(True)  # before it hears of this scope

    def _end_marked(self, scope: observe.Scope, error: BaseException | None) -> None:
        if not self.relay.is_on and error is None:
            self._times.append(observe.clock() - self._began)
        may_follow = self._has_own or scope.name != "train_step"  # a step that nothing marks
        self._record(may_follow and self._tracker.number in self._steps)


class step:
    """A `with` block that marks one training step of a custom loop, for recordings; `fit` marks its own steps.

    `viz.trace(steps=...)` counts such steps, and pictures, tables, pages and `viz.diff` show them one by one. When
    nothing is recorded, it does nothing.

    >>> import eagerflow as ef, viz
    >>> weight = ef.Variable(1.0)
    >>> with viz.trace(steps=(1,)) as t:
    ...     for _ in range(3):
    ...         with viz.step():
    ...             _ = weight.assign_sub(0.1)
    >>> len(t.steps), len(t.ops)
    (1, 1)
    """

    __slots__ = ("_listeners", "_name", "_opened")

    def __init__(self, name: str = "train_step") -> None:
        if not isinstance(name, str):
            raise TypeError(f"viz.step(name): expected a text; got {type(name).__name__}")
        self._name = name

    def __enter__(self) -> None:
        listeners = observe.current() if observe.state.on else ()
        self._listeners = [each for each in listeners if getattr(each, "hears_steps", False)]
        self._opened = observe.Scope("step", self._name)
        for listener in self._listeners:
            listener.on_scope_begin(self._opened)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for listener in reversed(self._listeners):
            listener.on_scope_end(self._opened, None, error)


def checked_steps(where: str, steps: int | Iterable[int] | ChosenSteps) -> frozenset[int] | ChosenSteps:
    """The numbers of steps as something that knows whether it holds a number."""
    if isinstance(steps, ChosenSteps):
        return steps
    given = [steps] if isinstance(steps, int) else steps
    try:
        found = frozenset(given)
    except TypeError:
        raise TypeError(f"{where}: expected step numbers from 0, such as 3 or (3, 10); got {steps!r}") from None
    if any(not isinstance(step, int) or isinstance(step, bool) for step in found):
        raise TypeError(f"{where}: expected whole numbers from 0; got {steps!r}")
    if any(step < 0 for step in found):
        raise ValueError(f"{where}: steps are counted from 0; got {min(found)}")
    return found


class Relay(Listening):
    """Stands among the observers all the time, and costs nothing while it is off. Reports of training it leaves out.

    A capture that came and went by itself would be lost where this is decided inside of a captured step: the observers
    of such a step are those that were there when it began.
    """

    hears_steps = True  # those that `viz.step` marks
    hears_replays = True

    @property
    def is_on(self) -> bool:
        """Does it pass on what it hears?"""
        return self.wants_ops

    def turn_on(self, capture: Capture) -> None:
        """Let a capture hear everything from here on."""
        for name in _EVENTS:  # its own functions, with nothing around them
            setattr(self, name, getattr(capture, name))
        observe.want_ops(self, True)

    def turn_off(self) -> None:
        """Let nobody hear anything."""
        if self.is_on:
            for name in _EVENTS:
                delattr(self, name)
            observe.want_ops(self, False)
