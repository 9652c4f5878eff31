"""Watching one number of the logs: which way is better, and has it become better?"""

from __future__ import annotations

import math
from typing import Any

from eagerflow import ops
from eagerflow.base.errors import did_you_mean, expect_one_of
from eagerflow.base.tracebacks import warn
from eagerflow.base.typing import Better
from eagerflow.callbacks.base import Callback

__all__ = ["MonitorCallback"]

_HIGHER = ("acc", "auc", "precision", "recall", "f1", "fbeta", "iou", "r2", "top_k", "correlation", "positives")
_LOWER = ("loss", "error", "mse", "mae", "mape", "msle", "crossentropy", "divergence", "hinge", "poisson", "negatives")


class MonitorCallback(Callback):
    """Base of callbacks that act on the course of one number.

    Args:
        monitor: its name in the logs, such as `"val_loss"`.
        mode: `"min"`, `"max"`, or `"auto"`: by the kind of number.
        min_delta: smaller changes don't count.

    Raises:
        ValueError: for another mode.
    """

    def __init__(self, monitor: str = "val_loss", mode: Better = "auto", min_delta: float = 0.0) -> None:
        super().__init__()
        expect_one_of(type(self).__name__, "mode", mode, ("auto", "min", "max"))
        if not isinstance(monitor, str):
            raise TypeError(f"{type(self).__name__}(monitor={monitor!r}): expected the name of a number in the logs.")
        self.monitor = monitor
        self.mode = mode
        self.min_delta = abs(float(min_delta))
        self.best: float | None = None
        self._warned = False

    def value(self, logs: dict[str, Any] | None) -> float | None:
        """The number in these logs; None, with a warning, where it is missing."""
        found = (logs or {}).get(self.monitor)
        if found is None:
            self._complain(list(logs or {}))
        return None if found is None else float(found)

    @property
    def monitor_op(self) -> Any:
        """The comparison by which a value is better than another one: `ops.greater` or `ops.less`."""
        return ops.greater if self.direction() == "max" else ops.less

    def _complain(self, known: list[str]) -> None:
        if self._warned or self._waits():
            return
        self._warned = True
        hint = did_you_mean(self.monitor, known)
        if self.monitor.startswith("val_") and not any(name.startswith("val_") for name in known):
            there = [f"val_{name}" for name in known]  # with validation data
            meant = "" if self.monitor in there else did_you_mean(self.monitor, there)
            hint = f"{meant} It needs validation data, and fit has no validation_data or validation_split."
        warn(f"{type(self).__name__} watches {self.monitor!r}, which isn't there.{hint} Known: {', '.join(known)}.")

    def _waits(self) -> bool:
        """Whether the number comes in some epochs only."""
        return self.monitor.startswith("val_") and (self.params or {}).get("validation_freq", 1) != 1

    def improves(self, value: float, reference: float | None) -> bool:
        """Whether `value` is better than `reference` by more than `min_delta`."""
        if reference is None:
            return not math.isnan(value)
        if self.direction() == "max":
            return value - self.min_delta > reference
        return value + self.min_delta < reference

    def direction(self) -> Better:
        """`"min"` or `"max"`.

        Raises:
            ValueError: when the mode is "auto" and the name doesn't tell.
        """
        if self.mode == "auto":
            self.mode = self._by_metric() or self._by_name()
        return self.mode

    def _by_metric(self) -> Better | None:
        name = self.monitor.removeprefix("val_")
        for metric in getattr(self.model, "metrics", None) or ():
            inner = [metric, *getattr(metric, "metrics", [])]
            found = next((m for m in inner if getattr(m, "name", None) == name), None)
            direction = getattr(found, "_direction", None)
            if direction is not None:
                return "max" if direction == "up" else "min"
        return None

    def _by_name(self) -> Better:
        name = self.monitor.removeprefix("val_").lower()
        if any(word in name for word in _LOWER):
            return "min"
        if any(word in name for word in _HIGHER):
            return "max"
        raise ValueError(
            f"{type(self).__name__}(monitor={self.monitor!r}): the name doesn't tell whether higher is better; "
            "pass mode='max' or mode='min'."
        )
