"""`not_learning.constant`: a loss that is the same number in every step, whatever the rows and the weights are."""

from __future__ import annotations

import math
from typing import Any

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, first_tensor, host, number, total
from viz.doctor.user_code import Place

__all__ = ["SameLoss"]


class SameLoss(Check):
    """Compares the losses of all steps, where the rows are others each time.

    A mean over all classes of a softmax is one: each row sums to 1. A loss of 0 is none: a margin may be kept by all
    rows.
    """

    always = ("on_gradient",)
    begins = ("model", "layer")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._low, self._high, self._steps = math.inf, -math.inf, 0
        self._rows: numpy.ndarray | None = None  # the inputs of the last step that was looked at
        self._looks = self._others = 0  # steps whose rows were seen; were others than those of the one before
        self._seen = False  # in this step
        self._place: Place | None = None

    def on_scope_begin(self, opened: Any) -> None:
        if self._seen or self._varies or not self.watch.outermost():
            return
        found = first_tensor(opened.scope.inputs)
        if found is None:
            return
        self._seen, self._looks = True, self._looks + 1
        rows = host(found.data).reshape(-1)[: limits.ANSWER_SIZE].copy()
        self._others += self._rows is not None and not numpy.array_equal(rows, self._rows)
        self._rows = rows

    def on_gradient(self, targets: Any, sources: Any, results: Any) -> None:
        if self._varies or not targets:
            return
        loss = total(targets)
        self._low, self._high, self._steps = min(self._low, loss), max(self._high, loss), self._steps + 1
        if math.isnan(loss):
            self._high = math.inf
        origin = self.watch.origin(targets[0])
        self._place = origin.place if origin is not None and origin.place is not None else self.watch.called_at()

    @property
    def _varies(self) -> bool:
        """Were the losses different, or 0?"""
        size = max(abs(self._low), abs(self._high))
        near = self._high - self._low <= limits.SAME_LOSS * size < math.inf
        return self._steps > 0 and (not near or size == 0.0)

    def on_step_end(self) -> None:
        self._seen = False

    def finish(self) -> None:
        """Tell it where rows differed."""
        if not self.watch.hints_alone():
            return  # which is why
        if self._varies or self._steps < limits.FEW_STEPS or self._others < max(limits.WINDOW, self._looks // 2):
            return
        self.watch.report(
            "not_learning.constant",
            "info" if self.watch.interrupted else "warning",
            f"the loss is {number(self._high)} in {self.watch.counted(self._steps)}, though the rows are others each "
            "time: it depends neither on them nor on the weights, so nothing can be learnt",
            place=self._place,
            key=("not_learning", "constant"),
            evidence={"loss": self._high, "steps": self._steps},
        )
