"""`SeedGenerator`, and what a `seed` argument may be."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy

from eagerflow.base.capturing import replayed
from eagerflow.base.config_from_init import Configured
from eagerflow.base.serialization import Table
from eagerflow.base.typing import Seed
from eagerflow.core import observe, random as core_random
from eagerflow.core.device import device
from eagerflow.core.strategy import active
from eagerflow.core.tensor import Tensor
from eagerflow.core.variable import Variable
from eagerflow.random.sharded_draws import own_stream

__all__ = ["SeedGenerator", "announced", "draw", "drawn"]

P = ParamSpec("P")
R = TypeVar("R")

table = Table("seed generator", "keras.random")
_numbers = itertools.count()


class _Began(threading.local):
    """When this thread began to draw; known only while somebody observes."""

    at = 0


_began = _Began()


@table.add()
class SeedGenerator(Configured):
    """A source of seeds for random functions that changes with every draw, so that each call returns other numbers.

    Args:
        seed: an integer, or None for one that `set_random_seed` decides.
        name: the name in configurations; default: a numbered one.

    Attributes:
        state: a non-trainable `Variable` of two uint32: the seed, and the number of draws so far. It stays in CPU
            memory, where numbers are drawn.

    Raises:
        ValueError: when `seed` is no integer.

    >>> seeds = ef.random.SeedGenerator(seed=42)
    >>> seeds.next().tolist(), seeds.next().tolist()
    ([42, 0], [42, 1])
    """

    def __init__(self, seed: int | None = None, name: str | None = None, **kwargs: Any) -> None:
        kwargs.pop("backend", None)  # Keras' argument for other frameworks; there is one backend here
        if kwargs:
            raise ValueError(f"SeedGenerator: unknown arguments {sorted(kwargs)}; expected seed and name.")
        self._initial_seed = seed
        self.name = name or _next_name()
        chosen = core_random.default_seed() if seed is None else checked_seed(seed, "SeedGenerator")
        start = numpy.array([chosen % 2**32, 0], "uint32")
        with device("cpu"):
            self.state = Variable(start, trainable=False, autocast=False, name="seed_generator_state")

    def next(self, ordered: bool = True) -> numpy.ndarray:
        """The seed and the number of the next draw, as two uint32; the number then increases.

        Args:
            ordered: accepted for Keras' signature; draws always count up.

        >>> seeds = ef.random.SeedGenerator(seed=42)
        >>> seeds.next().tolist(), seeds.next().tolist()
        ([42, 0], [42, 1])
        """
        now = self.state.numpy()
        self.state.assign(now + numpy.array([0, 1], "uint32"))
        return now

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal generator.

        >>> ef.random.SeedGenerator(seed=42, name="seeds").get_config()
        {'seed': 42, 'name': 'seeds'}
        """
        return {"seed": self._initial_seed, "name": self.name}


def _next_name() -> str:
    number = next(_numbers)
    return f"seed_generator_{number}" if number else "seed_generator"


def checked_seed(seed: Seed, where: str) -> int:
    """`seed` as an int.

    Raises:
        ValueError: when it is none.
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, numpy.integer)):
        raise ValueError(f"{where}(seed={seed!r}): expected an integer, a SeedGenerator or None.")
    return int(seed)


def draw(seed: Seed, where: str, apart: bool = False) -> numpy.random.Generator:
    """The NumPy generator for one draw of `where` with the argument `seed`.

    An integer gives the same numbers at every call, a `SeedGenerator` others each time, and None draws
    from the process-wide state. Ranks that share a batch draw the same, unless their draws are to be kept `apart`.
    """
    if observe.state.on:
        _began.at = observe.clock()
    if seed is None:
        key = core_random.next_key()
    elif isinstance(seed, SeedGenerator):
        first, count = seed.next().tolist()
        key = (first, count)
    else:
        key = (checked_seed(seed, where), 0)
    if apart and active.shard is not None:
        key = (key[0] + (own_stream(where) << 42), key[1])
    return core_random.generator(key)


def announced(drawn: Any, seed: Seed, kind: str, **settings: Any) -> Any:
    """What was drawn, told to observers; not where the seed is an integer, which always gives the same numbers."""
    if observe.state.on and (seed is None or isinstance(seed, SeedGenerator)):
        observe.draw(kind, drawn.data if isinstance(drawn, Tensor) else drawn, settings, _began.at)
    return drawn


def drawn(function: Callable[P, R]) -> Callable[P, R]:
    """Let a captured step draw new numbers in each replay; not where the distribution depends on tensors."""
    again = replayed(function)

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        depends = any(isinstance(x, Tensor) for x in (*args, *kwargs.values()))
        return function(*args, **kwargs) if depends else again(*args, **kwargs)

    return call
