"""How large a result of a graph may be: a small file can ask for terabytes.

Limits grow with what the inputs and weights take, so a large model meets none of them.
"""

from __future__ import annotations

import contextlib
import contextvars
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy

__all__ = ["limits_for", "room"]

_GIB = 2**30
_most: contextvars.ContextVar[float] = contextvars.ContextVar("most", default=math.inf)  # bytes of a result


@contextlib.contextmanager
def limits_for(held: int) -> Iterator[None]:
    """For a run whose inputs and weights take `held` bytes."""
    token = _most.set(max(3 * _GIB // 16, 1024 * held))
    try:
        yield
    finally:
        _most.reset(token)


def room(shape: Sequence[int], dtype: Any) -> tuple[int, ...]:
    """A shape, once a result of it is known not to be monstrous.

    Raises:
        ValueError: for a negative length, too many axes, or too many bytes.
    """
    shape = tuple([int(n) for n in shape])
    if any(n < 0 for n in shape) or len(shape) > 32:
        raise ValueError(f"the shape {list(shape)[:9]!s:.150} can't be.")
    size, most = math.prod(shape) * numpy.dtype(dtype).itemsize, _most.get()
    if size > most:
        raise ValueError(
            f"a result of shape {list(shape)[:9]!s:.150} would take {size / _GIB:,.1f} GiB, more than inputs and "
            f"weights give reason for ({most / _GIB:,.1f} GiB)."
        )
    return shape
