"""Losses of a batch that is shared among ranks: numerators of a rank's own rows over denominators of all.

The loss of all ranks is the sum of `weight * loss` over them, where a rank's weight is its part of the rows. A plain
mean over own rows is right as it is. What is divided by something else, the number of values that aren't masked or the
sum of sample weights, is divided by that of all ranks, and by this rank's weight.
"""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow import ops
from eagerflow.base.typing import Reduction
from eagerflow.core.op import composite
from eagerflow.core.strategy import active
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.losses.matching import safe_divide

__all__ = ["mean_of_all", "over_rows", "placed_rows", "reduced_over_all", "sum_over", "totals"]


def totals(shard: Any, *counts: Any) -> list[float]:
    """The sums of a few numbers over all ranks, of which one without rows counts nothing."""
    found = numpy.array([float(c) for c in counts]) * (shard.own > 0)
    shard.all_reduce(found)
    return [float(n) for n in found]


def mean_of_all(shard: Any, values: Tensor, name: str = "loss") -> Tensor:
    """This rank's part of the mean of all ranks' values.

    Args:
        shard: of the running step.
        values: those of this rank.
        name: for the message.

    Raises:
        ValueError: on all ranks, when none has a value.
    """
    (counts,) = totals(shard, values.size)
    if not counts:
        raise ValueError(f"{name}: there are no samples on any rank to compute a loss of.")
    return _part(shard, values, values.size / counts)


def _part(shard: Any, values: Tensor, factor: float) -> Tensor:
    """Their mean times a factor, in a loss that will be multiplied by the rank's weight: halves can't hold sums."""
    if not values.size:
        return values.sum()  # 0, as of a rank none of whose rows was chosen
    return values.mean() * (factor / shard.weight if shard.own else 0.0)


def reduced_over_all(
    shard: Any,
    values: Tensor,
    weights: Tensor | None,
    counted: tuple[int, Any] | None,
    reduction: Reduction,
    even: bool,
    name: str = "loss",
) -> Tensor:
    """What `reduced` gives, for the rows of one rank.

    Args:
        shard: of the running step.
        values: the loss of each value.
        weights: of the values, broadcastable to them; None for none.
        counted: of a mask by which a mean is to be corrected: how many entries it has, and how many of them count.
        reduction: as of a loss.
        even: whether every row is certain to have the same number of values on all ranks.
        name: for messages.
    """
    weighted = values if weights is None else values * weights
    if reduction == "sum":
        return _part(shard, weighted, weighted.size)
    if reduction == "mean_with_sample_weight" and weights is not None:
        own = ops.broadcast_to(weights, weighted.shape).sum() * float(shard.own > 0)
        # The sum may be differentiated, and so may the weights.
        return safe_divide(_part(shard, weighted, weighted.size), shard.all_sum(own))
    if counted is None:
        return weighted.mean() if even else mean_of_all(shard, weighted, name)
    sizes, entries, kept = totals(shard, weighted.size, *counted)
    # In float32, as one process computes it.
    scale = float(numpy.float32(entries) / numpy.float32(kept)) if kept else 0.0
    return _part(shard, weighted, weighted.size * scale / sizes)


@composite
def placed_rows(x: Any) -> Tensor:
    """The rows of all ranks, of which each has its own, as one tensor on all of them."""
    tensor, shard = convert_to_tensor(x), active.shard
    if shard is None:
        return tensor
    each = tensor.shape[0] // max(1, shard.own)
    own = tensor if shard.own else tensor[:0]
    around = [(shard.start * each, (shard.rows - shard.stop) * each), *[(0, 0)] * (tensor.ndim - 1)]
    return shard.all_sum(ops.pad(own, around))


def sum_over(x: Tensor, axis: Any, keepdims: bool = False) -> Tensor:
    """The sum over axes; where the axis of the rows is one of them, over the rows of all ranks."""
    shard, found = active.shard, x.sum(axis=axis, keepdims=keepdims)
    if shard is None:
        return found
    if not over_rows(axis, x.ndim):
        return found
    return shard.all_sum(found if shard.own else found * 0.0)


def over_rows(axis: Any, rank: int) -> bool:
    """Whether the axis of the rows is among these: a number, several, or None for all."""
    axes = range(rank) if axis is None else [axis] if isinstance(axis, int) else axis
    return 0 in [a % rank for a in axes] if rank else False
