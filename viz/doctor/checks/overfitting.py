"""`overfit`: the validation loss rises while the training loss falls."""

from __future__ import annotations

import statistics
from typing import Any

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.checks.modes import Modes
from viz.doctor.facts.fit_arrays import running_fit
from viz.doctor.facts.host_arrays import host, number, tensors
from viz.doctor.facts.step_facts import Gradients

__all__ = ["Overfit"]

_OVERFIT = 1.2  # validation loss against its best
# Learnt by heart: the training loss fell to a tenth, and the validation loss never fell below half of where the
# training began. Then it need not rise: noise has an upper bound too. What generalizes is far below that half.
_BY_HEART = 0.1


class _Losses:
    """The mean losses of training and validation, by epochs, or in loops as they take turns.

    Attributes:
        train, validation: one number for each turn that is over.
    """

    def __init__(self) -> None:
        self.train: list[float] = []
        self.validation: list[float] = []
        self._trains, self._losses = True, list[float]()

    def enter(self, trains: bool, loss: float) -> None:
        """Add a loss."""
        if trains != self._trains:
            self._close()
        self._trains = trains
        self._losses.append(loss)

    def finish(self) -> None:
        """The last validation may have no training after it."""
        if not self._trains and self.train:
            self._close()

    def _close(self) -> None:
        if self._losses:
            (self.train if self._trains else self.validation).append(statistics.fmean(self._losses))
        self._losses = []


class Overfit(Check):
    """Follows losses by epoch, as `fit` tells them; in a custom loop, those with and without a tape in turns.

    Other weights that are trained, such as a head first and then the whole network, start over.
    """

    rules = {
        "overfit": Rule.warning(
            "{what}",
            "Stop there (callbacks.EarlyStopping(restore_best_weights=True)), use more data, Dropout, weight decay or "
            "a smaller model.",
        )
    }

    always = ("on_logs", "on_loss_end", "on_gradients")

    def begin(self) -> None:
        self.losses = _Losses()
        self.place: Any = None
        self.fit: Any = None
        self.began = 0  # the step in which it was heard of first
        self._told = False  # by `fit`, by epochs
        self._sources: list[Any] = []  # the weights that are trained

    def on_logs(self, kind: str, step: int, logs: dict[str, Any]) -> None:
        if kind != "epoch" or "loss" not in logs or "val_loss" not in logs:
            return
        if step == 0 or not self._told:
            self.losses, self._told = _Losses(), True
            self.fit, self.began = running_fit(), self.watch.number
        self.losses.train.append(float(logs["loss"]))
        self.losses.validation.append(float(logs["val_loss"]))
        self.place = self.watch.called_at()
        self.finish()

    def on_gradients(self, gradients: Gradients) -> None:
        if self._told:
            return
        sources = list(gradients.sources)
        if list(map(id, sources)) != list(map(id, self._sources)):  # another network: its losses are no sequel
            self._sources, self.losses = sources, _Losses()
        self.losses.enter(True, gradients.value / sum(t.data.size for t in gradients.targets))

    def on_loss_end(self, opened: Any, outputs: Any) -> None:
        found = tensors(outputs)
        if self._told or len(found) != 1 or self.watch.trains():
            return
        if found[0].key is None and found[0].data.size == 1:
            self.place = self.watch.called_at()
            self.losses.enter(False, float(host(found[0].data).reshape(())))

    def finish(self) -> None:
        """Judge how it goes by now, or how it ended."""
        self.watch.retract(("overfit", 0))
        self.losses.finish()
        validation = self.losses.validation
        train = self.losses.train[-len(validation) :]
        if len(train) != len(validation) or len(validation) <= limits.AGAIN:
            return
        if not numpy.isfinite([*train, *validation]).all():
            return
        best = min(range(len(validation)), key=validation.__getitem__)
        since = len(validation) - 1 - best
        recent = statistics.median(validation[-limits.AGAIN :])
        below_0 = min(*train, *validation) < 0
        by_heart = train[-1] <= _BY_HEART * train[0] and validation[best] > limits.MOST * train[0] and not below_0
        high = _risen(validation, best, recent, _OVERFIT, limits.MOST)
        near_0 = recent < limits.MOST * train[-1] and train[-1] > 0  # other rows are answered far better
        callbacks = self.fit.callbacks.callbacks if self.fit is not None and best >= limits.AGAIN else ()
        stops = [each for each in callbacks if getattr(each, "restore_best_weights", False)]
        best_is_kept = any(each.monitor == "val_loss" and each.direction() == "min" for each in stops)
        fell, least = train[best] - train[-1], 1 - limits.NOT_IMPROVED
        learns = fell > least * (train[0] - train[-1] if below_0 else train[best])
        if since < limits.AGAIN or not (high or by_heart) or not learns or near_0 or best_is_kept:
            return
        clear = by_heart or _risen(validation, best, recent, limits.CLEARLY, 1.0)
        clear = clear and since >= limits.LAST
        if high:
            ends = f"from {number(train[best])} to {number(train[-1])}"
            what = (
                f"the validation loss was best ({number(validation[best])}) in epoch {best + 1} and is "
                f"{number(recent)} now (the median of epochs {len(validation) - limits.AGAIN + 1} to "
                f"{len(validation)}), while the training loss "
                + (f"fell {ends}" if train[-1] < train[best] else f"stayed low ({ends})")
            )
        else:
            what = (
                f"the training loss fell from {number(train[0])} to {number(train[-1])} in {len(train)} epochs, and "
                f"the validation loss never below {number(validation[best])}: rows are learnt by heart"
            )
        # Moving averages that lag behind may be to blame, too: then rows that were trained with are answered badly.
        lags = any(each.lags for each in self.watch.training.checks if isinstance(each, Modes))
        severity = "warning" if clear and not lags else "info"
        numbers = {"best_epoch": best + 1, "epochs": len(validation), "best_val_loss": validation[best]}
        numbers |= {"val_loss": validation[-1], "loss": train[-1]}
        self.tell("overfit", severity, place=self.place, key=("overfit", 0), what=what, **numbers)


def _risen(validation: list[float], best: int, recent: float, times: float, back: float) -> bool:
    """Is a loss by so many times as high as its best; or, where it goes below 0, back by this part of its fall?"""
    if min(validation) < 0:
        return recent - validation[best] >= back * max(validation[0] - validation[best], 1e-9)
    return recent >= times * validation[best] and recent > validation[best]  # both may be 0
