"""Which attributes an object has: those that may be set, those that its classes declare, those that are ours."""

from __future__ import annotations

import functools
import inspect
import sys
import weakref
from collections.abc import Callable, Iterable, Iterator
from types import CodeType, FunctionType, GeneratorType, GetSetDescriptorType, MemberDescriptorType
from typing import Any

from eagerflow.capture.dependence.kinds import answers_plainly, attributes_of, is_constant
from eagerflow.capture.hearing.calls import is_of_user
from eagerflow.capture.hearing.whose import is_ours, is_users
from eagerflow.core.variable import Variable

__all__ = ["NOTHING", "has_property", "is_dead_proxy", "is_empty_slot", "is_plain", "is_settled", "living"]
__all__ += ["looked_up", "name_of", "names_of_attributes", "names_of_ours", "private_names", "public_names", "settings"]
__all__ += ["variables_in"]

_SETTLED = ("eagerflow.layer.", "eagerflow.models", "eagerflow.training", "eagerflow.random")
_RATES = ("learning_rate", "lr")  # of optimizers: a schedule of the user's may decide, and count how often it is asked
NOTHING: Any = object()  # stands for a value that isn't there
# Attributes of what functions with `contextlib.contextmanager` give. As a decorator it makes another one for each call;
# where it is entered itself, these go.
_DECORATING = frozenset({"args", "func", "gen", "kwds"})
_PLACES = (GetSetDescriptorType, MemberDescriptorType)  # where Python itself keeps attributes: slots and the like


def is_dead_proxy(thing: Any) -> bool:
    """Whether this is a weak proxy whose object is gone: it stays so, and whatever one asks it raises."""
    if type(thing) not in weakref.ProxyTypes:
        return False
    try:
        return thing.__class__ is None
    except ReferenceError:
        return True


def is_settled(thing: Any) -> bool:
    """Whether an object of ours stays as it was made, but for what users put there: graphs, policies."""
    return str(type(thing).__module__).startswith(_SETTLED) and is_ours(type(thing))


def living(own: dict[str, Any]) -> list[tuple[str, Any]]:
    """Attributes, but for proxies of what is gone, and generators that are there to be made again, not to run."""
    passed_over = "gen" if own.keys() >= _DECORATING and _has_not_begun(own["gen"]) else None
    return [(key, value) for key, value in list(own.items()) if not is_dead_proxy(value) and key != passed_over]


def _has_not_begun(thing: Any) -> bool:
    return type(thing) is GeneratorType and inspect.getgeneratorstate(thing) == inspect.GEN_CREATED


def public_names(own: dict[str, Any]) -> tuple[str, ...]:
    """Of attributes, the names that have no underscore in front."""
    return tuple([name for name in own if not name.startswith("_")])


def settings(thing: Any, names: Iterable[str]) -> Iterator[str]:
    """Which of these names are attributes that may be set: no methods, nor what a property of the user's makes.

    Variables may be exchanged, too: an optimizer has one for its learning rate, until a schedule decides.
    """
    for name in sorted(names):
        value = looked_up(thing, name)
        if value is not NOTHING and (name in vars(thing) or is_constant(value) or isinstance(value, Variable)):
            yield name


def variables_in(thing: Any, name: str) -> tuple[Variable, ...] | None:
    """The variables in a list that an object makes whenever it is asked, as `optimizer.variables`; None for others."""
    found = NOTHING if name in vars(thing) else looked_up(thing, name)
    is_list = type(found) is list and all(isinstance(each, Variable) for each in found)
    return tuple(found) if is_list else None


def looked_up(thing: Any, name: str) -> Any:
    """An attribute, found without running code of the user's; `NOTHING` where only that could tell."""
    kind = type(thing)
    if name in _RATES and (decides := _in_class(kind, "_asks_users")) is not NOTHING and decides.__get__(thing, kind):
        return NOTHING
    if not is_users(kind):
        return _asked(lambda: getattr(thing, name))
    found = _in_class(kind, name)
    if type(found) in _PLACES or is_ours(type(found)) or (type(found) is property and not is_users_property(found)):
        return _asked(lambda: found.__get__(thing, kind))
    own = attributes_of(thing)
    if type(own) is dict and name in own:
        return own[name]
    return NOTHING if hasattr(type(found), "__get__") else found


def name_of(thing: Any) -> str:
    """What messages call an object: by its name, if it has one, or its class."""
    found = looked_up(thing, "name")
    return found if type(found) is str and found else type(thing).__name__


def is_plain(thing: Any, name: str) -> bool:
    """Whether Python may be asked for an attribute, and runs no code of the user's for it."""
    kind = type(thing)
    if not is_users(kind):
        return True
    found = _in_class(kind, name)
    plain = type(found) in _PLACES or not hasattr(type(found), "__get__")
    return plain and answers_plainly(kind) and not hasattr(kind, "__getattr__")


def is_empty_slot(thing: Any, name: str) -> bool:
    """Whether this is a slot without a value, of an object of a library's, and nothing but it is asked for it."""
    kind = type(thing)
    plain = answers_plainly(kind) and not hasattr(kind, "__getattr__") and not is_users(kind)
    return plain and type(_in_class(kind, name)) is MemberDescriptorType and not hasattr(thing, name)


def is_users_property(thing: Any) -> bool:
    """Whether this is a property that runs a function of the user's."""
    code = getattr(thing.fget, "__code__", None) if type(thing) is property else None
    return code is not None and is_of_user(code.co_filename)


def has_property(kind: type, names: Iterable[str]) -> bool:
    """Whether any of these is a property of a class that runs a function of the user's."""
    return any(is_users_property(_in_class(kind, name)) for name in names)


def _in_class(kind: type, name: str) -> Any:
    return next((vars(each)[name] for each in kind.__mro__ if name in vars(each)), NOTHING)


def _asked(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except Exception:  # noqa: BLE001 - of ours, which may not be ready
        return NOTHING


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
