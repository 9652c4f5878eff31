"""Relu behind a batch normalization, in the same pass over memory where its kernel can do that."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

import numpy

from eagerflow.kernels.elementwise.activations import clipped

__all__ = ["relu_behind", "relu_is_done", "relu_is_wanted"]


class _Asked(threading.local):
    wanted = False


_asked = _Asked()


def relu_is_wanted() -> bool:
    """Whether a kernel may compute relu of its result. One that does calls `relu_is_done`."""
    return _asked.wanted and _zeros_keep_signs()


@functools.cache
def _zeros_keep_signs() -> bool:
    """Whether NumPy leaves -0.0 as it is, as compiled kernels do."""
    zeros = numpy.full(100, -0.0, numpy.float32)
    return bool(numpy.signbit(clipped(zeros)).all())


def relu_is_done() -> None:
    """The kernel computed relu, if it was wanted."""
    _asked.wanted = False


def relu_behind(function: Callable[..., Any]) -> Callable[..., Any]:
    """A normalization's function as one whose first output is relu of that: the bits of both ops on large arrays."""

    @functools.wraps(function)
    def with_relu(*args: Any, **named: Any) -> Any:
        _asked.wanted = True
        try:
            found = function(*args, **named)
        finally:
            done, _asked.wanted = not _asked.wanted, False
        out = found
        while isinstance(out, tuple):
            out = out[0]
        if not done:
            clipped(out, out)
        return found

    return with_relu
