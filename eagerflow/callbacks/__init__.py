"""Callbacks: what happens beside training."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from eagerflow import _viz
from eagerflow.callbacks.backup_and_restore import BackupAndRestore
from eagerflow.callbacks.base import Callback
from eagerflow.callbacks.csv_logger import CSVLogger
from eagerflow.callbacks.early_stopping import EarlyStopping, TerminateOnNaN
from eagerflow.callbacks.group import CallbackList
from eagerflow.callbacks.history import History
from eagerflow.callbacks.lambda_callback import LambdaCallback
from eagerflow.callbacks.learning_rate import LearningRateScheduler, ReduceLROnPlateau
from eagerflow.callbacks.model_checkpoint import ModelCheckpoint
from eagerflow.callbacks.progbar_logger import ProgbarLogger
from eagerflow.callbacks.swap_ema import SwapEMAWeights

if TYPE_CHECKING:
    from eagerflow._viz import Doctor, Live, TensorBoard, Trace
    from eagerflow.callbacks.remote_monitor import RemoteMonitor

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "Doctor",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "Live",
    "ModelCheckpoint",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "RemoteMonitor",
    "SwapEMAWeights",
    "TensorBoard",
    "TerminateOnNaN",
    "Trace",
]

_FROM_VIZ = ("Doctor", "Live", "TensorBoard", "Trace")


def __getattr__(name: str) -> Any:
    if name in _FROM_VIZ:
        return _viz.callback(name)
    if name == "RemoteMonitor":  # Python's HTTP client takes 20 ms to load
        return import_module(f"{__name__}.remote_monitor").RemoteMonitor
    raise AttributeError(f"eagerflow.callbacks has no {name!r}; it has {', '.join(__all__)}.")


def __dir__() -> list[str]:
    return sorted(__all__)
