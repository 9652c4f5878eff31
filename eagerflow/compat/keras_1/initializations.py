"""`keras.initializations`: functions that make a variable of a shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eagerflow import initializers
from eagerflow.core.variable import Variable

__all__ = ["get", "glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "identity", "lecun_uniform", "normal"]
__all__ += ["one", "orthogonal", "uniform", "zero"]

Maker = Callable[..., Variable]


def uniform(shape: Any, scale: float = 0.05, name: str | None = None, **kwargs: Any) -> Variable:
    """Numbers from `-scale` to `scale`."""
    return Variable(initializers.RandomUniform(-scale, scale)(tuple(shape)), name=name)


def normal(shape: Any, scale: float = 0.05, name: str | None = None, **kwargs: Any) -> Variable:
    """Normally distributed numbers with the standard deviation `scale`."""
    return Variable(initializers.RandomNormal(0.0, scale)(tuple(shape)), name=name)


def identity(shape: Any, scale: float = 1, name: str | None = None, **kwargs: Any) -> Variable:
    """`scale` on the diagonal."""
    return Variable(initializers.Identity(scale)(tuple(shape)), name=name)


def orthogonal(shape: Any, scale: float = 1.1, name: str | None = None, **kwargs: Any) -> Variable:
    """An orthogonal matrix times `scale`."""
    return Variable(initializers.Orthogonal(scale)(tuple(shape)), name=name)


def _of(initializer: str) -> Maker:
    def make(shape: Any, name: str | None = None, **kwargs: Any) -> Variable:
        return Variable(initializers.get(initializer)(tuple(shape)), name=name)

    make.__name__, make.__doc__ = initializer, f"As the initializer `{initializer!r}`."
    return make


glorot_normal, glorot_uniform = _of("glorot_normal"), _of("glorot_uniform")
he_normal, he_uniform, lecun_uniform = _of("he_normal"), _of("he_uniform"), _of("lecun_uniform")
zero, one = _of("zeros"), _of("ones")

_MAKERS: dict[str, Maker] = {
    "glorot_normal": glorot_normal,
    "glorot_uniform": glorot_uniform,
    "he_normal": he_normal,
    "he_uniform": he_uniform,
    "identity": identity,
    "lecun_uniform": lecun_uniform,
    "normal": normal,
    "one": one,
    "orthogonal": orthogonal,
    "uniform": uniform,
    "zero": zero,
}


def get(identifier: Any, **kwargs: Any) -> Any:
    """The function of a name; functions themselves."""
    if callable(identifier):
        return identifier
    return _MAKERS[identifier] if identifier in _MAKERS else _of(identifier)
