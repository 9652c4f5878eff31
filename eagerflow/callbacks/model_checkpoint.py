"""`ModelCheckpoint`: saves the model while it is trained."""

from __future__ import annotations

import os
from typing import Any, Literal

from eagerflow.base.files import ending_hint
from eagerflow.base.messages import say
from eagerflow.base.typing import Better
from eagerflow.callbacks.monitor import MonitorCallback
from eagerflow.callbacks.saves import checked_frequency, filled_path

__all__ = ["ModelCheckpoint"]


class ModelCheckpoint(MonitorCallback):
    """Saves the model, or its weights, while it trains: after every epoch, or after a number of batches.

    Args:
        filepath: the path of the file. It may contain `{epoch:02d}` (counted from 1), `{batch}` and values of the logs,
            such as `{val_loss:.2f}`. It ends in `.keras`, `.h5` or `.safetensors`; with `save_weights_only`, in
            `.weights.h5`, `.h5` or `.safetensors`.
        monitor: with `save_best_only`, the name of the value in the logs by which models are compared.
        verbose: if 1, a line is printed when a file is saved.
        save_best_only: whether to save only when the monitored value has improved.
        save_weights_only: whether to save the weights instead of the whole model.
        mode: whether the number should be small, `"min"`, or large, `"max"`; `"auto"` decides by its name.
        save_freq: `"epoch"`, or a number of batches.
        initial_value_threshold: with `save_best_only`, the value that the first saved model must improve on.

    Raises:
        ValueError: for a file name with another ending, or another `save_freq`.

    Each file is replaced only when the new one is complete. Folders are made as needed.

    >>> from pathlib import Path
    >>> model = ef.Sequential([ef.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> checkpoint = ef.callbacks.ModelCheckpoint("epoch_{epoch}.weights.h5", save_weights_only=True)
    >>> history = model.fit(np.ones((8, 2)), np.ones(8), epochs=2, verbose=0, callbacks=checkpoint)
    >>> sorted(path.name for path in Path().iterdir())
    ['epoch_1.weights.h5', 'epoch_2.weights.h5']
    """

    _writes = True

    _remembers = ("best", "_batches", "_epochs")

    period = 1  # epochs between files

    def __init__(
        self,
        filepath: Any,
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: Better = "auto",
        save_freq: int | Literal["epoch"] = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode)
        self.filepath = _checked_path(os.fspath(filepath), save_weights_only)
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = checked_frequency("ModelCheckpoint", save_freq)
        self.best = initial_value_threshold
        self._current_epoch = 0
        self._batches = 0
        self._epochs = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._current_epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self._should_save_on_batch(batch):
            self._save_model(self._current_epoch, batch, logs)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._epochs += 1
        if self.save_freq == "epoch" and self._epochs % self.period == 0:
            self._save_model(epoch, None, logs)

    # Subclasses in published packages call these three, under the names that Keras has for them.

    def _should_save_on_batch(self, batch: int) -> bool:
        if self.save_freq == "epoch":
            return False
        self._batches += 1
        return self._batches % self.save_freq == 0

    def _get_file_path(self, epoch: int, batch: int | None = None, logs: dict[str, Any] | None = None) -> str:
        numbers = {"epoch": epoch + 1} | ({} if batch is None else {"batch": batch + 1})
        return filled_path("ModelCheckpoint", self.filepath, logs or {}, **numbers)

    def _save_model(self, epoch: int, batch: int | None = None, logs: dict[str, Any] | None = None) -> None:
        logs = logs or {}
        path = self._get_file_path(epoch, batch, logs)
        if self.save_best_only and not self._is_better(logs):
            return
        if self.verbose:
            say(f"\nEpoch {self._current_epoch + 1}: saving model to {path}")
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        if self.save_weights_only:
            self.model.save_weights(path)
        else:
            self.model.save(path)

    def _is_better(self, logs: dict[str, Any]) -> bool:
        value = self.value(logs)
        if value is None:
            return not self._waits()  # better a file too many, as Keras has it, than none
        if not self.improves(value, self.best):
            if self.verbose:
                say(f"\nEpoch {self._current_epoch + 1}: {self.monitor} did not improve from {self.best:.5f}")
            return False
        self.best = value
        return True


def _checked_path(path: str, weights_only: bool) -> str:
    endings = (".h5", ".hdf5", ".safetensors") if weights_only else (".keras", ".h5", ".hdf5", ".safetensors")
    wrong = not path.endswith(endings) or (path.endswith(".weights.h5") and not weights_only)
    if wrong:
        example = "'model.weights.h5'" if weights_only else "'model.keras'"
        hint = "" if weights_only else ending_hint(path)
        hint = " Pass save_weights_only=True for weights." if path.endswith(".weights.h5") else hint
        raise ValueError(
            f"ModelCheckpoint(filepath={path!r:.200}): the ending is the format; expected one like {example}.{hint}"
        )
    return path
