"""`cupy.random`: NumPy's generators with the methods and arguments that CuPy's have."""

from __future__ import annotations

import numpy

from tests.stand_in.array import copies, ndarray, unwrap, wrap
from tests.stand_in.calls import binder
from tests.stand_in.graphs import refuse_library

GENERATOR = {
    "beta": "a, b, size=None, dtype=float",
    "binomial": "n, p, size=None",
    "exponential": "scale=1.0, size=None",
    "gamma": "shape, scale=1.0, size=None",
    "integers": "low, high=None, size=None, dtype=int, endpoint=False",
    "poisson": "lam=1.0, size=None",
    "random": "size=None, dtype=float, out=None",
    "standard_exponential": "size=None, dtype=float, method='inv', out=None",
    "standard_gamma": "shape, size=None, dtype=float, out=None",
    "standard_normal": "size=None, dtype=float, out=None",
    "uniform": "low=0.0, high=1.0, size=None, dtype=float",
}
FUNCTIONS = {
    "beta": "a, b, size=None, dtype=float",
    "binomial": "n, p, size=None, dtype=int",
    "choice": "a, size=None, replace=True, p=None",
    "exponential": "scale, size=None, dtype=float",
    "gamma": "shape, scale=1.0, size=None, dtype=float",
    "normal": "loc=0.0, scale=1.0, size=None, dtype=float",
    "permutation": "a",
    "poisson": "lam=1.0, size=None, dtype='l'",
    "randint": "low, high=None, size=None, dtype='l'",
    "random": "size=None, dtype=float",
    "random_sample": "size=None, dtype=float",
    "standard_gamma": "shape, size=None, dtype=float",
    "standard_normal": "size=None, dtype=float",
    "uniform": "low=0.0, high=1.0, size=None, dtype=float",
}


def _drawn(name, signature, generator):
    """One distribution. NumPy draws in its own type, then the answer takes the type asked for."""
    bind = binder(name, signature)

    def draw(*args, **kwargs):
        refuse_library("cuRAND")
        _, args, kwargs = bind(args, kwargs)
        names = [part.partition("=")[0].strip() for part in signature.split(",")]
        settings = {**dict(zip(names, args)), **kwargs}
        dtype, out = settings.pop("dtype", None), settings.pop("out", None)
        settings.pop("method", None)
        given = {"a_": settings.pop("a")} if name in ("choice", "permutation") else {}
        drawn = getattr(generator, name)(*map(unwrap, given.values()), **unwrap(settings))
        answer = wrap(numpy.asarray(drawn))
        if out is not None:
            out[...] = answer
            return out
        return answer if dtype is None else answer.astype(dtype)

    draw.__name__ = name
    return draw


class Generator:
    """What `default_rng` gives: CuPy's has no `normal`, `permutation`, `shuffle` or `choice`."""

    def __init__(self, seed=None):
        if isinstance(seed, (ndarray, numpy.ndarray)):
            raise TypeError("a seed is a number")
        numbers = numpy.random.default_rng(seed)
        for name, signature in GENERATOR.items():
            setattr(self, name, _drawn(name, signature, numbers))


def build(module):
    """Fills `cupy.random`."""
    state = numpy.random.RandomState(0)
    for name, signature in FUNCTIONS.items():
        setattr(module, name, _drawn(name, signature, state))

    def seed(seed=None):
        state.seed(seed)

    def shuffle(a):
        if not isinstance(a, ndarray):
            raise TypeError("The array must be cupy.ndarray")
        state.shuffle(a._numbers)

    module.seed, module.shuffle = seed, shuffle
    module.Generator, module.default_rng = Generator, Generator
    module.copies = copies
