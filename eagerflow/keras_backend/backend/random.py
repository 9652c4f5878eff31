"""Keras' `backend.random`: draws of eagerflow, seeded by Keras' generators."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from weakref import WeakKeyDictionary, ref

import numpy
from keras.src.random.seed_generator import SeedGenerator, draw_seed, make_default_seed

import eagerflow as ef
from eagerflow.keras_backend.backend.adapting import tensor_of

__all__ = ["SeedGenerator", "draw_seed", "make_default_seed"]


class _Seeds(ef.random.SeedGenerator):
    """Keras' seed, as eagerflow's functions ask for one; captured steps ask in each replay.

    Args:
        generator: refers to a generator of Keras; None for its global one.
    """

    def __init__(self, generator: ref[Any] | None) -> None:
        self.generator = generator

    def next(self, ordered: bool = True) -> numpy.ndarray:
        return numpy.array(draw_seed(self.generator and self.generator()), "uint32")


_GLOBAL = _Seeds(None)
_seeds: WeakKeyDictionary[Any, _Seeds] = WeakKeyDictionary()  # of each generator: captured steps compare by identity


def _seeds_of(seed: Any) -> Any:
    if isinstance(seed, SeedGenerator):
        return _seeds.setdefault(seed, _Seeds(ref(seed)))
    return _GLOBAL if seed is None else seed


def _seeded(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def call(*args: Any, seed: Any = None, **kwargs: Any) -> Any:
        return function(*map(tensor_of, args), seed=_seeds_of(seed), **kwargs)

    return call


def _functions() -> dict[str, Callable[..., Any]]:
    names = "beta binomial categorical dropout gamma normal randint shuffle truncated_normal uniform".split()
    return {name: _seeded(getattr(ef.random, name)) for name in names}


globals().update(_functions())
