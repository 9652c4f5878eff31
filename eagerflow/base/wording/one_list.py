"""Functions of several tensors, which take them in one list: `add([a, b])`, and what `add(a, b)` is told."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from eagerflow.base.notebook import shown_short
from eagerflow.base.tracebacks import wrappers

__all__ = ["takes_one_list"]

P = ParamSpec("P")
R = TypeVar("R")


def takes_one_list(function: Callable[P, R]) -> Callable[P, R]:
    """Refuse a call with tensors one by one, naming the list; all else goes to the function as it is.

    >>> ef.layers.add(ef.ops.ones(2), ef.ops.ones(2))
    Traceback (most recent call last):
        ...
    TypeError: add: all tensors go into one list: add([a, b]).
    """

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        given: tuple[Any, ...] = args
        if len(given) > 1 and hasattr(given[1], "dtype") and hasattr(given[1], "shape"):
            name = function.__name__
            raise shown_short(TypeError(f"{name}: all tensors go into one list: {name}([a, b])."))
        return function(*args, **kwargs)

    wrappers.add(call.__code__)  # type: ignore[attr-defined]
    return call
