"""`EarlyStopping`, `TerminateOnNaN`: ends before the last epoch."""

from __future__ import annotations

import math
from typing import Any

from eagerflow.base.messages import say
from eagerflow.base.typing import Better
from eagerflow.callbacks.base import Callback
from eagerflow.callbacks.monitor import MonitorCallback

__all__ = ["EarlyStopping", "TerminateOnNaN"]


class EarlyStopping(MonitorCallback):
    """Stops training when a monitored number, such as the validation loss, has stopped improving.

    Args:
        monitor: the name of the number in the logs, such as `"val_loss"`.
        min_delta: the smallest change that counts as an improvement.
        patience: how many epochs to wait for an improvement.
        verbose: if 1, a line is printed when the callback acts.
        mode: whether the number should be small, `"min"`, or large, `"max"`; `"auto"` decides by its name.
        baseline: the number must also become better than this.
        restore_best_weights: if True, the model gets back the weights of its best epoch when training ends.
        start_from_epoch: the first epoch that counts, from 0; the number is ignored in those before it.

    Attributes:
        stopped_epoch: the epoch, counted from 0, after which training was stopped; 0 if it wasn't.
        best: the best value so far.

    >>> model = ef.Sequential([ef.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> stopping = ef.callbacks.EarlyStopping("loss", patience=2)
    >>> history = model.fit(np.zeros((8, 2)), np.zeros(8), epochs=100, verbose=0, callbacks=stopping)
    >>> history.history["loss"]  # nothing to learn here: the loss can't get better than 0
    [0.0, 0.0, 0.0]
    >>> stopping.stopped_epoch, stopping.best_epoch
    (2, 0)
    """

    _remembers = ("wait", "stopped_epoch", "best_epoch", "best")

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: Better = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        if patience < 0:
            raise ValueError(f"EarlyStopping(patience={patience}): expected 0 or more epochs.")
        self.patience = patience
        self.verbose = verbose
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best_weights: Any = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best, self.best_weights = None, None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        value = self.value(logs)
        if value is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self.best_weights, self.best_epoch = self.model.get_weights(), epoch
        self.wait += 1
        if self.improves(value, self.best):
            self._keep(value, epoch)
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def _keep(self, value: float, epoch: int) -> None:
        self.best, self.best_epoch = value, epoch
        if self.restore_best_weights:
            self.best_weights = self.model.get_weights()
        if self.baseline is None or self.improves(value, self.baseline):
            self.wait = 0

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        if self.stopped_epoch and self.verbose:
            say(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.restore_best_weights and self.best_weights is not None:
            if self.verbose:
                say(f"Restoring model weights from the end of the best epoch: {self.best_epoch + 1}.")
            self.model.set_weights(self.best_weights)


class TerminateOnNaN(Callback):
    """Stops training at the first batch whose loss is NaN or infinite.

    Args:
        raise_error: raise a `RuntimeError` instead of stopping quietly.

    >>> model = ef.Sequential([ef.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> nan = ef.callbacks.TerminateOnNaN(raise_error=True)
    >>> model.fit(np.ones((8, 2)), np.full(8, np.inf), epochs=100, verbose=0, callbacks=nan)
    Traceback (most recent call last):
        ...
    RuntimeError: batch 0: the loss is inf.
    """

    def __init__(self, raise_error: bool = False) -> None:
        super().__init__()
        self.raise_error = raise_error

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(loss):
            return
        if self.raise_error:
            raise RuntimeError(f"batch {batch}: the loss is {loss}.")
        say(f"Batch {batch}: the loss is {loss}, terminating training.")
        self.model.stop_training = True
