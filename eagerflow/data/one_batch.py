"""One batch of what the user hands in, as a step takes it."""

from __future__ import annotations

from typing import Any

from eagerflow.data.arrays import as_arrays, as_batch, check_lengths
from eagerflow.data.weights import class_weights, weigh

__all__ = ["one_batch"]


def one_batch(x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None) -> Any:
    """One batch of tensors.

    Args:
        x: arrays, alone or in lists and dicts.
        y: the same, or None.
        sample_weight: the same, or None.
        class_weight: a dict from class numbers to weights, or None.

    >>> one_batch([[1.0, 2.0]], [3.0])
    (Tensor(1×2 float32, [[1., 2.]]), Tensor(1 float32, [3.]), None)
    """
    x, y, sample_weight = (as_arrays(n, v) for n, v in (("x", x), ("y", y), ("sample_weight", sample_weight)))
    check_lengths(x=x, y=y, sample_weight=sample_weight)
    weights = class_weights(class_weight)
    if weights is not None:
        sample_weight = weigh(y, sample_weight, weights)
    return as_batch((x, y, sample_weight))
