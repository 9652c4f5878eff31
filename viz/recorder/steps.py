"""Training steps: `viz.trace(steps=...)` listens only while chosen ones run; `viz.step` marks those of other loops."""

from __future__ import annotations

import collections
import statistics
from collections.abc import Iterable
from types import TracebackType
from typing import Any

from eagerflow.base.notebook import shown_short
from eagerflow.core import observe
from viz.chosen_steps import ChosenSteps
from viz.recorder.capture import Capture
from viz.recorder.scopes import Joined, OpenScope, Scopes

__all__ = ["StepGate", "checked_steps", "step"]

_MOST_TIMES = 500  # of steps that weren't chosen


class StepGate(observe.Observer):
    """Counts the steps that begin, from 0, and installs the capture for the chosen ones.

    A step that begins inside of another one, as that of `train_on_batch` inside of a `viz.step()`, is a part of it.

    Args:
        capture: what records.
        steps: the numbers of the chosen steps.
    """

    hears_steps = True  # those that `step` marks
    hears_replays = True
    wants_scopes = False
    wants_ops = False  # only steps, so that those which aren't chosen run at full speed

    def __init__(self, capture: Capture, steps: frozenset[int] | ChosenSteps) -> None:
        self._capture, self._steps = capture, steps
        self._count = 0
        self._open = Scopes[OpenScope]()  # steps; one inside of another is a part of it
        self._joined: Joined | None = None
        self._first: list[int] = []  # what the first step took that wasn't chosen
        self._times = collections.deque[int](maxlen=_MOST_TIMES)  # and the latest of the others
        self._began = 0

    @property
    def untraced(self) -> dict[str, int] | None:
        """What the steps that weren't chosen took, in nanoseconds, in the middle; None where none ended.

        The first of the run warms up and counts only where there is no other.
        """
        times = self._times or self._first
        return {"duration": int(statistics.median(times)), "steps": len(times)} if times else None

    @property
    def count(self) -> int:
        """How many steps have begun."""
        return self._count

    def on_scope_begin(self, scope: observe.Scope) -> None:
        """A step begins, or something else."""
        if scope.kind != "step":
            return
        self._open.append(OpenScope(scope))
        if len(self._open) > 1:
            return
        number, self._count = self._count, self._count + 1
        if number in self._steps:
            self._capture.step_numbers.append(number)
            self._joined = Joined(self._capture, scope)
        else:
            self._began = observe.clock()

    def on_scope_end(self, scope: observe.Scope, outputs: Any, error: BaseException | None = None) -> None:
        """The chosen step ends, or something else."""
        if scope.kind != "step" or not self._open.end(scope) or self._open:
            return
        if self._joined is not None:
            self._joined.end_scope(outputs, error)
            self.close()
        elif error is None:
            (self._times if self._first else self._first).append(observe.clock() - self._began)

    def close(self) -> None:
        """Let the capture hear nothing more."""
        if self._joined is not None:
            self._joined.leave()
        self._joined = None


class step:
    """A `with` block that marks one training step of a custom loop, for recordings; `fit` marks its own steps.

    `viz.trace(steps=...)` counts such steps, and pictures, tables, pages and `viz.diff` show them one by one. When
    nothing is recorded, it does nothing.

    Args:
        name: the name of the step.

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
            raise shown_short(TypeError(f"viz.step(name): expected a text; got {type(name).__name__}"))
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
    """The numbers of steps as something that knows whether it holds a number.

    Raises:
        TypeError: when `steps` holds something other than whole numbers.
        ValueError: when one is negative.
    """
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
