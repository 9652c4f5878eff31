"""Relu behind a normalization, in the same pass over memory, where a captured step has nothing between them."""

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
    """Whether relu is to follow what a kernel computes. Who does it says so by `relu_is_done`."""
    return _asked.wanted and _zeros_keep_signs()


@functools.cache
def _zeros_keep_signs() -> bool:
    """Whether NumPy leaves -0.0 as it is, as compiled kernels do."""
    zeros = numpy.full(100, -0.0, numpy.float32)
    return bool(numpy.signbit(clipped(zeros)).all())


def relu_is_done() -> None:
    """Relu was among what the kernel did, if it was wanted."""
    _asked.wanted = False


def relu_behind(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function of an op whose first output is normalized, as one whose first output is relu of that.

    The numbers are those of both ops on large arrays, to the last bit.
    """

    @functools.wraps(function)
    def joined(*given: Any, **named: Any) -> Any:
        _asked.wanted = True
        try:
            found = function(*given, **named)
        finally:
            done, _asked.wanted = not _asked.wanted, False
        out = found
        while isinstance(out, tuple):
            out = out[0]
        if not done:
            clipped(out, out)
        return found

    return joined
