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
    """Mean squared error: `mean((y_true - y_pred)²)` over all elements seen.

    Args:
        name: the name in progress bars and in the history.
        dtype: the type of the result.

    >>> float(ef.metrics.MeanSquaredError()([0.0, 1.0], [2.0, 1.0]))
    2.0
    """

    def __init__(self, name: str = "mean_squared_error", dtype: DType = None) -> None:
        super().__init__(losses.mean_squared_error, name, dtype)


@METRICS.add("mae", "MAE")
class MeanAbsoluteError(_Error):
    """Mean absolute error: `mean(|y_true - y_pred|)` over all elements seen.

    Args:
        name: the name in progress bars and in the history.
        dtype: the type of the result.

    >>> float(ef.metrics.MeanAbsoluteError()([0.0, 1.0], [2.0, 1.0]))
    1.0
    """

    def __init__(self, name: str = "mean_absolute_error", dtype: DType = None) -> None:
        super().__init__(losses.mean_absolute_error, name, dtype)


@METRICS.add("mape", "MAPE")
class MeanAbsolutePercentageError(_Error):
    """Mean absolute error in percent of the right value: `100 * mean(|y_true - y_pred| / |y_true|)`.

    Args:
        name: the name in progress bars and in the history.
        dtype: the type of the result.

    >>> float(ef.metrics.MeanAbsolutePercentageError()([2.0, 4.0], [1.0, 4.0]))
    25.0
    """

    def __init__(self, name: str = "mean_absolute_percentage_error", dtype: DType = None) -> None:
        super().__init__(losses.mean_absolute_percentage_error, name, dtype)


@METRICS.add("msle", "MSLE")
class MeanSquaredLogarithmicError(_Error):
    """Mean squared error of logarithms: `mean((log(y_true + 1) - log(y_pred + 1))²)`.

    Args:
        name: the name in progress bars and in the history.
        dtype: the type of the result.

    >>> ef.metrics.MeanSquaredLogarithmicError()([0.0], [np.e - 1]).round(4)
    Tensor(float32, 1.)
    """

    def __init__(self, name: str = "mean_squared_logarithmic_error", dtype: DType = None) -> None:
        super().__init__(losses.mean_squared_logarithmic_error, name, dtype)


@METRICS.add("logcosh")
class LogCoshError(_Error):
    """Mean of `log(cosh(y_pred - y_true))`: about half the square of small errors, linear for large ones.

    Args:
        name: the name in progress bars and in the history.
        dtype: the type of the result.

    >>> ef.metrics.LogCoshError()([0.0], [1.0]).round(4)
    Tensor(float32, 0.4338)
    """

    def __init__(self, name: str = "logcosh", dtype: DType = None) -> None:
        super().__init__(losses.log_cosh, name, dtype)


@METRICS.add("kullback_leibler_divergence")
class KLDivergence(_Error):
    """Mean Kullback-Leibler divergence of distributions: `sum(y_true * log(y_true / y_pred))` over the last axis.

    Args:
        name: the name in progress bars and in the history.
        dtype: the type of the result.

    >>> ef.metrics.KLDivergence()([[0.5, 0.5]], [[0.25, 0.75]]).round(4)
    Tensor(float32, 0.1438)
    """

    def __init__(self, name: str = "kl_divergence", dtype: DType = None) -> None:
        super().__init__(losses.kl_divergence, name, dtype)


@METRICS.add()
class Poisson(_Error):
    """Mean Poisson loss of predicted counts: `mean(y_pred - y_true * log(y_pred))`.

    Args:
        name: the name in progress bars and in the history.
        dtype: the type of the result.

    >>> ef.metrics.Poisson()([2.0], [1.0]).round(4)
    Tensor(float32, 1.)
    """

    def __init__(self, name: str = "poisson", dtype: DType = None) -> None:
        super().__init__(losses.poisson, name, dtype)


@METRICS.add()
class Hinge(_Error):
    """Mean hinge loss of labels -1 and 1: `mean(max(1 - y_true * y_pred, 0))`.

    Args:
        name: the name in progress bars and in the history.
        dtype: the type of the result.

    >>> float(ef.metrics.Hinge()([[1], [-1]], [[0.5], [-2.0]]))
    0.25
    """

    def __init__(self, name: str = "hinge", dtype: DType = None) -> None:
        super().__init__(losses.hinge, name, dtype)


@METRICS.add()
class SquaredHinge(_Error):
    """Mean squared hinge loss of labels -1 and 1: `mean(max(1 - y_true * y_pred, 0)²)`.

    Args:
        name: the name in progress bars and in the history.
        dtype: the type of the result.

    >>> float(ef.metrics.SquaredHinge()([[1], [-1]], [[0.5], [-2.0]]))
    0.125
    """

    def __init__(self, name: str = "squared_hinge", dtype: DType = None) -> None:
        super().__init__(losses.squared_hinge, name, dtype)


@METRICS.add()
class CategoricalHinge(_Error):
    """Mean hinge loss of one-hot labels: `max(1 + largest score of the wrong classes - score of the right class, 0)`.

    Args:
        name: the name in progress bars and in the history.
        dtype: the type of the result.

    >>> float(ef.metrics.CategoricalHinge()([[0, 1], [0, 1]], [[0.25, 0.75], [0.0, 2.0]]))
    0.25
    """

    def __init__(self, name: str = "categorical_hinge", dtype: DType = None) -> None:
        super().__init__(losses.categorical_hinge, name, dtype)


def _cosine(y_true: TensorLike, y_pred: TensorLike, axis: int = -1) -> Tensor:
    return -losses.cosine_similarity(y_true, y_pred, axis)


@METRICS.add("cosine_similarity", "cosine", "cosine_proximity")
class CosineSimilarity(MeanMetricWrapper):
    """Mean cosine of the angle between vectors: 1 for equal directions, -1 for opposite ones.

    Args:
        name: the name in progress bars and in the history.
        dtype: the type of the result.
        axis: the axis of the vectors.

    >>> metric = ef.metrics.CosineSimilarity()
    >>> metric([[1.0, 0.0], [1.0, 0.0]], [[2.0, 0.0], [0.0, 1.0]]).round(4)
    Tensor(float32, 0.5)
    """

    _direction = "up"

    axis: int

    def __init__(self, name: str = "cosine_similarity", dtype: DType = None, axis: int = -1) -> None:
        super().__init__(_cosine, name, dtype, axis=axis)


@METRICS.add("bce", "BCE")
class BinaryCrossentropy(_Error):
    """Mean crossentropy of binary labels (0 or 1).

    Args:
        name: the name in progress bars and in the history.
        dtype: the type of the result.
        from_logits: whether predictions are logits, that is, scores to which no sigmoid has been applied.
        label_smoothing: moves labels this far towards 0.5, from 0 to 1.

    >>> ef.metrics.BinaryCrossentropy()([[1], [0]], [[0.5], [0.5]]).round(4)
    Tensor(float32, 0.6931)
    """

    from_logits: bool
    label_smoothing: float

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
        name: the name in progress bars and in the history.
        dtype: the type of the result.
        from_logits: whether predictions are logits, that is, scores to which no softmax has been applied.
        label_smoothing: this fraction of each label is spread evenly over all classes, from 0 to 1.
        axis: the axis of the classes.

    >>> ef.metrics.CategoricalCrossentropy()([[0, 1]], [[0.5, 0.5]]).round(4)
    Tensor(float32, 0.6931)
    """

    from_logits: bool
    label_smoothing: float
    axis: int

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
        name: the name in progress bars and in the history.
        dtype: the type of the result.
        from_logits: whether predictions are logits, that is, scores to which no softmax has been applied.
        ignore_class: labels with this number are left out.
        axis: the axis of the classes.

    >>> ef.metrics.SparseCategoricalCrossentropy()([1, 0], [[0.5, 0.5], [0.5, 0.5]]).round(4)
    Tensor(float32, 0.6931)
    """

    from_logits: bool
    ignore_class: int | None
    axis: int

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
    """Root mean squared error: the square root of `mean((y_true - y_pred)²)` over all elements seen.

    Args:
        name: the name in progress bars and in the history.
        dtype: the type of the result.

    >>> float(ef.metrics.RootMeanSquaredError()([0.0, 0.0], [3.0, 3.0]))
    3.0
    """

    _direction = "down"

    def __init__(self, name: str = "root_mean_squared_error", dtype: DType = None) -> None:
        super().__init__(name, dtype)

    def update_state(  # type: ignore[override] # of labels and predictions now
        self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None
    ) -> None:
        y_true, y_pred = same_shape("root_mean_squared_error", y_true, y_pred, broadcasts=True)
        super().update_state(ops.square(y_true - y_pred), sample_weight)

    def result(self) -> Tensor:
        return ops.sqrt(super().result())
