"""How often predictions are right."""

from __future__ import annotations

import numpy

from eagerflow import ops
from eagerflow.base.config import floatx
from eagerflow.base.errors import signature_of
from eagerflow.base.typing import DType, TensorLike
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.losses.matching import same_shape
from eagerflow.metrics.means import MeanMetricWrapper
from eagerflow.metrics.table import METRICS

__all__ = ["Accuracy", "BinaryAccuracy", "CategoricalAccuracy", "SparseCategoricalAccuracy"]
__all__ += ["SparseTopKCategoricalAccuracy", "TopKCategoricalAccuracy", "binary_accuracy", "categorical_accuracy"]
__all__ += ["sparse_categorical_accuracy", "sparse_top_k_categorical_accuracy", "top_k_categorical_accuracy"]


def accuracy(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """1 where both are equal, 0 elsewhere."""
    y_true, y_pred = same_shape("accuracy", y_true, y_pred, broadcasts=True)
    return ops.equal(y_true, y_pred).astype(floatx())


@METRICS.add()
def binary_accuracy(y_true: TensorLike, y_pred: TensorLike, threshold: float = 0.5) -> Tensor:
    """1 where a binary prediction is right, 0 elsewhere.

    Args:
        y_true: labels 0 and 1.
        y_pred: probabilities of 1, of the same shape.
        threshold: the probability above which a prediction is 1.

    >>> ef.metrics.binary_accuracy([[1], [0]], [[0.9], [0.6]]).tolist()
    [[1.0], [0.0]]
    """
    y_true, y_pred = same_shape("binary_accuracy", y_true, y_pred, broadcasts=True)
    said = ops.greater(y_pred, threshold).astype(y_true.dtype.name)
    return _same(y_true, said)


@METRICS.add()
def categorical_accuracy(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """1 for samples whose most probable class is the right one, 0 for others.

    Args:
        y_true: one-hot labels, (..., classes).
        y_pred: scores, of the same shape.

    Returns:
        A tensor of shape `(...)`.

    >>> ef.metrics.categorical_accuracy([[0, 1], [1, 0]], [[0.1, 0.9], [0.2, 0.8]]).tolist()
    [1.0, 0.0]
    """
    y_true, y_pred = same_shape("categorical_accuracy", y_true, y_pred)
    return _same(ops.argmax(y_true, axis=-1), ops.argmax(y_pred, axis=-1))


@METRICS.add()
def sparse_categorical_accuracy(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """1 for samples whose most probable class is the label, 0 for others.

    Args:
        y_true: class numbers, (...) or (..., 1).
        y_pred: scores, (..., classes).

    Returns:
        A tensor of shape `(...)`.

    >>> ef.metrics.sparse_categorical_accuracy([1, 0], [[0.1, 0.9], [0.2, 0.8]]).tolist()
    [1.0, 0.0]
    """
    labels, y_pred = _labels("sparse_categorical_accuracy", y_true, y_pred)
    return _same(labels, ops.argmax(y_pred, axis=-1))


@METRICS.add()
def top_k_categorical_accuracy(y_true: TensorLike, y_pred: TensorLike, k: int = 5) -> Tensor:
    """1 for samples whose right class is among the `k` most probable ones, 0 for others.

    Args:
        y_true: one-hot labels, (..., classes).
        y_pred: scores, of the same shape.
        k: how many of the most probable classes count.

    Returns:
        A tensor of shape `(...)`.

    >>> ef.metrics.top_k_categorical_accuracy([[0, 0, 1], [0, 1, 0]], [[0.5, 0.1, 0.4]] * 2, k=2).tolist()
    [1.0, 0.0]
    """
    y_true, y_pred = same_shape("top_k_categorical_accuracy", y_true, y_pred)
    return _among(ops.argmax(y_true, axis=-1), y_pred, k)


@METRICS.add()
def sparse_top_k_categorical_accuracy(
    y_true: TensorLike, y_pred: TensorLike, k: int = 5, from_sorted_ids: bool = False
) -> Tensor:
    """1 for samples whose label is among the `k` most probable classes, 0 for others.

    Args:
        y_true: class numbers, (...).
        y_pred: scores, (..., classes).
        k: how many of the most probable classes count.
        from_sorted_ids: whether `y_pred` are class numbers, the most probable first, instead of scores.

    >>> ef.metrics.sparse_top_k_categorical_accuracy([2, 1], [[0.5, 0.1, 0.4]] * 2, k=2).tolist()
    [1.0, 0.0]
    """
    if from_sorted_ids:
        ids, y_true = convert_to_tensor(y_pred), convert_to_tensor(y_true)
        found = ops.equal(ids[..., :k], y_true.reshape((*ids.shape[:-1], 1)).astype(ids.dtype.name))
        return ops.any(found, axis=-1).astype(floatx())
    labels, y_pred = _labels("sparse_top_k_categorical_accuracy", y_true, y_pred)
    return _among(labels, y_pred, k)


def _labels(name: str, y_true: TensorLike, y_pred: TensorLike) -> tuple[Tensor, Tensor]:
    """Class numbers of the shape of `y_pred` without its last axis."""
    y_pred = y_pred if isinstance(y_pred, Tensor) else convert_to_tensor(y_pred)
    y_true = y_true if isinstance(y_true, Tensor) else convert_to_tensor(y_true)
    wanted = y_pred.shape[:-1]
    if y_true.shape != wanted:
        if y_true.shape == (*wanted, 1):
            return y_true.reshape(wanted), y_pred
        raise ValueError(
            f"{name}: y_true: expected class numbers of shape {wanted} for y_pred {signature_of(y_pred)}; got "
            f"{signature_of(y_true)}. For one-hot labels use the metric without 'sparse'."
        )
    return y_true, y_pred


def _same(a: Tensor, b: Tensor) -> Tensor:
    return ops.equal(a, b).astype(floatx())


def _among(labels: Tensor, scores: Tensor, k: int) -> Tensor:
    """A label that is no class is among none."""
    shape, classes = labels.shape, scores.shape[-1]
    labels = labels.reshape((-1,)).astype("int32")
    known = ops.logical_and(labels >= 0, labels < classes)
    found = ops.in_top_k(ops.where(known, labels, 0), scores.reshape((-1, classes)), k=k)
    return ops.logical_and(found, known).reshape(shape).astype(floatx())


class _Share(MeanMetricWrapper):
    """A mean that is better the higher it is."""

    _direction = "up"


@METRICS.add("accuracy")
class Accuracy(_Share):
    """Accuracy: the fraction of predictions that equal their labels.

    Args:
        name: the name in progress bars and in the history.
        dtype: the type of the result.

    >>> metric = ef.metrics.Accuracy()
    >>> float(metric([1, 2, 3, 4], [0, 2, 3, 4]))
    0.75
    """

    def __init__(self, name: str = "accuracy", dtype: DType = None) -> None:
        super().__init__(accuracy, name, dtype)


@METRICS.add()
class BinaryAccuracy(_Share):
    """Accuracy of binary predictions: the fraction of them that are right.

    Args:
        name: the name in progress bars and in the history.
        dtype: the type of the result.
        threshold: the probability above which a prediction is 1, from 0 to 1.

    >>> metric = ef.metrics.BinaryAccuracy(threshold=0.5)
    >>> float(metric([[1], [0], [1], [0]], [[0.9], [0.6], [0.7], [0.1]]))
    0.75
    """

    threshold: float

    def __init__(self, name: str = "binary_accuracy", dtype: DType = None, threshold: float = 0.5) -> None:
        if not 0 <= threshold <= 1:
            raise ValueError(f"BinaryAccuracy(threshold={threshold!r}): expected a number from 0 to 1.")
        super().__init__(binary_accuracy, name, dtype, threshold=threshold)


@METRICS.add()
class CategoricalAccuracy(_Share):
    """Accuracy for one-hot labels: how often the most probable class is the right one.

    Args:
        name: the name in progress bars and in the history.
        dtype: the type of the result.

    >>> metric = ef.metrics.CategoricalAccuracy()
    >>> float(metric([[0, 1], [1, 0]], [[0.1, 0.9], [0.2, 0.8]]))
    0.5
    """

    def __init__(self, name: str = "categorical_accuracy", dtype: DType = None) -> None:
        super().__init__(categorical_accuracy, name, dtype)


@METRICS.add()
class SparseCategoricalAccuracy(_Share):
    """Accuracy for integer labels: how often the most probable class is the label.

    Args:
        name: the name in progress bars and in the history.
        dtype: the type of the result.

    >>> metric = ef.metrics.SparseCategoricalAccuracy()
    >>> metric.update_state([1, 0], [[0.1, 0.9], [0.2, 0.8]])
    >>> metric.update_state([1, 1], [[0.1, 0.9], [0.2, 0.8]])
    >>> float(metric.result())
    0.75
    """

    def __init__(self, name: str = "sparse_categorical_accuracy", dtype: DType = None) -> None:
        super().__init__(sparse_categorical_accuracy, name, dtype)


@METRICS.add()
class TopKCategoricalAccuracy(_Share):
    """How often the class of the one-hot label is among the `k` most probable.

    Args:
        k: how many of the most probable classes count.
        name: the name in progress bars and in the history.
        dtype: the type of the result.

    >>> metric = ef.metrics.TopKCategoricalAccuracy(k=2)
    >>> float(metric([[0, 0, 1], [0, 1, 0]], [[0.5, 0.1, 0.4]] * 2))
    0.5
    """

    k: int

    def __init__(self, k: int = 5, name: str = "top_k_categorical_accuracy", dtype: DType = None) -> None:
        super().__init__(top_k_categorical_accuracy, name, dtype, k=_at_least_one(self, k))


@METRICS.add()
class SparseTopKCategoricalAccuracy(_Share):
    """How often the label, a class number, is among the `k` most probable classes.

    Args:
        k: how many of the most probable classes count.
        name: the name in progress bars and in the history.
        dtype: the type of the result.
        from_sorted_ids: whether predictions are class numbers, the most probable first, instead of scores.

    >>> metric = ef.metrics.SparseTopKCategoricalAccuracy(k=2)
    >>> float(metric([2, 1], [[0.5, 0.1, 0.4]] * 2))
    0.5
    """

    k: int
    from_sorted_ids: bool

    def __init__(
        self,
        k: int = 5,
        name: str = "sparse_top_k_categorical_accuracy",
        dtype: DType = None,
        from_sorted_ids: bool = False,
    ) -> None:
        k = _at_least_one(self, k)
        super().__init__(sparse_top_k_categorical_accuracy, name, dtype, k=k, from_sorted_ids=from_sorted_ids)


def _at_least_one(metric: object, k: int) -> int:
    if isinstance(k, bool) or not isinstance(k, (int, numpy.integer)) or k < 1:
        raise ValueError(f"{type(metric).__name__}(k={k!r:.60}): expected an integer of at least 1.")
    return int(k)
