"""`Regularizer`, and the table of names."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy

from eagerflow.base.config_from_init import Configured, automatic, config_class
from eagerflow.base.serialization import Table
from eagerflow.base.tracebacks import boundary
from eagerflow.base.typing import Configuration, RegularizerLike

__all__ = ["Regularizer", "deserialize", "get", "serialize"]

table = Table("regularizer", "keras.regularizers")


class Regularizer(Configured):
    """A penalty: called with a weight or an activity, it returns a number that is added to the loss.

    Subclasses write `__call__(x)` with ops, so that gradients flow, and `get_config`.

    >>> class Total(ef.Regularizer):
    ...     def __call__(self, x):
    ...         return x.sum()
    >>> from eagerflow import Tensor
    >>> float(Total()(Tensor([1.0, 2.0])))
    3.0
    """

    def __call__(self, x: Any) -> Any:
        return 0.0

    @automatic
    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal regularizer.

        Raises:
            NotImplementedError: in a class that doesn't say.

        >>> ef.regularizers.L1L2(l1=0.5, l2=0.25).get_config()
        {'l1': 0.5, 'l2': 0.25}
        """
        if config_class(type(self)) is None:
            raise NotImplementedError(
                f"{type(self).__name__} needs a method get_config(self) which returns its arguments."
            )
        return super().get_config()


def serialize(regularizer: Any) -> Configuration:
    """The configuration of a regularizer, from which `deserialize` makes an equal one.

    Args:
        regularizer: a built-in regularizer, or one whose class is registered.

    >>> ef.regularizers.serialize(ef.regularizers.L2(0.5))["class_name"]
    'L2'
    """
    return table.serialize(regularizer)


@boundary
def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Regularizer:
    """Makes a regularizer from its configuration.

    Args:
        config: the configuration that `serialize` returned.
        custom_objects: custom classes by name, which are searched first.

    Raises:
        UnknownNameError: for a class that is neither built in nor registered.

    >>> config = ef.regularizers.serialize(ef.regularizers.L2(0.5))
    >>> float(ef.regularizers.deserialize(config)([1.0, 2.0]))
    2.5
    """
    return table.deserialize(config, custom_objects)


@boundary
def get(identifier: RegularizerLike) -> Regularizer | Any:
    """Finds a regularizer by its name, configuration or class; regularizers are returned as they are.

    Args:
        identifier: a name such as `"l2"`, a configuration, a class, a function of the weight, a regularizer, or None.

    Raises:
        UnknownNameError: for an unknown name, with the nearest known one.
        TypeError: for anything else.

    >>> ef.regularizers.get("l2").get_config()
    {'l2': 0.01}
    """
    return table.get(identifier)


def factor(value: Any, name: str, where: str) -> float:
    """A penalty's factor as a float.

    Raises:
        ValueError: when it isn't a finite number of at least 0.
    """
    usable = isinstance(value, (int, float, numpy.integer, numpy.floating)) and math.isfinite(value) and value >= 0
    if not usable or isinstance(value, bool):
        raise ValueError(f"{where}({name}={value!r}): expected a finite number of at least 0.")
    return float(value)
