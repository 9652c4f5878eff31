"""Functions that take a shape or axes as one tuple, and what `zeros(2, 3)` is told."""

from __future__ import annotations

import re
from collections.abc import Callable
from inspect import Parameter, signature
from numbers import Integral
from typing import Any

__all__ = ["TUPLES", "one_tuple_meant", "tuple_meant"]

TUPLES = ("shape", "newshape", "axes", "axis", "repeats")  # the arguments that are one tuple
_TOO_MANY = re.compile(r"(\w+)\(\) takes .*positional arguments? but \d+ were given$")
_NO_TYPE = "is not a type that tensors can have"


def tuple_meant(name: str, parameters: list[Parameter], args: tuple[Any, ...]) -> str:
    """What to say of a call with lengths or axes one by one; empty where it is no such call.

    Args:
        name: the function's.
        parameters: what it takes.
        args: what it was given by position.

    >>> from eagerflow.base.wording.one_tuple import tuple_meant
    >>> tuple_meant("full", list(signature(ef.ops.full).parameters.values()), (2, 3, 1.0))
    'full(2, 3, 1.0): shape is one tuple: full((2, 3), 1.0).'
    """
    at = next((i for i, p in enumerate(parameters) if p.name in TUPLES), None)
    if at is None:
        return ""
    end = at
    while end < len(args) and isinstance(args[end], Integral):
        end += 1
    needed = sum([p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD for p in parameters[at + 1 :]])
    end -= max(0, needed - (len(args) - end))
    if end - at < 2:
        return ""
    first = [p.name for p in parameters[:at]]
    lengths = [str(n) for n in args[at:end]]
    rest = [f"{value!r:.40}" for value in args[end:]]
    given = ", ".join([*first, *lengths, *rest])
    meant = ", ".join([*first, f"({', '.join(lengths)})", *rest])
    return f"{name}({given}): {parameters[at].name} is one tuple: {name}({meant})."


def one_tuple_meant(error: BaseException, function: Callable[..., Any], args: tuple[Any, ...]) -> str:
    """The same of an error that left a function: Python's for too many arguments, or that a length is no dtype."""
    said = str(error)
    too_many = _TOO_MANY.search(said)
    ours = too_many is not None and too_many[1] == function.__name__
    if len(args) < 2 or not (ours or (isinstance(error, ValueError) and _NO_TYPE in said)):
        return ""
    return tuple_meant(function.__name__, [*signature(function).parameters.values()], args)
