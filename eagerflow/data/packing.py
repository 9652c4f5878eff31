"""Batches as users write them: `x`, `(x, y)` or `(x, y, sample_weight)`."""

from __future__ import annotations

from typing import Any

from eagerflow.base.typing import Batch

__all__ = ["pack_x_y_sample_weight", "unpack_x_y_sample_weight"]


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """Unpacks a batch into `x, y, sample_weight`, with None for missing parts.

    Args:
        data: the argument of `train_step`: a tuple of up to three parts, or `x` alone.

    Raises:
        ValueError: for a tuple of more than three parts.

    >>> ef.data.unpack_x_y_sample_weight((1, 2))
    (1, 2, None)
    """
    if not isinstance(data, tuple):
        return data, None, None
    if len(data) == 2:
        return data[0], data[1], None
    if len(data) == 3:
        return data
    if len(data) == 1:
        return data[0], None, None
    raise ValueError(
        f"a batch must be x, (x, y) or (x, y, sample_weight); got a tuple of {len(data)} parts. "
        "Several inputs go into a list or dict: ([x1, x2], y)."
    )


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Batch:
    """Pack `x`, `y` and `sample_weight` into one batch, without those that are None.

    Args:
        x: the inputs.
        y: the targets, or None.
        sample_weight: a weight for each sample, or None.

    >>> ef.data.pack_x_y_sample_weight(1, 2)
    (1, 2)
    """
    if sample_weight is not None:
        return x, y, sample_weight
    if y is not None:
        return x, y
    return (x,) if isinstance(x, (tuple, list)) else x
