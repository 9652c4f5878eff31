"""Overlap of predicted and true members of classes, divided by their union."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy

from eagerflow import ops
from eagerflow.base.config import epsilon
from eagerflow.base.errors import signature_of
from eagerflow.base.typing import DType, TensorLike
from eagerflow.core.device import namespace_of
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.metrics.base import Metric
from eagerflow.metrics.confusion import flat_weights
from eagerflow.metrics.table import METRICS

__all__ = ["BinaryIoU", "IoU", "MeanIoU", "OneHotIoU", "OneHotMeanIoU"]


@METRICS.add()
class IoU(Metric):
    """Intersection over union of predicted and true members of a class: the mean over given classes, for segmentation.

    Args:
        num_classes: how many classes there are.
        target_class_ids: the numbers of the classes to average over.
        name: the name in progress bars and in the history.
        dtype: the type of the result.
        ignore_class: labels with this number are left out.
        sparse_y_true: whether labels are class numbers; otherwise they are one-hot.
        sparse_y_pred: whether predictions are class numbers; otherwise they are scores, one per class.
        axis: the axis of the classes, of one-hot labels and scores.

    Labels and predictions outside of 0 to `num_classes - 1` are left out: -1 and 255, which mark pixels without a
    class, silently; others with a warning.

    Raises:
        ValueError: for a target class that doesn't exist.

    >>> metric = ef.metrics.IoU(num_classes=2, target_class_ids=[0])
    >>> metric([0, 0, 1, 1], [0, 1, 0, 1]).round(4)
    Tensor(float32, 0.3333)
    """

    _direction = "up"
    _told = False

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: DType = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(dtype, name)
        if isinstance(num_classes, bool) or not hasattr(num_classes, "__index__") or num_classes < 1:
            raise ValueError(
                f"{type(self).__name__}(num_classes={num_classes!r:.60}): expected an integer of at least 1."
            )
        outside = [c for c in target_class_ids if not 0 <= c < num_classes]
        if outside:
            raise ValueError(
                f"{type(self).__name__}(target_class_ids={list(target_class_ids)!r:.100}): "
                f"class numbers must be from 0 to {num_classes - 1}."
            )
        self.num_classes, self.target_class_ids = num_classes, list(target_class_ids)
        self.ignore_class, self.axis = ignore_class, axis
        self.sparse_y_true, self.sparse_y_pred = sparse_y_true, sparse_y_pred
        self.total_cm = self.add_variable((num_classes, num_classes), name="total_confusion_matrix")

    def update_state(self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None) -> None:
        labels, said = convert_to_tensor(y_true), convert_to_tensor(y_pred)
        labels = labels if self.sparse_y_true else ops.argmax(labels, axis=self.axis)
        said = said if self.sparse_y_pred else ops.argmax(said, axis=self.axis)
        if labels.size != said.size:
            raise ValueError(
                f"{self.name}: y_true {signature_of(y_true)} makes {labels.size} class numbers, y_pred "
                f"{signature_of(y_pred)} makes {said.size}: expected as many. sparse_y_true={self.sparse_y_true} and "
                f"sparse_y_pred={self.sparse_y_pred} tell which are class numbers (True), and which have one value for "
                f"each class along axis {self.axis} (False)."
            )
        a, b = (t.data.reshape(-1).astype("int64") for t in (labels, said))
        xp = namespace_of(a)
        weights = flat_weights(xp, labels, sample_weight)
        if self.ignore_class is not None:
            counted = a != self.ignore_class
            a, b, weights = a[counted], b[counted], weights[counted]
        self._count(xp, a, b, weights)

    def _count(self, xp: Any, labels: Any, said: Any, weights: Any) -> None:
        n = self.num_classes
        if not labels.size:
            return
        if not (0 <= int(min(labels.min(), said.min())) and int(max(labels.max(), said.max())) < n):
            inside = (labels >= 0) & (labels < n) & (said >= 0) & (said < n)
            unknown = ~(inside | (labels == -1) | (labels == 255))
            if bool(unknown.any()):
                self._tell_outside(int(unknown.sum()), labels.size)
            labels, said, weights = labels[inside], said[inside], weights[inside]
        cells = xp.bincount(labels * n + said, weights=weights, minlength=n * n).reshape(n, n)
        self.total_cm.increase(cells.astype(self.total_cm.dtype))

    def _tell_outside(self, number: int, of: int) -> None:
        if not self._told:
            self._told = True
            warnings.warn(
                f"{self.name}: {number} of {of} labels and predictions are no class from 0 to {self.num_classes - 1}; "
                "they aren't counted. Is num_classes right?",
                stacklevel=4,
            )

    def result(self) -> Tensor:
        matrix = self.total_cm.value
        right = ops.diagonal(matrix)
        union = matrix.sum(axis=0) + matrix.sum(axis=1) - right
        chosen = numpy.zeros(self.num_classes, "float32")
        chosen[self.target_class_ids] = 1
        present = ops.greater(union, 0).astype(self._wide) * convert_to_tensor(chosen, self._wide)
        ratio = (right / ops.maximum(union, epsilon()) * present).sum()
        return self._narrow(ops.divide_no_nan(ratio, present.sum()))


@METRICS.add()
class BinaryIoU(IoU):
    """Intersection over union for binary predictions: the mean over the classes 0 and 1.

    Args:
        target_class_ids: the classes to average over: 0, 1 or both.
        threshold: probabilities from this one on count as 1.
        name: the name in progress bars and in the history.
        dtype: the type of the result.

    >>> metric = ef.metrics.BinaryIoU(target_class_ids=[1])
    >>> float(metric([0, 1, 0, 1], [0.1, 0.2, 0.4, 0.7]))
    0.5
    """

    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: DType = None,
    ) -> None:
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = threshold

    def update_state(self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None) -> None:
        said = ops.greater_equal(convert_to_tensor(y_pred), self.threshold)
        super().update_state(y_true, said, sample_weight)


@METRICS.add()
class MeanIoU(IoU):
    """Intersection over union of predicted and true members of a class: the mean over all classes, for segmentation.

    Args:
        num_classes: how many classes there are.
        name: the name in progress bars and in the history.
        dtype: the type of the result.
        ignore_class: labels with this number are left out.
        sparse_y_true: whether labels are class numbers; otherwise they are one-hot.
        sparse_y_pred: whether predictions are class numbers; otherwise they are scores, one per class.
        axis: the axis of the classes, of one-hot labels and scores.

    >>> metric = ef.metrics.MeanIoU(num_classes=2)
    >>> metric([0, 0, 1, 1], [0, 1, 1, 1]).round(4)
    Tensor(float32, 0.5833)
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: DType = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        every = range(num_classes)
        super().__init__(num_classes, every, name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis)


@METRICS.add()
class OneHotIoU(IoU):
    """`IoU` of one-hot labels.

    Args:
        num_classes: how many classes there are.
        target_class_ids: the numbers of the classes to average over.
        name: the name in progress bars and in the history.
        dtype: the type of the result.
        ignore_class: labels with this number are left out.
        sparse_y_pred: whether predictions are class numbers; otherwise they are scores, one per class.
        axis: the axis of the classes.

    >>> metric = ef.metrics.OneHotIoU(num_classes=2, target_class_ids=[1])
    >>> metric([[1, 0], [1, 0], [0, 1], [0, 1]], [[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.1, 0.9]]).round(4)
    Tensor(float32, 0.6667)
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: DType = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis)


@METRICS.add()
class OneHotMeanIoU(MeanIoU):
    """`MeanIoU` of one-hot labels.

    Args:
        num_classes: how many classes there are.
        name: the name in progress bars and in the history.
        dtype: the type of the result.
        ignore_class: labels with this number are left out.
        sparse_y_pred: whether predictions are class numbers; otherwise they are scores, one per class.
        axis: the axis of the classes.

    >>> metric = ef.metrics.OneHotMeanIoU(num_classes=2)
    >>> metric([[1, 0], [1, 0], [0, 1], [0, 1]], [[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.1, 0.9]]).round(4)
    Tensor(float32, 0.5833)
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: DType = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)
