"""`Constraint`, and the table of names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eagerflow.base.config_from_init import Configured
from eagerflow.base.serialization import Table
from eagerflow.base.tracebacks import boundary
from eagerflow.base.typing import Configuration, ConstraintLike

__all__ = ["Constraint", "deserialize", "get", "serialize"]

table = Table("constraint", "keras.constraints")


class Constraint(Configured):
    """Base class of constraints, which optimizers apply to a weight after each update to keep it in bounds.

    Subclasses write `__call__(w)`, and `get_config` when they have settings.

    >>> class Halved(ef.constraints.Constraint):
    ...     def __call__(self, weight):
    ...         return weight / 2
    >>> Halved()(ef.Tensor([1.0, 2.0])).tolist()
    [0.5, 1.0]
    """

    def __call__(self, w: Any) -> Any:
        return w


def serialize(constraint: Any) -> Configuration:
    """The configuration of a constraint, from which `deserialize` makes an equal one.

    Args:
        constraint: a built-in constraint, or one whose class is registered.

    >>> ef.constraints.serialize(ef.constraints.MaxNorm(2.0))["config"]
    {'max_value': 2.0, 'axis': 0}
    """
    return table.serialize(constraint)


@boundary
def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Constraint:
    """Makes a constraint from its configuration.

    Args:
        config: the configuration that `serialize` returned.
        custom_objects: custom classes by name, which are searched first.

    Raises:
        UnknownNameError: for a class that is neither built in nor registered.

    >>> config = ef.constraints.serialize(ef.constraints.MaxNorm(2.0))
    >>> ef.constraints.deserialize(config)([[3.0], [4.0]]).round(4)
    Tensor(2×1 float32, [[1.2],
                         [1.6]])
    """
    return table.deserialize(config, custom_objects)


@boundary
def get(identifier: ConstraintLike) -> Constraint | Any:
    """Finds a constraint by its name, configuration or class; functions and constraints are returned as they are.

    Args:
        identifier: a name such as `"max_norm"`, a configuration, a class, a function of the weight, a constraint,
            or None.

    Raises:
        UnknownNameError: for an unknown name, with the nearest known one.
        TypeError: for anything else.

    >>> ef.constraints.get("max_norm").get_config()
    {'max_value': 2, 'axis': 0}
    """
    return table.get(identifier)
