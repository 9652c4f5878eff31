"""`tf.random`: numbers drawn at random."""

from __future__ import annotations

import os
from typing import Any

import numpy

from eagerflow import ops, random
from eagerflow.compat.arguments import renamed
from eagerflow.core.random import set_random_seed
from eagerflow.core.tensor import Tensor
from eagerflow.data.text import holds_text, text_tensor

__all__ = ["Generator", "categorical", "gamma", "get_global_generator", "normal", "set_random_seed", "set_seed"]
__all__ += ["shuffle", "stateless_normal", "stateless_uniform", "truncated_normal", "uniform"]

normal = renamed(random.normal, "shape mean stddev dtype seed", dtype="float32")
truncated_normal = renamed(random.truncated_normal, "shape mean stddev dtype seed", dtype="float32")
categorical = renamed(random.categorical, "logits num_samples dtype seed", dtype="int64")


def set_seed(seed: Any) -> None:
    """Sets the seed of everything that is random; a whole number may be a float here.

    >>> set_seed(1.0)
    """
    set_random_seed(int(seed) if isinstance(seed, float) and seed.is_integer() else seed)


def uniform(
    shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = "float32", seed: Any = None, name: str | None = None
) -> Tensor:
    """Numbers distributed evenly from `minval` to below `maxval`; integers when `dtype` is an integer type.

    Raises:
        ValueError: for integers without `maxval`.

    >>> draws = uniform((1000,), 2, 5, dtype="int32", seed=1)
    >>> sorted(set(draws.tolist()))
    [2, 3, 4]
    """
    if numpy.dtype(dtype).kind not in "iu":
        return random.uniform(shape, minval, 1.0 if maxval is None else maxval, dtype, seed)
    if maxval is None:
        raise ValueError(f"tf.random.uniform(dtype={dtype}): integers need maxval.")
    return random.randint(shape, minval, maxval, dtype, seed)


def gamma(
    shape: Any, alpha: Any, beta: Any = None, dtype: Any = "float32", seed: Any = None, name: str | None = None
) -> Tensor:
    """Gamma distributed numbers, of shape `shape` for every `alpha`; `beta` is the rate.

    >>> gamma((3,), [1.0, 2.0], seed=1).shape
    (3, 2)
    """
    alpha, beta = (ops.convert_to_tensor(alpha, dtype), 1.0 if beta is None else ops.convert_to_tensor(beta, dtype))
    wanted = (*numpy.ravel(ops.convert_to_numpy(shape)).tolist(), *(alpha / beta).shape)
    return random.gamma(wanted, ops.broadcast_to(alpha, wanted), dtype, seed) / beta


def stateless_normal(
    shape: Any,
    seed: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = "float32",
    name: str | None = None,
    **kwargs: Any,
) -> Tensor:
    """Normally distributed numbers, the same for the same seed of two numbers.

    >>> stateless_normal((3,), seed=(1, 2)).tolist() == stateless_normal((3,), seed=(1, 2)).tolist()
    True
    """
    return random.normal(shape, mean, stddev, dtype, _one_seed(seed))


def stateless_uniform(
    shape: Any,
    seed: Any,
    minval: Any = 0,
    maxval: Any = None,
    dtype: Any = "float32",
    name: str | None = None,
    **kwargs: Any,
) -> Tensor:
    """Numbers distributed evenly, the same for the same seed of two numbers.

    >>> stateless_uniform((3,), seed=(1, 2)).tolist() == stateless_uniform((3,), seed=(1, 2)).tolist()
    True
    """
    return uniform(shape, minval, maxval, dtype, _one_seed(seed))


def _one_seed(seed: Any) -> int:
    first, second = (int(n) % 2**32 for n in ops.convert_to_numpy(seed).reshape(-1))
    return int(numpy.random.SeedSequence([first, second]).generate_state(1)[0]) % 2**31


class Generator:
    """A source of random numbers with a seed of its own."""

    def __init__(self, seed: Any = None) -> None:
        self.seeds = random.SeedGenerator(None if seed is None else int(seed))

    @classmethod
    def from_seed(cls, seed: Any, alg: Any = None) -> Generator:
        """One with this seed."""
        return cls(seed)

    @classmethod
    def from_non_deterministic_state(cls, alg: Any = None) -> Generator:
        """One with a seed of the moment."""
        return cls(int.from_bytes(os.urandom(4), "little"))

    def normal(
        self, shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = "float32", name: Any = None
    ) -> Tensor:
        """Normally distributed numbers."""
        return random.normal(shape, mean, stddev, dtype, self.seeds)

    def uniform(
        self, shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = "float32", name: Any = None
    ) -> Tensor:
        """Numbers distributed evenly from `minval` to below `maxval`."""
        return uniform(shape, minval, maxval, dtype, self.seeds)

    def make_seeds(self, count: int = 1) -> Tensor:
        """Seeds for stateless functions: (2, count)."""
        return random.randint((2, count), 0, 2**31 - 1, "int32", self.seeds)

    def split(self, count: int = 1) -> list[Generator]:
        """Other sources, each with a seed drawn from this one."""
        return [Generator(int(seed)) for seed in self.make_seeds(count)[0]]


_global = Generator()


def get_global_generator() -> Generator:
    """The one that all share."""
    return _global


def shuffle(value: Any, seed: Any = None, name: str | None = None) -> Any:
    """The rows in random order.

    >>> sorted(shuffle([3, 1, 2], seed=1).tolist())
    [1, 2, 3]
    """
    if holds_text(value):
        words = text_tensor(value)
        return words[random.shuffle(numpy.arange(len(words)), 0, seed)]
    return random.shuffle(value, 0, seed)
