"""Callbacks: stop early, save, write logs or look on while `fit` trains."""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING, Any as _Any

from eagerflow import _viz
from eagerflow.base.faces import listed as _listed, missing as _missing
from eagerflow.callbacks.backup_and_restore import *
from eagerflow.callbacks.base import *
from eagerflow.callbacks.csv_logger import *
from eagerflow.callbacks.early_stopping import *
from eagerflow.callbacks.group import *
from eagerflow.callbacks.history import *
from eagerflow.callbacks.lambda_callback import *
from eagerflow.callbacks.learning_rate import *
from eagerflow.callbacks.model_checkpoint import *
from eagerflow.callbacks.progbar_logger import *
from eagerflow.callbacks.swap_ema import *

if TYPE_CHECKING:
    from eagerflow._viz import (
        Cockpit as Cockpit,
        Doctor as Doctor,
        Live as Live,
        TensorBoard as TensorBoard,
        Trace as Trace,
    )
    from eagerflow.callbacks.remote_monitor import *

_FROM_VIZ = ("Cockpit", "Doctor", "Live", "TensorBoard", "Trace")
_names = _listed(__name__, *_FROM_VIZ, "RemoteMonitor")


if not TYPE_CHECKING:  # for which a name that isn't here is an error

    def __getattr__(name: str) -> _Any:
        if name in _FROM_VIZ:
            return _viz.callback(name)
        if name == "RemoteMonitor":  # Python's HTTP client takes 20 ms to load
            return _import_module(f"{__name__}.remote_monitor").RemoteMonitor
        raise _missing(__name__, name, _names)
