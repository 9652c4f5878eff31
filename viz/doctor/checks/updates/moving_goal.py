"""`opposed_updates.goal`: a network whose goal is made of its own answers, which its gradients change as well."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow import Tensor
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, host

__all__ = ["MovingGoal"]

_KEEPS = ("max", "amax", "sum", "take_index", "reshape", "squeeze", "cast", "transpose", "min", "minimum", "mean")


class MovingGoal(Check):
    """Follows `rewards + gamma * values` to where it is compared with other answers of the same network.

    Where the goal was computed under the tape, without a `stop_gradient`, the loss also falls if the goal comes nearer
    to the answer, and an update does both.
    """

    ends = ("model",)
    begins = ("loss",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._values: dict[int, int] = {}  # by the key of what answers became: which network gave them
        self._discounted: dict[int, int] = {}
        self._goals: dict[int, tuple[int, Any]] = {}  # with the line on which it became one

    def on_scope_end(self, opened: Any, outputs: Any, error: Any) -> None:
        if isinstance(outputs, Tensor) and outputs.key is not None and self.watch.outermost():
            self._values[outputs.key] = id(opened.owner)

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        made = getattr(outputs, "key", None)
        if not self._values or made is None or self.watch.inside("layer", "model", "loss", "metric", "optimizer"):
            return
        tracked = [x.key for x in inputs if isinstance(x, Tensor) and x.key is not None]
        if len(tracked) == 2 and op.name in ("subtract", "squared_difference"):
            self._compare(*tracked)
        elif len(tracked) == 1:
            self._follow(op.name, tracked[0], made, [x for x in inputs if getattr(x, "key", None) is None])

    def _follow(self, op: str, source: int, made: int, beside: list[Any]) -> None:
        """Is what is made of an answer still one, or one that counts less, or a goal?"""
        for known in (self._values, self._discounted):
            if source in known and op in _KEEPS:
                known[made] = known[source]
        if op == "multiply" and beside:
            factor = _numbers(beside[0])
            chosen = bool(((factor == 0) | (factor == 1)).all()) if factor.size else False
            if source in self._values and not chosen and _discounts(factor):
                self._discounted[made] = self._values[source]
            for known in (self._values, self._discounted) if chosen else ():
                if source in known:
                    known[made] = known[source]
        elif op == "add" and source in self._discounted and beside and _numbers(beside[0]).size > 1:
            self._goals[made] = self._discounted[source], self.watch.own_line() or self.watch.place()

    def on_scope_begin(self, opened: Any) -> None:
        given = opened.scope.inputs
        if isinstance(given, tuple) and len(given) == 2:
            self._compare(*[getattr(x, "key", None) for x in given])

    def _compare(self, first: int | None, second: int | None) -> None:
        for goal, answer in ((first, second), (second, first)):
            found = None if goal is None else self._goals.get(goal)
            if found is not None and answer is not None and self._values.get(answer) == found[0]:
                self._tell(found[1])

    def _tell(self, place: Any) -> None:
        self.watch.report(
            "opposed_updates.goal",
            "warning",
            "the goal that answers are compared with is made of other answers of the same network, under the tape: an "
            "update moves the goal as well, to where the answers are, and not only the answers to the goal",
            place=place,
            key=("opposed_updates", "goal"),
            evidence={"cosine": -1.0, "variables": 0, "rounds": self.watch.step + 1},
        )

    def on_step_end(self) -> None:
        for each in (self._values, self._discounted, self._goals):
            each.clear()


def _numbers(x: Any) -> numpy.ndarray:
    """A number, or the numbers of an array; none for anything else."""
    data = host(x.data) if isinstance(x, Tensor) else numpy.asarray(x)
    return data.reshape(-1) if data.dtype.kind in "fiub" else numpy.empty(0)


def _discounts(factor: numpy.ndarray) -> bool:
    """Is it a discount: below 1, and at least a half where it isn't 0, as at the end of an episode?"""
    largest = float(factor.max()) if factor.size else 1.0
    return limits.DISCOUNT <= largest < 1 and bool(((factor == 0) | (factor == largest)).all())
