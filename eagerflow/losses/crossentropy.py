"""Crossentropies: from logits where there are any, from probabilities else.

Predictions that come straight from `activations.softmax` or `sigmoid` remember the logits they were made of
(`tensor.logits`). Then the loss is computed from those, which is exact for confident predictions.
"""

from __future__ import annotations

from typing import Any

from eagerflow import ops
from eagerflow.base.config import epsilon
from eagerflow.base.tracebacks import warn
from eagerflow.base.typing import DType, Reduction, TensorLike
from eagerflow.core.op import composite
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.losses.base import FunctionLoss, mean_of
from eagerflow.losses.matching import as_pair, put_mask, same_shape
from eagerflow.losses.table import LOSSES
from eagerflow.ops.neural.crossentropy import sigmoid_crossentropy

__all__ = ["BinaryCrossentropy", "BinaryFocalCrossentropy", "CategoricalCrossentropy", "CategoricalFocalCrossentropy"]
__all__ += ["CategoricalGeneralizedCrossEntropy", "SparseCategoricalCrossentropy", "binary_crossentropy"]
__all__ += ["binary_focal_crossentropy", "categorical_crossentropy", "categorical_focal_crossentropy"]
__all__ += ["categorical_generalized_cross_entropy", "sparse_categorical_crossentropy"]


def logits_of(y_pred: TensorLike, activation: str, axis: int = -1) -> Tensor | None:
    """The logits that predictions were made of by `activation` along `axis`, where they remember them."""
    kept = getattr(y_pred, "logits", None) if y_pred.__class__ is Tensor else None
    if kept is None or kept[0] != activation:
        return None
    along = kept[2]
    if activation == "softmax" and (not isinstance(along, int) or (along - axis) % y_pred.ndim):
        return None
    logits: Tensor = kept[1]
    return logits


def _binary(
    y_true: TensorLike, y_pred: TensorLike, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Tensor:
    logits = None if from_logits else logits_of(y_pred, "sigmoid")
    y_true, y_pred = same_shape("binary_crossentropy", y_true, y_pred if logits is None else logits)
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + 0.5 * label_smoothing
    if from_logits or logits is not None:
        return sigmoid_crossentropy(y_true, y_pred)
    return ops.binary_crossentropy(y_true, y_pred)


@LOSSES.add("bce", "BCE")
@mean_of(_binary)
@composite
def binary_crossentropy(
    y_true: TensorLike, y_pred: TensorLike, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Tensor:
    """Crossentropy of binary labels (0 or 1), mean over `axis`.

    Args:
        y_true: 0 and 1, or probabilities, (..., outputs).
        y_pred: probabilities, or logits with `from_logits`, of the same shape.
        from_logits: whether `y_pred` are logits, to which no sigmoid has been applied.
        label_smoothing: moves labels this far from 0 and 1 towards 0.5, from 0 to 1.
        axis: the axis that the mean is taken over.

    Raises:
        ValueError: when the shapes differ.

    >>> ef.losses.binary_crossentropy([[1, 0]], [[0.5, 0.5]]).round(4)
    Tensor(1 float32, [0.6931])
    >>> ef.losses.binary_crossentropy([[1, 0]], [[0.0, 0.0]], from_logits=True).round(4)
    Tensor(1 float32, [0.6931])
    """
    return _binary(y_true, y_pred, from_logits, label_smoothing).mean(axis=axis)


@LOSSES.add()
@composite
def categorical_crossentropy(
    y_true: TensorLike, y_pred: TensorLike, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Tensor:
    """Crossentropy of one-hot labels along `axis`.

    Args:
        y_true: one-hot labels, or probabilities, (..., classes).
        y_pred: probabilities, or logits with `from_logits`, of the same shape.
        from_logits: whether `y_pred` are logits, to which no softmax has been applied.
        label_smoothing: this fraction of each label is spread evenly over all classes, from 0 to 1.
        axis: the axis of the classes.

    Raises:
        ValueError: when the shapes differ.

    >>> ef.losses.categorical_crossentropy([[0, 1, 0]], [[0.25, 0.5, 0.25]]).round(4)
    Tensor(1 float32, [0.6931])
    """
    if not from_logits:
        logits = logits_of(y_pred, "softmax", axis)
        y_pred, from_logits = (y_pred, False) if logits is None else (logits, True)
    y_true, y_pred = same_shape("categorical_crossentropy", y_true, y_pred)
    classes = y_pred.shape[axis]
    if classes == 1:
        warn(
            "categorical_crossentropy: y_pred has one class only, which is always right: nothing is learnt. For "
            "yes-or-no labels use binary_crossentropy with a sigmoid."
        )
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + label_smoothing / classes
    return ops.categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)


@LOSSES.add()
@composite
def sparse_categorical_crossentropy(
    y_true: TensorLike, y_pred: TensorLike, from_logits: bool = False, ignore_class: int | None = None, axis: int = -1
) -> Tensor:
    """Crossentropy of integer labels (class numbers).

    Args:
        y_true: class numbers, of the shape of `y_pred` without `axis` (or with length 1 there).
        y_pred: probabilities, or logits with `from_logits`.
        from_logits: whether `y_pred` are logits, to which no softmax has been applied.
        ignore_class: labels with this number are left out.
        axis: the axis of the classes.

    Raises:
        ValueError: for a label that is no class, or shapes that don't fit.

    >>> ef.losses.sparse_categorical_crossentropy([1, 0], [[0.25, 0.5, 0.25], [0.25, 0.5, 0.25]]).round(4)
    Tensor(2 float32, [0.6931, 1.3863])
    """
    if not from_logits:
        logits = logits_of(y_pred, "softmax", axis)
        y_pred, from_logits = (y_pred, False) if logits is None else (logits, True)
    if ignore_class is None:
        return ops.sparse_categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)
    y_true, y_pred = convert_to_tensor(y_true), convert_to_tensor(y_pred)
    if y_true.ndim == y_pred.ndim and y_true.shape[axis] == 1:
        y_true = ops.squeeze(y_true, axis)
    counts = ops.not_equal(y_true, ignore_class)
    y_true = y_true * counts.astype(y_true.dtype.name)
    losses = ops.sparse_categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)
    return put_mask(ops.where(counts, losses, 0.0), counts)


@LOSSES.add()
@composite
def binary_focal_crossentropy(
    y_true: TensorLike,
    y_pred: TensorLike,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """Binary crossentropy, weighted by `(1 - p)^gamma` with `p` the predicted probability of the label.

    So well predicted labels count less than others.

    Args:
        y_true: 0 and 1, (..., outputs).
        y_pred: probabilities, or logits with `from_logits`, of the same shape.
        apply_class_balancing: whether labels 1 are weighted by `alpha`, and labels 0 by `1 - alpha`.
        alpha: the weight of labels 1.
        gamma: the focusing exponent: with larger values, well predicted labels count less; with 0, as much as others.
        from_logits: whether `y_pred` are logits, to which no sigmoid has been applied.
        label_smoothing: moves labels this far from 0 and 1 towards 0.5, from 0 to 1.
        axis: the axis that the mean is taken over.

    Source: Lin et al., "Focal loss for dense object detection", 2017.

    >>> ef.losses.binary_focal_crossentropy([[1], [1]], [[0.5], [0.99]]).round(4)
    Tensor(2 float32, [0.1733, 0.    ])
    >>> ef.losses.binary_crossentropy([[1], [1]], [[0.5], [0.99]]).round(4)
    Tensor(2 float32, [0.6931, 0.0101])
    """
    y_true, y_pred = same_shape("binary_focal_crossentropy", y_true, y_pred)
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + 0.5 * label_smoothing
    if from_logits:
        y_pred = ops.sigmoid(y_pred)
    right = y_true * y_pred + (1.0 - y_true) * (1.0 - y_pred)
    losses = ops.power(1.0 - right, gamma) * ops.binary_crossentropy(y_true, y_pred)
    if apply_class_balancing:
        losses = (y_true * alpha + (1.0 - y_true) * (1.0 - alpha)) * losses
    return losses.mean(axis=axis)


@LOSSES.add()
@composite
def categorical_focal_crossentropy(
    y_true: TensorLike,
    y_pred: TensorLike,
    alpha: TensorLike = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """Categorical crossentropy, weighted by `alpha * (1 - p)^gamma` with `p` the predicted probability of the label.

    So well predicted labels count less than others.

    Args:
        y_true: one-hot labels, (..., classes).
        y_pred: probabilities, or logits with `from_logits`, of the same shape.
        alpha: the weight of all classes, or a list with one per class.
        gamma: the focusing exponent: with larger values, well predicted labels count less; with 0, as much as others.
        from_logits: whether `y_pred` are logits, to which no softmax has been applied.
        label_smoothing: this fraction of each label is spread evenly over all classes, from 0 to 1.
        axis: the axis of the classes.

    Source: Lin et al., "Focal loss for dense object detection", 2017.

    >>> ef.losses.categorical_focal_crossentropy([[1, 0], [1, 0]], [[0.5, 0.5], [0.99, 0.01]], alpha=1.0).round(4)
    Tensor(2 float32, [0.1733, 0.    ])
    """
    y_true, y_pred = same_shape("categorical_focal_crossentropy", y_true, y_pred)
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + label_smoothing / y_pred.shape[axis]
    y_pred = ops.softmax(y_pred, axis=axis) if from_logits else y_pred / y_pred.sum(axis=axis, keepdims=True)
    y_pred = ops.clip(y_pred, epsilon(), 1.0 - epsilon())
    losses = -(y_true * ops.log(y_pred)) * ops.power(1.0 - y_pred, gamma) * alpha
    return losses.sum(axis=axis)


@LOSSES.add()
@composite
def categorical_generalized_cross_entropy(y_true: TensorLike, y_pred: TensorLike, q: float) -> Tensor:
    """`(1 - p^q) / q` with `p` the predicted probability of the label; wrong labels matter less than in crossentropy.

    Args:
        y_true: class numbers, (...).
        y_pred: probabilities, (..., classes).
        q: from 0 (crossentropy) to 1 (absolute error).

    Source: Zhang and Sabuncu, "Generalized cross entropy loss", 2018.

    >>> ef.losses.categorical_generalized_cross_entropy([0], [[0.25, 0.75]], q=1.0).tolist()
    [0.75]
    >>> ef.losses.categorical_generalized_cross_entropy([0], [[0.25, 0.75]], q=0.5).tolist()
    [1.0]
    """
    y_true, y_pred = convert_to_tensor(y_true), convert_to_tensor(y_pred)
    labels = ops.one_hot(y_true.astype("int32"), y_pred.shape[-1])
    _, y_pred = as_pair(labels, y_pred)
    picked = ops.maximum(ops.minimum((labels * y_pred).sum(axis=-1), 1.0 - epsilon()), epsilon())
    return (1.0 - ops.power(picked, q)) / q


class _Smoothed(FunctionLoss):
    """The settings that crossentropies share."""

    def _set(self, **settings: Any) -> None:
        smoothing = settings.get("label_smoothing", 0.0)
        if not 0 <= smoothing <= 1:
            raise ValueError(f"{type(self).__name__}(label_smoothing={smoothing!r}): expected a number from 0 to 1.")
        self.settings = settings


@LOSSES.add()
class BinaryCrossentropy(_Smoothed):
    """Crossentropy of binary labels (0 or 1); see `binary_crossentropy`.

    Args:
        from_logits: whether predictions are logits, that is, scores to which no sigmoid has been applied.
        label_smoothing: moves labels this far towards 0.5, from 0 to 1.
        axis: the axis that the mean is taken over.
        reduction: see `Loss`.
        name: see `Loss`.
        dtype: see `Loss`.

    >>> ef.losses.BinaryCrossentropy()([[1], [0]], [[0.5], [0.25]]).round(4)
    Tensor(float32, 0.4904)
    >>> ef.losses.BinaryCrossentropy(from_logits=True)([[1]], [[0.0]]).round(4)
    Tensor(float32, 0.6931)
    """

    fn = staticmethod(binary_crossentropy)

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = "binary_crossentropy",
        dtype: DType = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self._set(from_logits=from_logits, label_smoothing=label_smoothing, axis=axis)


@LOSSES.add()
class CategoricalCrossentropy(_Smoothed):
    """Crossentropy of one-hot labels; see `categorical_crossentropy`.

    Args:
        from_logits: whether predictions are logits, that is, scores to which no softmax has been applied.
        label_smoothing: this fraction of each label is spread evenly over all classes, from 0 to 1.
        axis: the axis of the classes.
        reduction: see `Loss`.
        name: see `Loss`.
        dtype: see `Loss`.

    >>> loss = ef.losses.CategoricalCrossentropy()
    >>> loss([[0, 1], [1, 0]], [[0.5, 0.5], [0.75, 0.25]]).round(4)
    Tensor(float32, 0.4904)
    >>> ef.losses.CategoricalCrossentropy(from_logits=True)([[0, 1]], [[0.0, 0.0]]).round(4)
    Tensor(float32, 0.6931)
    """

    fn = staticmethod(categorical_crossentropy)

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = "categorical_crossentropy",
        dtype: DType = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self._set(from_logits=from_logits, label_smoothing=label_smoothing, axis=axis)


@LOSSES.add()
class SparseCategoricalCrossentropy(FunctionLoss):
    """Crossentropy of integer labels (class numbers); see `sparse_categorical_crossentropy`.

    Args:
        from_logits: whether predictions are logits, that is, scores to which no softmax has been applied.
        ignore_class: labels with this number are left out.
        reduction: see `Loss`.
        axis: the axis of the classes.
        name: see `Loss`.
        dtype: see `Loss`.

    >>> loss = ef.losses.SparseCategoricalCrossentropy(from_logits=True)
    >>> loss([1, 0], [[0.0, 0.0], [100.0, 0.0]]).round(4)
    Tensor(float32, 0.3466)
    >>> loss = ef.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1)
    >>> loss([1, -1], [[0.0, 0.0], [0.0, 0.0]]).round(4)
    Tensor(float32, 0.6931)
    """

    fn = staticmethod(sparse_categorical_crossentropy)

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: Reduction | None = "sum_over_batch_size",
        axis: int = -1,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: DType = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.settings = {"from_logits": from_logits, "ignore_class": ignore_class, "axis": axis}

    def call(self, y_true: TensorLike, y_pred: TensorLike) -> Tensor:
        return sparse_categorical_crossentropy(y_true, y_pred, **self.settings)


@LOSSES.add()
class BinaryFocalCrossentropy(_Smoothed):
    """Binary crossentropy in which well predicted labels count less; see `binary_focal_crossentropy`.

    Args:
        apply_class_balancing: whether labels 1 are weighted by `alpha`, and labels 0 by `1 - alpha`.
        alpha: the weight of labels 1.
        gamma: the focusing exponent: with larger values, well predicted labels count less; with 0, as much as others.
        from_logits: whether predictions are logits, that is, scores to which no sigmoid has been applied.
        label_smoothing: moves labels this far towards 0.5, from 0 to 1.
        axis: the axis that the mean is taken over.
        reduction: see `Loss`.
        name: see `Loss`.
        dtype: see `Loss`.

    >>> ef.losses.BinaryFocalCrossentropy(gamma=2.0)([[1]], [[0.5]]).round(4)
    Tensor(float32, 0.1733)
    >>> ef.losses.BinaryCrossentropy()([[1]], [[0.5]]).round(4)
    Tensor(float32, 0.6931)
    """

    fn = staticmethod(binary_focal_crossentropy)

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = "binary_focal_crossentropy",
        dtype: DType = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self._set(
            apply_class_balancing=apply_class_balancing,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


@LOSSES.add()
class CategoricalFocalCrossentropy(_Smoothed):
    """Categorical crossentropy in which well predicted labels count less; see `categorical_focal_crossentropy`.

    Args:
        alpha: the weight of all classes, or a list with one per class.
        gamma: the focusing exponent: with larger values, well predicted labels count less; with 0, as much as others.
        from_logits: whether predictions are logits, that is, scores to which no softmax has been applied.
        label_smoothing: this fraction of each label is spread evenly over all classes, from 0 to 1.
        axis: the axis of the classes.
        reduction: see `Loss`.
        name: see `Loss`.
        dtype: see `Loss`.

    >>> loss = ef.losses.CategoricalFocalCrossentropy(alpha=1.0, reduction=None)
    >>> loss([[1, 0], [1, 0]], [[0.5, 0.5], [0.99, 0.01]]).round(4)
    Tensor(2 float32, [0.1733, 0.    ])
    """

    fn = staticmethod(categorical_focal_crossentropy)

    def __init__(
        self,
        alpha: TensorLike = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = "categorical_focal_crossentropy",
        dtype: DType = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self._set(alpha=alpha, gamma=gamma, from_logits=from_logits, label_smoothing=label_smoothing, axis=axis)


@LOSSES.add()
class CategoricalGeneralizedCrossEntropy(FunctionLoss):
    """A loss between crossentropy and absolute error, which noisy labels affect less than crossentropy.

    See `categorical_generalized_cross_entropy`.

    Args:
        q: from above 0 (nearly crossentropy) to 1 (absolute error).
        reduction: see `Loss`.
        name: see `Loss`.
        dtype: see `Loss`.

    >>> float(ef.losses.CategoricalGeneralizedCrossEntropy(q=0.5)([0], [[0.25, 0.75]]))
    1.0
    """

    fn = staticmethod(categorical_generalized_cross_entropy)

    def __init__(
        self,
        q: float = 0.5,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = "categorical_generalized_cross_entropy",
        dtype: DType = None,
    ) -> None:
        if not 0 < q <= 1:
            raise ValueError(f"CategoricalGeneralizedCrossEntropy(q={q!r}): expected a number above 0, up to 1.")
        super().__init__(reduction, name, dtype)
        self.settings = {"q": q}

    def call(self, y_true: TensorLike, y_pred: TensorLike) -> Tensor:
        return categorical_generalized_cross_entropy(y_true, y_pred, **self.settings)
