"""Shapes with TensorFlow's methods: `x.shape.as_list()`, in programs that are written for them."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy

from eagerflow.core.tensor import Tensor
from eagerflow.data.text import TextTensor
from eagerflow.layer.symbolic.tensors import SymbolicTensor

__all__ = ["Count", "Lengths", "TensorShape", "counted", "shape_of_tensorflow", "shapes_of_numpy"]
__all__ += ["shapes_of_tensorflow"]


class TensorShape(tuple[Any, ...]):
    """A shape, with None for unknown lengths: a tuple with TensorFlow's methods."""

    __slots__ = ()

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        return TensorShape(found) if isinstance(index, slice) else found

    def __eq__(self, other: object) -> bool:
        return tuple(self) == (tuple(other) if isinstance(other, list) else other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = tuple.__hash__

    def as_list(self) -> list[Any]:
        """The lengths in a list."""
        return list(self)

    @property
    def rank(self) -> int:
        """The number of axes."""
        return len(self)

    @property
    def ndims(self) -> int:
        """The number of axes."""
        return len(self)

    @property
    def dims(self) -> list[Any]:
        """The lengths in a list."""
        return list(self)

    def num_elements(self) -> int | None:
        """The product of the lengths, None when one is unknown."""
        return None if None in self else math.prod(self)

    def is_fully_defined(self) -> bool:
        """Whether all lengths are known."""
        return None not in self


def _by_element(name: str) -> Any:
    operation = getattr(operator, name)

    def call(self: Lengths, *other: Any) -> Any:
        if None in self:
            raise TypeError("tf.shape: a length isn't known before data comes; a Layer's call knows it.")
        return operation(Tensor(numpy.array(self, "int32")), *other)

    def reflected(self: Lengths, other: Any) -> Any:
        return operation(Tensor(numpy.array(other)), Tensor(numpy.array(self, "int32")))

    return call, reflected


class Count(int):
    """What `tf.size`, `tf.rank` and `tf.shape(x)[0]` give: a number of Python's, with a tensor's `numpy()`."""

    __slots__ = ()

    def numpy(self) -> numpy.int32:
        """The number as NumPy's."""
        return numpy.int32(self)


def counted(number: Any) -> Any:
    """A number as a `Count`; None, for what isn't known, stays."""
    return number if number is None else Count(number)


class Lengths(TensorShape):
    """What `tf.shape` gives: a shape that arithmetic takes for a vector, as in TensorFlow."""

    __slots__ = ()

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        return Lengths(found) if isinstance(index, slice) else counted(found)

    @property
    def shape(self) -> TensorShape:
        """Its own shape: the number of axes."""
        return TensorShape((len(self),))

    def numpy(self) -> numpy.ndarray:
        """The lengths in an array."""
        return numpy.array(self, "int32")

    __add__, __radd__ = _by_element("add")
    __sub__, __rsub__ = _by_element("sub")
    __mul__, __rmul__ = _by_element("mul")
    __truediv__, __rtruediv__ = _by_element("truediv")
    __floordiv__, __rfloordiv__ = _by_element("floordiv")
    __mod__, __rmod__ = _by_element("mod")
    __pow__, __rpow__ = _by_element("pow")
    __neg__, _ = _by_element("neg")
    __abs__, _ = _by_element("abs")
    __lt__, _ = _by_element("lt")
    __le__, _ = _by_element("le")
    __gt__, _ = _by_element("gt")
    __ge__, _ = _by_element("ge")
    __eq__, _ = _by_element("eq")
    __ne__, _ = _by_element("ne")
    __hash__ = tuple.__hash__


def shape_of_tensorflow(shape: Any) -> Any:
    """A shape, or shapes in a list, tuple or dict, as TensorFlow has them."""
    if isinstance(shape, dict):
        return {key: shape_of_tensorflow(each) for key, each in shape.items()}
    if type(shape) is tuple and all(n is None or isinstance(n, int) for n in shape):
        return TensorShape(shape)
    return type(shape)([shape_of_tensorflow(each) for each in shape]) if type(shape) in (list, tuple) else shape


_tensor: Any = Tensor
_own: dict[Any, property] = {kind: kind.__dict__["shape"] for kind in (Tensor, SymbolicTensor, TextTensor)}
_added = ("get_shape", "_keras_shape")


def shapes_of_tensorflow() -> None:
    """From now on tensors tell their shapes in this way, and have `get_shape()`."""
    for kind, own in _own.items():
        kind.shape = property(_telling(own.fget), doc=own.__doc__)
    _tensor.get_shape = lambda self: self.shape
    _tensor._keras_shape = property(lambda self: tuple(self.shape))


def _telling(shape_of: Any) -> Any:
    def shape(self: Any) -> TensorShape:
        return TensorShape(shape_of(self))

    return shape


def shapes_of_numpy() -> None:
    """From now on tensors tell their shapes as plain tuples again."""
    for kind, own in _own.items():
        kind.shape = own
    for name in _added:
        if name in Tensor.__dict__:
            delattr(Tensor, name)
