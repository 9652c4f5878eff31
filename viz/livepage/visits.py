"""When the doctor looks at training: at the first steps, then at a few in a row now and then, so that it is cheap."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any, TypeGuard

import numpy

from eagerflow.core import observe
from viz.recorder.scopes import Joined
from viz.shell.commands import part

__all__ = ["Visits"]

FIRST = 32  # steps at the beginning that are looked at
AGAIN = FIRST // 4  # steps in a row, later
APART = FIRST  # steps between, at least: they show what a step takes otherwise
HURRIES = 4  # times that a NaN calls him at once: where they come and go, he would look at all steps


class Visits:
    """Lets a watcher listen during some steps.

    Args:
        share: how much of the time it may cost, after the first steps.

    Attributes:
        watcher: who looks.
    """

    def __init__(self, share: float) -> None:
        self.watcher = part("Watcher")()
        self._share = share
        self._left, self._apart = FIRST, 0
        self._next = self._cost = 0.0
        self._hurries = HURRIES
        self._to_evaluation = False  # look at the next one
        self._joined: Joined | None = None
        self._counter: Callable[[], int] = lambda: self.watcher.total
        self._left_at: int | None = 0  # how many steps had ended when he looked last; None while he looks

    def count_by(self, counter: Callable[[], int]) -> None:
        """Number the steps by what tells how many have ended: the watcher doesn't see all of them."""
        self._counter = self.watcher.counter = counter

    @property
    def looks(self) -> bool:
        """Whether the watcher listens."""
        return self._joined is not None

    def begin(self, scope: observe.Scope | None = None) -> None:
        """A step begins, in `fit` with a scope that is open already."""
        if self.looks:
            return
        if self._left_at is None:
            self._left_at = self._counter()
        if self._to_evaluation and scope is not None and scope.name == "test_step":
            self._to_evaluation = False
            self._hurry()
        self._apart -= 1
        if self._apart >= 0 or time.perf_counter() < self._next:
            return
        self._count_unseen()
        self._left_at = None
        self.watcher.step_ended = 0  # what has run since isn't a pause between two steps
        self.watcher.choose_thread()
        self._joined = Joined(self.watcher, scope)

    def end(self, scope: observe.Scope | None, outputs: Any, error: BaseException | None, extra: float) -> None:
        """A step is over, which took `extra` seconds more than others."""
        if self._joined is None:
            return
        if scope is not None:
            self._joined.end_scope(outputs, error)
        self._left -= 1
        self._cost += extra
        if self._left <= 0:
            self.close()
            self._next = time.perf_counter() + self._cost / self._share
            self._left, self._apart, self._cost = AGAIN, APART, 0.0

    def hear(self, kind: str, step: int, logs: dict[str, Any], trains: bool, batch: Any = None) -> None:
        """Numbers of a batch or an epoch, which the doctor always wants; after a NaN he looks at the next steps."""
        if not self.looks:
            self.watcher.on_logs(kind, step, logs)
        if trains:
            self.hear_loss(logs.get("loss"), self._counter(), batch)
        validation = logs.get("val_loss") if trains else logs.get("loss")
        if _is_no_number(validation) and not self.looks:
            self.watcher.hear_loss(float(validation), self._counter(), evaluated=True)
            self._to_evaluation = True

    def hear_loss(self, loss: Any, step: int, batch: Any = None) -> None:
        """The loss of a step, by its number; where it isn't finite, the doctor looks at its batch and the next step."""
        if _is_no_number(loss) and self._left_at is not None and step > self._left_at:
            self.watcher.hear_loss(float(loss), step, batch=batch)
            self._hurry()

    def _hurry(self) -> None:
        if self._hurries:
            self._hurries -= 1
            self._next, self._apart = 0.0, 0

    def close(self) -> None:
        """Stop listening for now."""
        if self._joined is not None:
            self._joined.leave()
            self._joined = None

    def finish(self) -> None:
        """Training is over: judge what only the end can tell."""
        self.close()
        self._count_unseen()
        self.watcher.attach()
        self.watcher.detach()

    def _count_unseen(self) -> None:
        if self._left_at is not None:
            steps = self._counter()
            self.watcher.unseen += steps - self._left_at
            self._left_at = steps


def _is_no_number(loss: Any) -> TypeGuard[float | numpy.floating[Any]]:
    """Is it NaN or infinite? Numbers on a device aren't asked: training would wait for them."""
    return isinstance(loss, (float, numpy.floating)) and not math.isfinite(loss)
