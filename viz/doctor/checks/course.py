"""How a training goes: what callbacks wait for, what schedules do, and metrics that nobody sets back."""

from __future__ import annotations

import math
from typing import Any

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.fit_arrays import better_by_name, running_fit, weighs_epochs
from viz.doctor.facts.host_arrays import host
from viz.doctor.facts.rates import faded_steps, rate_of
from viz.doctor.facts.source_calls import only_call
from viz.doctor.user_code import Place, loop_counters, made_at

__all__ = ["Callbacks", "Schedules", "UnresetMetrics"]

_EARLY = 0.2  # of the period of a schedule that should last as long as the training is all it gets to
_FALLEN = 0.02  # of the highest rate is left by a fifth of the training, and never more again
_NOTHING = 1e-3  # and of it in the end, at most
_LOWER = ("ReduceLROnPlateau", "LearningRateScheduler")
_EPOCHS = ("e", "_e")  # what their variables begin with


_STOPS = "couldn't stop anything", "it stops while training goes well, and not when it gets worse"
_ACTS = {  # by what callbacks have
    "save_best_only": ("saved nothing", "the worst weights are the ones in the file"),
    "factor": ("never lowered the learning rate", "it lowers the learning rate just while training goes well"),
    "restore_best_weights": (_STOPS[0], "those are the weights that it puts back"),
}


class Callbacks(Check):
    """Follows what callbacks watch, epoch by epoch, and judges them when the training has ended."""

    rules = {
        "callback_mismatch.mode": Rule.warning(
            "{callback} takes {worse} values of {monitor!r} for better (mode={mode!r}), so to it epoch {taken} is the "
            "best one, with {kept!n}, and not epoch {best}, with {highest!n}: {does}",
            "Leave out mode (it is found from the name), or give 'max' for accuracy and 'min' for a loss.",
        ),
        "callback_mismatch.monitor": Rule.warning(
            "there is no {monitor!r} to watch (there are only {known}): in {epochs} epochs, {idle}",
            "Give monitor one of the names that are there: metrics are named as in compile, with val_ before them for "
            "validation data.",
        ),
        "callback_mismatch.validation": Rule.warning(
            "there is no {monitor!r} to watch (fit is given no validation data): in {epochs} epochs, {idle}",
            "Give fit validation_data=(x_val, y_val) or validation_split=0.2, or watch a number of the training, "
            "monitor='loss'.",
        ),
    }

    always = ("on_logs",)

    def begin(self) -> None:
        self._fit: Any = None
        self._place: Any = None
        self._logs: list[dict[str, Any]] = []

    def on_logs(self, kind: str, step: int, logs: dict[str, Any]) -> None:
        fit = running_fit() if kind == "epoch" else None
        if fit is None:
            return
        if fit is not self._fit:
            self.finish()
            self._fit, self._place, self._logs = fit, self.watch.called_at(), []
        self._logs.append(logs.copy())

    def finish(self) -> None:
        missing: dict[str, list[Any]] = {}
        for callback in self._fit.callbacks.callbacks if self._logs else ():
            if weighs_epochs(callback):
                values = [float(logs[callback.monitor]) for logs in self._logs if callback.monitor in logs]
                if values:
                    self._wrong_way(callback, values)
                else:
                    missing.setdefault(callback.monitor, []).append(callback)
        for monitor, callbacks in missing.items():
            unvalidated = monitor.startswith("val_") and self._fit.validation is None
            idle = ", ".join([f"{type(each).__name__} {_acts(each)[0]}" for each in callbacks])
            about = {"known": ", ".join(self._logs[-1]), "idle": idle, "epochs": len(self._logs), "seen": 0}
            self._tell("validation" if unvalidated else "monitor", callbacks[0], **about)

    def _wrong_way(self, callback: Any, values: list[float]) -> None:
        natural = better_by_name(callback.monitor, self._fit.model)
        if natural is None or callback.mode in ("auto", natural) or getattr(callback, "stopped_epoch", False):
            return  # `stopped_early` tells of those that ended a training
        higher = natural == "max"
        best, kept = (max(values), min(values)) if higher else (min(values), max(values))
        if len(values) > 1 and (values[-1] > values[0] if higher else values[-1] < values[0]):
            ends = {"kept": kept, "highest": best, "best": values.index(best) + 1, "taken": values.index(kept) + 1}
            worse, does = "lower" if higher else "higher", _acts(callback)[1]
            self._tell("mode", callback, worse=worse, mode=callback.mode, does=does, epochs=len(values), **ends)

    def _tell(self, way: str, callback: Any, **about: Any) -> None:
        name = type(callback).__name__
        made = only_call(self._place.file, name) if self._place is not None else None
        key, place = ("callback_mismatch", name, callback.monitor, self._place), made or self._place
        about |= {"callback": name, "monitor": callback.monitor}
        self.tell(f"callback_mismatch.{way}", place=place, key=key, **about)


def _acts(callback: Any) -> tuple[str, str]:
    """What it never did for want of a number to watch, and what it does with the wrong mode."""
    return next((words for attribute, words in _ACTS.items() if getattr(callback, attribute, False)), _STOPS)


class _Schedule:
    """One schedule: its steps, and what its optimizer had done when it made the first."""

    def __init__(self, about: Any, place: Place | None, updates: int) -> None:
        self.kind, self.period, self.named = about["kind"], about["period"], about["named"]
        self.optimizer, self.place, self.before, self.steps = about["optimizer"], place, updates, 0


class Schedules(Check):
    """Follows the rate of each update, and how often schedules are asked to go on."""

    rules = {
        "lr_too_low.faded": Rule.warning(
            "the learning rate falls from {highest!n} to {now!n} in the first {since} of {steps} steps{by}, and stays "
            "there: hardly anything is learnt in the others",
            "Let the rate end where training ends: a schedule of steps counts batches, and one of epochs is stepped "
            "after each epoch. Give ReduceLROnPlateau a min_lr; LearningRateScheduler hands on the lowered rate.",
        ),
        "callback_mismatch.schedule": Rule.warning(
            "{kind} has {named}={period}, and is stepped {taken} times in {steps} updates: {so}",
            "Count the same things: {named} as many batches as there are in the training, with a step after each "
            "batch; or as many epochs, with a step after each epoch.",
        ),
        "callback_mismatch.schedule_first": Rule.warning(
            "{kind} is stepped before the first update: the first rate of the schedule, {rate!n}, is never used",
            "Step the schedule after the optimizer: after the updates of a batch, or at the end of an epoch.",
        ),
    }

    always = ("on_optimizer", "on_routine", "on_logs")

    def begin(self) -> None:
        self._rates: dict[int, tuple[Any, list[float]]] = {}
        self._schedules: dict[int, _Schedule] = {}
        self._first: dict[int, float] = {}  # rates that schedules began with
        self._scales = False
        self._fit: tuple[Any, Place | None] = None, None
        self._losses: list[float] = []  # of the epochs of a fit

    def on_logs(self, kind: str, step: int, logs: dict[str, Any]) -> None:
        if kind == "epoch":
            self._fit = running_fit(), self.watch.called_at()
            self._losses.append(float(logs.get("loss", math.nan)))
            self._falls()

    def on_optimizer(self, opened: Any) -> None:
        rate = rate_of(opened.owner)
        known = self._rates.setdefault(id(opened.owner), (opened.owner, []))[1]
        if rate is not None and len(known) < limits.LOOKED:
            known.append(rate)

    def on_routine(self, name: str, thing: Any, about: Any) -> None:
        self._scales = self._scales or name == "scaled_step"
        if name == "schedule" and about["optimizer"] is not None:
            made = len(self._rates.get(id(about["optimizer"]), ((), ()))[1])
            known = self._schedules.setdefault(id(thing), _Schedule(about, self.watch.place(), made))
            known.steps += 1

    def finish(self) -> None:
        for known in self._schedules.values():
            rates = self._rates.get(id(known.optimizer), ((), []))[1]
            if len(rates) >= limits.FEW_STEPS:
                self._count(known, rates)
        self._falls()

    def _falls(self) -> None:
        self.watch.retract(("lr_too_low.faded", 0))
        for optimizer, rates in self._rates.values() if len(self._rates) == 1 else ():
            own = [each for each in self._schedules.values() if each.optimizer is optimizer]
            if len(rates) >= limits.FEW_STEPS:
                self._fall(optimizer, rates, own[0] if own else None)

    def _count(self, known: _Schedule, rates: list[float]) -> None:
        period, steps = known.period or 0, len(rates)
        about = {"kind": known.kind, "named": known.named, "period": period, "taken": known.steps, "steps": steps}
        place = made_at(known) or known.place
        if known.kind == "CosineAnnealingLR" and known.steps > limits.CLEARLY * period:
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
        fell = steps >= limits.IMBALANCE_STEPS and rates[-1] <= _NOTHING * highest and since <= _EARLY * steps
        if not highest or since >= steps or not (fell or faded >= limits.A_PART * steps):
            return
        by, place = "", made_at(optimizer)
        fit, called = self._fit
        callbacks = [type(each).__name__ for each in fit.callbacks.callbacks] if fit is not None else []
        lowers = next((each for each in callbacks if each in _LOWER), None)
        if schedule is not None:
            by = f", as {schedule.kind} is stepped after each of them" if 2 * schedule.steps > steps else ""
            place = schedule.place or place
        elif lowers is not None:
            by = f", as {lowers} lowers it"
            place = (only_call(called.file, lowers) if called is not None else None) or place
        about = {"highest": highest, "now": rates[-1], "steps": steps, "largest_update": rates[-1]}
        about["since"] = min(since, steps - faded) if faded else since
        idle = self._losses and self._losses[-1] > limits.NOT_IMPROVED * self._losses[0] > 0
        self.tell(
            "lr_too_low.faded", "error" if idle else "warning", place=place, key=("lr_too_low.faded", 0), by=by, **about
        )


class _Followed:
    """A metric whose updates are followed."""

    def __init__(self, metric: Any, place: Place | None) -> None:
        self.metric, self.place = metric, place
        self.updates = self.begun = 0  # and how often it was updated when nothing had been counted yet
        self.values: dict[str, set[int]] = {}  # of what may be a loop's variable, by its name

    @property
    def epochs(self) -> int:
        """How many epochs it went through."""
        return max(map(len, self.values.values()), default=0)


class UnresetMetrics(Check):
    """Looks whether a metric was ever back at 0 when an update began, in several epochs of several updates each."""

    rules = {
        "unreset_metric": Rule.warning(
            "the metric {metric!r} is updated in each {epoch}, but never set back: it counts all rows since training "
            "began ({updates} updates in {epochs} epochs), and tells of the network as it was on the way",
            "Set it back where each epoch begins, metric.reset_state(), or right after its result was read.",
        )
    }

    always = ("on_scope_begin",)
    begins = ("metric",)

    def begin(self) -> None:
        self._followed: dict[int, _Followed] = {}

    def on_scope_begin(self, opened: Any) -> None:
        if self.watch.inside("step", "loss", "layer", "model"):
            return
        found = self._followed.get(id(opened.owner))
        if found is None:
            found = self._followed[id(opened.owner)] = _Followed(opened.owner, self.watch.called_at())
        if found.epochs >= limits.AGAIN:
            return
        found.updates += 1
        found.begun += not any(host(v.data).any() for v in opened.owner.variables)
        for name, value in loop_counters().items():
            if name.lower().startswith(_EPOCHS):
                found.values.setdefault(name, set()).add(value)

    def finish(self) -> None:
        """Judge those that went through several epochs."""
        for found in self._followed.values():
            if found.epochs > 1 and found.begun == 1 and found.updates >= 2 * found.epochs:
                numbers = {"updates": found.updates, "epochs": found.epochs, "resets": found.begun}
                loop = max(found.values, key=lambda name: len(found.values[name]))
                about = {"place": found.place, "metric": found.metric.name, "epoch": loop}
                self.tell("unreset_metric", key=("unreset_metric", id(found.metric)), **about, **numbers)
