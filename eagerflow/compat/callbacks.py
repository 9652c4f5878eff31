"""Callbacks of Keras 2 that `fit` doesn't need any more."""

from __future__ import annotations

from typing import Any

from eagerflow.callbacks import Callback

__all__ = ["BaseLogger"]


class BaseLogger(Callback):
    """Nothing: the logs that callbacks get are means over the epoch already."""

    def __init__(self, stateful_metrics: Any = None) -> None:
        super().__init__()
