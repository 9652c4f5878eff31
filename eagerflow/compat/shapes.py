"""Shapes with TensorFlow's methods: `x.shape.as_list()`, in programs that are written for them."""

from __future__ import annotations

import math
from typing import Any

from eagerflow.core.tensor import Tensor
from eagerflow.data.text import TextTensor
from eagerflow.layers.symbolic import SymbolicTensor

__all__ = ["TensorShape", "shapes_of_numpy", "shapes_of_tensorflow"]


class TensorShape(tuple[Any, ...]):
    """A shape, with None for unknown lengths: a tuple with TensorFlow's methods."""

    __slots__ = ()

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        return TensorShape(found) if isinstance(index, slice) else found

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
