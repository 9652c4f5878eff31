"""`lr_too_low.schedule` in custom loops: a schedule that is over long before the training is."""

from __future__ import annotations

from typing import Any

from viz.doctor.check_base import Check, number
from viz.doctor.checks.learning_rate import faded_steps, rate_of
from viz.doctor.user_code import made_at

__all__ = ["Schedules"]

_FADED_STEPS = 20  # so many with such a rate, in a custom loop
_FADED_PART = 0.25  # and this part of all its steps

_FIXES = {
    "lr_too_low.schedule": (
        "A schedule counts steps (batches), not epochs: decay_steps = epochs * batches of an epoch, so that it ends "
        "where training ends."
    )
}


class Schedules(Check):
    """Follows the rate of the last optimizer over the steps that are looked at closely; `fit` is judged by epochs.

    Schedules count steps, and people give them epochs.
    """

    fixes = _FIXES

    always = ("on_logs",)
    begins = ("optimizer",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._optimizer: Any = None
        self._rates: list[tuple[int, float]] = []  # with the number of their step
        self._place: Any = None
        self._by_epochs = False

    def on_logs(self, kind: str, step: int, logs: dict[str, Any]) -> None:
        self._by_epochs = self._by_epochs or kind == "epoch"

    def on_scope_begin(self, opened: Any) -> None:
        rate = None if self._by_epochs or self.watch.inside("step") else rate_of(opened.owner)
        if rate is None:
            return
        if opened.owner is not self._optimizer:
            self._optimizer, self._rates, self._place = opened.owner, [], self.watch.called_at()
        self._rates.append((self.watch.step, rate))

    def finish(self) -> None:
        """Judge the rates as they were when the training ended."""
        rates = [rate for _, rate in self._rates]
        highest, steps = max(rates, default=0.0), self.watch.step
        low = faded_steps(rates, highest) if highest else 0
        if self._by_epochs or not low or self.watch.unseen:
            return
        first, rate = self._rates[-low]
        if steps - first < max(_FADED_STEPS, _FADED_PART * steps):
            return  # many a schedule ends at 0
        self.watch.report(
            "lr_too_low.schedule",
            "warning",
            f"the learning rate was {number(highest)}, and since step {first}, of {steps} steps, it is {number(rate)}"
            f"{' or less' if rate else ''}: such updates are too small to change weights, so nothing more is learnt",
            op=getattr(self._optimizer, "name", None),
            place=made_at(self._optimizer) or self._place,
            key=("lr_too_low.faded", 0),
            evidence={"highest": highest, "learning_rate": rate, "steps": steps, "learnt": first},
        )
