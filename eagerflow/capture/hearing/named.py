"""What names in the code of functions stand for, as far as they lead through modules and classes of libraries."""

from __future__ import annotations

import builtins
import dis
import sys
from collections.abc import Iterator
from types import CodeType, ModuleType
from typing import Any, NamedTuple

from eagerflow.capture.hearing.whose import is_unheard

__all__ = ["Named", "called", "is_with", "line_of", "named_things", "steps_of"]

_KNOWN_AS = {"_apply_sums": "apply"}
_PARTS = ("LOAD_ATTR", "LOAD_METHOD")
_SIMPLE = ("LOAD_FAST", "LOAD_FAST_CHECK", "LOAD_FAST_BORROW", "LOAD_DEREF", "LOAD_GLOBAL", "LOAD_NAME")
_GLOBALS = ("LOAD_GLOBAL", "LOAD_NAME")


def called(function: Any) -> str:
    """What messages call a function: one with a name that only we know is told by what it belongs to."""
    *around, name = str(getattr(function, "__qualname__", function)).split(".")
    if name.startswith("_") and not name.startswith("__") and (around or name in _KNOWN_AS):
        name = _KNOWN_AS.get(name, "")
    return ".".join([*around, name]).strip(".")


class Named(NamedTuple):
    """A name in code.

    Attributes:
        steps: all instructions of the code.
        at: which of them names the thing.
        thing: what it stands for; None where nobody knows.
    """

    steps: list[dis.Instruction]
    at: int
    thing: Any

    @property
    def is_called(self) -> bool:
        """Whether it is called next, and not handed on, as to `isinstance`."""
        steps, first = self.steps, self.at
        if first + 1 < len(steps) and steps[first + 1].opname == "PUSH_NULL":
            return True
        while steps[first].opname in _PARTS and first:  # back to where the dotted name begins
            first -= 1
        return any(step.opname == "LOAD_METHOD" or "NULL" in step.argrepr for step in steps[first : self.at + 1])

    @property
    def goes_on(self) -> bool:
        """Whether an attribute of it is taken next."""
        return any(step.opname in _PARTS for step in self.steps[self.at + 1 : self.at + 2])


def steps_of(code: CodeType) -> list[dis.Instruction]:
    """The instructions of code, without those that only Python itself needs."""
    return [step for step in dis.get_instructions(code) if step.opname not in ("CACHE", "EXTENDED_ARG")]


def line_of(code: CodeType, step: dis.Instruction) -> tuple[str, int] | None:
    """File and line of an instruction."""
    line = None if step.positions is None else step.positions.lineno
    return None if line is None else (code.co_filename, line)


def is_with(kinds: tuple[str, ...], steps: list[dis.Instruction], i: int) -> bool:
    """Whether one of the two things that are compared at an instruction was put there by one of some kinds of others.

    Args:
        kinds: how the names of these begin: of those that put constants there, say.
        steps: the instructions.
        i: which of them compares.
    """
    if i < 2 or steps[i - 1].opname.startswith(kinds):
        return True
    is_simple = steps[i - 1].opname in _SIMPLE  # it put one thing there, so what comes before put the other
    return is_simple and steps[i - 2].opname.startswith(kinds)


def named_things(code: CodeType, variables: dict[str, Any]) -> Iterator[Named]:
    """All names of globals in code and of what it imports, and of their parts.

    Args:
        code: of a function.
        variables: its globals.
    """
    steps = steps_of(code)
    thing: Any = None  # what the names so far stand for: a module and its parts
    imported: dict[str, Any] = {}  # within the function
    for i, step in enumerate(steps):
        if step.opname == "IMPORT_NAME":
            thing = sys.modules.get(str(step.argval))
            continue
        if step.opname == "IMPORT_FROM":
            yield Named(steps, i, getattr(thing, str(step.argval), None))
            continue
        if step.opname == "STORE_FAST" and isinstance(thing, ModuleType):
            imported[str(step.argval)] = thing
        if step.opname.startswith("LOAD_FAST"):
            thing = imported.get(str(step.argval))
            continue
        if step.opname in _GLOBALS:
            thing = variables.get(str(step.argval), getattr(builtins, str(step.argval), None))
        elif step.opname in _PARTS:
            leads_on = isinstance(thing, ModuleType) or (isinstance(thing, type) and is_unheard(thing))
            thing = getattr(thing, str(step.argval), None) if leads_on else None
        else:
            thing = None
            continue
        yield Named(steps, i, thing)
