"""The arguments of one call of a captured function: what it computes with, and what must be the same next time."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Container, Iterator
from typing import Any, NamedTuple
from weakref import ReferenceType

import numpy

from eagerflow.capture.arguments.array_argument import ArrayArgument
from eagerflow.core.device import device_of
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.core.variable import Variable

__all__ = ["Arguments", "Key", "Last", "is_array", "last", "named_arrays", "weakly"]

_NUMBERS = (int, float, complex, str, bytes, bool, type(None))
_NESTED = (list, tuple, dict)
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
    """

    __slots__ = ("_parts", "arrays", "key", "objects", "plain", "tensors")

    def __init__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.arrays = False
        self.tensors: list[Any] = []
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
        if kind is tuple:
            return (kind, *map(self._part, x))
        if kind in (list, dict):
            self._parts.append(id(x))
        if kind is list:
            return (kind, *map(self._part, x))
        if kind is dict:
            return (kind, *[(self._key(key), self._part(value)) for key, value in x.items()])
        if kind in _NUMBERS:
            return _number(x)
        if type(x) is ArrayArgument:
            self.tensors.append(x)
            return None
        if is_array(x):
            self.arrays = True
            self.tensors.append(x)
            return (kind, x.shape, x.dtype.str, x.strides)  # which a step can tell from a tensor
        if isinstance(x, Tensor) and not isinstance(x, Variable):
            self.plain = False
        return self._object(x)

    def _key(self, key: Any) -> Any:
        """The same for a key of a dict, which the step has, too: equal ones may be told apart by what they hold."""
        kind = type(key)
        if kind is str:
            return key
        if kind in _NUMBERS:
            return Key(_number(key))
        if kind is tuple:
            return Key((kind, *map(self._key, key)))
        if isinstance(key, numpy.generic) and kind.__module__ == "numpy" and kind not in (numpy.void, numpy.object_):
            return Key((kind, key.dtype.str, key.tobytes()))
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
    if given.arrays or any(type(x) in _NESTED for x in args):
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
    elif type(x) in (list, tuple):
        for i, part in enumerate(x):
            yield from _arrays_in(part, f"{name}[{i}]")
    elif type(x) is dict:
        for key, part in x.items():
            yield from _arrays_in(part, f"{name}[{key!r}]")
