"""Losses of real numbers: squares, absolute values, and what lies between."""

from __future__ import annotations

import math

from eagerflow import ops
from eagerflow.base.config import epsilon
from eagerflow.base.typing import DType, Reduction, TensorLike
from eagerflow.core.op import composite
from eagerflow.core.tensor import Tensor
from eagerflow.losses.base import FunctionLoss, mean_of
from eagerflow.losses.matching import in_float32, same_shape
from eagerflow.losses.shared import sum_over
from eagerflow.losses.table import LOSSES

__all__ = ["CosineSimilarity", "Huber", "KLDivergence", "LogCosh", "MeanAbsoluteError", "MeanAbsolutePercentageError"]
__all__ += ["MeanSquaredError", "MeanSquaredLogarithmicError", "Poisson", "cosine_similarity", "huber", "kl_divergence"]
__all__ += ["log_cosh", "mean_absolute_error", "mean_absolute_percentage_error", "mean_squared_error"]
__all__ += ["mean_squared_logarithmic_error", "poisson"]


def _mean_squared_error(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    y_true, y_pred = same_shape("mean_squared_error", y_true, y_pred, broadcasts=True)
    difference = y_true - y_pred
    return difference * difference


@LOSSES.add("mse", "MSE")
@mean_of(_mean_squared_error)
@composite
def mean_squared_error(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """`mean((y_true - y_pred)²)` over the last axis.

    Args:
        y_true: the target values.
        y_pred: predictions, of the same shape.

    Returns:
        A tensor without the last axis: one number per sample.

    >>> ef.losses.mean_squared_error([[0.0, 1.0], [2.0, 2.0]], [[0.0, 0.0], [2.0, 4.0]]).tolist()
    [0.5, 2.0]
    """
    return _mean_squared_error(y_true, y_pred).mean(axis=-1)


def _mean_absolute_error(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    y_true, y_pred = same_shape("mean_absolute_error", y_true, y_pred, broadcasts=True)
    return ops.abs(y_true - y_pred)


@LOSSES.add("mae", "MAE")
@mean_of(_mean_absolute_error)
@composite
def mean_absolute_error(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """`mean(|y_true - y_pred|)` over the last axis.

    Args:
        y_true: the target values.
        y_pred: predictions, of the same shape.

    Returns:
        A tensor without the last axis: one number per sample.

    >>> ef.losses.mean_absolute_error([[0.0, 1.0], [2.0, 2.0]], [[0.0, 0.0], [2.0, 4.0]]).tolist()
    [0.5, 1.0]
    """
    return _mean_absolute_error(y_true, y_pred).mean(axis=-1)


def _mean_absolute_percentage_error(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    y_true, y_pred = same_shape("mean_absolute_percentage_error", y_true, y_pred, broadcasts=True)
    size = ops.maximum(ops.abs(y_true), epsilon())
    return ops.abs((y_true - y_pred) / size) * 100.0


@LOSSES.add("mape", "MAPE")
@mean_of(_mean_absolute_percentage_error)
@composite
def mean_absolute_percentage_error(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """`100 * mean(|y_true - y_pred| / |y_true|)` over the last axis; tiny targets count as `epsilon()`.

    Args:
        y_true: the target values.
        y_pred: predictions, of the same shape.

    Returns:
        A tensor without the last axis: one number per sample, in percent.

    >>> ef.losses.mean_absolute_percentage_error([[2.0]], [[1.0]]).tolist()
    [50.0]
    """
    return _mean_absolute_percentage_error(y_true, y_pred).mean(axis=-1)


def _mean_squared_logarithmic_error(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    y_true, y_pred = same_shape("mean_squared_logarithmic_error", y_true, y_pred, broadcasts=True)
    logs = [ops.log(ops.maximum(y, epsilon()) + 1.0) for y in (y_true, y_pred)]
    return ops.square(logs[0] - logs[1])


@LOSSES.add("msle", "MSLE")
@mean_of(_mean_squared_logarithmic_error)
@composite
def mean_squared_logarithmic_error(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """`mean((log(y_true + 1) - log(y_pred + 1))²)` over the last axis; what is below `epsilon()` counts as that.

    Args:
        y_true: the target values, not below 0.
        y_pred: predictions, of the same shape.

    Returns:
        A tensor without the last axis: one number per sample.

    >>> ef.losses.mean_squared_logarithmic_error([[0.0]], [[np.e - 1]]).round(4)
    Tensor(1 float32, [1.])
    """
    return _mean_squared_logarithmic_error(y_true, y_pred).mean(axis=-1)


def _huber(y_true: TensorLike, y_pred: TensorLike, delta: float = 1.0) -> Tensor:
    y_true, y_pred = same_shape("huber", y_true, y_pred, broadcasts=True)
    distance = ops.abs(y_true - y_pred)
    near = ops.minimum(distance, delta)
    return near * (distance - near * 0.5)


@LOSSES.add("huber_loss")
@mean_of(_huber)
@composite
def huber(y_true: TensorLike, y_pred: TensorLike, delta: float = 1.0) -> Tensor:
    """Huber loss: half the square of errors up to `delta`, linear beyond; the mean over the last axis.

    Args:
        y_true: the target values.
        y_pred: predictions, of the same shape.
        delta: the size of errors beyond which the loss is linear.

    Returns:
        A tensor without the last axis: one number per sample.

    Source: Huber, "Robust estimation of a location parameter", 1964.

    >>> ef.losses.huber([[0.0], [0.0]], [[0.5], [3.0]]).tolist()
    [0.125, 2.5]
    """
    return _huber(y_true, y_pred, delta).mean(axis=-1)


def _log_cosh(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    y_true, y_pred = same_shape("log_cosh", y_true, y_pred, broadcasts=True)
    difference = y_pred - y_true
    return difference + ops.softplus(difference * -2.0) - math.log(2)


@LOSSES.add("logcosh")
@mean_of(_log_cosh)
@composite
def log_cosh(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """`mean(log(cosh(y_pred - y_true)))` over the last axis, computed so that it never overflows.

    Args:
        y_true: the target values.
        y_pred: predictions, of the same shape.

    Returns:
        A tensor without the last axis: one number per sample.

    >>> ef.losses.log_cosh([[0.0], [0.0]], [[1.0], [100.0]]).round(2)
    Tensor(2 float32, [ 0.43, 99.31])
    """
    return _log_cosh(y_true, y_pred).mean(axis=-1)


@LOSSES.add("kld", "KLD", "kullback_leibler_divergence")
@composite
def kl_divergence(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """`sum(y_true * log(y_true / y_pred))` over the last axis, of probabilities clipped at `epsilon()`.

    Args:
        y_true: probabilities, (..., classes).
        y_pred: probabilities, of the same shape.

    Returns:
        A tensor of shape `(...)`: one number per sample.

    >>> ef.losses.kl_divergence([[0.5, 0.5], [0.5, 0.5]], [[0.5, 0.5], [0.25, 0.75]]).round(4)
    Tensor(2 float32, [0.    , 0.1438])
    """
    y_true, y_pred = same_shape("kl_divergence", y_true, y_pred, broadcasts=True)
    y_true, y_pred = ops.clip(y_true, epsilon(), 1.0), ops.clip(y_pred, epsilon(), 1.0)
    return (y_true * ops.log(y_true / y_pred)).sum(axis=-1)


def _poisson(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    y_true, y_pred = same_shape("poisson", y_true, y_pred, broadcasts=True)
    return y_pred - y_true * ops.log(y_pred + epsilon())


@LOSSES.add()
@mean_of(_poisson)
@composite
def poisson(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """`mean(y_pred - y_true * log(y_pred + epsilon()))` over the last axis: for predicted counts.

    Args:
        y_true: counts.
        y_pred: predicted rates, positive, of the same shape.

    Returns:
        A tensor without the last axis: one number per sample.

    >>> ef.losses.poisson([[2.0], [2.0]], [[1.0], [2.0]]).round(4)
    Tensor(2 float32, [1.    , 0.6137])
    """
    return _poisson(y_true, y_pred).mean(axis=-1)


@LOSSES.add("cosine", "cosine_proximity")
@composite
@in_float32
def cosine_similarity(y_true: TensorLike, y_pred: TensorLike, axis: int = -1) -> Tensor:
    """Minus the cosine of the angle between vectors along `axis`: -1 for equal directions, 1 for opposite ones.

    The metric `CosineSimilarity` has the opposite sign.

    Args:
        y_true: vectors; need not be of length 1.
        y_pred: vectors, of the same shape.
        axis: the axis of the vectors.

    Returns:
        A tensor without that axis: numbers from -1 to 1.

    >>> ef.losses.cosine_similarity([[1.0, 0.0]] * 3, [[2.0, 0.0], [3.0, 4.0], [-1.0, 0.0]]).round(4)
    Tensor(3 float32, [-1. , -0.6,  1. ])
    """
    y_true, y_pred = same_shape("cosine_similarity", y_true, y_pred, broadcasts=True)
    return -sum_over(_normalized(y_true, axis) * _normalized(y_pred, axis), axis)


def _normalized(x: Tensor, axis: int) -> Tensor:
    return x * ops.rsqrt(ops.maximum(sum_over(ops.square(x), axis, keepdims=True), 1e-12))


@LOSSES.add()
class MeanSquaredError(FunctionLoss):
    """Mean of the squares of errors; see `mean_squared_error`.

    Args:
        reduction: see `Loss`.
        name: see `Loss`.
        dtype: see `Loss`.

    >>> loss = ef.losses.MeanSquaredError()
    >>> float(loss([[0.0, 1.0], [0.0, 0.0]], [[1.0, 1.0], [3.0, 0.0]]))
    2.5
    >>> ef.losses.MeanSquaredError(reduction=None)([[0.0, 1.0], [0.0, 0.0]], [[1.0, 1.0], [3.0, 0.0]]).tolist()
    [0.5, 4.5]
    """

    fn = staticmethod(mean_squared_error)


@LOSSES.add()
class MeanAbsoluteError(FunctionLoss):
    """Mean of the absolute errors; see `mean_absolute_error`.

    Args:
        reduction: see `Loss`.
        name: see `Loss`.
        dtype: see `Loss`.

    >>> float(ef.losses.MeanAbsoluteError()([[0.0], [0.0]], [[1.0], [-3.0]]))
    2.0
    """

    fn = staticmethod(mean_absolute_error)


@LOSSES.add()
class MeanAbsolutePercentageError(FunctionLoss):
    """Mean of the errors in percent; see `mean_absolute_percentage_error`.

    Args:
        reduction: see `Loss`.
        name: see `Loss`.
        dtype: see `Loss`.

    >>> float(ef.losses.MeanAbsolutePercentageError()([[2.0], [4.0]], [[1.0], [4.0]]))
    25.0
    """

    fn = staticmethod(mean_absolute_percentage_error)


@LOSSES.add()
class MeanSquaredLogarithmicError(FunctionLoss):
    """Mean of the squared errors of logarithms; see `mean_squared_logarithmic_error`.

    Args:
        reduction: see `Loss`.
        name: see `Loss`.
        dtype: see `Loss`.

    >>> ef.losses.MeanSquaredLogarithmicError()([[0.0]], [[np.e - 1]]).round(4)
    Tensor(float32, 1.)
    """

    fn = staticmethod(mean_squared_logarithmic_error)


@LOSSES.add()
class LogCosh(FunctionLoss):
    """Mean of the logarithms of the hyperbolic cosines of errors; see `log_cosh`.

    Args:
        reduction: see `Loss`.
        name: see `Loss`.
        dtype: see `Loss`.

    >>> ef.losses.LogCosh(reduction=None)([[0.0], [0.0]], [[1.0], [100.0]]).round(2)
    Tensor(2 float32, [ 0.43, 99.31])
    """

    fn = staticmethod(log_cosh)


@LOSSES.add()
class KLDivergence(FunctionLoss):
    """Kullback-Leibler divergence of distributions; see `kl_divergence`.

    Args:
        reduction: see `Loss`.
        name: see `Loss`.
        dtype: see `Loss`.

    >>> ef.losses.KLDivergence()([[0.5, 0.5]], [[0.25, 0.75]]).round(4)
    Tensor(float32, 0.1438)
    """

    fn = staticmethod(kl_divergence)


@LOSSES.add()
class Poisson(FunctionLoss):
    """Poisson loss, for predicted counts; see `poisson`.

    Args:
        reduction: see `Loss`.
        name: see `Loss`.
        dtype: see `Loss`.

    >>> ef.losses.Poisson(reduction=None)([[2.0], [2.0]], [[1.0], [2.0]]).round(4)
    Tensor(2 float32, [1.    , 0.6137])
    """

    fn = staticmethod(poisson)


@LOSSES.add()
class Huber(FunctionLoss):
    """Huber loss: squared for small errors, linear for large ones; see `huber`.

    Args:
        delta: the size up to which an error counts as small.
        reduction: see `Loss`.
        name: see `Loss`.
        dtype: see `Loss`.

    >>> ef.losses.Huber(delta=1.0, reduction=None)([[0.0], [0.0]], [[0.5], [3.0]]).tolist()
    [0.125, 2.5]
    """

    fn = staticmethod(huber)

    def __init__(
        self,
        delta: float = 1.0,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = "huber_loss",
        dtype: DType = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        if not delta > 0:
            raise ValueError(f"Huber(delta={delta!r}): expected a positive number.")
        self.settings = {"delta": delta}


@LOSSES.add()
class CosineSimilarity(FunctionLoss):
    """Minus the cosine of the angle between vectors: -1 for equal directions; see `cosine_similarity`.

    Args:
        axis: the axis of the vectors.
        reduction: see `Loss`.
        name: see `Loss`.
        dtype: see `Loss`.

    >>> loss = ef.losses.CosineSimilarity(reduction=None)
    >>> loss([[1.0, 0.0]] * 3, [[2.0, 0.0], [3.0, 4.0], [-1.0, 0.0]]).round(4)
    Tensor(3 float32, [-1. , -0.6,  1. ])
    """

    fn = staticmethod(cosine_similarity)

    def __init__(
        self,
        axis: int = -1,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = "cosine_similarity",
        dtype: DType = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.settings = {"axis": axis}
