"""Collections that arguments are taken out of: lists, tuples, dicts, and those of Python's that are like them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

__all__ = ["alike", "nested_kind", "nested_parts"]

_PLAIN = (list, tuple, dict)


def nested_kind(x: Any) -> type | None:
    """Whether it is taken apart as a list, as a tuple or as a dict; None for anything else.

    Named tuples are tuples. One with attributes of its own is an object.
    """
    kind = type(x)
    if kind in _PLAIN:
        return kind
    if kind is OrderedDict:
        return None if vars(x) else dict
    is_named = issubclass(kind, tuple) and isinstance(getattr(kind, "_fields", None), tuple)
    return tuple if is_named and not getattr(x, "__dict__", None) else None


def nested_parts(x: Any) -> Iterable[Any]:
    """What is in it, in order."""
    if isinstance(x, dict):
        return x.values()
    return tuple.__iter__(x) if isinstance(x, tuple) else iter(x)


def alike(x: Any, parts: list[Any]) -> Any:
    """Another one of its class, and with its keys, that has these parts."""
    if isinstance(x, tuple):
        return tuple.__new__(type(x), parts)  # past checks that a class of the user's may make
    return type(x)(zip(x, parts)) if isinstance(x, dict) else parts
