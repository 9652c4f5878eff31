"""`lr_too_high.twice`: an optimizer that is given the very same gradients a second time."""

from __future__ import annotations

from typing import Any

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, tensors
from viz.doctor.user_code import Place

__all__ = ["AppliedTwice"]


class AppliedTwice(Check):
    """Compares what an optimizer is given with what it was given last, since there are new gradients."""

    begins = ("optimizer",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._given: list[Any] = []  # the arrays themselves, so that no others get their place in memory
        self._optimizer: Any = None
        self._rounds = 0  # backward passes whose gradients an optimizer was given
        self._twice = 0
        self._again = False  # was that told of this backward pass?
        self._place: Place | None = None

    def on_gradient(self, targets: Any, sources: Any, results: Any) -> None:
        self._given, self._optimizer, self._again = [], None, False

    def on_scope_begin(self, opened: Any) -> None:
        if sum(each.kind == "optimizer" for each in self.watch.scopes) > 1:
            return  # one that wraps another passes them on
        given = [x.data for x in tensors(opened.scope.inputs)]
        if not given:
            return
        same = len(given) == len(self._given) and all(a is b for a, b in zip(given, self._given))
        if not same or opened.owner is not self._optimizer:
            self._rounds += not self._given
            self._given, self._optimizer = given, opened.owner
        elif not self._again:
            self._again = True
            self._twice += 1
            self._place = self.watch.called_at()

    def finish(self) -> None:
        """Once may be a whim; in each step it is a slip."""
        # With the first update a step ends, and where the next one isn't looked at closely, the second goes unseen.
        if self._twice < limits.FIRST or self._twice < limits.TWICE_ROUNDS * self._rounds:
            return
        self.watch.report(
            "lr_too_high.twice",
            "warning",
            f"the optimizer is given the same gradients twice in each of {self._twice} steps that were looked at: the "
            "second update goes on in a direction that the first one has already used, as with twice the learning rate",
            place=self._place,
            key=("lr_too_high", "twice"),
            evidence={"steps": self._twice},
        )
