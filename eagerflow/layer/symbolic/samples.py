"""What stands for a symbolic tensor while a call is tried: its shape and type, and arrays made from them."""

from __future__ import annotations

import contextlib
import contextvars
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy

from eagerflow.base.typing import Shape
from eagerflow.core.tensor import Tensor
from eagerflow.layer.symbolic.text_type import TEXT, type_of

__all__ = ["BY_VALUE", "Spec", "orders", "other_values", "sample", "varied"]


class Spec:
    """A shape and a type, and the shape of a mask where the call doesn't work without one."""

    __slots__ = ("dtype", "mask", "shape")

    def __init__(self, shape: Shape, dtype: Any, mask: Any = None) -> None:
        self.shape = tuple(shape)
        self.dtype = type_of(dtype)
        self.mask = mask

    def __repr__(self) -> str:
        return f"{self.dtype}{list(self.shape)}"


def sample(x: Any) -> Any:
    """An array in place of a `Spec`: ones, zeros or empty text; anything else as it is."""
    if not isinstance(x, Spec):
        return x
    if x.dtype is TEXT:
        return numpy.full(x.shape, "", object)
    # Integers may be indices, so they are 0; True keeps what a mask would leave out.
    made = Tensor((numpy.zeros if x.dtype.kind in "iu" else numpy.ones)(x.shape, x.dtype))
    if x.mask is not None:
        made.mask = Tensor(numpy.ones(x.mask, bool))
    return made


def varied(x: Any) -> Any:
    """A sample whose square matrices are the identity, and whose other values all differ."""
    if not isinstance(x, Spec) or x.dtype is TEXT:
        return sample(x)
    shape: Any = x.shape  # all lengths are known here
    if _varying.get():
        return Tensor((numpy.arange(math.prod(shape)).reshape(shape) % 7).astype(x.dtype))
    if x.dtype.kind not in "fc":
        return sample(x)
    if len(shape) > 1 and shape[-1] == shape[-2]:
        return Tensor(numpy.broadcast_to(numpy.eye(shape[-1], dtype=x.dtype), shape).copy())
    spread = numpy.arange(1, math.prod(shape) + 1) * 0.6180339887498949 % 1
    return Tensor(spread.reshape(shape).astype(x.dtype))


# Ops with results whose lengths depend on values: a second run on other values tells which ones.
BY_VALUE = frozenset("argwhere bincount nonzero segment_max segment_sum slice unique where".split())
_varying: contextvars.ContextVar[bool] = contextvars.ContextVar("varying", default=False)


@contextlib.contextmanager
def other_values() -> Iterator[None]:
    """Inside, arrays have values that differ."""
    token = _varying.set(True)
    try:
        yield
    finally:
        _varying.reset(token)


def orders() -> tuple[Callable[[Any], Any], ...]:
    """The ways to make arrays, in the order in which they are tried: matrices of ones can't be inverted."""
    return (varied,) if _varying.get() else (sample, varied)
