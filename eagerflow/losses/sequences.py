"""Losses over whole batches and sequences: circle loss of embeddings, connectionist temporal classification."""

from __future__ import annotations

import math

from eagerflow import ops
from eagerflow.base.errors import signature_of
from eagerflow.base.typing import DType, Reduction, TensorLike
from eagerflow.core.op import composite
from eagerflow.core.strategy import active
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.losses.base import FunctionLoss
from eagerflow.losses.matching import put_mask
from eagerflow.losses.shared import placed_rows
from eagerflow.losses.table import LOSSES

__all__ = ["CTC", "Circle", "circle", "ctc"]


@LOSSES.add()
@composite
def circle(
    y_true: TensorLike,
    y_pred: TensorLike,
    ref_labels: TensorLike = None,
    ref_embeddings: TensorLike = None,
    remove_diagonal: bool = True,
    gamma: float = 80,
    margin: float = 0.4,
) -> Tensor:
    """Circle loss, which moves embeddings of equal labels together and those of different labels apart.

    Args:
        y_true: labels, (batch,) or (batch, 1).
        y_pred: normalized embeddings, (batch, dimensions).
        ref_labels: the labels of the embeddings to compare with; default: `y_true`.
        ref_embeddings: the embeddings to compare with; default: `y_pred`.
        remove_diagonal: whether to leave out pairs of an embedding and itself.
        gamma: the scale of the similarities.
        margin: how strictly similarities are to be near 1 for pairs of equal labels, and near 0 for others.

    Returns:
        One number per sample; those with a loss of 0 are masked.

    Source: Sun et al., "Circle loss: a unified perspective of pair similarity optimization", 2020.

    >>> embeddings = [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]
    >>> ef.losses.circle([0, 0, 1, 1], embeddings).round(2)
    Tensor(4 float32, [0., 0., 0., 0.])
    >>> ef.losses.circle([0, 1, 0, 1], embeddings).round(2)
    Tensor(4 float32, [134.4, 134.4, 134.4, 134.4])
    """
    y_pred, y_true = convert_to_tensor(y_pred), convert_to_tensor(y_true)
    others = placed_rows(y_pred) if ref_embeddings is None else convert_to_tensor(ref_embeddings)
    labels = placed_rows(y_true) if ref_labels is None else convert_to_tensor(ref_labels)
    distance = ops.relu(1.0 - ops.matmul(y_pred, ops.transpose(others)))
    same = ops.equal(y_true.reshape((-1, 1)), labels.reshape((1, -1)))
    different = ops.logical_not(same)
    if remove_diagonal:
        first = 0 if active.shard is None else active.shard.start  # of these rows among all
        itself = ops.eye(same.shape[0], same.shape[1], k=first, dtype="bool")
        same = ops.logical_and(same, ops.logical_not(itself))
    near = ops.relu(margin + distance) * (distance - margin) * gamma
    far = ops.relu(1 + margin - distance) * (1 - margin - distance) * gamma
    total = _log_total(near, same) + _log_total(far, different)
    losses = ops.softplus(total)
    return put_mask(losses, ops.greater(losses, 0))


def _log_total(scores: Tensor, counted: Tensor) -> Tensor:
    """`log(sum(exp(scores)))` of each row, over what counts; minus infinity for none."""
    return ops.logsumexp(ops.where(counted, scores, -math.inf), axis=1)


@LOSSES.add()
@composite
def ctc(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """Connectionist temporal classification (CTC): the loss of label sequences whose positions in time aren't known.

    Args:
        y_true: class numbers from 1, (batch, labels); 0 is the blank, and pads shorter sequences.
        y_pred: logits, (batch, time, classes).

    Raises:
        ValueError: for other shapes.

    Source: Graves et al., "Connectionist temporal classification", 2006.

    >>> ef.ops.exp(-ef.losses.ctc([[1]], ef.ops.zeros((1, 2, 2)))).round(4)
    Tensor(1 float32, [0.75])
    """
    y_true, y_pred = convert_to_tensor(y_true), convert_to_tensor(y_pred)
    if y_true.ndim != 2 or y_pred.ndim != 3:
        raise ValueError(
            "ctc: expected y_true (batch, labels) and y_pred (batch, time, classes); "
            f"got {signature_of(y_true)} and {signature_of(y_pred)}."
        )
    labels = ops.count_nonzero(y_true, axis=-1).astype("int32")
    times = ops.full((y_pred.shape[0],), y_pred.shape[1], "int32")
    return ops.ctc_loss(y_true.astype("int32"), y_pred, labels, times, mask_index=0)


@LOSSES.add()
class Circle(FunctionLoss):
    """Circle loss for learning embeddings; see `circle`.

    Args:
        gamma: the scale of the similarities.
        margin: how strictly similarities are to be near 1 for pairs of equal labels, and near 0 for others.
        remove_diagonal: whether to leave out pairs of an embedding and itself.
        reduction: see `Loss`.
        name: see `Loss`.
        dtype: see `Loss`.

    >>> embeddings = [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]
    >>> loss = ef.losses.Circle(gamma=1.0)
    >>> float(loss([0, 0, 1, 1], embeddings)) < float(loss([0, 1, 0, 1], embeddings))
    True
    """

    fn = staticmethod(circle)

    def __init__(
        self,
        gamma: float = 80.0,
        margin: float = 0.4,
        remove_diagonal: bool = True,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = "circle",
        dtype: DType = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.settings = {"gamma": gamma, "margin": margin, "remove_diagonal": remove_diagonal}

    def call(self, y_true: TensorLike, y_pred: TensorLike) -> Tensor:
        return circle(y_true, y_pred, **self.settings)


@LOSSES.add()
class CTC(FunctionLoss):
    """Connectionist temporal classification: the loss of label sequences without known positions in time; see `ctc`.

    Args:
        reduction: see `Loss`.
        name: see `Loss`.
        dtype: see `Loss`.

    >>> loss = ef.losses.CTC()
    >>> float(ef.ops.exp(-loss([[1]], ef.ops.zeros((1, 2, 2)))).round(4))
    0.75
    """

    fn = staticmethod(ctc)

    def call(self, y_true: TensorLike, y_pred: TensorLike) -> Tensor:
        return ctc(y_true, y_pred)
