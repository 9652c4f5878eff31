"""Layers by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from eagerflow.base.tracebacks import boundary
from eagerflow.layer.configuration import table

if TYPE_CHECKING:
    from eagerflow.layer.layer import Layer

__all__ = ["deserialize", "serialize"]


def serialize(layer: Any) -> dict[str, Any]:
    """The configuration of a layer, from which `deserialize` makes an equal one (without its weights).

    Args:
        layer: the layer.

    >>> from eagerflow.layers import Flatten
    >>> ef.layers.serialize(Flatten(name="flat"))["class_name"]
    'Flatten'
    >>> config = ef.layers.serialize(ef.layers.Dense(3, activation="relu"))
    >>> ef.layers.deserialize(config)(ef.ops.ones((1, 2))).shape
    (1, 3)
    """
    return table.serialize(layer)


@boundary
def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Layer:
    """Makes a layer from its configuration.

    Args:
        config: the configuration that `serialize` returned: a dict with `class_name` and `config`.
        custom_objects: further classes by name; those that are registered are known already.

    Raises:
        UnknownNameError: for a class that is neither built in nor registered, with the nearest known name.

    >>> config = ef.layers.serialize(ef.layers.Dense(3))
    >>> ef.layers.deserialize(config).units
    3
    >>> ef.layers.deserialize(config)(ef.ops.ones((1, 2))).shape
    (1, 3)
    """
    return table.deserialize(config, custom_objects)
