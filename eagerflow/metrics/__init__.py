"""Metrics: what `fit` and `evaluate` report besides the loss."""

from __future__ import annotations as _annotations

from typing import TYPE_CHECKING, Any as _Any

from eagerflow.base.faces import listed as _listed
from eagerflow.base.tracebacks import boundary as _boundary
from eagerflow.base.typing import Configuration as _Configuration, MetricLike as _MetricLike
from eagerflow.losses import (
    binary_crossentropy as binary_crossentropy,
    binary_focal_crossentropy as binary_focal_crossentropy,
    categorical_crossentropy as categorical_crossentropy,
    categorical_focal_crossentropy as categorical_focal_crossentropy,
    categorical_hinge as categorical_hinge,
    hinge as hinge,
    huber as huber,
    kl_divergence as kl_divergence,
    log_cosh as log_cosh,
    mean_absolute_error as mean_absolute_error,
    mean_absolute_percentage_error as mean_absolute_percentage_error,
    mean_squared_error as mean_squared_error,
    mean_squared_logarithmic_error as mean_squared_logarithmic_error,
    poisson as poisson,
    sparse_categorical_crossentropy as sparse_categorical_crossentropy,
    squared_hinge as squared_hinge,
)
from eagerflow.metrics.any_metric import AnyMetric as _AnyMetric
from eagerflow.metrics.base import *
from eagerflow.metrics.means import *
from eagerflow.metrics.table import METRICS as _METRICS

if TYPE_CHECKING:
    from eagerflow.metrics.accuracy import *
    from eagerflow.metrics.confusion import *
    from eagerflow.metrics.constrained import *
    from eagerflow.metrics.correlation import *
    from eagerflow.metrics.iou import *
    from eagerflow.metrics.of_losses import *
    from eagerflow.metrics.scores import *


@_boundary
def get(identifier: _MetricLike) -> _AnyMetric:
    """Finds a metric by its name, configuration or class. Names of classes, `"mse"` and `"accuracy"` give objects.

    Args:
        identifier: a name, a config, a class, a function of `(y_true, y_pred)`, a metric, or None.

    Raises:
        UnknownNameError: for an unknown name.

    >>> metric = ef.metrics.get("mse")
    >>> float(metric([[0.0, 1.0]], [[0.0, 0.0]]))
    0.5
    """
    return _METRICS.get(identifier)


def serialize(metric: _Any) -> _Configuration:
    """The configuration of a metric; of a function, its name.

    Args:
        metric: a `Metric`, or a function.

    >>> ef.metrics.serialize(ef.metrics.Precision(top_k=2))["config"]["top_k"]
    2
    """
    return _METRICS.serialize(metric)


@_boundary
def deserialize(config: _Any, custom_objects: _Any = None) -> _Any:
    """Makes a metric from its configuration or name.

    Args:
        config: a name, or the configuration that `serialize` returned.
        custom_objects: a dict of custom metrics by name, which are searched first.

    Raises:
        UnknownNameError: for a name that is neither built in nor registered.

    >>> config = ef.metrics.serialize(ef.metrics.Precision(top_k=2))
    >>> ef.metrics.deserialize(config).top_k
    2
    """
    return _METRICS.deserialize(config, custom_objects)


_listed(
    __name__,
    homes={
        ".of_losses": (
            "BinaryCrossentropy CategoricalCrossentropy CategoricalHinge CosineSimilarity Hinge KLDivergence "
            "LogCoshError MeanAbsoluteError MeanAbsolutePercentageError MeanSquaredError "
            "MeanSquaredLogarithmicError Poisson RootMeanSquaredError SparseCategoricalCrossentropy SquaredHinge"
        ),
        ".accuracy": (
            "Accuracy BinaryAccuracy CategoricalAccuracy SparseCategoricalAccuracy SparseTopKCategoricalAccuracy "
            "TopKCategoricalAccuracy binary_accuracy categorical_accuracy sparse_categorical_accuracy "
            "sparse_top_k_categorical_accuracy top_k_categorical_accuracy"
        ),
        ".confusion": "AUC FalseNegatives FalsePositives Precision Recall TrueNegatives TruePositives",
        ".constrained": "PrecisionAtRecall RecallAtPrecision SensitivityAtSpecificity SpecificityAtSensitivity",
        ".correlation": "ConcordanceCorrelation PearsonCorrelation concordance_correlation pearson_correlation",
        ".iou": "BinaryIoU IoU MeanIoU OneHotIoU OneHotMeanIoU",
        ".scores": "F1Score FBetaScore R2Score",
    },
)
