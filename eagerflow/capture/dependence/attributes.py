"""Which attributes an object has: those that may be set, those that its classes declare, those that are ours."""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
import weakref
from collections.abc import Iterable, Iterator
from types import CodeType, FunctionType
from typing import Any

from eagerflow.capture.dependence.kinds import is_constant, is_ours

__all__ = ["is_dead_proxy", "living", "names_of_attributes", "names_of_ours", "private_names", "settings"]


def is_dead_proxy(thing: Any) -> bool:
    """Whether this is a weak proxy whose object is gone: it stays so, and whatever one asks it raises."""
    if type(thing) not in weakref.ProxyTypes:
        return False
    try:
        return thing.__class__ is None
    except ReferenceError:
        return True


def living(own: dict[str, Any]) -> list[tuple[str, Any]]:
    """Attributes, but for proxies of what is gone."""
    return [(key, value) for key, value in list(own.items()) if not is_dead_proxy(value)]


def settings(thing: Any, names: Iterable[str]) -> Iterator[str]:
    """Which of these names are attributes that may be set: no methods, nor what a property makes."""
    for name in sorted(names):
        with contextlib.suppress(Exception):  # properties may not be ready
            value = getattr(thing, name)
            if name in vars(thing) or is_constant(value):
                yield name


def names_of_attributes(thing: Any) -> set[str]:
    """Also of those that its classes only declare."""
    declared = [vars(kind).get("__annotations__", {}) for kind in type(thing).__mro__]
    return set(dir(type(thing))).union(vars(thing), *declared)


@functools.cache
def names_of_ours(kind: type) -> frozenset[str]:
    """What our classes among a class and its bases name: other attributes of its objects are the user's."""
    ours = [vars(base) for base in kind.__mro__ if is_ours(base)]
    return _named([part for own in ours for each in own.values() for part in _functions_in(each)]).union(*ours)


def private_names() -> frozenset[str]:
    """Names with an underscore in front that any code of ours has, as far as it is loaded."""
    return _private_names(len(sys.modules))


@functools.lru_cache(maxsize=1)
def _private_names(loaded: int) -> frozenset[str]:
    ours = [name for name in list(sys.modules) if name.startswith("eagerflow.")]
    return frozenset().union(*map(_private_names_in, ours))


@functools.cache
def _private_names_in(module: str) -> frozenset[str]:
    functions = list[FunctionType]()
    for each in list(vars(sys.modules[module]).values()):
        own = vars(each).values() if isinstance(each, type) else [each]
        functions += [part for value in own for part in _functions_in(value) if part.__module__ == module]
    return frozenset([name for name in _named(functions) if name.startswith("_")])


def _functions_in(attribute: Any) -> list[FunctionType]:
    """A function; or what makes up a property or class method."""
    parts: tuple[Any, ...] = (attribute,)
    if isinstance(attribute, property):
        parts = attribute.fget, attribute.fset
    elif isinstance(attribute, (classmethod, staticmethod)):
        parts = (attribute.__func__,)
    return [inspect.unwrap(part) for part in parts if isinstance(part, FunctionType)]


def _named(functions: Iterable[FunctionType]) -> frozenset[str]:
    """What these name, and what they may set by `vars(self).update(_name=value)`."""
    found, seen, waiting = set[str](), set[CodeType](), [each.__code__ for each in functions]
    while waiting:
        code = waiting.pop()
        if code not in seen:
            seen.add(code)
            constants = [each for value in code.co_consts for each in (value if type(value) is tuple else (value,))]
            waiting += [each for each in constants if isinstance(each, CodeType)]
            found.update(code.co_names, [each for each in constants if isinstance(each, str)])
    return frozenset(found)
