"""Which globals and attributes code names, read from its instructions."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Iterable
from types import CodeType, FunctionType
from typing import Any, NamedTuple

from eagerflow.capture.dependence.kinds import is_constant
from eagerflow.capture.hearing.codes import Codes
from eagerflow.capture.hearing.named import is_with, steps_of

__all__ = ["Names", "compares_values", "function_of", "named_in", "resolved"]

# By these, attributes are read whose names no instruction has.
_ANY = frozenset(
    """
    getattr vars __dict__ __getattribute__ __getstate__ __reduce__ __reduce_ex__ attrgetter methodcaller locals globals
    eval exec asdict astuple getmembers getmembers_static getattr_static format format_map
    """.split()
)

# What puts a constant there, such as None; and a global, such as a class.
_FIXED = ("LOAD_CONST", "LOAD_SMALL_INT", "LOAD_COMMON_CONST")
_GLOBAL = ("LOAD_GLOBAL", "LOAD_NAME")
_SINGLE = (None, True, False, Ellipsis, NotImplemented)  # of which there is one each
_ASKING = frozenset({"is_", "is_not"})


class Names(NamedTuple):
    """What code names.

    Attributes:
        scope: globals and builtins.
        attributes: of whatever object, and variables of the functions around.
        modules: that it imports while it runs, with a dot in front for each level that they are relative.
        stored: attributes that it sets or deletes.
        any: whether it may read attributes that it doesn't name.
    """

    scope: frozenset[str]
    attributes: frozenset[str]
    modules: frozenset[str]
    stored: frozenset[str]
    any: bool

    def reads(self, name: str) -> bool:
        """Whether an attribute or a variable may be read."""
        return self.any or name in self.attributes or name in self.scope


@functools.cache
def _of(code: CodeType) -> Names:
    scope, attributes, modules, stored, matches = set(), {*code.co_freevars}, set(), set(), False
    steps = steps_of(code)
    for i, step in enumerate(steps):
        if "GLOBAL" in step.opname or step.opname in ("LOAD_NAME", "STORE_NAME", "LOAD_FROM_DICT_OR_GLOBALS"):
            scope.add(str(step.argval))
        elif step.opname == "IMPORT_NAME":
            modules.add("." * steps[i - 2].argval + str(step.argval))  # after the level, and what is taken out of it
        elif step.opname in ("IMPORT_FROM", "LOAD_METHOD") or step.opname.endswith("_ATTR"):
            attributes.add(str(step.argval))
            stored.update([str(step.argval)] * step.opname.startswith(("STORE", "DELETE")))
        elif step.opname == "MATCH_CLASS":  # `case Point(x=0)` names attributes; which are `Point(0)`'s the class knows
            attributes.update(steps[i - 1].argval)
            matches = matches or step.argval > 0
    reads_any = matches or not _ANY.isdisjoint(scope | attributes)
    if reads_any:
        attributes.update(text for text in code.co_consts if isinstance(text, str) and text.isidentifier())
    own = Names(frozenset(scope), frozenset(attributes), frozenset(modules), frozenset(stored), reads_any)
    return _joined([own, *[_of(each) for each in code.co_consts if isinstance(each, CodeType)]])


def _joined(each: Iterable[Names]) -> Names:
    every = list(each)
    return Names(
        frozenset().union(*[names.scope for names in every]),
        frozenset().union(*[names.attributes for names in every]),
        frozenset().union(*[names.modules for names in every]),
        frozenset().union(*[names.stored for names in every]),
        any(names.any for names in every),
    )


@functools.cache
def _compared_globals(code: CodeType) -> frozenset[str] | None:
    """The globals that code compares with something by `is`; None where it compares other things that aren't fixed."""
    if not _ASKING.isdisjoint(code.co_names):
        return None
    steps, found = steps_of(code), set[str]()
    for i, step in enumerate(steps):
        if step.opname == "IS_OP" and not is_with(_FIXED, steps, i):
            if not is_with(_GLOBAL, steps, i):
                return None
            found.update([str(each.argval) for each in steps[i - 2 : i] if each.opname.startswith(_GLOBAL)])
    for inner in [_compared_globals(each) for each in code.co_consts if isinstance(each, CodeType)]:
        if inner is None:
            return None
        found |= inner
    return frozenset(found)


def compares_values(codes: Codes) -> bool:
    """Whether any of these asks with `is` whether two values are one: two equal numbers may be two objects.

    Args:
        codes: with their globals. A class or a function among these can't be mistaken for another one.
    """
    for code, variables in codes.items():
        names = _compared_globals(code)
        if names is None or any(_may_be_two(variables.get(name)) for name in names):
            return True
    return False


def _may_be_two(value: Any) -> bool:
    """Whether another object may be equal to this and as good."""
    return isinstance(value, tuple) or (is_constant(value) and not any(value is each for each in _SINGLE))


def named_in(codes: Iterable[CodeType]) -> Names:
    """All that these name, and functions inside of them."""
    return _joined(map(_of, codes))


def resolved(module: str, variables: dict[str, Any]) -> str:
    """The whole name of a module that code with these globals imports."""
    try:
        return importlib.util.resolve_name(module, variables.get("__package__") or "")
    except ImportError:  # relative to nothing: the import raises, too
        return module


def function_of(code: CodeType, variables: dict[str, Any]) -> FunctionType | None:
    """The function of a module, or of a class there, whose code this is, if its name leads to it."""
    first, *rest = code.co_qualname.split(".")
    found = variables.get(first)
    for name in rest:
        found = vars(found).get(name) if isinstance(found, type) else None
    found = found.__func__ if isinstance(found, (staticmethod, classmethod)) else found
    return found if isinstance(found, FunctionType) and found.__code__ is code else None
