"""Public functions which name the nearest argument for one that they don't have."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable
from types import FunctionType
from typing import ParamSpec, TypeVar

from eagerflow.base import notebook
from viz.facts.formatting import nearest

__all__ = ["boundaries", "boundary"]

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C", bound=type)

notebook.folders.append(os.path.dirname(os.path.abspath(__file__)) + os.sep)


def boundary(function: Callable[P, R]) -> Callable[P, R]:
    """Let the error for an unknown argument of `function` name the nearest one."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except BaseException as error:
            if (meant := _meant(error, function)) is not None:
                raise meant from None
            raise

    return call


def _meant(error: BaseException, function: Callable[..., object]) -> TypeError | None:
    """For an argument that `function` doesn't have: an error that names those that are like it."""
    if not isinstance(error, TypeError) or (
        error.__traceback__ is not None and error.__traceback__.tb_next is not None
    ):
        return None  # it came from inside
    unknown = re.search(r"got an unexpected keyword argument '(\w+)'", str(error))
    if unknown is None or not isinstance(function, FunctionType):
        return None
    code = function.__code__
    known = [name for name in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount] if name != "self"]
    called = function.__qualname__.removesuffix(".__init__")
    return TypeError(f"{called}() has no argument {unknown[1]!r}{nearest(unknown[1], known)}")


def boundaries(cls: C) -> C:
    """The same for all public methods that a class has itself, and for what answers names that it hasn't."""
    for name, value in list(vars(cls).items()):
        if isinstance(value, FunctionType) and (not name.startswith("_") or name == "__getattr__"):
            setattr(cls, name, boundary(value))
    return cls
