"""When the doctor looks at training: at the first steps, then at a few in a row now and then, so that it is cheap."""

from __future__ import annotations

import time
from typing import Any

from eagerflow.core import observe
from viz.doctor import Watcher
from viz.recorder.scopes import Joined

__all__ = ["Rounds"]

FIRST = 32  # steps at the beginning that are looked at
AGAIN = 8  # steps in a row, later
APART = 32  # steps between, at least: they show what a step takes otherwise


class Rounds:
    """Lets a watcher listen during some steps.

    Args:
        share: how much of the time it may cost, after the first steps.

    Attributes:
        watcher: who looks.
    """

    def __init__(self, share: float) -> None:
        self.watcher = Watcher()
        self._share = share
        self._left, self._apart = FIRST, 0
        self._next = self._cost = 0.0
        self._joined: Joined | None = None

    @property
    def looks(self) -> bool:
        """Whether the watcher listens."""
        return self._joined is not None

    def begin(self, scope: observe.Scope | None = None) -> None:
        """A step begins, in `fit` with a scope that is open already."""
        if self.looks:
            return
        self._apart -= 1
        if self._apart >= 0 or time.perf_counter() < self._next:
            return
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

    def hear(self, kind: str, step: int, logs: dict[str, Any]) -> None:
        """Numbers of a batch or an epoch, which the doctor always wants; after a NaN he looks at the next steps."""
        if not self.looks:
            self.watcher.on_logs(kind, step, logs)
        loss = logs.get("loss")
        if isinstance(loss, float) and loss != loss:
            self._next, self._apart = 0.0, 0

    def close(self) -> None:
        """Stop listening for now."""
        if self._joined is not None:
            self._joined.leave()
            self._joined = None

    def finish(self) -> None:
        """Training is over: judge what only the end can tell."""
        self.close()
        self.watcher.attach()
        self.watcher.detach()
