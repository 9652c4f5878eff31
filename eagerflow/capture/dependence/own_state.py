"""What of an optimizer or a metric may change in a replay, which calls it again."""

from __future__ import annotations

import inspect
from types import FunctionType

from eagerflow.capture.dependence.attributes import names_of_ours
from eagerflow.capture.dependence.names import Names, named_in
from eagerflow.capture.hearing.codes import Codes
from eagerflow.capture.hearing.whose import is_users

__all__ = ["stored_inside"]


def stored_inside(kind: type, inside: Codes) -> frozenset[str]:
    """Attributes that methods of a class of the user's set which run, or may run, in each replay.

    Args:
        kind: the class.
        inside: codes that ran in what each replay calls again.
    """
    methods = [each for base in kind.__mro__ if is_users(base) for each in vars(base).values()]
    own = [part for each in methods if isinstance(each, FunctionType) for part in (each, inspect.unwrap(each))]
    named = named_in(inside)
    while True:
        called = [each for each in own if each.__code__ in inside or _may_be_called(each.__name__, kind, named)]
        more = named_in([*inside, *[each.__code__ for each in called]])
        if more == named:
            return named_in([each.__code__ for each in called]).stored
        named = more


def _may_be_called(method: str, kind: type, named: Names) -> bool:
    """Whether code with these names, code of our classes or Python itself may call a method."""
    if method in ("__init__", "__new__"):
        return False
    by_python = method.startswith("__") and method.endswith("__")
    return by_python or named.reads(method) or method in names_of_ours(kind)
