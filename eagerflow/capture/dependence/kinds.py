"""Kinds of objects that a step may depend on: constants, what can be compared, and what can't be looked into."""

from __future__ import annotations

import _thread
import array
import collections
import dataclasses
import datetime
import decimal
import functools
import inspect
import operator
import re
import types
import uuid
import weakref
from contextvars import ContextVar
from types import BuiltinFunctionType, FunctionType, MemberDescriptorType
from typing import Any

import numpy

from eagerflow.capture.hearing.whose import is_ours, is_users

__all__ = [
    "BUFFERS",
    "LARGEST",
    "OF_PYTHON",
    "RAW",
    "TOLD_ABOUT_CLASSES",
    "TOLD_BY_CLASSES",
    "TOLD_BY_FUNCTIONS",
    "TOLD_BY_VARIABLES",
    "VIEWS",
    "answers_plainly",
    "attributes_of",
    "data_of",
    "held_by",
    "is_constant",
    "is_fixed",
    "is_holding",
    "is_mapping",
    "is_opaque",
    "pretends",
    "reads_any_attribute",
    "slots_of",
]

# Whose values can't change, or which have none.
_CONSTANTS: tuple[type, ...] = (
    int,
    float,
    complex,
    str,
    bytes,
    type(None),
    type(Ellipsis),
    type(NotImplemented),
    range,
    slice,
    numpy.dtype,
    numpy.generic,
    numpy.ufunc,
    datetime.date,
    datetime.time,
    datetime.timedelta,
    datetime.tzinfo,
    decimal.Decimal,
    uuid.UUID,
    re.Pattern,
    operator.itemgetter,
    operator.attrgetter,
    types.CodeType,
    types.GenericAlias,
    types.UnionType,
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
    types.ClassMethodDescriptorType,
    types.GetSetDescriptorType,
    MemberDescriptorType,
    _thread.LockType,
    _thread.RLock,
)
_HOLDING = (slice, numpy.dtype, types.GenericAlias, types.UnionType, operator.itemgetter, operator.methodcaller)
BUFFERS = (bytearray, memoryview, array.array, numpy.void)  # compared by their bytes; the last are rows of records
VIEWS: tuple[type, ...] = (types.MappingProxyType, type({}.keys()), type({}.values()), type({}.items()))
# Into which `Held` looks, or which are compared as they are.
_KNOWN = (
    *_CONSTANTS,
    *BUFFERS,
    *VIEWS,
    list,
    tuple,
    dict,
    set,
    frozenset,
    collections.deque,
    numpy.ndarray,
    type,
    types.ModuleType,
    types.FunctionType,
    types.MethodType,
    types.BuiltinFunctionType,
    types.MethodWrapperType,
    types.CellType,
    functools.partial,
    types.SimpleNamespace,
    property,
    staticmethod,
    classmethod,
    super,
    weakref.ReferenceType,
    weakref.ProxyType,
    ContextVar,
    BaseException,
    _thread._local,
    type(functools.lru_cache(lambda: None)),
    type(numpy.mean),  # NumPy's functions in Python
    type(vars(collections.namedtuple("_", "field"))["field"]),
)
_CYTHON = frozenset({"__pyx_vtable__", "__reduce_cython__"})  # in classes in C that look as if Python had made them
LARGEST = 1 << 20  # bytes of a NumPy array that is compared
RAW = frozenset({"__array_interface__", "__array_struct__"})  # in which an object gives its memory as a number
# What can be set and isn't in a `__dict__`, and counts where code names it.
TOLD_BY_CLASSES = frozenset({"__name__", "__qualname__"})
# What Python notes in a class that code may ask for, and may then change; and what it notes for itself.
TOLD_ABOUT_CLASSES = frozenset({"__annotations__", "__dataclass_fields__", "__doc__"})
OF_PYTHON = frozenset(
    {
        "__abstractmethods__",
        "__annotate__",
        "__annotate_func__",
        "__annotations_cache__",
        "__dataclass_params__",
        "__dict__",
        "__firstlineno__",
        "__hash__",
        "__match_args__",
        "__module__",
        "__non_callable_proto_members__",
        "__orig_bases__",
        "__parameters__",
        "__protocol_attrs__",
        "__qualname__",
        "__slots__",
        "__static_attributes__",
        "__type_params__",
        "__weakref__",
    }
)
TOLD_BY_FUNCTIONS = TOLD_BY_CLASSES | frozenset(
    "__annotations__ __closure__ __defaults__ __doc__ __globals__ __kwdefaults__ __module__".split()
)
TOLD_BY_VARIABLES = frozenset("aggregation constraint name overwrite_with_gradient path synchronization".split())
# What takes attributes whose names no code has that has these.
_TAKING: frozenset[Any] = frozenset({getattr, hasattr, vars, globals, locals, eval, exec}) | {
    *(dataclasses.asdict, dataclasses.astuple),
    *(inspect.getmembers, inspect.getmembers_static, inspect.getattr_static),
}
_TELLING = frozenset({"__getattribute__", "copy", "count", "get", "index", "items", "keys", "values"})
_PLAINLY: Any = object.__getattribute__
_TAKERS = (operator.attrgetter, operator.methodcaller)
_HEAP, _FIXED = 1 << 9, 1 << 8  # flags of a class: made while Python ran; whose attributes can't be set


def is_constant(thing: Any) -> bool:
    """Whether nothing about this can change. Numbers and texts of a class of the user's may have attributes."""
    kind = type(thing)  # not what it says of itself: a mock may call itself a number
    return (
        issubclass(kind, _CONSTANTS)
        and not issubclass(kind, numpy.void)
        and (kind in _CONSTANTS or not is_users(kind))
        and (not issubclass(kind, _HOLDING) or all(map(is_constant, held_by(thing))))
    )


def is_mapping(thing: Any) -> bool:
    """Whether a collection has values under keys, whatever methods and attributes it has beside."""
    return issubclass(type(thing), (dict, types.MappingProxyType))


def pretends(thing: Any) -> bool:
    """Whether an object says that it is of another class than it is, as mocks do; weak proxies speak for others."""
    return thing.__class__ is not type(thing) and type(thing) not in weakref.ProxyTypes


def is_holding(thing: Any) -> bool:
    """Whether `held_by` tells what this holds."""
    return issubclass(type(thing), _HOLDING)


def held_by(thing: Any) -> tuple[Any, ...]:
    """What such an object holds, which itself stays: the ends of a slice, what `itemgetter` takes, `Config | None`."""
    if isinstance(thing, slice):
        return thing.start, thing.stop, thing.step
    if isinstance(thing, numpy.dtype):
        return () if thing.metadata is None else (thing.metadata,)
    if isinstance(thing, (types.GenericAlias, types.UnionType)):
        return thing.__args__
    made_of: Any = thing.__reduce__()  # of `operator`: how to make it again
    return (*made_of[0].args, made_of[0].keywords, *made_of[1]) if type(made_of[0]) is functools.partial else made_of[1]


def reads_any_attribute(thing: Any) -> bool:
    """Whether code that has this, under whatever name, may take attributes that it doesn't name."""
    kind = type(thing)
    if kind in (FunctionType, BuiltinFunctionType):
        return thing in _TAKING
    is_method = kind in (types.WrapperDescriptorType, types.MethodWrapperType)
    return kind in _TAKERS or (is_method and thing.__name__ == "__getattribute__")


def data_of(kind: type) -> frozenset[str]:
    """The attributes in a class that its objects neither call nor compute: numbers, texts, tables."""
    own = vars(kind).items()
    return frozenset([name for name, value in own if not (callable(value) or hasattr(value, "__get__"))])


def is_opaque(thing: Any) -> bool:
    """Whether an object may hold what Python can't look into, so that nobody sees when it changes.

    Iterators, generators of random numbers, open files and whatever else is written in C are; objects of classes in
    Python aren't, unless such a class stands among their bases.
    """
    kind = type(thing)
    if kind is operator.methodcaller:  # of methods in C, too, and nobody hears of those
        return thing.__reduce__()[1][0] not in _TELLING
    if isinstance(thing, _KNOWN) or kind is object:
        return False
    if any(not _CYTHON.isdisjoint(vars(each)) for each in kind.__mro__):
        return True
    core = next(each for each in kind.__mro__ if not each.__flags__ & _HEAP or each.__flags__ & _FIXED)
    if core is not object:
        return not is_ours(kind) and not _is_of_cython(kind)
    inside = attributes_of(thing) is not None or any("__slots__" in vars(each) for each in kind.__mro__)
    return not inside and not _is_of_cython(kind)


def _is_of_cython(kind: type) -> bool:
    """Whether these are functions that Cython compiled."""
    return kind.__name__ in ("cython_function_or_method", "fused_cython_function")


def answers_plainly(kind: Any) -> bool:
    """Whether a class lets Python look for the attributes of its objects."""
    return kind.__getattribute__ is _PLAINLY


def attributes_of(thing: Any) -> Any:
    """What an object has as its `__dict__`, also where its class gives attributes in a way of its own."""
    if answers_plainly(type(thing)):
        try:
            return _PLAINLY(thing, "__dict__")
        except AttributeError:  # and no `__getattr__` of the user's is asked
            return None
    if not is_users(type(thing)):
        return getattr(thing, "__dict__", None)
    plainly = next(vars(each)["__getattribute__"] for each in type(thing).__mro__ if _has_its_own_way(each))
    try:
        return plainly(thing, "__dict__")
    except AttributeError:
        return None


def _has_its_own_way(kind: type) -> bool:
    """Whether a class that isn't the user's looks for attributes itself: `threading.local` has a dict per thread."""
    return "__getattribute__" in vars(kind) and not is_users(kind)


def is_fixed(values: Any) -> bool:
    """Whether nobody can change a NumPy array: neither through it nor through those it is a part of."""
    while isinstance(values, numpy.ndarray):
        if values.flags.writeable:
            return False
        values = values.base
    return values is None or isinstance(values, bytes)


def slots_of(kind: type) -> tuple[str, ...]:
    """The names of attributes that a class has in slots, private ones as Python calls them."""
    own = [vars(each) for each in kind.__mro__ if "__slots__" in vars(each)]
    return tuple([name for each in own for name, value in each.items() if isinstance(value, MemberDescriptorType)])
