"""The arguments of `compile`: as a config describes them, out of such a config, and for another model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eagerflow.base.serialization import deserialize_keras_object, serialize_keras_object
from eagerflow.losses.base import Loss
from eagerflow.metrics.base import Metric
from eagerflow.optimizers.base import Optimizer

__all__ = ["described", "from_description", "made_again"]


def described(value: Any) -> Any:
    """An argument of `compile` as its config has it."""
    if isinstance(value, (list, tuple)):
        return [described(v) for v in value]
    if isinstance(value, Mapping) and "class_name" not in value:
        return {k: described(v) for k, v in value.items()}
    if isinstance(value, (Loss, Metric, Optimizer)) or callable(value):
        return serialize_keras_object(value)
    return value


def from_description(value: Any, custom_objects: Any = None) -> Any:
    """The argument that `described` described; what needs no description stays."""
    if isinstance(value, Mapping) and "class_name" in value:
        return deserialize_keras_object(dict(value), custom_objects)
    if isinstance(value, Mapping):
        return {k: from_description(v, custom_objects) for k, v in value.items()}
    if isinstance(value, str) and custom_objects and value in custom_objects:
        return custom_objects[value]
    return [from_description(v, custom_objects) for v in value] if isinstance(value, list) else value


def made_again(value: Any) -> Any:
    """An argument of `compile` for another model: metrics and optimizers, which have a state, are copied."""
    if isinstance(value, (list, tuple)):
        return [made_again(v) for v in value]
    if isinstance(value, Mapping):
        return {k: made_again(v) for k, v in value.items()}
    if isinstance(value, (Metric, Optimizer)):
        return type(value).from_config(value.get_config())
    return value
