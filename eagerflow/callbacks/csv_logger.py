"""`CSVLogger`: the numbers of all epochs in a file."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from eagerflow.callbacks.base import Callback

__all__ = ["CSVLogger"]


class CSVLogger(Callback):
    """Writes one line per epoch into a CSV file, at once, so that nothing is lost when training is interrupted.

    Args:
        filename: the path of the file.
        separator: the text between two fields.
        append: whether to add lines to an existing file instead of replacing it.

    >>> from pathlib import Path
    >>> model = ef.Sequential([ef.layers.Dense(1, kernel_initializer="zeros")])
    >>> model.compile("sgd", "mse", metrics=["mae"])
    >>> logger = ef.callbacks.CSVLogger("log.csv")
    >>> history = model.fit(np.zeros((4, 2)), np.zeros(4), epochs=2, verbose=0, callbacks=logger)
    >>> print(Path("log.csv").read_text(encoding="utf-8").strip())
    epoch,loss,mae
    0,0.0,0.0
    1,0.0,0.0
    """

    _writes = True

    def __init__(self, filename: str | Path, separator: str = ",", append: bool = False) -> None:
        super().__init__()
        self.filename = Path(filename)
        self.separator = separator
        self.append = append
        self._keys: list[str] | None = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._keys = self._existing() if self.append else None
        if not self.append:
            self.filename.write_text("", encoding="utf-8")

    def _existing(self) -> list[str] | None:
        """The columns of the file that is there already."""
        if not self.filename.exists():
            return None
        with self.filename.open(encoding="utf-8", newline="") as file:
            header = next(csv.reader(file, delimiter=self.separator), None)
        return header[1:] if header else None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        values = logs or {}
        rows: list[list[Any]] = []
        if self._keys is None:
            names = [name for name in values if not name.startswith("val_")]
            has_validation = any(name.startswith("val_") for name in values) or self._will_validate()
            validated = [f"val_{n}" for n in names if n != "learning_rate"] if has_validation else []
            self._keys = sorted({*values, *validated})
            rows.append(["epoch", *self._keys])
        rows.append([epoch, *[values.get(key, "NA") for key in self._keys]])
        with self.filename.open("a", encoding="utf-8", newline="") as file:
            csv.writer(file, delimiter=self.separator, lineterminator="\n").writerows(rows)

    def _will_validate(self) -> bool:
        return bool((self.params or {}).get("validates"))
