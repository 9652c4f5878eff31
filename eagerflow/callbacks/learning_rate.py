"""Callbacks that change the learning rate: by a plan, or when training stands still."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from eagerflow.base.messages import say
from eagerflow.base.typing import Better
from eagerflow.callbacks.base import Callback
from eagerflow.callbacks.monitor import MonitorCallback
from eagerflow.optimizers.multi import with_rates

__all__ = ["LearningRateScheduler", "ReduceLROnPlateau"]


class LearningRateScheduler(Callback):
    """Sets the learning rate at the beginning of every epoch.

    Args:
        schedule: a function `f(epoch)` or `f(epoch, rate)` that returns the new learning rate; `epoch` is counted from
            0, `rate` is the present rate.
        verbose: if 1, print the new rate.

    Raises:
        TypeError: when the function doesn't return a number.

    >>> model = ef.Sequential([ef.layers.Dense(1)])
    >>> model.compile(ef.optimizers.SGD(0.5), "mse")
    >>> schedule = ef.callbacks.LearningRateScheduler(lambda epoch, rate: rate if epoch < 2 else rate / 2)
    >>> history = model.fit(np.ones((8, 2)), np.ones(8), epochs=4, verbose=0, callbacks=schedule)
    >>> history.history["learning_rate"]
    [0.5, 0.5, 0.25, 0.125]
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        super().__init__()
        if not callable(schedule):
            raise TypeError(f"LearningRateScheduler(schedule=...): expected a function; got {type(schedule).__name__}.")
        self.schedule = schedule
        self.verbose = verbose
        self._takes_rate = _takes_two(schedule)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        for optimizer in with_rates(self.model.optimizer).values():
            self._set(epoch, optimizer)

    def _set(self, epoch: int, optimizer: Any) -> None:
        before = float(optimizer.learning_rate)
        rate = self.schedule(epoch, before) if self._takes_rate else self.schedule(epoch)
        try:
            rate = float(None if isinstance(rate, str) else rate)  # "0.1" is no number
        except (TypeError, ValueError):
            given = "None. Was a `return` forgotten?" if rate is None else f"{type(rate).__name__} {rate!r:.60}."
            raise TypeError(f"LearningRateScheduler: the schedule must give a number; it gave {given}") from None
        optimizer.learning_rate = rate
        if self.verbose:
            say(f"Epoch {epoch + 1}: LearningRateScheduler setting learning rate to {rate}.")

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if logs is not None:
            logs.update(_rates(self.model.optimizer))


def _rates(optimizer: Any) -> dict[str, float]:
    return {name: float(one.learning_rate) for name, one in with_rates(optimizer).items()}


def _takes_two(function: Callable[..., Any]) -> bool:
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:  # a built-in without a signature
        return False
    places = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return len([p for p in places if p.default is p.empty]) >= 2 or any(p.kind is p.VAR_POSITIONAL for p in parameters)


class ReduceLROnPlateau(MonitorCallback):
    """Lowers the learning rate when a monitored number, such as the validation loss, has stopped improving.

    Args:
        monitor: the name of the number in the logs, such as `"val_loss"`.
        factor: what the rate is multiplied by, below 1.
        patience: how many epochs to wait for an improvement.
        verbose: if 1, a line is printed when the callback acts.
        mode: whether the number should be small, `"min"`, or large, `"max"`; `"auto"` decides by its name.
        min_delta: the smallest change that counts as an improvement.
        cooldown: how many epochs to wait after a change.
        min_lr: the rate never falls below this.
        **kwargs: `epsilon`, Keras 2's name of `min_delta`.

    >>> model = ef.Sequential([ef.layers.Dense(1)])
    >>> model.compile(ef.optimizers.SGD(0.5), "mse")
    >>> reduce = ef.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=2)
    >>> history = model.fit(np.zeros((8, 2)), np.zeros(8), epochs=6, verbose=0, callbacks=reduce)
    >>> history.history["learning_rate"]  # the loss is 0 from the first epoch on
    [0.5, 0.5, 0.5, 0.25, 0.25, 0.125]
    """

    _remembers = ("wait", "cooldown_counter", "best")

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: Better = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
        **kwargs: Any,
    ) -> None:
        min_delta = kwargs.pop("epsilon", min_delta)
        if kwargs:
            raise TypeError(f"ReduceLROnPlateau has no argument {next(iter(kwargs))!r}.")
        super().__init__(monitor, mode, min_delta)
        if not 0 < factor < 1:
            raise ValueError(f"ReduceLROnPlateau(factor={factor}): expected a number between 0 and 1.")
        self.factor = factor
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self.min_lr = min_lr
        self.wait = self.cooldown_counter = 0

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.best, self.wait, self.cooldown_counter = None, 0, 0

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if logs is not None:
            logs.update(_rates(self.model.optimizer))
        value = self.value(logs)
        if value is None:
            return
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.wait = 0
        if self.improves(value, self.best):
            self.best, self.wait = value, 0
        elif self.cooldown_counter <= 0:
            self.wait += 1
            if self.wait >= self.patience:
                self._reduce(epoch)

    def _reduce(self, epoch: int) -> None:
        for optimizer in with_rates(self.model.optimizer).values():
            before = float(optimizer.learning_rate)
            rate = max(before * self.factor, self.min_lr)
            if rate >= before:
                continue
            optimizer.learning_rate = rate
            self.cooldown_counter, self.wait = self.cooldown, 0
            if self.verbose:
                say(f"Epoch {epoch + 1}: ReduceLROnPlateau reducing learning rate to {rate}.")
