"""Metrics: what is measured beside the loss."""

from __future__ import annotations

from typing import Any

from eagerflow.base.faces import listed as _listed
from eagerflow.base.tracebacks import boundary as _boundary
from eagerflow.losses import binary_crossentropy as binary_crossentropy
from eagerflow.losses import binary_focal_crossentropy as binary_focal_crossentropy
from eagerflow.losses import categorical_crossentropy as categorical_crossentropy
from eagerflow.losses import categorical_focal_crossentropy as categorical_focal_crossentropy
from eagerflow.losses import categorical_hinge as categorical_hinge
from eagerflow.losses import hinge as hinge
from eagerflow.losses import huber as huber
from eagerflow.losses import kl_divergence as kl_divergence
from eagerflow.losses import log_cosh as log_cosh
from eagerflow.losses import mean_absolute_error as mean_absolute_error
from eagerflow.losses import mean_absolute_percentage_error as mean_absolute_percentage_error
from eagerflow.losses import mean_squared_error as mean_squared_error
from eagerflow.losses import mean_squared_logarithmic_error as mean_squared_logarithmic_error
from eagerflow.losses import poisson as poisson
from eagerflow.losses import sparse_categorical_crossentropy as sparse_categorical_crossentropy
from eagerflow.losses import squared_hinge as squared_hinge
from eagerflow.metrics.accuracy import *
from eagerflow.metrics.base import *
from eagerflow.metrics.confusion import *
from eagerflow.metrics.constrained import *
from eagerflow.metrics.correlation import *
from eagerflow.metrics.iou import *
from eagerflow.metrics.means import *
from eagerflow.metrics.of_losses import *
from eagerflow.metrics.scores import *
from eagerflow.metrics.table import METRICS as _METRICS


@_boundary
def get(identifier: Any) -> Any:
    """The metric of a name, config, or itself. Names of classes (and `"mse"`, `"accuracy"`) give objects.

    Raises:
        UnknownNameError: for an unknown name.

    >>> get("mse")
    <MeanSquaredError mean_squared_error>
    """
    return _METRICS.get(identifier)


def serialize(metric: Any) -> Any:
    """The config of a metric; the name of a function."""
    return _METRICS.serialize(metric)


@_boundary
def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """The metric of a config or name."""
    return _METRICS.deserialize(config, custom_objects)


_listed(__name__)
