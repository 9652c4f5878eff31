"""A limit on the memory of the weights that layers make: a file may describe a layer of any size."""

from __future__ import annotations

import contextlib
import contextvars
import math
from collections.abc import Iterator

import numpy

__all__ = ["spend", "weights_limited"]

# How many bytes may still be used, and for whom; None while there is no limit.
_left: contextvars.ContextVar[_Purse | None] = contextvars.ContextVar("left", default=None)


class _Purse:
    def __init__(self, size: int, owner: str) -> None:
        self.size, self.owner = size, owner


@contextlib.contextmanager
def weights_limited(size: int, owner: str) -> Iterator[None]:
    """Inside the block, all new weights together may have `size` bytes.

    Args:
        size: the limit.
        owner: the file that is loaded, for the message.
    """
    token = _left.set(_Purse(size, owner))
    try:
        yield
    finally:
        _left.reset(token)


def spend(layer: str, shape: tuple[int, ...], dtype: str) -> None:
    """Called before a weight is made.

    Raises:
        ValueError: when it would be too much.
    """
    left = _left.get()
    if left is None:
        return
    size = math.prod(shape) * (numpy.dtype(dtype).itemsize if dtype != "bfloat16" else 2)
    left.size -= size
    if left.size < 0:
        raise ValueError(
            f"{left.owner!r} describes more weights than it can hold: {layer} wants one of {size} bytes, shape {shape}."
        )
