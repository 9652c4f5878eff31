"""`History`: the numbers of all epochs, which `fit` returns."""

from __future__ import annotations

from typing import Any

from eagerflow.callbacks.base import Callback
from eagerflow.callbacks.older_names import either_name

__all__ = ["History"]


class History(Callback):
    """Remembers what every epoch gave; `fit` adds one by itself and returns it.

    Attributes:
        history: one list of numbers per metric, `{"loss": [...], "val_loss": [...]}`.
        epoch: the numbers of the epochs, from 0.
    """

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[int] = []

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.epoch, self.history = [], either_name({})

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
