"""`callback_mismatch`: callbacks that wait for a number that isn't there, or for the worse of its directions."""

from __future__ import annotations

from typing import Any

from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.fit_arrays import better_by_name, running_fit, weighs_epochs
from viz.doctor.facts.source_calls import only_call

__all__ = ["Callbacks"]


class Callbacks(Check):
    """Follows what callbacks watch, epoch by epoch, and judges them when the training has ended."""

    rules = {
        "callback_mismatch.mode": Rule(
            "warning",
            "{callback} takes {worse} values of {monitor!r} for better (mode={mode!r}), so to it epoch {taken} is the "
            "best one, with {kept!n}, and not epoch {best}, with {highest!n}: {does}",
            "Leave out mode (it is found from the name), or give 'max' for accuracy and 'min' for a loss.",
        ),
        "callback_mismatch.monitor": Rule(
            "warning",
            "there is no {monitor!r} to watch (there are only {known}): in {epochs} epochs, {idle}",
            "Give monitor one of the names that are there: metrics are named as in compile, with val_ before them for "
            "validation data.",
        ),
        "callback_mismatch.validation": Rule(
            "warning",
            "there is no {monitor!r} to watch (fit is given no validation data): in {epochs} epochs, {idle}",
            "Give fit validation_data=(x_val, y_val) or validation_split=0.2, or watch a number of the training, "
            "monitor='loss'.",
        ),
    }

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
            self.finish()
            self._fit, self._place, self._logs = fit, self.watch.called_at(), []
        self._logs.append(logs.copy())

    def finish(self) -> None:
        """Judge the last `fit`."""
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
            idle = ", ".join([f"{type(each).__name__} {_never(each)}" for each in callbacks])
            about = {"known": ", ".join(self._logs[-1]), "idle": idle, "epochs": len(self._logs), "seen": 0}
            self._tell("validation" if unvalidated else "monitor", callbacks[0], **about)

    def _wrong_way(self, callback: Any, values: list[float]) -> None:
        natural = better_by_name(callback.monitor, self._fit.model)
        if natural is None or callback.mode in ("auto", natural) or getattr(callback, "stopped_epoch", False):
            return  # `stopped_early` tells of those that ended a training
        higher = natural == "max"
        best, kept = (max(values), min(values)) if higher else (min(values), max(values))
        if len(values) > 1 and (values[-1] > values[0] if higher else values[-1] < values[0]):
            self._tell(
                "mode",
                callback,
                worse="lower" if higher else "higher",
                mode=callback.mode,
                does=_does(callback),
                kept=kept,
                highest=best,
                best=values.index(best) + 1,
                taken=values.index(kept) + 1,
                epochs=len(values),
            )

    def _tell(self, way: str, callback: Any, **about: Any) -> None:
        name = type(callback).__name__
        made = only_call(self._place.file, name) if self._place is not None else None
        key, place = ("callback_mismatch", name, callback.monitor, self._place), made or self._place
        about |= {"callback": name, "monitor": callback.monitor}
        self.tell(f"callback_mismatch.{way}", place=place, key=key, **about)


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
