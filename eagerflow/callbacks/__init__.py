"""Callbacks: stop early, save, write logs or look on while `fit` trains."""

from typing import TYPE_CHECKING

from eagerflow.base.faces import listed as _listed
from eagerflow.callbacks.base import *
from eagerflow.callbacks.group import *
from eagerflow.callbacks.history import *
from eagerflow.callbacks.progbar_logger import *

if TYPE_CHECKING:
    from eagerflow._viz import (
        Cockpit as Cockpit,
        Doctor as Doctor,
        Live as Live,
        TensorBoard as TensorBoard,
        Trace as Trace,
    )
    from eagerflow.callbacks.backup_and_restore import *
    from eagerflow.callbacks.csv_logger import *
    from eagerflow.callbacks.early_stopping import *
    from eagerflow.callbacks.lambda_callback import *
    from eagerflow.callbacks.learning_rate import *
    from eagerflow.callbacks.model_checkpoint import *
    from eagerflow.callbacks.remote_monitor import *
    from eagerflow.callbacks.swap_ema import *

_listed(
    __name__,
    homes={
        ".backup_and_restore": "BackupAndRestore",
        ".csv_logger": "CSVLogger",
        ".early_stopping": "EarlyStopping TerminateOnNaN",
        ".lambda_callback": "LambdaCallback",
        ".learning_rate": "LearningRateScheduler ReduceLROnPlateau",
        ".model_checkpoint": "ModelCheckpoint",
        ".remote_monitor": "RemoteMonitor",
        ".swap_ema": "SwapEMAWeights",
        "eagerflow._viz": "Cockpit Doctor Live TensorBoard Trace",
    },
)
