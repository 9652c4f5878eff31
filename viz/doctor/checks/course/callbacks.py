"""`callback_mismatch`: callbacks that wait for a number that isn't there, or for the worse of its directions."""

from __future__ import annotations

from typing import Any

from eagerflow.callbacks import EarlyStopping
from viz.doctor.check_base import Check, number
from viz.doctor.checks.endings import running_fit
from viz.doctor.source_calls import only_call

__all__ = ["Callbacks", "better_by_name", "weighs_epochs"]

_FIXES = {
    "callback_mismatch.mode": (
        "Leave out mode (it is found from the name), or give 'max' for accuracy and 'min' for a loss."
    ),
    "callback_mismatch.monitor": (
        "Give monitor one of the names that are there: metrics are named as in compile, with val_ before them for "
        "validation data."
    ),
    "callback_mismatch.validation": (
        "Give fit validation_data=(x_val, y_val) or validation_split=0.2, or watch a number of the training, "
        "monitor='loss'."
    ),
    "callback_mismatch.patience": (
        "Give it less patience, such as a tenth of the epochs, and restore_best_weights=True."
    ),
}


class Callbacks(Check):
    """Follows what callbacks watch, epoch by epoch, and judges them when the training has ended."""

    fixes = _FIXES

    always = ("on_logs",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._fit: Any = None
        self._place: Any = None
        self._logs: list[dict[str, Any]] = []

    def on_logs(self, kind: str, step: int, logs: dict[str, Any]) -> None:
        fit = running_fit() if kind == "epoch" else None
        if fit is None:
            return
        if fit is not self._fit:
            self._judge()
            self._fit, self._place, self._logs = fit, self.watch.called_at(), []
        self._logs.append(logs.copy())

    def finish(self) -> None:
        """Judge the last `fit`."""
        self._judge()

    def _judge(self) -> None:
        missing: dict[str, list[Any]] = {}
        for callback in self._fit.callbacks.callbacks if self._logs else ():
            if not weighs_epochs(callback):
                continue
            values = [float(logs[callback.monitor]) for logs in self._logs if callback.monitor in logs]
            if values:
                self._wrong_way(callback, values)
                self._too_patient(callback, values)
            else:
                missing.setdefault(callback.monitor, []).append(callback)
        for callbacks in missing.values():
            self._missing(callbacks)

    def _missing(self, callbacks: list[Any]) -> None:
        """None of these found the number that they all watch."""
        monitor, known = callbacks[0].monitor, list(self._logs[-1])
        unvalidated = monitor.startswith("val_") and self._fit.validation is None
        why = "fit is given no validation data" if unvalidated else f"there are only {', '.join(known)}"
        idle = ", ".join([f"{type(each).__name__} {_never(each)}" for each in callbacks])
        self._tell(
            "callback_mismatch.validation" if unvalidated else "callback_mismatch.monitor",
            callbacks[0],
            f"there is no {monitor!r} to watch ({why}): in {len(self._logs)} epochs, {idle}",
            {"epochs": len(self._logs), "seen": 0},
        )

    def _wrong_way(self, callback: Any, values: list[float]) -> None:
        natural = better_by_name(callback.monitor, self._fit.model)
        if natural is None or callback.direction() == natural or getattr(callback, "stopped_epoch", 0):
            return  # `stopped_early` tells of those that ended a training
        higher = natural == "max"
        gained = values[-1] > values[0] if higher else values[-1] < values[0]
        if len(values) < 2 or not gained:
            return
        best, kept = (max, min) if higher else (min, max)
        at, taken = values.index(best(values)) + 1, values.index(kept(values)) + 1
        self._tell(
            "callback_mismatch.mode",
            callback,
            f"{type(callback).__name__} takes {'lower' if higher else 'higher'} values of {callback.monitor!r} for "
            f"better (mode={callback.mode!r}), so to it epoch {taken} is the best one, with "
            f"{number(kept(values))}, and not epoch {at}, with {number(best(values))}: {_does(callback)}",
            {"epochs": len(values), "seen": len(values), "best": at, "taken": taken},
        )

    def _too_patient(self, callback: Any, values: list[float]) -> None:
        """A hint where stopping would have helped, and couldn't happen."""
        asked = self._fit.epochs - self._fit.initial_epoch
        patience = getattr(callback, "patience", 0)
        overfits = self.watch.raw("overfit")
        stops = isinstance(callback, EarlyStopping) and not callback.restore_best_weights
        if stops and patience >= asked and overfits:
            self._tell(
                "callback_mismatch.patience",
                callback,
                f"EarlyStopping waits for {patience} epochs without a better {callback.monitor!r}, and there are only "
                f"{asked}: it can't stop this training",
                {"epochs": len(values), "seen": len(values)},
                "info",
            )

    def _tell(self, rule: str, callback: Any, words: str, evidence: dict[str, Any], severity: str = "warning") -> None:
        name = type(callback).__name__
        made = only_call(self._place.file, name) if self._place is not None else None
        key = ("callback_mismatch", name, callback.monitor, self._place)
        self.watch.report(rule, severity, words, place=made or self._place, key=key, evidence=evidence)


def weighs_epochs(callback: Any) -> bool:
    """Does a callback compare a number of this epoch with those of others, to act by it?"""
    if not isinstance(getattr(callback, "monitor", None), str) or not hasattr(callback, "direction"):
        return False
    return bool(getattr(callback, "save_best_only", True))


def better_by_name(monitor: str, model: Any) -> str | None:
    """`"max"` or `"min"`, where the name of a number, or the metric of that name, tells which is better."""
    asked = EarlyStopping(monitor=monitor)
    asked.set_model(model)
    try:
        return str(asked.direction())
    except ValueError:
        return None


def _never(callback: Any) -> str:
    if hasattr(callback, "save_best_only"):
        return "saved nothing"
    if hasattr(callback, "factor"):
        return "never lowered the learning rate"
    return "couldn't stop anything" if hasattr(callback, "restore_best_weights") else "did nothing"


def _does(callback: Any) -> str:
    """What a callback with the wrong mode does."""
    if hasattr(callback, "save_best_only"):
        return "the worst weights are the ones in the file"
    if hasattr(callback, "factor"):
        return "it lowers the learning rate just while training goes well"
    if getattr(callback, "restore_best_weights", False):
        return "those are the weights that it puts back"
    return "it stops while training goes well, and not when it gets worse"
