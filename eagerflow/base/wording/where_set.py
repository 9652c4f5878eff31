"""Where the code of an object's class would set an attribute that the object doesn't have."""

from __future__ import annotations

import difflib
import dis
import inspect
from collections.abc import Iterator
from types import CodeType

__all__ = ["nowhere_set", "where_set"]

_HOOKS = ("build", "call", "compute_output_shape", "get_config")
_BY_NAME = frozenset(("setattr", "__dict__", "__setattr__", "vars", "exec"))  # code that may set anything


def where_set(owner: object, name: str) -> str:
    """A sentence on which method sets an attribute; "" where none does, or that is known to have run.

    Args:
        owner: the object, of a class that a user wrote.
        name: the attribute.
    """
    methods = dict(_own_methods(type(owner)))
    method = next((each for each, code in methods.items() if _sets(code, name)), "__init__")
    if method == "__init__":
        return ""
    if method == "build":
        is_due = owner.__dict__.get("built") is False
        return " build() sets it: call the layer first, or layer.build(input_shape)." if is_due else ""
    meant = difflib.get_close_matches(method, [hook for hook in _HOOKS if hook not in methods], n=1, cutoff=0.7)
    return f" {method}() sets it, and hasn't done so yet.{f' Did you mean {meant[0]}()?' if meant else ''}"


def nowhere_set(owner: object, name: str) -> str:
    """A sentence that no method of a class that a user wrote sets an attribute; "" where one does, or may do so."""
    codes = [code for _, code in _own_methods(type(owner))]
    if not codes or any(_BY_NAME & {*code.co_names} or _sets(code, name) for code in codes):
        return ""
    made = " or, for weights, in build(input_shape)" if hasattr(owner, "add_weight") else ""
    return f" No method of {type(owner).__name__} sets it: set it in __init__{made}."


def _own_methods(cls: type) -> Iterator[tuple[str, CodeType]]:
    """The code of the methods that a class has of its user's own."""
    for each in cls.__mro__:
        if each is object or each.__module__.partition(".")[0] in ("eagerflow", "keras", "abc"):
            return
        for name, value in vars(each).items():
            code = getattr(inspect.unwrap(value) if callable(value) else value, "__code__", None)
            if isinstance(code, CodeType):
                yield name, code


def _sets(code: CodeType, name: str) -> bool:
    return name in code.co_names and any(
        step.opname == "STORE_ATTR" and step.argval == name for step in dis.get_instructions(code)
    )
