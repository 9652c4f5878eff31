"""`Initializer`, and the table of names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy

from eagerflow.base.config_from_init import Configured
from eagerflow.base.serialization import Table
from eagerflow.base.tracebacks import boundary
from eagerflow.base.typing import Configuration, DType, InitializerLike
from eagerflow.core.dtypes import as_dtype
from eagerflow.core.tensor import Tensor, convert_to_tensor

__all__ = ["Initializer", "deserialize", "get", "serialize"]

table = Table("initializer", "keras.initializers")


class Initializer(Configured):
    """Makes the first values of a weight: called with a shape and a dtype, it returns a tensor.

    Subclasses write `__call__(shape, dtype=None)`, and `get_config` when they have settings.

    >>> class Halves(ef.Initializer):
    ...     def __call__(self, shape, dtype=None):
    ...         return ef.ops.full(shape, 0.5, dtype)
    >>> Halves()((2,), dtype="float32").tolist()
    [0.5, 0.5]
    """

    def __call__(self, shape: Any, dtype: DType = None) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} needs a method __call__(self, shape, dtype=None).")

    def clone(self) -> Initializer:
        """Another initializer with the same settings.

        >>> first = ef.initializers.RandomNormal(seed=1)
        >>> second = first.clone()
        >>> second is first, second.get_config() == first.get_config()
        (False, True)
        """
        return type(self).from_config(self.get_config())


def serialize(initializer: Any) -> Configuration:
    """The configuration of an initializer, from which `deserialize` makes an equal one.

    Args:
        initializer: a built-in initializer, or one whose class is registered.

    >>> config = ef.initializers.serialize(ef.initializers.Constant(3.0))
    >>> config["class_name"], config["config"]
    ('Constant', {'value': 3.0})
    """
    return table.serialize(initializer)


@boundary
def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Initializer:
    """Makes an initializer from its configuration.

    Args:
        config: the configuration that `serialize` returned.
        custom_objects: custom classes by name, which are searched first.

    Raises:
        UnknownNameError: for a class that is neither built in nor registered.

    >>> config = ef.initializers.serialize(ef.initializers.Constant(3.0))
    >>> ef.initializers.deserialize(config)((2,)).tolist()
    [3.0, 3.0]
    """
    return table.deserialize(config, custom_objects)


@boundary
def get(identifier: InitializerLike) -> Initializer | Any:
    """Finds an initializer by its name, configuration or class, or makes one from an array of values.

    Args:
        identifier: `"glorot_uniform"`, `"GlorotUniform"`, `{"class_name": ..., "config": ...}`, a function
            `(shape, dtype=None)`, or the values themselves as an array or tensor.

    Raises:
        UnknownNameError: for an unknown name, with the nearest known one.
        TypeError: for anything else.

    >>> ef.initializers.get("ones")((2, 3)).tolist()
    [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]
    >>> ef.initializers.get(None) is None
    True
    """
    if isinstance(identifier, (Tensor, numpy.ndarray, numpy.generic)):
        return _given(identifier)
    return table.get(identifier)


def _given(values: Any) -> Callable[..., Tensor]:
    """An initializer that gives these values."""

    def initializer(shape: Any, dtype: DType = None) -> Tensor:
        if tuple(shape) != values.shape:
            raise ValueError(
                f"The array given as initializer has shape {values.shape}; the weight needs {tuple(shape)}."
            )
        return convert_to_tensor(values, as_dtype(dtype))

    return initializer
