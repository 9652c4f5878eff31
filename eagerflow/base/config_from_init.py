"""`get_config` from `__init__`: our classes keep its arguments as attributes of the same names.

So a class of ours needs no `get_config`. Exceptions are class attributes: `_config_omits` lists arguments that are left
out, `_config_adds` attributes that are added, and `_kept_as` the attributes that hold arguments of other names, for
subclasses too.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

__all__ = ["Configured", "automatic", "setting_names", "settings_of", "config_class"]

F = TypeVar("F", bound=Callable[..., Any])

_FROM_BASES = {"self", "name", "dtype", "trainable"}


def automatic(get_config: F) -> F:
    """Mark a `get_config` that follows this rule, also for subclasses."""
    get_config.automatic = True  # type: ignore[attr-defined]
    return get_config


def config_class(cls: type) -> type | None:
    """The nearest class of ours whose `__init__` defines the config; None if that is a base's, or has its own method.

    Users' classes don't promise to keep their arguments, nor do the classes of `compat`.
    """
    found = None
    for ancestor in cls.__mro__:
        own, home = ancestor.__dict__, ancestor.__module__
        if not home.startswith("eagerflow.") or home.startswith("eagerflow.compat."):
            continue
        if "get_config" in own:
            return found if hasattr(own["get_config"], "automatic") else None
        if "_base_config" in own:
            return found
        if found is None and "__init__" in own:
            found = ancestor
    return found


@cache
def setting_names(cls: type) -> tuple[str, ...]:
    """The arguments in a class's config: those of its `__init__`, without name and dtype, which its bases add.

    >>> from eagerflow.layers import Dropout
    >>> setting_names(Dropout)
    ('rate', 'noise_shape', 'seed')
    """
    parameters = inspect.signature(cls.__init__).parameters.values()  # type: ignore[misc]
    omitted = _FROM_BASES.union(cls.__dict__.get("_config_omits", ()))
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    return (*(name for name in names if name not in omitted), *cls.__dict__.get("_config_adds", ()))


def settings_of(thing: Any, describe: Callable[[str, Any], Any] | None = None) -> dict[str, Any]:
    """The settings in an object's config; none if its class has its own `get_config`.

    Args:
        thing: an object of one of our classes, or of a user's class below it.
        describe: makes values fit into JSON, given name and value; default: they stay as they are.
    """
    home = config_class(type(thing))
    if home is None:
        return {}
    kept_as: dict[str, str] = getattr(home, "_kept_as", {})
    values = {name: getattr(thing, kept_as.get(name, name)) for name in setting_names(home)}
    return values if describe is None else {name: describe(name, value) for name, value in values.items()}


class Configured:
    """Base of objects with a config: initializers, metrics, schedules."""

    @automatic
    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal object, as values that fit into JSON."""
        return settings_of(self)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Creates an object from the dict that `get_config` returned.

        Args:
            config: the arguments of `__init__`, by name.
        """
        return cls(**config)
