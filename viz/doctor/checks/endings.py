"""`too_few_steps`, `stopped_early` and rates that fell to nothing: trainings that ended before they could learn."""

from __future__ import annotations

import itertools
import math
import statistics
import sys
from collections.abc import Sequence
from typing import Any

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, number, total
from viz.doctor.checks.learning_rate import faded_steps, rate_of
from viz.doctor.source_calls import only_call
from viz.doctor.user_code import made_at
from viz.doctor.variable_owners import layers_in

__all__ = ["Endings", "running_fit"]


def running_fit() -> Any:
    """The `Fit` of the innermost `fit` on the stack, or None: it knows the data, the epochs and the callbacks."""
    frame = sys._getframe(1)
    while frame is not None:
        own = frame.f_locals.get("self") if frame.f_code.co_name == "go" else None
        if type(own).__name__ == "Fit":
            return own
        frame = frame.f_back  # type: ignore[assignment]
    return None


_NOISE = ("Dropout", "Noise")
_ENDING = ("EarlyStopping", "TerminateOnNaN")


class _Run:
    """One call of `fit`."""

    def __init__(self, fit: Any, place: Any, first_step: int) -> None:
        self.fit, self.place, self.first_step = fit, place, first_step
        self.logs: list[dict[str, Any]] = []
        self.rates: list[float] = []  # after each epoch

    def callbacks(self, kind: str) -> list[Any]:
        """Its callbacks of one class, by the name of that."""
        return [callback for callback in self.fit.callbacks.callbacks if type(callback).__name__ == kind]

    @property
    def may_be_stopped(self) -> bool:
        """Is there a callback that ends trainings, or one of the user's, which may, or a step of the user's?"""
        kinds = [type(callback) for callback in self.fit.callbacks.callbacks]
        own = [
            kind for kind in [*kinds, type(self.fit.model)] if not kind.__module__.startswith(("eagerflow.", "viz."))
        ]
        return bool(own) or any(kind.__name__ in _ENDING for kind in kinds)


class Endings(Check):
    """Follows losses by step and by epoch, and looks at how training ended."""

    always = ("on_gradient", "on_logs", "on_scope_begin")
    begins = ("optimizer", "step")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._losses: list[float] = []
        self._weighed = False  # do rows count differently?
        self._scaled: Any = None  # the gradients of the last of them, which may be multiplied by a scale
        self._sources: set[int] = set()
        self._run: _Run | None = None
        self._runs = 0
        self._place: Any = None
        self._first_rate: tuple[Any, float | None] = None, None  # an optimizer, and its rate in its first step

    def on_scope_begin(self, opened: Any) -> None:
        if opened.kind == "step":
            data = opened.scope.inputs
            self._weighed = self._weighed or (isinstance(data, tuple) and len(data) > 2 and data[2] is not None)
            return
        if self._scaled is not None:
            self._losses[-1] /= self.loss_scale(self._scaled, opened)
            self._scaled = None
        if opened.owner is not self._first_rate[0]:
            self._first_rate = opened.owner, rate_of(opened.owner)

    def on_gradient(self, targets: Any, sources: Any, results: Any) -> None:
        self._sources.add(sources[0].identity if hasattr(sources[0], "identity") else 0)
        if len(self._losses) < limits.MANY_STEPS:
            self._losses.append(total(targets))
            self._scaled = results

    def on_logs(self, kind: str, step: int, logs: dict[str, Any]) -> None:
        if kind != "epoch":
            return
        fit = running_fit()
        if self._run is None or self._run.fit is not fit:
            self._stopped()
            self._run = _Run(fit, self.watch.called_at(), self.watch.step)
            self._runs += 1
        self._run.logs.append(dict(logs))
        self._faded(self._run)

    def finish(self) -> None:
        """Judge the last `fit`, and the losses as they ended."""
        self._stopped()
        alone = len(self._sources) == 1 and not self.watch.training.turns
        if self._run is not None and alone and self.watch.hints_alone():
            self._too_few(self._run)

    # ------------------------------------------------------------------ lr_too_low

    def _faded(self, run: _Run) -> None:
        """The rate has been so low for a while that nothing is learnt, after it was higher."""
        optimizer = getattr(getattr(run.fit, "model", None), "optimizer", None)
        rate = rate_of(optimizer)
        if rate is None:
            return
        run.rates.append(rate)
        whose, first = self._first_rate  # a schedule may have fallen far before the first epoch is over
        highest = max(*run.rates, (first or 0.0) if whose is optimizer else 0.0)
        n, key = len(run.rates), ("lr_too_low.faded", run.first_step)
        low = faded_steps(run.rates, highest)
        if not low:
            self.watch.retract(key)  # it rises again, as in cycles
        elif highest and low >= max(limits.FADED_EPOCHS, limits.FADED_SHARE * n):
            by = next((name for name in ("ReduceLROnPlateau", "LearningRateScheduler") if run.callbacks(name)), None)
            where = only_call(run.place.file, by) if run.place is not None and by is not None else None
            way = {"ReduceLROnPlateau": "plateau", "LearningRateScheduler": "compounds"}.get(by or "", "faded")
            if by is None and _is_scheduled(optimizer):
                way = "schedule"
            elif way == "compounds" and not _takes_rate(run.callbacks("LearningRateScheduler")):
                way = "faded"
            now = f"{number(run.rates[-low])}{' or less' if run.rates[-low] else ''}"
            self.watch.report(
                f"lr_too_low.{way}",
                "error" if self._learnt_nothing(run) else "warning",
                f"the learning rate{f', which {by} lowers,' if by else ''} was {number(highest)}, and since "
                f"epoch {n - low + 1} it is {now}: such updates are too small to change weights, so "
                "nothing more is learnt",
                op=getattr(optimizer, "name", None),
                place=where or made_at(optimizer) or run.place,
                key=key,
                evidence={"highest": highest, "learning_rate": rate, "epochs": n, "learnt": n - low},
            )

    def _learnt_nothing(self, run: _Run) -> bool:
        """Is the loss where it began?"""
        losses = [x["loss"] for x in run.logs if isinstance(x.get("loss"), float)]
        begun = statistics.fmean(self._losses[: limits.FIRST]) if self._losses else math.nan
        return len(self._sources) == 1 and bool(losses) and losses[-1] > limits.NOT_IMPROVED * begun > 0

    # ------------------------------------------------------------------ too_few_steps

    def _too_few(self, run: _Run) -> None:
        losses, n = self._losses, len(self._losses) + self.watch.unseen
        if not limits.FEW_STEPS <= n < limits.MANY_STEPS or not all(map(math.isfinite, losses)):
            return
        if run.fit is None or len(run.logs) < run.fit.epochs - run.fit.initial_epoch:
            return  # it was stopped: that is another finding, or meant
        epochs = [x["loss"] for x in run.logs if isinstance(x.get("loss"), float)]
        if len(epochs) > limits.FEW_EPOCHS:
            found = _falling_by_epoch(epochs)
        else:
            found = None if self.watch.unseen else _falling_by_step(losses)
        if found is None:
            return
        first, before, last = found
        easier = self._easier(run, before, last)
        way = "too_few_steps.waiting" if run.callbacks("EarlyStopping") else "too_few_steps"
        which = "the last fit: " if self._runs > 1 else ""
        self.watch.report(
            "too_few_steps.easier" if easier else way,
            "info",
            f"training ended after {n} steps ({which}{len(epochs)} epoch{'s' if len(epochs) > 1 else ''}) while the "
            f"loss was still falling: {first:.4g} at the beginning, {before:.4g} later, {last:.4g} in the end{easier}",
            place=run.place,
            key=("too_few_steps", 0),
            evidence={"steps": n, "first": first, "third": before, "last": last},
        )

    def _easier(self, run: _Run, before: float, last: float) -> str:
        """In words: are the validation rows answered far better than those it learns from, with nothing to explain it?

        Noise that is there in training alone explains that, weights of rows do, and a loss that falls within an epoch.
        """
        reached = run.logs[-1].get("val_loss")
        noisy = any(type(layer).__name__.endswith(_NOISE) or "Random" in type(layer).__name__ for layer in _layers(run))
        if self._weighed or noisy or run.may_be_stopped or not isinstance(reached, float):
            return ""
        if not 0 < reached < limits.EASIER * last or before > limits.FALLS_SLOWLY * last:
            return ""
        return f"; the validation loss is {reached:.4g}, so other rows are answered far better than the training rows"

    # ------------------------------------------------------------------ stopped_early

    def _stopped(self) -> None:
        run = self._run
        if run is None or run.fit is None or not run.logs:
            return
        asked = run.fit.epochs - run.fit.initial_epoch
        for callback in run.callbacks("EarlyStopping"):
            if len(run.logs) < asked and callback.stopped_epoch:
                self._judge(run, callback, asked)
        if len(run.logs) < asked and getattr(run.fit.feed, "once", False) and not run.may_be_stopped:
            self._tell_ran_out(run, asked)

    def _tell_ran_out(self, run: _Run, asked: int) -> None:
        """Nothing can have ended the training but a generator that gave no more."""
        if self.watch.interrupted:
            return
        done = len(run.logs)
        self.watch.report(
            "stopped_early.data",
            "warning",
            f"training ended after {done} of {asked} epochs, as the generator gave no more batches: it is gone through "
            "once, not anew in each epoch",
            place=run.place,
            key=("stopped_early", run.place),
            evidence={"epochs": done, "asked": asked},
        )

    def _judge(self, run: _Run, callback: Any, asked: int) -> None:
        monitor = str(callback.monitor)
        values = [x[monitor] for x in run.logs if isinstance(x.get(monitor), float)]
        losses = [x["loss"] for x in run.logs if isinstance(x.get("loss"), float)]
        if len(values) < 2 or len(losses) < 2 or not all(map(math.isfinite, values)):
            return
        risen = values[-1] > values[0]
        backwards = (callback.mode == "max" and monitor.endswith("loss") and not risen) or (
            callback.mode == "min" and any(word in monitor for word in ("acc", "auc", "precision", "recall")) and risen
        )
        unlearnt = losses[-1] > limits.STOPPED_LEARNT * losses[0] and losses[-1] < losses[0]
        if backwards:
            way = f"it waits for {monitor} to {'fall' if callback.mode == 'min' else 'rise'} (mode={callback.mode!r})"
            rule = "stopped_early.mode"
            words = f"{way}, which went from {number(values[0])} to {number(values[-1])}: that is what was wanted"
        elif _passed_over(callback, values):
            rule = "stopped_early.min_delta"
            words = (
                f"{monitor} got better in each epoch, from {number(callback.best)} to {number(values[-1])}, but only "
                f"what is better than the best by more than min_delta={number(callback.min_delta)} counts"
            )
        elif unlearnt:
            rule = "stopped_early"
            words = (
                f"the training loss has only come from {losses[0]:.4g} to {losses[-1]:.4g} and was still falling "
                f"({monitor}, patience={callback.patience}, min_delta={callback.min_delta:.3g})"
            )
        else:
            return
        done = len(run.logs)
        self.watch.report(
            rule,
            "warning",
            f"EarlyStopping ended training after {done} of {asked} epochs: {words}",
            place=(only_call(run.place.file, "EarlyStopping") if run.place is not None else None) or run.place,
            key=("stopped_early", run.place),
            evidence={"epochs": done, "asked": asked, "first_loss": losses[0], "last_loss": losses[-1]},
        )


def _passed_over(stopping: Any, values: list[float]) -> bool:
    """Did a metric get much better, epoch by epoch, while EarlyStopping counted that as nothing?

    Much is a tenth of what it was when the waiting began, and of all that was gained: a good `min_delta` is far below.
    """
    if stopping.best is None or not stopping.min_delta:
        return False
    sign = 1 if stopping.direction() == "max" else -1
    waited = [stopping.best, *values[-max(stopping.wait, 1) :]]
    steady = all(sign * (after - before) > 0 for before, after in itertools.pairwise(waited))
    gained = abs(waited[-1] - stopping.best)
    return steady and gained >= limits.PASSED_OVER * max(abs(stopping.best), abs(values[-1] - values[0])) > 0


def _layers(run: _Run) -> list[Any]:
    """The layers of the model that `fit` trains."""
    return layers_in(run.fit.model)


def _takes_rate(schedulers: Sequence[Any]) -> bool:
    """Is a LearningRateScheduler's function given the rate as it is, and not the epoch alone?"""
    functions = [scheduler.schedule for scheduler in schedulers]
    codes = [getattr(function, "__code__", None) for function in functions]
    return any(code is not None and code.co_argcount > 1 for code in codes)


def _is_scheduled(optimizer: Any) -> bool:
    """Does a schedule decide the learning rate, by the number of the step?"""
    return getattr(getattr(optimizer, "_rate", None), "variable", optimizer) is None


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
    return last > limits.FEW_LEFT * first and before - last >= limits.FEW_FALL * last
