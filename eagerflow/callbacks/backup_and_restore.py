"""`BackupAndRestore`: a training that was interrupted goes on where it was."""

from __future__ import annotations

import os
from collections.abc import Mapping
from os import PathLike
from types import MappingProxyType
from typing import Any, Literal

from eagerflow.callbacks.base import Callback
from eagerflow.callbacks.saves import checked_frequency
from eagerflow.core.strategy import active

__all__ = ["BackupAndRestore"]


class BackupAndRestore(Callback):
    """Saves the state of training after every epoch; the next `fit` with the same folder goes on from there.

    The result equals that of an uninterrupted run, bit for bit: weights, optimizer, the order of the samples, dropout,
    metrics, and what eagerflow's callbacks remember are all restored. Callbacks of your own save what they remember
    with `get_state()` and `set_state(state)`, as values that fit into JSON.

    Arrays, `data.Dataset` and `PyDataset` continue where they were. A generator is expected to start over, and the
    batches that were used before are skipped; any other iterable with `get_state()` and `set_state(state)` is asked to
    continue where it was.

    Args:
        backup_dir: a folder for one file, for this training alone.
        save_freq: `"epoch"`, or a number of batches.
        double_checkpoint: whether to save after every epoch, too, when `save_freq` is a number.
        delete_checkpoint: whether to delete the file at the end of `fit`.

    Raises:
        ValueError: for an empty path, or another `save_freq`.
        FileFormatError: in `fit`, when the file belongs to another model, or is damaged.

    >>> model = ef.Sequential([ef.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> x, y = np.ones((8, 2)), np.ones(8)
    >>> backup = ef.callbacks.BackupAndRestore("backup", delete_checkpoint=False)
    >>> history = model.fit(x, y, epochs=2, verbose=0, callbacks=backup)  # say that the machine stops here
    >>> again = ef.callbacks.BackupAndRestore("backup")
    >>> model.fit(x, y, epochs=5, verbose=0, callbacks=again).epoch  # epochs 0 and 1 aren't trained again
    [2, 3, 4]
    """

    _runs_last = True  # what other callbacks do at the end of a batch or epoch is saved too
    _remembers = ("_batches",)
    _training: Any = None  # the running `fit`, which knows the place in the data

    def __init__(
        self,
        backup_dir: str | PathLike[str],
        save_freq: int | Literal["epoch"] = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:
        super().__init__()
        if backup_dir is None or not os.fspath(backup_dir):
            raise ValueError(f"BackupAndRestore(backup_dir={backup_dir!r}): expected the path of a folder.")
        self.backup_dir = os.fspath(backup_dir)
        self.save_freq = checked_frequency("BackupAndRestore", save_freq)
        self.double_checkpoint = double_checkpoint
        self.delete_checkpoint = delete_checkpoint
        self._epoch = 0
        self._batches = 0
        self._copy: Any = None  # a folder for rank 0's file, on the other ranks

    @property
    def path(self) -> str:
        """The path of the file."""
        return os.path.join(self.backup_dir, "training.weights.h5")

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        path = self._found()
        if path is not None:
            self.model._ef_state.resumption = self.model._resume(path)

    def _found(self) -> str | None:
        """The file, if there is one."""
        path, self._copy = active.strategy.common_file(self.path if os.path.exists(self.path) else None)
        return path

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._batches += 1
        if self.save_freq != "epoch" and self._batches % self.save_freq == 0:
            self._save(self._epoch, batch + 1, logs or {})

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self.save_freq == "epoch" or self.double_checkpoint:
            self._save(epoch + 1)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self._copy = None
        if self.delete_checkpoint and active.strategy.writes and os.path.exists(self.path):
            os.remove(self.path)

    def _save(self, epoch: int, batch: int = 0, logs: Mapping[str, Any] = MappingProxyType({})) -> None:
        self.model._settle()
        if not active.strategy.writes:
            return
        os.makedirs(self.backup_dir, exist_ok=True)
        numbers = {name: value for name, value in logs.items() if isinstance(value, (int, float))}
        self.model._back_up(self.path, {"epoch": epoch, "batch": batch, "logs": numbers}, self._training)
