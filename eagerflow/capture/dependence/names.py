"""Which globals and attributes code names, read from its instructions."""

from __future__ import annotations

import dis
import functools
from collections.abc import Iterable
from types import CodeType
from typing import NamedTuple

__all__ = ["Names", "compares_values", "named_in"]

# By these, attributes are read whose names no instruction has.
_ANY = frozenset(
    """
    getattr vars __dict__ __getattribute__ attrgetter methodcaller locals globals eval exec asdict astuple getmembers
    getmembers_static getattr_static format format_map
    """.split()
)


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
    steps = [step for step in dis.get_instructions(code) if step.opname not in ("CACHE", "EXTENDED_ARG")]
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
    steps = [step for step in dis.get_instructions(code) if step.opname not in ("CACHE", "EXTENDED_ARG")]
    given = [steps[max(0, i - 2) : i] for i, step in enumerate(steps) if step.opname == "IS_OP"]
    inner = any(_compares(each) for each in code.co_consts if isinstance(each, CodeType))
    return inner or not {"is_", "is_not"}.isdisjoint(code.co_names) or not all(map(_with_a_fixed_one, given))


def _with_a_fixed_one(given: list[dis.Instruction]) -> bool:
    """Whether one of two things that are compared is a constant, such as None, or a global, such as a class."""
    fixed = ["CONST" in step.opname or "GLOBAL" in step.opname or "SMALL_INT" in step.opname for step in given]
    return fixed[-1] or (fixed[0] and given[-1].opname.startswith("LOAD") and given[-1].opname != "LOAD_ATTR")


def compares_values(codes: Iterable[CodeType]) -> bool:
    """Whether any of these asks with `is` whether two values are one: two equal numbers may be two objects."""
    return any(map(_compares, codes))


def named_in(codes: Iterable[CodeType]) -> Names:
    """All that these name, and functions inside of them."""
    return _joined(map(_of, codes))
