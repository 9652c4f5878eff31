"""Correlation of predictions with targets, along an axis."""

from __future__ import annotations

import numpy

from eagerflow import ops
from eagerflow.base.config import epsilon
from eagerflow.base.typing import DType, TensorLike
from eagerflow.core.tensor import Tensor
from eagerflow.losses.matching import in_float32, same_shape
from eagerflow.metrics.means import MeanMetricWrapper
from eagerflow.metrics.table import METRICS

__all__ = ["ConcordanceCorrelation", "PearsonCorrelation", "concordance_correlation", "pearson_correlation"]


@METRICS.add()
@in_float32
def pearson_correlation(y_true: TensorLike, y_pred: TensorLike, axis: int = -1) -> Tensor:
    """Pearson's correlation along `axis`, from -1 to 1.

    Args:
        y_true: the target values.
        y_pred: predictions, of the same shape.
        axis: the axis along which values are correlated.

    Returns:
        A tensor without that axis; NaN where all targets or all predictions are equal, as those of one value are.

    >>> ef.metrics.pearson_correlation([[0.0, 1.0, 2.0]] * 2, [[1.0, 3.0, 5.0], [2.0, 1.0, 0.0]]).round(4)
    Tensor(2 float32, [ 1., -1.])
    """
    y_true, y_pred = same_shape("pearson_correlation", y_true, y_pred)
    a, b = (_standardized(y, axis) for y in (y_true, y_pred))
    return (a * b).mean(axis=axis)


def _standardized(y: Tensor, axis: int) -> Tensor:
    """With mean 0 and standard deviation 1; NaN where all values are equal."""
    y = y - y.mean(axis=axis, keepdims=True)
    with numpy.errstate(divide="ignore", invalid="ignore"):
        return y / ops.std(y, axis=axis, keepdims=True)


@METRICS.add()
@in_float32
def concordance_correlation(y_true: TensorLike, y_pred: TensorLike, axis: int = -1) -> Tensor:
    """Lin's concordance correlation along `axis`: like Pearson's, but lower when predictions are shifted or scaled.

    Args:
        y_true: the target values.
        y_pred: predictions, of the same shape.
        axis: the axis along which values are correlated.

    Returns:
        A tensor without that axis: numbers from -1 to 1.

    Source: Lin, "A concordance correlation coefficient to evaluate reproducibility", 1989.

    >>> ef.metrics.concordance_correlation([[0.0, 1.0, 2.0]] * 2, [[0.0, 1.0, 2.0], [1.0, 2.0, 3.0]]).round(4)
    Tensor(2 float32, [1.    , 0.5714])
    """
    y_true, y_pred = same_shape("concordance_correlation", y_true, y_pred)
    mean_true, mean_pred = (y.mean(axis=axis, keepdims=True) for y in (y_true, y_pred))
    spread = ops.var(y_true, axis=axis, keepdims=True) + ops.var(y_pred, axis=axis, keepdims=True)
    both = (y_true - mean_pred) * (y_pred - mean_pred)
    return (both * 2.0 / (spread + ops.square(mean_true - mean_pred) + epsilon())).mean(axis=axis)


@METRICS.add()
class PearsonCorrelation(MeanMetricWrapper):
    """Mean over samples of Pearson's correlation between targets and predictions.

    Args:
        name: the name in progress bars and in the history.
        dtype: the type of the result.
        axis: the axis along which values are correlated.

    >>> metric = ef.metrics.PearsonCorrelation()
    >>> metric([[0.0, 1.0, 2.0]], [[1.0, 3.0, 5.0]]).round(4)
    Tensor(float32, 1.)
    """

    _direction = "up"

    axis: int

    def __init__(self, name: str = "pearson_correlation", dtype: DType = None, axis: int = -1) -> None:
        super().__init__(pearson_correlation, name, dtype, axis=axis)


@METRICS.add()
class ConcordanceCorrelation(MeanMetricWrapper):
    """Mean over samples of Lin's concordance correlation between targets and predictions.

    Args:
        name: the name in progress bars and in the history.
        dtype: the type of the result.
        axis: the axis along which values are correlated.

    >>> metric = ef.metrics.ConcordanceCorrelation()
    >>> metric([[0.0, 1.0, 2.0]], [[1.0, 2.0, 3.0]]).round(4)
    Tensor(float32, 0.5714)
    """

    _direction = "up"

    axis: int

    def __init__(self, name: str = "concordance_correlation", dtype: DType = None, axis: int = -1) -> None:
        super().__init__(concordance_correlation, name, dtype, axis=axis)
