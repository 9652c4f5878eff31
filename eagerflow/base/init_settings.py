"""What a configuration tells: the arguments of `__init__`, which our classes keep as attributes of the same names.

So a class of ours needs no `get_config`. Where it differs it says how: `_untold` and `_also_told` list arguments that
it leaves out and attributes that it tells besides; `_kept_as` names the attributes that hold arguments of other
names, for its subclasses too.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

__all__ = ["Told", "automatic", "setting_names", "settings_of", "telling_class"]

F = TypeVar("F", bound=Callable[..., Any])

_TOLD_BY_BASES = {"self", "name", "dtype", "trainable"}


def automatic(get_config: F) -> F:
    """Mark a `get_config` which follows a rule, and leaves classes below to what their `__init__` takes."""
    get_config.automatic = True  # type: ignore[attr-defined]
    return get_config


def telling_class(cls: type) -> type | None:
    """The nearest class of ours whose `__init__` says what to tell; None where that is a base's, or written by hand.

    Users' classes don't promise to keep their arguments, nor do those that stand in for old ones.
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
    """What a class of ours tells: the arguments of its own `__init__`, but name and dtype, which the bases tell.

    >>> from eagerflow.layers import Dropout
    >>> setting_names(Dropout)
    ('rate', 'noise_shape', 'seed')
    """
    parameters = inspect.signature(cls.__init__).parameters.values()  # type: ignore[misc]
    untold = _TOLD_BY_BASES.union(cls.__dict__.get("_untold", ()))
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    return (*(name for name in names if name not in untold), *cls.__dict__.get("_also_told", ()))


def settings_of(thing: Any, describe: Callable[[str, Any], Any] | None = None) -> dict[str, Any]:
    """The settings that the class tells; none where it tells them by hand.

    Args:
        thing: an object of one of our classes, or of a user's class below it.
        describe: makes values fit into JSON, given name and value; default: they stay as they are.
    """
    home = telling_class(type(thing))
    if home is None:
        return {}
    kept_as: dict[str, str] = getattr(home, "_kept_as", {})
    values = {name: getattr(thing, kept_as.get(name, name)) for name in setting_names(home)}
    return values if describe is None else {name: describe(name, value) for name, value in values.items()}


class Told:
    """Base of what is made again from a config: an initializer, a metric, a schedule."""

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
