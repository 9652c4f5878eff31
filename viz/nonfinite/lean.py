"""A capture for long runs: it keeps the latest training step only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eagerflow.core import observe
from viz.capture import Capture, Here, Options

__all__ = ["Latest"]

_FULL = 300_000  # entries of the journal (some 15 per op) from which on a run without steps is cut between models' calls


class Latest(Capture):
    """Forgets what was before when a training step begins.

    Args:
        options: what to record.
        crashed: called with an error that leaves the last open scope.
    """

    def __init__(self, options: Options, crashed: Callable[[BaseException], None] | None = None) -> None:
        super().__init__(options._replace(memory=False, max_ops=1 << 62), crashed)
        self._begun = 0
        self.forgotten = 0

    def on_scope_begin(self, scope: observe.Scope) -> None:
        if scope.kind == "step":
            self._begin_step()
        elif not self._open and len(self.journal.log) > _FULL:
            self.forget()
        super().on_scope_begin(scope)

    def _begin_step(self) -> None:
        if self.step_numbers:
            self.forget()
        self.step_numbers.append(self._begun)
        self._begun += 1

    def forget(self) -> None:
        """Begin anew, inside of the scopes that are open."""
        self.forgotten += 1
        number = {old: new for new, (_, old, _) in enumerate(self._open)}
        kept = [self.scopes[old] for old in number]
        for scope in kept:
            scope.parent, scope.base = number.get(scope.parent), number.get(scope.base)
            scope.inner_base = number.get(scope.inner_base)
            scope.inputs = ()
        self._open = [(scope, number[old], _moved(before, number)) for scope, old, before in self._open]
        self.here = _moved(self.here, number)
        self.scopes[:] = kept
        for held in (self.journal.log, self.journal.tensors, self.gradient_keys, self.step_numbers):
            held.clear()  # the same lists, as the recorder of ops holds them
        for known in (self.journal.errors, self.seen, self.measured, self.sums):
            known.clear()
        self._parts, self._gradients, self._same_key, self._arrays = {}, {}, {}, {}
        self._paths = {None: ""}
        del self.logs[:-1000]


def _moved(here: Here, number: dict[Any, int]) -> Here:
    scope, base, frame = here
    return number.get(scope), number.get(base), frame
