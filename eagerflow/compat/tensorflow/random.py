"""`tf.random`: numbers drawn at random."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow import random
from eagerflow.core.random import set_random_seed
from eagerflow.core.tensor import Tensor

__all__ = [
    "categorical", "gamma", "normal", "set_random_seed", "set_seed", "shuffle", "truncated_normal", "uniform",
]  # fmt: skip

set_seed = set_random_seed


def normal(
    shape: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = "float32",
    seed: Any = None,
    name: str | None = None,
) -> Tensor:
    """Normally distributed numbers."""
    return random.normal(shape, mean, stddev, dtype, seed)


def truncated_normal(
    shape: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = "float32",
    seed: Any = None,
    name: str | None = None,
) -> Tensor:
    """Normally distributed numbers within two standard deviations."""
    return random.truncated_normal(shape, mean, stddev, dtype, seed)


def uniform(
    shape: Any,
    minval: Any = 0,
    maxval: Any = None,
    dtype: Any = "float32",
    seed: Any = None,
    name: str | None = None,
) -> Tensor:
    """Numbers distributed evenly from `minval` to below `maxval`; integers when `dtype` is an integer type.

    Raises:
        ValueError: for integers without `maxval`.
    """
    if numpy.dtype(dtype).kind not in "iu":
        return random.uniform(shape, minval, 1.0 if maxval is None else maxval, dtype, seed)
    if maxval is None:
        raise ValueError(f"tf.random.uniform(dtype={dtype}): integers need maxval.")
    return random.randint(shape, minval, maxval, dtype, seed)


def gamma(
    shape: Any,
    alpha: Any,
    beta: Any = None,
    dtype: Any = "float32",
    seed: Any = None,
    name: str | None = None,
) -> Tensor:
    """Gamma distributed numbers; `beta` is the rate."""
    drawn = random.gamma(shape, alpha, dtype, seed)
    return drawn if beta is None else drawn / beta


def shuffle(value: Any, seed: Any = None, name: str | None = None) -> Tensor:
    """The rows in random order."""
    return random.shuffle(value, 0, seed)


def categorical(
    logits: Any, num_samples: int, dtype: Any = "int64", seed: Any = None, name: str | None = None
) -> Tensor:
    """Class numbers, drawn with the probabilities that softmax makes of the logits."""
    return random.categorical(logits, num_samples, dtype or "int64", seed)
