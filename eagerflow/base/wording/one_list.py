"""Functions of several tensors, which take them in one list: `add([a, b])`, and what `add(a, b)` is told."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

from eagerflow.base.notebook import shown_short
from eagerflow.base.tracebacks import wrappers

__all__ = ["takes_one_list"]

F = TypeVar("F", bound=Callable[..., Any])


def takes_one_list(function: F) -> F:
    """Refuse a call with tensors one by one, naming the list; all else goes to the function as it is.

    >>> ef.layers.add(ef.ops.ones(2), ef.ops.ones(2))
    Traceback (most recent call last):
        ...
    TypeError: add: all tensors go into one list: add([a, b]).
    """

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if len(args) > 1 and hasattr(args[1], "dtype") and hasattr(args[1], "shape"):
            name = function.__name__
            raise shown_short(TypeError(f"{name}: all tensors go into one list: {name}([a, b])."))
        return function(*args, **kwargs)

    wrappers.add(call.__code__)  # type: ignore[attr-defined]
    return cast(F, call)
