"""Group normalization with the channels last."""

from __future__ import annotations

import math
from typing import Any

from eagerflow.base.typing import Array, Needs, Numpy
from eagerflow.core.op import op
from eagerflow.ops.neural.normalization import moments

__all__ = ["group_norm"]


def _by_moments(x: Any, gamma: Any, beta: Any, groups: int, epsilon: float, **_: Any) -> Any:
    shape = x.shape
    split = x.reshape((shape[0], math.prod(shape[1:-1]), groups, shape[-1] // groups))
    mean, variance = moments(split, (1, 3), keepdims=True)
    out = ((split - mean) * (variance + epsilon) ** -0.5).reshape(shape)
    out = out if gamma is None else out * gamma
    return out if beta is None else out + beta


def _rule(g: Array, needs: Needs, x: Array, gamma: Array, groups: int, mean: Any, inverse: Any) -> tuple[Any, ...]:
    flat = (x.shape[0], math.prod(x.shape[1:-1]), x.shape[-1])
    split = (*flat[:2], groups, flat[2] // groups)
    normal = ((x.reshape(split) - mean) * inverse).reshape(x.shape)
    h = (g if gamma is None else g * gamma).reshape(split)
    slope = (h * normal.reshape(split)).mean(axis=(1, 3), keepdims=True)
    d_x = (h - h.mean(axis=(1, 3), keepdims=True) - normal.reshape(split) * slope) * inverse
    return d_x.reshape(x.shape), g * normal if needs[1] else None, g


@op(_rule, joint=True, reference=_by_moments, saves=("mean", "inverse"), arrays=("x", "gamma", "beta"))
def group_norm(
    xp: Numpy, x: Array, gamma: Array | None = None, beta: Array | None = None, groups: int = 1, epsilon: float = 1e-3
) -> Any:
    """Each sample's groups of channels with mean 0 and variance 1, times `gamma` plus `beta`.

    Args:
        x: (batch, ..., channels).
        gamma: (channels,) or None.
        beta: (channels,) or None.
        groups: how many groups; it divides the channels.
        epsilon: keeps the division finite.

    Source: Wu and He 2018, https://arxiv.org/abs/1803.08494.
    """
    flat = (x.shape[0], math.prod(x.shape[1:-1]), x.shape[-1])
    split = x.reshape((*flat[:2], groups, flat[2] // groups))
    mean = split.mean(axis=(1, 3), keepdims=True)
    away = split - mean
    positive = (away * away).mean(axis=(1, 3), keepdims=True) + epsilon
    inverse = xp.sqrt(positive) / positive  # NaN where squares are too large for the type, not a silent 0
    away *= inverse
    out = away.reshape(x.shape)
    out = out if gamma is None else out * gamma
    return (out if beta is None else out + beta), mean, inverse
