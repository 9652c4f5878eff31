"""`too_few_steps` and `stopped_early`: trainings that ended before they could learn."""

from __future__ import annotations

import math
import statistics
from typing import Any

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.fit_arrays import running_fit
from viz.doctor.facts.host_arrays import number
from viz.doctor.facts.source_calls import only_call
from viz.doctor.facts.step_facts import Gradients

__all__ = ["Endings"]

_MANY_STEPS = 2000
_FEW_EPOCHS = 2  # from three epochs on, their means are compared, without the noise of batches
_FEW_LEFT = 0.3  # and is still above this part of what it was in the first quarter
_STOPPED = "EarlyStopping ended training after {epochs} of {asked} epochs: {why}"


class _Run:
    """One call of `fit`."""

    def __init__(self, fit: Any, place: Any) -> None:
        self.fit, self.place = fit, place
        self.logs: list[dict[str, Any]] = []

    def logged(self, name: str) -> list[float]:
        """A number of the epochs."""
        return [x[name] for x in self.logs if isinstance(x.get(name), float)]


class Endings(Check):
    """Follows losses by step and by epoch, and looks at how training ended."""

    rules = {
        "stopped_early": Rule.warning(
            _STOPPED, "Give EarlyStopping more patience, a smaller min_delta, or start_from_epoch."
        ),
        "stopped_early.mode": Rule.warning(
            _STOPPED, "Leave out mode (it is found from the name), or give 'max' for accuracy and 'min' for a loss."
        ),
        "too_few_steps": Rule.info(
            "training ended after {steps} steps ({which}) while the loss was still falling: {first:.4g} at the "
            "beginning, {third:.4g} later, {last:.4g} in the end",
            "Train for more epochs, or raise the learning rate; EarlyStopping can say when it is enough.",
        ),
    }

    always = ("on_gradients", "on_logs")

    def begin(self) -> None:
        self._gradients: list[Gradients] = []  # since the last optimizer's step
        self._losses: list[float] = []
        self._sources: set[int] = set()
        self._run: _Run | None = None
        self._runs = 0

    def on_gradients(self, gradients: Gradients) -> None:
        self._sources.add(getattr(gradients.sources[0], "identity", 0))
        self._take()
        if len(self._losses) < _MANY_STEPS:
            self._gradients.append(gradients)

    def _take(self) -> None:
        """Losses are known when their scale is."""
        self._losses += [each.loss for each in self._gradients]
        self._gradients.clear()

    def on_logs(self, kind: str, step: int, logs: dict[str, Any]) -> None:
        if kind != "epoch":
            return
        fit = running_fit()
        if self._run is None or self._run.fit is not fit:
            self._stopped()
            self._run = _Run(fit, self.watch.called_at())
            self._runs += 1
        self._run.logs.append(dict(logs))

    def finish(self) -> None:
        self._take()
        self._stopped()
        alone = len(self._sources) == 1 and not self.watch.training.turns
        if self._run is not None and alone and self.watch.hints_alone():
            self._too_few(self._run)

    def _too_few(self, run: _Run) -> None:
        losses, n = self._losses, len(self._losses) + self.watch.unseen
        if not limits.FEW_STEPS <= n < _MANY_STEPS or not all(map(math.isfinite, losses)):
            return
        if run.fit is None or len(run.logs) < run.fit.epochs - run.fit.initial_epoch:
            return  # it was stopped: that is another finding, or meant
        epochs = run.logged("loss")
        if len(epochs) > _FEW_EPOCHS:
            found = _falling_by_epoch(epochs)
        else:
            found = None if self.watch.unseen else _falling_by_step(losses)
        if found is not None:
            which = "the last fit: " if self._runs > 1 else ""
            which += f"{len(epochs)} epoch{'s' if len(epochs) > 1 else ''}"
            numbers = {"steps": n, **dict(zip(("first", "third", "last"), found))}
            self.tell("too_few_steps", place=run.place, key=("too_few_steps", 0), which=which, **numbers)

    def _stopped(self) -> None:
        run = self._run
        if run is None or run.fit is None or not run.logs:
            return
        asked, done = run.fit.epochs - run.fit.initial_epoch, len(run.logs)
        for callback in run.fit.callbacks.callbacks:
            if done < asked and getattr(callback, "stopped_epoch", 0):
                self._judge(run, callback, asked)

    def _judge(self, run: _Run, callback: Any, asked: int) -> None:
        monitor, mode = str(callback.monitor), callback.mode
        values, losses = run.logged(monitor), run.logged("loss")
        if len(values) < 2 or len(losses) < 2 or not all(map(math.isfinite, values)):
            return
        risen, rule = values[-1] > values[0], "stopped_early.mode"
        rates = any(word in monitor for word in ("acc", "auc", "precision", "recall"))
        if (mode == "max" and monitor.endswith("loss") and not risen) or (mode == "min" and rates and risen):
            why = (
                f"it waits for {monitor} to {'fall' if mode == 'min' else 'rise'} (mode={mode!r}), which went from "
                f"{number(values[0])} to {number(values[-1])}: that is what was wanted"
            )
        elif limits.NOT_IMPROVED * losses[0] < losses[-1] < losses[0]:
            rule = "stopped_early"
            why = (
                f"the training loss has only come from {losses[0]:.4g} to {losses[-1]:.4g} and was still falling "
                f"({monitor}, patience={callback.patience}, min_delta={callback.min_delta:.3g})"
            )
        else:
            return
        place = (only_call(run.place.file, "EarlyStopping") if run.place is not None else None) or run.place
        ends = {"first_loss": losses[0], "last_loss": losses[-1], "epochs": len(run.logs), "asked": asked}
        self.tell(rule, place=place, key=("stopped_early", run.place), why=why, **ends)


def _falling_by_epoch(losses: list[float]) -> tuple[float, float, float] | None:
    """The first, an earlier and the last loss, where the last quarter of the epochs made it much smaller still.

    Means over the same rows have no noise of batches.
    """
    back = max(1, len(losses) // 4)
    first, before, last = losses[0], losses[-1 - back], losses[-1]
    falling = losses[-1 - 2 * back] > before > last > 0
    return (first, before, last) if falling and _much(first, before, last) else None


def _falling_by_step(losses: list[float]) -> tuple[float, float, float] | None:
    """The means of the first, third and last quarter of the steps, where the last is much smaller still."""
    quarter = len(losses) // 4
    parts = [losses[i * quarter : (i + 1) * quarter] for i in range(3)] + [losses[3 * quarter :]]
    first, _, before, last = map(statistics.fmean, parts)
    noise = math.hypot(*[statistics.stdev(p) / math.sqrt(len(p)) for p in parts[2:]])
    sure = before - last > limits.FEW_SIGMA * noise and last > 0
    return (first, before, last) if sure and _much(first, before, last) else None


def _much(first: float, before: float, last: float) -> bool:
    return last > _FEW_LEFT * first and before - last >= limits.FEW_FALL * last
