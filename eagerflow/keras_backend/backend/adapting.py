"""Makes functions of eagerflow from which Keras' variables are hidden: they see the tensors behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache, wraps
from typing import Any

from keras.src.backend.common import KerasVariable

from eagerflow.keras_backend.backend.words import add_words_of_keras

__all__ = ["adapt", "adapted", "name_of", "public_functions", "tensor_of"]


@cache
def name_of(dtype: Any) -> str:
    """The name of a type of arrays, which NumPy makes each time it is asked."""
    return str(dtype.name)


def tensor_of(value: Any) -> Any:
    """The tensor of a Keras variable; in a list or tuple, those of its parts; all else as it is."""
    if isinstance(value, KerasVariable):
        return value.value
    if isinstance(value, list):  # also those that Keras keeps as attributes of layers
        return [tensor_of(part) for part in value]
    if value.__class__ is tuple:
        return tuple([tensor_of(part) for part in value])
    return value


def adapt(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, which may also be called with Keras' variables."""

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            if kwargs:
                return function(*map(tensor_of, args), **{name: tensor_of(value) for name, value in kwargs.items()})
            return function(*map(tensor_of, args))
        except (TypeError, ValueError) as error:
            add_words_of_keras(error)
            raise

    return call


def adapted(module: Any, names: Iterable[str]) -> dict[str, Callable[..., Any]]:
    """Those functions of a module, adapted."""
    return {name: adapt(getattr(module, name)) for name in names}


def public_functions(module: Any) -> dict[str, Callable[..., Any]]:
    """All public functions of a module, adapted."""
    names = [name for name in dir(module) if not name.startswith("_")]
    found = {name: getattr(module, name) for name in names}
    return adapted(module, [name for name, f in found.items() if callable(f) and not isinstance(f, type)])
