"""Hinge losses, and losses of overlapping sets."""

from __future__ import annotations

from eagerflow import ops
from eagerflow.base.config import epsilon
from eagerflow.base.typing import Axes, DType, Reduction, TensorLike
from eagerflow.core.op import composite
from eagerflow.core.tensor import Tensor
from eagerflow.losses.base import FunctionLoss, mean_of
from eagerflow.losses.matching import in_float32, same_shape
from eagerflow.losses.shared import sum_over
from eagerflow.losses.table import LOSSES

__all__ = ["CategoricalHinge", "Dice", "Hinge", "SquaredHinge", "Tversky", "categorical_hinge", "dice", "hinge"]
__all__ += ["squared_hinge", "tversky"]


def _hinge(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    y_true, y_pred = _signed("hinge", y_true, y_pred)
    return ops.relu(1.0 - y_true * y_pred)


@LOSSES.add()
@mean_of(_hinge)
@composite
def hinge(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """`mean(max(1 - y_true * y_pred, 0))` over the last axis; labels are -1 and 1 (0 and 1 become those).

    Args:
        y_true: labels, (..., outputs).
        y_pred: scores, of the same shape.

    Returns:
        A tensor of shape `(...)`: one number per sample.

    >>> ef.losses.hinge([[1.0, -1.0]], [[0.5, -2.0]]).tolist()
    [0.25]
    """
    return _hinge(y_true, y_pred).mean(axis=-1)


def _squared_hinge(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    y_true, y_pred = _signed("squared_hinge", y_true, y_pred)
    return ops.square(ops.relu(1.0 - y_true * y_pred))


@LOSSES.add()
@mean_of(_squared_hinge)
@composite
def squared_hinge(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """`mean(max(1 - y_true * y_pred, 0)²)` over the last axis; labels are -1 and 1 (0 and 1 become those).

    Args:
        y_true: labels, (..., outputs).
        y_pred: scores, of the same shape.

    Returns:
        A tensor of shape `(...)`: one number per sample.

    >>> ef.losses.squared_hinge([[1.0, -1.0]], [[0.5, -2.0]]).tolist()
    [0.125]
    """
    return _squared_hinge(y_true, y_pred).mean(axis=-1)


def _signed(name: str, y_true: TensorLike, y_pred: TensorLike) -> tuple[Tensor, Tensor]:
    y_true, y_pred = same_shape(name, y_true, y_pred, broadcasts=True)
    zero_or_one = ops.all(ops.logical_or(ops.equal(y_true, 0), ops.equal(y_true, 1)))
    return ops.where(zero_or_one, y_true * 2.0 - 1.0, y_true), y_pred


@LOSSES.add()
@composite
def categorical_hinge(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """`max(1 + largest score of the wrong classes - score of the right class, 0)`, for one-hot labels.

    Args:
        y_true: one-hot labels, (..., classes).
        y_pred: scores, of the same shape.

    Returns:
        A tensor of shape `(...)`: one number per sample.

    >>> ef.losses.categorical_hinge([[0, 1], [0, 1]], [[0.25, 0.75], [0.0, 2.0]]).tolist()
    [0.5, 0.0]
    """
    y_true, y_pred = same_shape("categorical_hinge", y_true, y_pred, broadcasts=True)
    right = (y_true * y_pred).sum(axis=-1)
    wrong = ops.max((1.0 - y_true) * y_pred, axis=-1)
    return ops.relu(wrong - right + 1.0)


@LOSSES.add()
@composite
@in_float32
def dice(y_true: TensorLike, y_pred: TensorLike, axis: Axes = None) -> Tensor:
    """Dice loss: `1 - 2 * sum(y_true * y_pred) / (sum(y_true) + sum(y_pred))`, one minus the overlap of two sets.

    Args:
        y_true: for each element (such as a pixel), 1 if it belongs to the set, else 0.
        y_pred: the predicted probabilities of belonging to it, of the same shape.
        axis: the axes of the elements of a set; default: all.

    >>> ef.losses.dice([1.0, 0.0], [1.0, 1.0]).round(4)
    Tensor(float32, 0.3333)
    """
    y_true, y_pred = same_shape("dice", y_true, y_pred, broadcasts=True)
    overlap = sum_over(y_true * y_pred, axis)
    sizes = sum_over(y_true, axis) + sum_over(y_pred, axis) + epsilon()
    return 1.0 - ops.divide(overlap * 2.0, sizes)


@LOSSES.add()
@composite
@in_float32
def tversky(y_true: TensorLike, y_pred: TensorLike, alpha: float = 0.5, beta: float = 0.5, axis: Axes = None) -> Tensor:
    """Tversky loss: like `dice`, with separate weights for false negatives and false positives.

    Args:
        y_true: for each element (such as a pixel), 1 if it belongs to the set, else 0.
        y_pred: the predicted probabilities of belonging to it, of the same shape.
        alpha: the weight of false negatives, which the prediction misses. (Keras computes the same, but its
            documentation has `alpha` and `beta` the other way round.)
        beta: the weight of false positives, which the prediction adds wrongly.
        axis: the axes of the elements of a set; default: all.

    Source: Salehi et al., "Tversky loss function for image segmentation", 2017.

    >>> ef.losses.tversky([1.0, 1.0], [1.0, 0.0], alpha=0.0, beta=1.0).round(4)
    Tensor(float32, 0.)
    >>> ef.losses.tversky([1.0, 1.0], [1.0, 0.0], alpha=1.0, beta=0.0).round(4)
    Tensor(float32, 0.5)
    """
    y_true, y_pred = same_shape("tversky", y_true, y_pred, broadcasts=True)
    overlap = sum_over(y_true * y_pred, axis)
    missing = sum_over(y_true * (1.0 - y_pred), axis)
    too_much = sum_over((1.0 - y_true) * y_pred, axis)
    return 1.0 - ops.divide(overlap, overlap + missing * alpha + too_much * beta + epsilon())


@LOSSES.add()
class Hinge(FunctionLoss):
    """Hinge loss, for labels -1 and 1; see `hinge`.

    Args:
        reduction: see `Loss`.
        name: see `Loss`.
        dtype: see `Loss`.

    >>> float(ef.losses.Hinge()([[1], [-1]], [[0.5], [-2.0]]))
    0.25
    """

    fn = staticmethod(hinge)


@LOSSES.add()
class SquaredHinge(FunctionLoss):
    """Squared hinge loss, for labels -1 and 1; see `squared_hinge`.

    Args:
        reduction: see `Loss`.
        name: see `Loss`.
        dtype: see `Loss`.

    >>> float(ef.losses.SquaredHinge()([[1], [-1]], [[0.5], [-2.0]]))
    0.125
    """

    fn = staticmethod(squared_hinge)


@LOSSES.add()
class CategoricalHinge(FunctionLoss):
    """Hinge loss of one-hot labels: demands a margin between the right class and the others; see `categorical_hinge`.

    Args:
        reduction: see `Loss`.
        name: see `Loss`.
        dtype: see `Loss`.

    >>> float(ef.losses.CategoricalHinge()([[0, 1], [0, 1]], [[0.25, 0.75], [0.0, 2.0]]))
    0.25
    """

    fn = staticmethod(categorical_hinge)


@LOSSES.add()
class Dice(FunctionLoss):
    """Dice loss, for segmentation: one minus the relative overlap of two sets; see `dice`.

    Args:
        reduction: see `Loss`.
        name: see `Loss`.
        axis: the axes of the elements of a set; default: all.
        dtype: see `Loss`.

    >>> ef.losses.Dice()([[1.0, 0.0]], [[1.0, 1.0]]).round(4)
    Tensor(float32, 0.3333)
    """

    fn = staticmethod(dice)

    def __init__(
        self,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = "dice",
        axis: Axes = None,
        dtype: DType = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.settings = {"axis": axis}


@LOSSES.add()
class Tversky(FunctionLoss):
    """Tversky loss: like `Dice`, with separate weights for false negatives and false positives; see `tversky`.

    Args:
        alpha: the weight of false negatives, which the prediction misses.
        beta: the weight of false positives, which the prediction adds wrongly.
        reduction: see `Loss`.
        name: see `Loss`.
        axis: the axes of the elements of a set; default: all.
        dtype: see `Loss`.

    >>> ef.losses.Tversky(alpha=0.0, beta=1.0)([[1.0, 1.0]], [[1.0, 0.0]]).round(4)
    Tensor(float32, 0.)
    """

    fn = staticmethod(tversky)

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = "tversky",
        axis: Axes = None,
        dtype: DType = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.settings = {"alpha": alpha, "beta": beta, "axis": axis}
