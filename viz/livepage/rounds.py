"""When the doctor looks at training: at the first steps, then at a few in a row now and then, so that it is cheap."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from typing import Any

from eagerflow.core import observe
from viz.doctor import Watcher

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
        self._scope: observe.Scope | None = None
        self._observing: AbstractContextManager[Any] | None = None

    @property
    def looks(self) -> bool:
        """Whether the watcher listens."""
        return self._observing is not None

    def begin(self, scope: observe.Scope | None = None) -> None:
        """A step begins, in `fit` with a scope that is open already."""
        if self.looks:
            return
        self._apart -= 1
        if self._apart >= 0 or time.perf_counter() < self._next:
            return
        self.watcher.choose_thread()
        self._observing = observe.observing(self.watcher)
        self._observing.__enter__()
        self._scope = scope
        if scope is not None:
            self.watcher.on_scope_begin(scope)  # its listeners were chosen before this one was there

    def end(
        self, scope: observe.Scope | None, outputs: Any, error: BaseException | None, extra: float
    ) -> None:
        """A step is over, which took `extra` seconds more than others."""
        if not self.looks:
            return
        if scope is not None and scope is self._scope:
            self.watcher.on_scope_end(scope, outputs, error)
            self._scope = None
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
        if self._observing is not None:
            self._observing.__exit__(None, None, None)
            self._observing = None

    def finish(self) -> None:
        """Training is over: judge what only the end can tell."""
        self.close()
        self.watcher.attach()
        self.watcher.detach()
