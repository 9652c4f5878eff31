"""Layers by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eagerflow.base.tracebacks import boundary
from eagerflow.layer.configuration import table

__all__ = ["deserialize", "serialize"]


def serialize(layer: Any) -> dict[str, Any]:
    """The configuration of a layer, from which `deserialize` makes an equal one (without its weights).

    >>> from eagerflow.layers import Flatten
    >>> serialize(Flatten(name="flat"))["class_name"]
    'Flatten'
    """
    return table.serialize(layer)


@boundary
def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The layer of a configuration.

    Raises:
        UnknownNameError: for a class that is neither ours nor registered, with the nearest known name.
    """
    return table.deserialize(config, custom_objects)
