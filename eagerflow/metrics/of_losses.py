"""Means of losses, as metrics."""

from __future__ import annotations

from eagerflow import losses, ops
from eagerflow.base.typing import DType, TensorLike
from eagerflow.core.tensor import Tensor
from eagerflow.losses.matching import same_shape
from eagerflow.metrics.means import Mean, MeanMetricWrapper
from eagerflow.metrics.table import METRICS

__all__ = ["BinaryCrossentropy", "CategoricalCrossentropy", "CategoricalHinge", "CosineSimilarity", "Hinge"]
__all__ += ["KLDivergence", "LogCoshError", "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanSquaredError"]
__all__ += ["MeanSquaredLogarithmicError", "Poisson", "RootMeanSquaredError", "SparseCategoricalCrossentropy"]
__all__ += ["SquaredHinge"]

_FUNCTIONS = (
    "binary_crossentropy binary_focal_crossentropy categorical_crossentropy categorical_focal_crossentropy "
    "categorical_hinge hinge huber kl_divergence log_cosh mean_absolute_error mean_absolute_percentage_error "
    "mean_squared_error mean_squared_logarithmic_error poisson sparse_categorical_crossentropy squared_hinge"
)
for _name in _FUNCTIONS.split():
    METRICS.add()(getattr(losses, _name))


class _Error(MeanMetricWrapper):
    """A mean that is better the lower it is."""

    _direction = "down"


@METRICS.add("mse", "MSE")
class MeanSquaredError(_Error):
    """Mean of the squares of errors.

    Args:
        name: shown in progress and history.
        dtype: the type of the result.
    """

    def __init__(self, name: str = "mean_squared_error", dtype: DType = None) -> None:
        super().__init__(losses.mean_squared_error, name, dtype)


@METRICS.add("mae", "MAE")
class MeanAbsoluteError(_Error):
    """Mean of the absolute errors.

    Args:
        name: shown in progress and history.
        dtype: the type of the result.
    """

    def __init__(self, name: str = "mean_absolute_error", dtype: DType = None) -> None:
        super().__init__(losses.mean_absolute_error, name, dtype)


@METRICS.add("mape", "MAPE")
class MeanAbsolutePercentageError(_Error):
    """Mean of the errors in percent.

    Args:
        name: shown in progress and history.
        dtype: the type of the result.
    """

    def __init__(self, name: str = "mean_absolute_percentage_error", dtype: DType = None) -> None:
        super().__init__(losses.mean_absolute_percentage_error, name, dtype)


@METRICS.add("msle", "MSLE")
class MeanSquaredLogarithmicError(_Error):
    """Mean of the squared errors of logarithms.

    Args:
        name: shown in progress and history.
        dtype: the type of the result.
    """

    def __init__(self, name: str = "mean_squared_logarithmic_error", dtype: DType = None) -> None:
        super().__init__(losses.mean_squared_logarithmic_error, name, dtype)


@METRICS.add("logcosh")
class LogCoshError(_Error):
    """Mean of the logarithms of the hyperbolic cosines of errors.

    Args:
        name: shown in progress and history.
        dtype: the type of the result.
    """

    def __init__(self, name: str = "logcosh", dtype: DType = None) -> None:
        super().__init__(losses.log_cosh, name, dtype)


@METRICS.add("kullback_leibler_divergence")
class KLDivergence(_Error):
    """Mean Kullback-Leibler divergence of distributions.

    Args:
        name: shown in progress and history.
        dtype: the type of the result.
    """

    def __init__(self, name: str = "kl_divergence", dtype: DType = None) -> None:
        super().__init__(losses.kl_divergence, name, dtype)


@METRICS.add()
class Poisson(_Error):
    """Mean loss of predicted counts.

    Args:
        name: shown in progress and history.
        dtype: the type of the result.
    """

    def __init__(self, name: str = "poisson", dtype: DType = None) -> None:
        super().__init__(losses.poisson, name, dtype)


@METRICS.add()
class Hinge(_Error):
    """Mean margin loss of labels -1 and 1.

    Args:
        name: shown in progress and history.
        dtype: the type of the result.
    """

    def __init__(self, name: str = "hinge", dtype: DType = None) -> None:
        super().__init__(losses.hinge, name, dtype)


@METRICS.add()
class SquaredHinge(_Error):
    """Mean squared margin loss of labels -1 and 1.

    Args:
        name: shown in progress and history.
        dtype: the type of the result.
    """

    def __init__(self, name: str = "squared_hinge", dtype: DType = None) -> None:
        super().__init__(losses.squared_hinge, name, dtype)


@METRICS.add()
class CategoricalHinge(_Error):
    """Mean margin loss of one-hot labels.

    Args:
        name: shown in progress and history.
        dtype: the type of the result.
    """

    def __init__(self, name: str = "categorical_hinge", dtype: DType = None) -> None:
        super().__init__(losses.categorical_hinge, name, dtype)


def _cosine(y_true: TensorLike, y_pred: TensorLike, axis: int = -1) -> Tensor:
    return -losses.cosine_similarity(y_true, y_pred, axis)


@METRICS.add("cosine_similarity", "cosine", "cosine_proximity")
class CosineSimilarity(MeanMetricWrapper):
    """Mean cosine of the angle between vectors: 1 for those of one direction.

    Args:
        name: shown in progress and history.
        dtype: the type of the result.
        axis: the axis of the vectors.
    """

    _direction = "up"

    def __init__(self, name: str = "cosine_similarity", dtype: DType = None, axis: int = -1) -> None:
        super().__init__(_cosine, name, dtype, axis=axis)


@METRICS.add("bce", "BCE")
class BinaryCrossentropy(_Error):
    """Mean crossentropy of yes-or-no labels.

    Args:
        name: shown in progress and history.
        dtype: the type of the result.
        from_logits: whether predictions are before the sigmoid.
        label_smoothing: moves labels this far towards 0.5.
    """

    def __init__(
        self,
        name: str = "binary_crossentropy",
        dtype: DType = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
    ) -> None:
        super().__init__(
            losses.binary_crossentropy, name, dtype, from_logits=from_logits, label_smoothing=label_smoothing
        )


@METRICS.add()
class CategoricalCrossentropy(_Error):
    """Mean crossentropy of one-hot labels.

    Args:
        name: shown in progress and history.
        dtype: the type of the result.
        from_logits: whether predictions are before the softmax.
        label_smoothing: this part of each label is spread over all classes.
        axis: the axis of the classes.
    """

    def __init__(
        self,
        name: str = "categorical_crossentropy",
        dtype: DType = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
        axis: int = -1,
    ) -> None:
        settings = {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
        super().__init__(losses.categorical_crossentropy, name, dtype, **settings)


@METRICS.add()
class SparseCategoricalCrossentropy(_Error):
    """Mean crossentropy of class numbers.

    Args:
        name: shown in progress and history.
        dtype: the type of the result.
        from_logits: whether predictions are before the softmax.
        ignore_class: labels of this number count nothing.
        axis: the axis of the classes.
    """

    def __init__(
        self,
        name: str = "sparse_categorical_crossentropy",
        dtype: DType = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ) -> None:
        settings = {"from_logits": from_logits, "ignore_class": ignore_class, "axis": axis}
        super().__init__(losses.sparse_categorical_crossentropy, name, dtype, **settings)


@METRICS.add()
class RootMeanSquaredError(Mean):
    """The root of the mean of the squares of errors.

    Args:
        name: shown in progress and history.
        dtype: the type of the result.

    >>> metric = RootMeanSquaredError()
    >>> float(metric([0.0, 0.0], [3.0, 3.0]))
    3.0
    """

    _direction = "down"

    def __init__(self, name: str = "root_mean_squared_error", dtype: DType = None) -> None:
        super().__init__(name, dtype)

    def update_state(  # type: ignore[override] # of labels and predictions now
        self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None
    ) -> None:
        y_true, y_pred = same_shape("root_mean_squared_error", y_true, y_pred)
        super().update_state(ops.square(y_true - y_pred), sample_weight)

    def result(self) -> Tensor:
        return ops.sqrt(super().result())
