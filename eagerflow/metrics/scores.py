"""Scores computed from sums over all samples: R² and F scores."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy

from eagerflow import ops
from eagerflow.base.typing import Average, DType, TensorLike
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.losses.matching import same_shape
from eagerflow.metrics.base import Metric
from eagerflow.metrics.table import METRICS

__all__ = ["F1Score", "FBetaScore", "R2Score"]


@METRICS.add()
class FBetaScore(Metric):
    """F-beta score: the weighted harmonic mean of precision and recall, per class.

    Args:
        average: None for one score per class. `"micro"` counts all classes together, `"macro"` takes the mean of the
            classes' scores, `"weighted"` their mean weighted by the number of labels of each.
        beta: how many times as important recall is as precision.
        threshold: the score above which a prediction is positive, at most 1; None: only the largest score of a sample
            is positive.
        name: the name in progress bars and in the history.
        dtype: the type of the result.

    >>> y_true = [[1, 0], [1, 0], [0, 1]]
    >>> y_pred = [[0.9, 0.1], [0.3, 0.7], [0.2, 0.8]]
    >>> ef.metrics.FBetaScore(beta=2.0)(y_true, y_pred).round(4)
    Tensor(2 float32, [0.5556, 0.8333])
    """

    _direction = "up"

    def __init__(
        self,
        average: Average | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str = "fbeta_score",
        dtype: DType = None,
    ) -> None:
        super().__init__(dtype, name)
        if average not in (None, "micro", "macro", "weighted"):
            raise ValueError(
                f"{type(self).__name__}(average={average!r}): expected None, 'micro', 'macro' or 'weighted'."
            )
        if not (_is_number(beta) and beta > 0):
            raise ValueError(f"{type(self).__name__}(beta={beta!r:.60}): expected a positive number.")
        if threshold is not None and not (_is_number(threshold) and 0 < threshold <= 1):
            raise ValueError(
                f"{type(self).__name__}(threshold={threshold!r:.60}): expected a number above 0, at most 1, or None."
            )
        self.average, self.beta, self.threshold = average, beta, threshold
        self._state: list[Any] = []

    def update_state(self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None) -> None:
        y_true, y_pred = same_shape(self.name, y_true, y_pred)
        if y_pred.ndim != 2:
            raise ValueError(f"{self.name}: expected rows of one score per class; got shape {y_pred.shape}.")
        if not self._state:
            size = () if self.average == "micro" else (y_pred.shape[1],)
            names = ("true_positives", "false_positives", "false_negatives", "intermediate_weights")
            self._state = [self.add_variable(size, name=name) for name in names]
        yes = self._said_yes(y_pred).astype(self._wide)
        right = y_true.astype(self._wide)
        weights = 1.0 if sample_weight is None else _by_rows(sample_weight, self._wide)
        axis = None if self.average == "micro" else 0
        parts = (right * yes, (1.0 - right) * yes, right * (1.0 - yes), right)
        for variable, part in zip(self._state, parts):
            variable.assign_add((part * weights).sum(axis=axis))

    def _said_yes(self, y_pred: Tensor) -> Tensor:
        if self.threshold is not None:
            return ops.greater(y_pred, self.threshold)
        largest = ops.max(y_pred, axis=-1, keepdims=True)
        return ops.logical_and(ops.equal(y_pred, largest), ops.greater(ops.abs(y_pred), 1e-9))

    def result(self) -> Tensor:
        if not self._state:
            return convert_to_tensor(0.0, self.dtype)
        tp, fp, fn, present = self._state
        precision, recall = ops.divide_no_nan(tp, tp + fp), ops.divide_no_nan(tp, tp + fn)
        square = self.beta**2
        score = ops.divide_no_nan(precision * recall * (1.0 + square), precision * square + recall)
        if self.average == "weighted":
            return self._narrow((score * ops.divide_no_nan(present, present.sum())).sum())
        return self._narrow(score.mean() if self.average == "macro" else score)


def _by_rows(sample_weight: TensorLike, dtype: str) -> Tensor:
    """Weights of rows, or of single values."""
    weights = convert_to_tensor(sample_weight, dtype)
    return weights.reshape((-1, 1)) if weights.ndim == 1 else weights


def _is_number(x: Any) -> bool:
    return isinstance(x, (int, float, numpy.number)) and not isinstance(x, bool)


@METRICS.add()
class F1Score(FBetaScore):
    """F1 score: the harmonic mean of precision and recall, per class.

    Args:
        average: None for one score per class. `"micro"` counts all classes together, `"macro"` takes the mean of the
            classes' scores, `"weighted"` their mean weighted by the number of labels of each.
        threshold: the score above which a prediction is positive; None: only the largest score of a sample is positive.
        name: the name in progress bars and in the history.
        dtype: the type of the result.

    >>> y_true = [[1, 0], [1, 0], [0, 1]]
    >>> y_pred = [[0.9, 0.1], [0.3, 0.7], [0.2, 0.8]]
    >>> ef.metrics.F1Score()(y_true, y_pred).round(4)
    Tensor(2 float32, [0.6667, 0.6667])
    >>> ef.metrics.F1Score(average="macro")(y_true, y_pred).round(4)
    Tensor(float32, 0.6667)
    """

    def __init__(
        self,
        average: Average | None = None,
        threshold: float | None = None,
        name: str = "f1_score",
        dtype: DType = None,
    ) -> None:
        super().__init__(average, 1.0, threshold, name, dtype)


@METRICS.add()
class R2Score(Metric):
    """R² score (coefficient of determination): 1 is perfect, 0 is as good as always predicting the mean.

    Args:
        class_aggregation: how the scores of several outputs are combined: `"uniform_average"`,
            `"variance_weighted_average"`, or None for one score per output.
        num_regressors: the number of input features, to compute the adjusted R²; 0: it isn't adjusted.
        name: the name in progress bars and in the history.
        dtype: the type of the result.

    >>> ef.metrics.R2Score()([[1.0], [4.0], [3.0]], [[2.0], [4.0], [4.0]]).round(4)
    Tensor(float32, 0.5714)
    """

    _direction = "up"

    def __init__(
        self,
        class_aggregation: Literal["uniform_average", "variance_weighted_average"] | str | None = "uniform_average",
        num_regressors: int = 0,
        name: str = "r2_score",
        dtype: DType = None,
    ) -> None:
        super().__init__(dtype, name)
        if class_aggregation not in (None, "uniform_average", "variance_weighted_average"):
            raise ValueError(
                f"R2Score(class_aggregation={class_aggregation!r}): expected None, 'uniform_average' or "
                "'variance_weighted_average'."
            )
        if num_regressors < 0:
            raise ValueError(f"R2Score(num_regressors={num_regressors}): expected 0 or more.")
        self.class_aggregation, self.num_regressors = class_aggregation, num_regressors
        self._state: list[Any] = []

    def update_state(self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None) -> None:
        y_true, y_pred = same_shape(self.name, y_true, y_pred)
        y_true, y_pred = (y.astype(self._wide) for y in (y_true, y_pred))
        if y_true.ndim != 2:
            y_true, y_pred = (y.reshape((y.shape[0], math.prod(y.shape[1:]))) for y in (y_true, y_pred))
        if not self._state:
            size = (y_true.shape[1],)
            names = ("squared_sum", "sum", "residual", "count")
            self._state = [self.add_variable(size, name=name) for name in names]
            self.samples = self.add_variable((), name="num_samples")
        weights = ops.ones((y_true.shape[0], 1), self._wide)
        if sample_weight is not None:
            weights = _by_rows(sample_weight, self._wide)
        right = y_true * weights
        parts = (right * y_true, right, ops.square(y_true - y_pred) * weights, ops.ones_like(y_true) * weights)
        for variable, part in zip(self._state, parts):
            variable.assign_add(part.sum(axis=0))
        self.samples.assign_add(float(y_true.size))  # all values of all outputs, as Keras counts

    @numpy.errstate(divide="ignore", invalid="ignore")
    def result(self) -> Tensor:
        if not self._state:
            return convert_to_tensor(0.0, self.dtype)
        squares, total, residual, count = self._state
        spread = squares - total * (total / count)
        score = 1.0 - residual / spread  # NaN where there is no spread and no error, as in Keras
        score = ops.where(ops.isinf(score), 0.0, score)
        if self.class_aggregation == "uniform_average":
            score = score.mean()
        elif self.class_aggregation is not None:
            score = (score * spread).sum() / spread.sum()
        if not self.num_regressors:
            return self._narrow(score)
        n = float(self.samples)
        if n - self.num_regressors - 1 <= 0:
            raise ValueError(f"R2Score(num_regressors={self.num_regressors}): needs more samples; got {int(n)}.")
        return self._narrow(1.0 - (1.0 - score) * ((n - 1) / (n - self.num_regressors - 1)))
