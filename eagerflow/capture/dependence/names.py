"""Which globals and attributes code names, read from its instructions."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from types import CodeType
from typing import NamedTuple

from eagerflow.capture.hearing.named import is_with, steps_of

__all__ = ["Names", "compares_values", "named_in"]

# By these, attributes are read whose names no instruction has.
_ANY = frozenset(
    """
    getattr vars __dict__ __getattribute__ __getstate__ __reduce__ __reduce_ex__ attrgetter methodcaller locals globals
    eval exec asdict astuple getmembers getmembers_static getattr_static format format_map
    """.split()
)

# What puts a constant there, such as None, or a global, such as a class.
_FIXED = ("LOAD_CONST", "LOAD_SMALL_INT", "LOAD_COMMON_CONST", "LOAD_GLOBAL", "LOAD_NAME")
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
def _compares(code: CodeType) -> bool:
    steps = steps_of(code)
    asking = [i for i, step in enumerate(steps) if step.opname == "IS_OP"]
    inner = any(_compares(each) for each in code.co_consts if isinstance(each, CodeType))
    return inner or not _ASKING.isdisjoint(code.co_names) or not all(is_with(_FIXED, steps, i) for i in asking)


def compares_values(codes: Iterable[CodeType]) -> bool:
    """Whether any of these asks with `is` whether two values are one: two equal numbers may be two objects."""
    return any(map(_compares, codes))


def named_in(codes: Iterable[CodeType]) -> Names:
    """All that these name, and functions inside of them."""
    return _joined(map(_of, codes))
