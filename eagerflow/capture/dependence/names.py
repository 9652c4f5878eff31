"""Which globals and attributes code names, read from its instructions."""

from __future__ import annotations

import dis
import functools
from collections.abc import Iterable
from types import CodeType
from typing import NamedTuple

__all__ = ["Names", "named_in"]

# By these, attributes are read whose names no instruction has.
_ANY = frozenset({"getattr", "vars", "__dict__", "__getattribute__", "attrgetter", "locals", "globals", "eval", "exec"})


class Names(NamedTuple):
    """What code names.

    Attributes:
        scope: globals and builtins.
        attributes: of whatever object, and variables of the functions around.
        modules: that it imports while it runs.
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
    scope, attributes, modules = set(), {*code.co_freevars}, set()
    for step in dis.get_instructions(code):
        if "GLOBAL" in step.opname or step.opname in ("LOAD_NAME", "STORE_NAME", "LOAD_FROM_DICT_OR_GLOBALS"):
            scope.add(str(step.argval))
        elif step.opname == "IMPORT_NAME":
            modules.add(str(step.argval))
        elif step.opname in ("IMPORT_FROM", "LOAD_METHOD") or step.opname.endswith("_ATTR"):
            attributes.add(str(step.argval))
    own = Names(frozenset(scope), frozenset(attributes), frozenset(modules), not _ANY.isdisjoint(scope | attributes))
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
