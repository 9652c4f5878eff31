"""The arguments of one call of a captured function: what it computes with, and what must be the same next time."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Container, Iterator
from types import MethodType
from typing import Any, NamedTuple
from weakref import ReferenceType

import numpy

from eagerflow.capture.arguments.array_argument import ArrayArgument
from eagerflow.capture.arguments.nesting import nested_kind, nested_parts
from eagerflow.core.device import device_of
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.core.variable import Variable

__all__ = ["Arguments", "Key", "Last", "is_array", "last", "named_arrays", "weakly"]

_NUMBERS = (int, float, complex, str, bytes, bool, type(None))
_MADE_ANEW = (frozenset, MethodType)  # known by their parts: another one may get the identity of one that is gone
_TEXT = "OUSMmV"  # kinds of arrays that can't become tensors


class Key(NamedTuple):
    """Stands in a signature for a key of a dict that is no text.

    Attributes:
        part: what has to be the same.
    """

    part: Any


class Arguments:
    """Arguments of a call, taken apart.

    Attributes:
        arrays: whether NumPy arrays are among the tensors.
        tensors: those that the step computes with, and NumPy arrays.
        key: what has to be the same for a replay: shapes, types, numbers, objects, and how they are nested.
        objects: models and other things among the arguments, whose attributes count too.
        plain: whether all tensors are plain ones.
        tuples: those among them, which a step may give back.
    """

    __slots__ = ("_parts", "arrays", "key", "objects", "plain", "tensors", "tuples")

    def __init__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.arrays = False
        self.tensors: list[Any] = []
        self.tuples: list[Any] = []
        self.objects: list[Any] = []
        self.plain = True
        self._parts: list[int] = []  # identities of tensors, lists and dicts, in order
        parts = [self._part(x) for x in args]
        if kwargs:
            parts += [(name, self._part(x)) for name, x in kwargs.items()]
        if len(set(self._parts)) < len(self._parts):  # a step may ask whether two are one
            parts.append(("the same", *map(self._parts.index, self._parts)))
        self.key = tuple(parts)

    def _part(self, x: Any) -> Any:
        kind = type(x)  # not what it says of itself: a mock may call itself a list
        if kind is Tensor:
            array, mask, logits = x.data, getattr(x, "mask", None), getattr(x, "logits", None)
            self.tensors.append(x)
            self._parts.append(id(x))
            about: tuple[Any, ...] = (array.shape, array.dtype.str)
            if not isinstance(array, (numpy.ndarray, numpy.generic)):
                about = (*about, str(device_of(array)))
            if logits is not None:  # a loss may go on with what the activation was computed from
                about = (*about, logits[0], self._part(logits[1]), logits[2])
            if mask is not None:
                about = (*about, self._part(mask) if isinstance(mask, Tensor) else self._object(mask))
            return about
        if kind in _NUMBERS:
            return _number(x)
        if type(x) is ArrayArgument:
            self.tensors.append(x)
            return None
        if is_array(x):
            self.arrays = True
            self.tensors.append(x)
            return (kind, x.shape, x.dtype.str, x.strides)  # which a step can tell from a tensor
        nested = nested_kind(x)
        if nested is not None:
            return self._collection(x, kind, nested)
        if isinstance(x, Tensor) and not isinstance(x, Variable):
            self.plain = False
        return self._value(x, kind)

    def _collection(self, x: Any, kind: type, nested: type) -> Any:
        tensors = len(self.tensors)
        if nested is dict:
            parts = [(self._key(key), self._part(value)) for key, value in x.items()]
        else:
            parts = [self._part(part) for part in nested_parts(x)]
        if nested is tuple:
            self.tuples.append(x)
        if nested is not tuple or len(self.tensors) > tensors:
            self._parts.append(id(x))
        if kind is not nested:  # whose methods may read what it has
            self.objects.append(kind)
        return (kind, *parts)

    def _value(self, x: Any, kind: type) -> Any:
        """What is made anew for each call, often, and is the same if its parts are; anything else if it is it."""
        if _is_numpys_number(x):
            return _numpys_number(x)
        if kind is range:
            return (kind, x.start, x.stop, x.step)
        if kind is slice and all(type(end) in (int, type(None)) for end in (x.start, x.stop, x.step)):
            return (kind, x.start, x.stop, x.step)
        if kind is frozenset:
            return (kind, *map(self._key, x))
        if kind is MethodType:
            return (kind, self._object(x.__self__), self._object(x.__func__))
        return self._object(x)

    def numbered(self, number: int) -> Any:
        """A tensor, or a tuple, of those that a step may give back: as in `numbers`."""
        return self.tensors[number] if number < len(self.tensors) else self.tuples[number - len(self.tensors)]

    def numbers(self) -> dict[int, int]:
        """By their identities, the numbers of the tensors and tuples."""
        return {id(x): i for i, x in enumerate([*self.tensors, *self.tuples]) if type(x) is not ArrayArgument}

    def _key(self, key: Any) -> Any:
        """The same for a key of a dict, which the step has, too: equal ones may be told apart by what they hold."""
        kind = type(key)
        if kind is str:
            return key
        if kind in _NUMBERS:
            return Key(_number(key))
        if kind is tuple:
            return Key((kind, *map(self._key, key)))
        if _is_numpys_number(key):
            return Key(_numpys_number(key))
        return Key(self._object(key))

    def _object(self, x: Any) -> int:
        self.objects.append(x)
        return id(x)

    def tell_apart(self, known: Container[int]) -> None:
        """Let calls with certain tensors, given by their identities, have signatures of their own."""
        found = [id(x) if id(x) in known else None for x in self.tensors]
        if any(found):
            self.key = (*self.key, "these", *found)
            self.objects += [x for x in self.tensors if id(x) in known]

    def tracked(self) -> list[bool]:
        """Of each tensor whether tapes know it."""
        return [x.__class__ is Tensor and x.key is not None for x in self.tensors]

    def converted(self) -> list[Tensor]:
        """The tensors; NumPy arrays as the ops of a step would take them: copied, since others may change them."""
        if self.arrays:
            self.tensors = [x if x.__class__ is Tensor else convert_to_tensor(x) for x in self.tensors]
        return self.tensors


def _is_numpys_number(x: Any) -> bool:
    kind = type(x)
    is_numpys = issubclass(kind, numpy.generic) and kind.__module__ == "numpy"
    return is_numpys and kind not in (numpy.void, numpy.object_)


def _numpys_number(x: Any) -> tuple[Any, ...]:
    return type(x), x.dtype.str, x.tobytes()


def _number(x: Any) -> tuple[type, Any]:
    kind = x.__class__
    return (kind, x) if x and kind is not complex else (kind, repr(x))  # -0.0 isn't 0.0


class Last:
    """The signature of the last call, for the next one, which most likely has it, too.

    Args:
        state: what is known of it.
        args: the arguments: tensors, and what is the same only if it is the same object, such as a model or None.
    """

    __slots__ = ("_alike", "_kept", "state")

    def __init__(self, state: Any, args: tuple[Any, ...]) -> None:
        self.state = state
        self._alike = [(x.data.shape, x.data.dtype) if type(x) is Tensor else (None, id(x)) for x in args]
        # Others may go: then the state does, and this with it.
        self._kept = [x for x in args if not isinstance(weakly(x), ReferenceType)]

    def arrays(self, args: tuple[Any, ...]) -> list[Any] | None:
        """The tensors' arrays; None where the arguments may have another signature."""
        if len(args) != len(self._alike):
            return None
        found = []
        for x, (shape, dtype) in zip(args, self._alike):
            if shape is None:
                if id(x) != dtype:
                    return None
                continue
            if type(x) is not Tensor:
                return None
            array = x.data
            if array.__class__ is not numpy.ndarray or array.shape != shape or array.dtype is not dtype:
                return None
            if getattr(x, "mask", None) is not None or getattr(x, "logits", None) is not None:
                return None
            found.append(array)
        if len(found) > 1 and len(set(map(id, found))) < len(found):  # a step may ask whether two tensors are one
            return None
        return found


def last(state: Any, given: Arguments, args: tuple[Any, ...]) -> Last | None:
    """What the next call is compared with; None where it wouldn't know its own arguments again."""
    if given.arrays or any(type(x) in _MADE_ANEW or nested_kind(x) is not None for x in args):
        return None
    made = Last(state, args)
    return None if made.arrays(args) is None else made


def weakly(x: Any, gone: Callable[[Any], None] | None = None) -> Callable[[], Any]:
    """What gives an object, and doesn't keep it alive where that can be.

    Args:
        x: it.
        gone: is called when it goes.
    """
    try:
        return ReferenceType(x, gone)
    except TypeError:
        return lambda: x


def is_array(x: Any) -> bool:
    """Whether this is a NumPy array that ops take as a tensor."""
    return type(x) is numpy.ndarray and x.dtype.kind not in _TEXT


def named_arrays(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Iterator[tuple[numpy.ndarray, str]]:
    """The NumPy arrays among the arguments, and what the function calls them."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # of a function in C
        parameters = []
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    names += [f"argument {i}" for i in range(len(names), len(args))]
    for name, x in (*zip(names, args), *kwargs.items()):
        yield from _arrays_in(x, name)


def _arrays_in(x: Any, name: str) -> Iterator[tuple[numpy.ndarray, str]]:
    if is_array(x):
        yield x, name
    elif (kind := nested_kind(x)) is not None:
        for key, part in x.items() if kind is dict else enumerate(nested_parts(x)):
            yield from _arrays_in(part, f"{name}[{key!r}]")
