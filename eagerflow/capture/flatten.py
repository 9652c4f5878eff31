"""The arguments of one call of a captured function: tensors that it computes with, and what must be the same."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from types import MethodType
from typing import Any
from weakref import ReferenceType

import numpy

from eagerflow.core.device import device_of
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.core.variable import Variable

__all__ = ["Arguments", "nested_kind", "parts_of", "weakly"]

_PLAIN = (int, float, complex, str, bytes, bool, type(None), range, slice)
_TEXT = "OUSMmV"  # kinds of arrays that can't become tensors


def nested_kind(x: Any) -> type | None:
    """Whether it is flattened as a list, tuple or dict; None for anything else. Named tuples are tuples."""
    kind = type(x)
    if kind in (list, tuple, dict):
        return kind
    if kind is OrderedDict:
        return dict
    return tuple if issubclass(kind, tuple) and hasattr(kind, "_fields") else None


def parts_of(x: Any) -> list[Any]:
    """The parts of a list, tuple or dict, in order."""
    return list(x.values() if isinstance(x, dict) else x)


class Arguments:
    """Arguments of a call, flattened.

    Attributes:
        tensors: those that the step computes with. NumPy arrays became tensors.
        converts: whether there were NumPy arrays.
        key: what has to be the same for a replay: shapes, types, Python values, objects, and how they are nested.
        objects: models and other things among the arguments.
        plain: whether all tensors are of the class `Tensor` itself.
    """

    __slots__ = ("_args", "_kwargs", "_made", "converts", "key", "objects", "plain", "tensors")

    def __init__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._args, self._kwargs = args, kwargs
        self._made: dict[int, Tensor] = {}  # of NumPy arrays, by their identity
        self.tensors: list[Any] = []
        self.objects: list[Any] = []
        self.plain, self.converts = True, False
        parts = [self._part(x) for x in args]
        parts += [(name, self._part(x)) for name, x in kwargs.items()]
        given = [id(x) for x in self.tensors]
        if len(set(given)) < len(given):  # one slot of the program stands for both
            parts.append(("the same", *map(given.index, given)))
        self.key = tuple(parts)

    def _part(self, x: Any) -> Any:
        kind = type(x)
        if kind is Tensor:
            return self._tensor(x)
        if kind in _PLAIN:
            return kind, repr(x)
        nested = nested_kind(x)
        if nested is dict:
            return (kind, *[(self._part(key), self._part(value)) for key, value in x.items()])
        if nested is not None or kind is frozenset:
            return (kind, *map(self._part, x))
        if kind is numpy.ndarray and x.dtype.kind not in _TEXT:
            self.converts = True
            if id(x) not in self._made:
                self._made[id(x)] = convert_to_tensor(x)
            return self._tensor(self._made[id(x)])
        if issubclass(kind, numpy.generic):
            return kind, x.dtype.str, x.tobytes()
        if isinstance(x, Tensor) and not isinstance(x, Variable):
            self.plain = False
        if kind is MethodType:  # another object each time that it is asked for
            return kind, self._object(x.__self__), self._object(x.__func__)
        return self._object(x)

    def _tensor(self, x: Tensor) -> Any:
        array, mask, logits = x.data, getattr(x, "mask", None), getattr(x, "logits", None)
        self.tensors.append(x)
        about: tuple[Any, ...] = (array.shape, array.dtype.str)
        if not isinstance(array, (numpy.ndarray, numpy.generic)):
            about = (*about, str(device_of(array)))
        if logits is not None:  # a loss may go on with what the activation was computed from
            about = (*about, logits[0], self._part(logits[1]), logits[2])
        if mask is not None:
            about = (*about, "mask", self._part(mask))
        return about

    def _object(self, x: Any) -> int:
        self.objects.append(x)
        return id(x)

    def with_tensors(self, fresh: bool = False) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments, with tensors instead of NumPy arrays.

        Args:
            fresh: whether to make further tensors of the same memory. A tensor that the step reaches in another way,
                such as a global, isn't taken for an argument then. They replace those in `tensors`.
        """
        known: dict[int, Any] = {}
        args = tuple([self._rebuilt(x, fresh, known) for x in self._args])
        kwargs = {name: self._rebuilt(x, fresh, known) for name, x in self._kwargs.items()}
        self.tensors = [known.get(id(x), x) for x in self.tensors]
        return args, kwargs

    def _rebuilt(self, x: Any, fresh: bool, known: dict[int, Any]) -> Any:
        x = self._made.get(id(x), x)
        if type(x) is Tensor:
            if fresh and id(x) not in known:
                known[id(x)] = self._fresh(x, known)
            return known.get(id(x), x)
        nested = nested_kind(x)
        if nested is None:
            return x
        parts = [self._rebuilt(part, fresh, known) for part in parts_of(x)]
        if nested is dict:
            return type(x)(zip(x, parts))
        return parts if nested is list else tuple.__new__(type(x), parts)

    def _fresh(self, x: Tensor, known: dict[int, Any]) -> Tensor:
        array = x.data
        view = array.copy() if isinstance(array, numpy.generic) else array.view()
        made = Tensor(numpy.asarray(view) if isinstance(view, numpy.bool_) else view, None, x.key)
        if hasattr(x, "serial"):
            made.serial = x.serial
        if getattr(x, "mask", None) is not None:
            made.mask = self._rebuilt(x.mask, True, known)
        if hasattr(x, "logits"):
            made.logits = (x.logits[0], self._rebuilt(x.logits[1], True, known), x.logits[2])
        return made


def weakly(x: Any, gone: Callable[[Any], None] | None = None) -> Callable[[], Any]:
    """What gives an object, and doesn't keep it alive where that can be."""
    try:
        return ReferenceType(x, gone)
    except TypeError:
        return lambda: x
