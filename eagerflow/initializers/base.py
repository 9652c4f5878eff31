"""`Initializer`, and the table of names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy

from eagerflow.base.init_settings import Told
from eagerflow.base.serialization import Table
from eagerflow.base.tracebacks import boundary
from eagerflow.base.typing import DType, Identifier
from eagerflow.core.dtypes import as_dtype
from eagerflow.core.tensor import Tensor, convert_to_tensor

__all__ = ["Initializer", "deserialize", "get", "serialize"]

table = Table("initializer", "keras.initializers")


class Initializer(Told):
    """Makes the first values of a weight: called with a shape and a dtype, it returns a tensor.

    Subclasses write `__call__(shape, dtype=None)`, and `get_config` when they have settings.

    >>> class Halves(Initializer):
    ...     def __call__(self, shape, dtype=None):
    ...         return Tensor(numpy.full(shape, 0.5), dtype)
    >>> Halves()((2,), dtype="float32").tolist()
    [0.5, 0.5]
    """

    def __call__(self, shape: Any, dtype: DType = None) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} needs a method __call__(self, shape, dtype=None).")

    def clone(self) -> Initializer:
        """Another initializer with the same settings."""
        return type(self).from_config(self.get_config())


def serialize(initializer: Any) -> Any:
    """The configuration of an initializer, from which `deserialize` makes an equal one."""
    return table.serialize(initializer)


@boundary
def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The initializer of a configuration.

    Raises:
        UnknownNameError: for a class that is neither ours nor registered.
    """
    return table.deserialize(config, custom_objects)


@boundary
def get(identifier: Identifier) -> Any:
    """The initializer for a name, configuration, class, function, array, or itself; None for None.

    Args:
        identifier: `"glorot_uniform"`, `"GlorotUniform"`, `{"class_name": ..., "config": ...}`, a function
            `(shape, dtype=None)`, or the values themselves as an array or tensor.

    Raises:
        UnknownNameError: for an unknown name, with the nearest known one.
        TypeError: for anything else.

    >>> get("he_normal").get_config()["seed"] is None
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
