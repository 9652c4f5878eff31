"""Public functions out of which errors come as they do out of eagerflow's: notebooks show the user's frames alone."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from types import FunctionType
from typing import ParamSpec, TypeVar

from eagerflow.base import notebook

__all__ = ["boundaries", "boundary"]

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C", bound=type)

notebook.folders.append(os.path.dirname(os.path.abspath(__file__)) + os.sep)


def boundary(function: Callable[P, R]) -> Callable[P, R]:
    """Let IPython show the user's frames only of all that leaves `function`; elsewhere tracebacks stay as they are."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except BaseException as error:
            notebook.shown_short(error)
            raise

    return call


def boundaries(cls: C) -> C:
    """The same for all public methods that a class has itself."""
    for name, value in list(vars(cls).items()):
        if isinstance(value, FunctionType) and not name.startswith("_"):
            setattr(cls, name, boundary(value))
    return cls
