"""How much one run of a graph may take: a small file can ask for terabytes, or for years.

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

__all__ = ["go_round", "hold", "limits_for", "room", "spend", "work"]

_GIB = 2**30


class _Limits:
    """What is left of a run.

    Args:
        held: bytes of inputs and weights.

    Attributes:
        room: bytes that further results may take at one time.
        results: bytes that all further results may take, one after the other.
        steps: additions and multiplications of products.
        rounds: of loops.
    """

    __slots__ = ("held", "results", "room", "rounds", "steps")

    def __init__(self, held: int) -> None:
        self.room = max(3 * _GIB // 16, 1024 * held)
        self.held = dict[int, weakref.ref[Any]]()
        self.results = max(4 * _GIB, 65536 * held)
        self.steps = 2 * 10**11 + 10**5 * held
        self.rounds = 10_000


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
    limits = _limits.get()
    size = math.prod(shape) * numpy.dtype(dtype).itemsize
    if limits is not None and size > limits.room:
        raise ValueError(
            f"a result of shape {list(shape)[:9]!s:.150} would take {size / _GIB:,.1f} GiB, more than inputs and "
            f"weights give reason for ({limits.room / _GIB:,.1f} GiB)."
        )
    return shape


def spend(size: int) -> None:
    """So many bytes of results are made.

    Raises:
        ValueError: when that is more than a run may make.
    """
    limits = _limits.get()
    if limits is not None:
        limits.results -= size
        if limits.results < 0:
            raise ValueError("the results of all nodes take more than inputs and weights give reason for.")


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


def work(steps: float) -> None:
    """So many additions and multiplications are needed.

    Raises:
        ValueError: when that is more than a run may do.
    """
    limits = _limits.get()
    if limits is not None:
        limits.steps -= int(steps)
        if limits.steps < 0:
            raise ValueError("it computes more than inputs and weights give reason for.")


def go_round() -> None:
    """A loop goes round once more.

    Raises:
        ValueError: when all loops did that too often.
    """
    limits = _limits.get()
    if limits is not None:
        limits.rounds -= 1
        if limits.rounds < 0:
            raise ValueError("its loops go round too often.")
