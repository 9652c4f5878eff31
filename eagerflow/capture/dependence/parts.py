"""What is looked into of a step: objects, and names in modules."""

from __future__ import annotations

from types import BuiltinFunctionType, ModuleType
from typing import Any, NamedTuple

from eagerflow.capture.hearing.unheard import may_act_when_made

__all__ = ["Part", "Scope", "is_heard"]


class Part(NamedTuple):
    """Something to look into.

    Attributes:
        thing: it.
        name: what to call it in messages.
        counts: whether a replay is wrong when it changes; our own notes lead to other things, and don't count.
        named: whether code names it, so that it may be read. Of a module, whether code does more than to take
            attributes of it that it names.
        is_weak: whether it is what a weak reference refers to.
    """

    thing: Any
    name: str
    counts: bool
    named: bool
    is_weak: bool = False


class Scope(NamedTuple):
    """Names of a module, or of an object's attributes, that code uses.

    Attributes:
        variables: what there is, by name.
        beginning: of what messages call them.
        names: that are used, there or not.
    """

    variables: dict[str, Any]
    beginning: str
    names: set[str]


def is_heard(thing: Any) -> bool:
    """Whether this is a function in C of a module, or such a class: who calls it or hands it on is heard or seen."""
    kind: Any = type(thing)  # whatever a proxy speaks for
    if issubclass(kind, type):
        return may_act_when_made(thing)
    return issubclass(kind, BuiltinFunctionType) and isinstance(thing.__self__, (ModuleType, type(None)))
