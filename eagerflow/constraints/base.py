"""`Constraint`, and the table of names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eagerflow.base.init_settings import Told
from eagerflow.base.serialization import Table
from eagerflow.base.tracebacks import boundary
from eagerflow.base.typing import Identifier

__all__ = ["Constraint", "deserialize", "get", "serialize"]

table = Table("constraint", "keras.constraints")


class Constraint(Told):
    """What an optimizer applies to a weight after every update: called with its values, it returns allowed ones.

    Subclasses write `__call__(w)`, and `get_config` when they have settings.

    >>> Constraint()([1.0])
    [1.0]
    """

    def __call__(self, w: Any) -> Any:
        return w


def serialize(constraint: Any) -> Any:
    """The configuration of a constraint, from which `deserialize` makes an equal one."""
    return table.serialize(constraint)


@boundary
def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The constraint of a configuration.

    Raises:
        UnknownNameError: for a class that is neither ours nor registered.
    """
    return table.deserialize(config, custom_objects)


@boundary
def get(identifier: Identifier) -> Any:
    """The constraint for a name, configuration, class, function, or itself; None for None.

    Raises:
        UnknownNameError: for an unknown name, with the nearest known one.
        TypeError: for anything else.

    >>> get("max_norm").get_config()
    {'max_value': 2, 'axis': 0}
    """
    return table.get(identifier)
