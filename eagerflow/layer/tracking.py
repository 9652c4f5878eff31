"""Which layers and variables belong to a layer: whatever its attributes hold, in lists, tuples and dicts too.

A layer notes the attributes that can hold such things; lists and dicts are replaced by versions of
themselves which tell when they change. `changes.count` grows with every change anywhere, so that
what was gathered once can be kept until then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from eagerflow.core.variable import changes

__all__ = ["TrackedDict", "TrackedList", "members", "tracked", "unique"]


def _telling(method: Callable[..., Any]) -> Callable[..., Any]:
    """The list or dict method, which also notes the change and tracks what is put in."""

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        changes.count += 1
        return method(self, *[tracked(a) for a in args], **{k: tracked(v) for k, v in kwargs.items()})

    call.__name__ = method.__name__
    call.__doc__ = method.__doc__
    return call


class TrackedList(list[Any]):
    """A list that a layer holds: layers and variables put into it later belong to the layer as well."""

    for _name in "__delitem__ __iadd__ __imul__ __setitem__ append clear extend insert pop remove reverse sort".split():
        locals()[_name] = _telling(getattr(list, _name))

    def __reduce__(self) -> Any:
        return TrackedList, (list(self),)


class TrackedDict(dict[Any, Any]):
    """A dict that a layer holds: layers and variables put into it later belong to the layer as well."""

    for _name in "__delitem__ __ior__ __setitem__ clear pop popitem setdefault update".split():
        locals()[_name] = _telling(getattr(dict, _name))

    def __reduce__(self) -> Any:
        return TrackedDict, (dict(self),)


def tracked(value: Any) -> Any:
    """`value` with its lists and dicts replaced by ones that tell when they change."""
    kind = type(value)
    if kind is list:
        return TrackedList([tracked(v) for v in value])
    if kind is dict:
        return TrackedDict({k: tracked(v) for k, v in value.items()})
    if kind is tuple and any(isinstance(v, (list, dict, tuple)) for v in value):
        return tuple([tracked(v) for v in value])
    return value


def members(held: Any, kind: type | tuple[type, ...], _outer: tuple[int, ...] = ()) -> Iterator[Any]:
    """The objects of `kind` in nested lists, tuples and dicts, in order; one that holds itself is seen once."""
    if isinstance(held, kind):
        yield held
    elif isinstance(held, (dict, list, tuple)) and id(held) not in _outer:
        for value in held.values() if isinstance(held, dict) else held:
            yield from members(value, kind, (*_outer, id(held)))


def unique(things: Any) -> list[Any]:
    """Without repetitions, by identity, in order of first appearance."""
    return list({id(thing): thing for thing in things}.values())
