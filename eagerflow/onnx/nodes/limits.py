"""How much memory one run of a graph may take: a small file can ask for terabytes.

Limits grow with what the inputs and weights take, so a large model meets none of them.
"""

from __future__ import annotations

import contextlib
import contextvars
import math
import weakref
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy

__all__ = ["hold", "limits_for", "room"]

_GIB = 2**30


class _Limits:
    """The bytes that further results of a run may take at one time, and those that are there."""

    __slots__ = ("held", "room")

    def __init__(self, held: int) -> None:
        self.room = max(3 * _GIB // 16, 1024 * held)
        self.held = dict[int, weakref.ref[Any]]()


_limits: contextvars.ContextVar[_Limits | None] = contextvars.ContextVar("limits", default=None)


@contextlib.contextmanager
def limits_for(held: int) -> Iterator[None]:
    """For a run whose inputs and weights take `held` bytes."""
    token = _limits.set(_Limits(held))
    try:
        yield
    finally:
        _limits.reset(token)


def room(shape: Sequence[int], dtype: Any) -> tuple[int, ...]:
    """A shape, once a result of it is known not to be monstrous.

    Raises:
        ValueError: for a negative length, too many axes, or too many bytes.
    """
    shape = tuple([int(n) for n in shape])
    if any(n < 0 for n in shape) or len(shape) > 32:
        raise ValueError(f"the shape {list(shape)[:9]!s:.150} can't be.")
    limits, size = _limits.get(), math.prod(shape) * numpy.dtype(dtype).itemsize
    if limits is not None and size > limits.room:
        raise ValueError(
            f"a result of shape {list(shape)[:9]!s:.150} would take {size / _GIB:,.1f} GiB, more than inputs and "
            f"weights give reason for ({limits.room / _GIB:,.1f} GiB)."
        )
    return shape


def hold(results: Iterable[Any]) -> None:
    """Arrays are made, and take memory until they are gone.

    Raises:
        ValueError: when all that are there take more than a run may.
    """
    limits = _limits.get()
    if limits is None:
        return
    for array in results:
        while isinstance(array.base, numpy.ndarray):
            array = array.base
        if isinstance(array, numpy.ndarray) and id(array) not in limits.held:
            limits.held[id(array)] = weakref.ref(array, partial(_let_go, limits, id(array), array.nbytes))
            limits.room -= array.nbytes
    if limits.room < 0:
        raise ValueError("the results that it holds take more than inputs and weights give reason for.")


def _let_go(limits: _Limits, key: int, size: int, _: Any) -> None:
    del limits.held[key]
    limits.room += size
