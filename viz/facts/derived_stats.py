"""Numbers that follow from a tensor's statistics."""

from __future__ import annotations

import math

from viz.facts.schema import TensorInfo

__all__ = ["is_measured", "norm", "zero_share"]


def is_measured(tensor: TensorInfo) -> bool:
    """Is more known of a tensor's elements than their L2 norm, which is all that is taken of updated weights?"""
    stats = tensor.stats
    return stats is not None and (stats.l2 is None or stats.min is not None or bool(stats.nan or stats.inf))


def norm(tensor: TensorInfo) -> float | None:
    """The L2 norm of a tensor's finite elements; None where it wasn't measured."""
    stats = tensor.stats
    if stats is None:
        return None
    if stats.l2 is not None:
        return stats.l2
    if stats.mean is None or stats.std is None:
        return None
    return math.hypot(stats.mean, stats.std) * math.sqrt(math.prod(tensor.shape) - stats.nan - stats.inf)


def zero_share(tensor: TensorInfo) -> float | None:
    """Which share of a tensor's elements is zero; None where it wasn't measured."""
    size = math.prod(tensor.shape)
    if tensor.stats is None or tensor.stats.zeros is None or not size:
        return None
    return tensor.stats.zeros / size
