"""Which globals and attributes code names, read from its instructions."""

from __future__ import annotations

import dis
import enum
import functools
import importlib.util
from collections.abc import Iterable, Iterator
from types import CodeType, FunctionType
from typing import Any, NamedTuple

from eagerflow.capture.dependence.kinds import is_constant
from eagerflow.capture.dependence.registered import formats_by_locale
from eagerflow.capture.hearing.codes import Codes
from eagerflow.capture.hearing.named import is_with, steps_of

__all__ = ["ASKING", "Names", "compares_values", "function_of", "named_in", "resolved"]

# By these, attributes are read whose names no instruction has.
_ANY = frozenset(
    """
    vars __dict__ __getattribute__ __getstate__ __reduce__ __reduce_ex__ attrgetter methodcaller locals globals
    eval exec asdict astuple getmembers getmembers_static getattr_static format format_map
    """.split()
)

# What puts a constant there, such as None; and a global, such as a class.
_FIXED = ("LOAD_CONST", "LOAD_SMALL_INT", "LOAD_COMMON_CONST")
_GLOBAL = ("LOAD_GLOBAL", "LOAD_NAME")
_TAKEN = (*_GLOBAL, "LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_DEREF")  # by a name that isn't an attribute's
_WRITING = frozenset({"format", "format_map", "ascii"})
_WHOLE = frozenset({"__dict__", "__getattribute__", "__getattr__"})  # by these, all attributes are taken
_JUMPS = frozenset([*dis.hasjrel, *dis.hasjabs])
_SINGLE = (None, True, False, Ellipsis, NotImplemented)  # of which there is one each
_ASKING = frozenset({"is_", "is_not"})
ASKING = frozenset({"getattr", "hasattr"})  # by these, too, where code hasn't the name as a constant
_PARTS = ("LOAD_ATTR", "LOAD_METHOD")


class Names(NamedTuple):
    """What code names.

    Attributes:
        scope: globals and builtins.
        attributes: of whatever object, and variables of the functions around.
        modules: that it imports while it runs, with a dot in front for each level that they are relative.
        stored: attributes that it sets or deletes.
        handed: globals, variables of the functions around and attributes of which it takes more than an attribute: it
            hands them on, say.
        texts: whether it may write values into a text.
        by_locale: whether it may do so by the locale.
        any: whether it may read attributes that it doesn't name.
    """

    scope: frozenset[str]
    attributes: frozenset[str]
    modules: frozenset[str]
    stored: frozenset[str]
    handed: frozenset[str]
    texts: bool
    by_locale: bool
    any: bool

    def reads(self, name: str) -> bool:
        """Whether an attribute or a variable may be read."""
        return self.any or name in self.attributes or name in self.scope


@functools.cache
def _of(code: CodeType) -> Names:
    scope, attributes, modules, stored = set(), {*code.co_freevars}, set(), set()
    steps = steps_of(code)
    asked = _asked_for(steps)
    attributes.update([name for name in asked if name is not None])
    reads_any = None in asked
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
            reads_any = reads_any or step.argval > 0
    reads_any = reads_any or not _ANY.isdisjoint(scope | attributes)
    if reads_any:
        attributes.update(_possible_names(code.co_consts))
    handed = frozenset(_handed_on(steps))
    texts = not _WRITING.isdisjoint(scope | attributes) or any(_writes(steps, i) for i in range(len(steps)))
    each = frozenset(scope), frozenset(attributes), frozenset(modules), frozenset(stored), handed
    by_locale = formats_by_locale(scope | attributes, code.co_consts, steps)
    own = Names(*each, texts, by_locale, reads_any)
    return _joined([own, *[_of(each) for each in code.co_consts if isinstance(each, CodeType)]])


def _possible_names(constants: Iterable[Any]) -> Iterator[str]:
    """What constants may name: attributes, or modules with dots and the parts of these."""
    for each in constants:
        if isinstance(each, (tuple, frozenset)):
            yield from _possible_names(each)
        elif isinstance(each, str) and all(part.isidentifier() for part in each.split(".")):
            yield from (each, *each.split("."))


def _handed_on(steps: list[dis.Instruction]) -> Iterator[str]:
    """What code has by a name, and doesn't only take an attribute of that it names."""
    for i, step in enumerate(steps):
        if step.opname in _TAKEN or step.opname in _PARTS or step.opname == "IMPORT_FROM":
            following = steps[i + 1] if i + 1 < len(steps) else step
            if following.opname not in _PARTS or following.argval in _WHOLE:
                yield str(step.argval)


def _writes(steps: list[dis.Instruction], i: int) -> bool:
    """Whether an instruction may write a value into a text: in an f-string, or by `%`."""
    step = steps[i]
    if step.opname == "BINARY_OP" and step.argrepr.startswith("%"):
        return steps[i - 1].opname not in _FIXED or not isinstance(steps[i - 1].argval, (int, float))
    return step.opname.startswith("FORMAT_")


def _asked_for(steps: list[dis.Instruction]) -> set[str | None]:
    """Attributes that code asks for by `getattr` and `hasattr`; None stands for those whose names it doesn't have."""
    found = set[str | None]()
    for i, step in enumerate(steps):
        if step.argval in ASKING and step.opname in (*_TAKEN, *_PARTS):
            name = _second_given(steps, i) if step.opname in _TAKEN else None
            found.add(str(name.argval) if name is not None and isinstance(name.argval, str) else None)
    return found


def _second_given(steps: list[dis.Instruction], i: int) -> dis.Instruction | None:
    """The constant that what an instruction loads is given as its second argument; None if that is something else."""
    depth, second = 0, steps[i]  # how many values lie above it, and what put the second one there
    for j, step in enumerate(steps[i + 1 :], i + 1):
        if step.opcode in _JUMPS:
            return None
        is_call = step.opname == "PRECALL" or (step.opname == "CALL" and steps[j - 1].opname != "PRECALL")  # of 3.11
        if is_call and depth <= step.argval:
            return second if depth == step.argval > 1 and second.opname == "LOAD_CONST" else None
        depth += dis.stack_effect(step.opcode, step.arg)
        second = step if depth == 2 else second
    return None


def _joined(each: Iterable[Names]) -> Names:
    every = list(each)
    return Names(
        frozenset().union(*[names.scope for names in every]),
        frozenset().union(*[names.attributes for names in every]),
        frozenset().union(*[names.modules for names in every]),
        frozenset().union(*[names.stored for names in every]),
        frozenset().union(*[names.handed for names in every]),
        any(names.texts for names in every),
        any(names.by_locale for names in every),
        any(names.any for names in every),
    )


@functools.cache
def _compared_globals(code: CodeType) -> frozenset[str] | None:
    """The globals that code compares with something by `is`; None where it compares other things that aren't fixed.

    Attributes of globals are named with a dot: `mode is Mode.TRAIN`.
    """
    if not _ASKING.isdisjoint(code.co_names):
        return None
    steps, found = steps_of(code), set[str]()
    for i, step in enumerate(steps):
        if step.opname == "IS_OP" and not is_with(_FIXED, steps, i):
            if i > 2 and steps[i - 1].opname == "LOAD_ATTR" and steps[i - 2].opname in _GLOBAL:
                found.add(f"{steps[i - 2].argval}.{steps[i - 1].argval}")
                continue
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
        if names is None or any(_may_be_two(_found(name, variables)) for name in names):
            return True
    return False


def _found(name: str, variables: dict[str, Any]) -> Any:
    """A global, or a member of an enumeration that is one; of other attributes a tuple, of which there may be two."""
    first, dot, member = name.partition(".")
    found: Any = variables.get(first)
    if not dot:
        return found
    return found._member_map_.get(member, ()) if issubclass(type(found), enum.EnumMeta) else ()


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
