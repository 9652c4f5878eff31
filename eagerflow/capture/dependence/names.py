"""Which globals and attributes code names, read from its instructions."""

from __future__ import annotations

import dis
import functools
from collections.abc import Iterable
from types import CodeType
from typing import NamedTuple

__all__ = ["Names", "named_in"]

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
        any: whether it may read attributes that it doesn't name.
    """

    scope: frozenset[str]
    attributes: frozenset[str]
    modules: frozenset[str]
    any: bool

    def reads(self, name: str) -> bool:
        """Whether an attribute or a variable may be read."""
        return self.any or name in self.attributes or name in self.scope


@functools.cache
def _of(code: CodeType) -> Names:
    scope, attributes, modules, matches = set(), {*code.co_freevars}, set(), False
    steps = [step for step in dis.get_instructions(code) if step.opname not in ("CACHE", "EXTENDED_ARG")]
    for i, step in enumerate(steps):
        if "GLOBAL" in step.opname or step.opname in ("LOAD_NAME", "STORE_NAME", "LOAD_FROM_DICT_OR_GLOBALS"):
            scope.add(str(step.argval))
        elif step.opname == "IMPORT_NAME":
            modules.add("." * steps[i - 2].argval + str(step.argval))  # after the level, and what is taken out of it
        elif step.opname in ("IMPORT_FROM", "LOAD_METHOD") or step.opname.endswith("_ATTR"):
            attributes.add(str(step.argval))
        elif step.opname == "MATCH_CLASS":  # `case Point(x=0)` names attributes; which are `Point(0)`'s the class knows
            attributes.update(steps[i - 1].argval)
            matches = matches or step.argval > 0
    reads_any = matches or not _ANY.isdisjoint(scope | attributes)
    if reads_any:
        attributes.update(text for text in code.co_consts if isinstance(text, str) and text.isidentifier())
    own = Names(frozenset(scope), frozenset(attributes), frozenset(modules), reads_any)
    return _joined([own, *[_of(each) for each in code.co_consts if isinstance(each, CodeType)]])


def _joined(each: Iterable[Names]) -> Names:
    every = list(each)
    return Names(
        frozenset().union(*[names.scope for names in every]),
        frozenset().union(*[names.attributes for names in every]),
        frozenset().union(*[names.modules for names in every]),
        any(names.any for names in every),
    )


def named_in(codes: Iterable[CodeType]) -> Names:
    """All that these name, and functions inside of them."""
    return _joined(map(_of, codes))
