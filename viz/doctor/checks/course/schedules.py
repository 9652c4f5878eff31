"""Learning rates in loops of one's own: schedules that count batches for epochs, or epochs for batches."""

from __future__ import annotations

from typing import Any

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.rates import faded_steps, rate_of
from viz.doctor.user_code import Place, made_at

__all__ = ["Schedules"]

_PAST = 1.5  # times its period that a cosine has gone on: from there on the rate rises again
_EARLY = 0.2  # of the period of a schedule that should last as long as the training is all it gets to
_FADED_SHARE = 0.25  # of all steps are made with a rate that changes nothing any more
_FALLEN = 0.02  # of the highest rate is left by a fifth of the training, and never more again
_NOTHING = 1e-3  # and of it in the end, at most
_RATES = 100_000


class _Schedule:
    """One schedule: its steps, and what its optimizer had done when it made the first."""

    def __init__(self, about: Any, place: Place | None, updates: int) -> None:
        self.kind, self.period, self.named = about["kind"], about["period"], about["named"]
        self.optimizer, self.place, self.before, self.steps = about["optimizer"], place, updates, 0


class Schedules(Check):
    """Follows the rate of each update, and how often schedules are asked to go on."""

    rules = {
        "lr_too_low.schedule": Rule(
            "warning",
            "the learning rate falls from {highest!n} to {now!n} in the first {since} of {steps} steps{by}, and stays "
            "there: hardly anything is learnt in the others",
            "Let the rate end where training ends. A schedule that counts epochs makes one step after each epoch, and "
            "not after each batch; else give it numbers of batches.",
        ),
        "callback_mismatch.schedule": Rule(
            "warning",
            "{kind} has {named}={period}, and is stepped {taken} times in {steps} updates: {so}",
            "Count the same things: {named} as many batches as there are in the training, with a step after each "
            "batch; or as many epochs, with a step after each epoch.",
        ),
        "callback_mismatch.schedule_first": Rule(
            "warning",
            "{kind} is stepped before the first update: the first rate of the schedule, {rate!n}, is never used",
            "Step the schedule after the optimizer: after the updates of a batch, or at the end of an epoch.",
        ),
    }

    always = ("on_optimizer", "on_routine")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._rates: dict[int, tuple[Any, list[float]]] = {}
        self._schedules: dict[int, _Schedule] = {}
        self._first: dict[int, float] = {}  # rates that schedules began with
        self._scales = False

    def on_optimizer(self, opened: Any) -> None:
        rate = rate_of(opened.owner)
        known = self._rates.setdefault(id(opened.owner), (opened.owner, []))[1]
        if rate is not None and len(known) < _RATES:
            known.append(rate)

    def on_routine(self, name: str, thing: Any, about: Any) -> None:
        self._scales = self._scales or name == "scaled_step"
        if name == "schedule" and about["optimizer"] is not None:
            made = len(self._rates.get(id(about["optimizer"]), ((), ()))[1])
            known = self._schedules.setdefault(id(thing), _Schedule(about, self.watch.place(), made))
            known.steps += 1

    def finish(self) -> None:
        """Judge the course of the rates, and the steps of the schedules."""
        for known in self._schedules.values():
            rates = self._rates.get(id(known.optimizer), ((), []))[1]
            if len(rates) >= limits.FEW_STEPS:
                self._count(known, rates)
        for optimizer, rates in self._rates.values():
            own = [each for each in self._schedules.values() if each.optimizer is optimizer]
            if len(rates) >= limits.IMBALANCE_STEPS and len(self._rates) == 1:
                self._fall(optimizer, rates, own[0] if own else None)

    def _count(self, known: _Schedule, rates: list[float]) -> None:
        period, steps = known.period or 0, len(rates)
        about = {"kind": known.kind, "named": known.named, "period": period, "taken": known.steps, "steps": steps}
        place = made_at(known) or known.place
        if known.kind == "CosineAnnealingLR" and known.steps > _PAST * period:
            so = "behind its period the rate goes up again, and up and down"
            self.tell("callback_mismatch.schedule", place=place, so=so, best=period, **about)
        elif 0 < known.steps <= _EARLY * period and period / 2 <= steps <= 2 * period:
            so = f"it only gets to the first {known.steps / period:.0%} of its course"
            self.tell("callback_mismatch.schedule", place=place, so=so, best=period, **about)
        if not known.before and known.steps > 1 and not self._scales:
            about |= {"rate": float(known.optimizer.learning_rate), "best": 0}
            self.tell("callback_mismatch.schedule_first", place=known.place, **about)

    def _fall(self, optimizer: Any, rates: list[float], schedule: _Schedule | None) -> None:
        highest, steps = max(rates), len(rates)
        since = steps - next((i for i, rate in enumerate(reversed(rates)) if rate > _FALLEN * highest), steps)
        faded = faded_steps(rates, highest)
        if (
            rates[-1] > _NOTHING * highest
            or not highest
            or (faded < _FADED_SHARE * steps and since > _EARLY * steps)
            or since >= steps
        ):
            return
        since = min(since, steps - faded) if faded else since
        stepped = schedule is not None and 2 * schedule.steps > steps
        by = f", as {schedule.kind} is stepped after each of them" if stepped and schedule is not None else ""
        about = {"highest": highest, "now": rates[-1], "since": since, "steps": steps, "largest_update": rates[-1]}
        place = (schedule.place if schedule is not None else None) or made_at(optimizer)
        self.tell("lr_too_low.schedule", place=place, key=("lr_too_low.faded", 0), by=by, **about)
