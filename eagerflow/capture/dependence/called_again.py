"""What the functions read and set that each replay calls again: optimizers, metrics, draws of random numbers.

They run with the attributes and globals of their time, and a replay leaves out what the step itself sets there between
such calls. Nor does it look, after such a call, whether that has set something that the step reads further on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import CodeType, FunctionType
from typing import Any, NamedTuple

from eagerflow.capture.dependence.attributes import name_of, private_names
from eagerflow.capture.dependence.guards import Guards
from eagerflow.capture.dependence.kept import keep
from eagerflow.capture.dependence.kinds import TOLD_BY_VARIABLES, attributes_of
from eagerflow.capture.dependence.names import Names, named_in
from eagerflow.capture.dependence.reached import Held
from eagerflow.capture.hearing.calls import is_of_user
from eagerflow.capture.hearing.codes import Codes
from eagerflow.capture.hearing.named import steps_of
from eagerflow.capture.hearing.whose import is_ours
from eagerflow.capture.instructions import Call, Instruction
from eagerflow.layer.added_losses import hold_losses

__all__ = ["CalledAgain", "set_for_the_step"]

# By these, code changes collections and arrays, and attributes that it doesn't name.
_CHANGING = frozenset(
    """
    add append appendleft clear difference_update discard extend extendleft fill heapify heappop heappush heappushpop
    heapreplace insert insort insort_left insort_right intersection_update itemset
    move_to_end partition pop popitem popleft put remove resize reverse rotate setdefault setfield sort
    symmetric_difference_update update __delitem__ __ior__ __iadd__ __setitem__ copyto putmask place setitem delitem
    """.split()
)
_DERIVED = "_follows_from_settings"  # of classes of ours that hold notes, which change with every call
_SETTING = frozenset("setattr delattr __setattr__ __delattr__ __dict__ vars globals exec eval".split())


def _notes(kind: type) -> frozenset[str]:
    """The attributes with an underscore that our classes alone set: none of a property that users set."""
    settable = [each.fset.__code__ for base in kind.__mro__ for each in vars(base).values() if _is_settable(each)]
    return private_names() - named_in(settable).stored


def _is_settable(thing: Any) -> bool:
    return isinstance(thing, property) and isinstance(thing.fset, FunctionType)


class _Inside(Held):
    """All that functions reach that are called again, optimizers and metrics included.

    Args:
        codes: of the user's functions that ran in them, with their globals.
        roots: what they are given.
    """

    asks_for_device = False  # setters of ours choose one for themselves

    def __init__(self, codes: Codes, roots: Iterable[Any]) -> None:
        self.all_functions: list[FunctionType] = []
        super().__init__(lambda: None, codes)
        for root in roots:
            self.reach(root, name_of(root))
        if "trainable" not in self._names.attributes:  # which optimizers of ours don't ask for
            self.variables.clear()
        self.classes.clear()  # while a step is captured, we exchange methods ourselves

    def _parts(self, part: Any) -> Iterator[Any]:
        if not hasattr(type(part.thing), _DERIVED):
            yield from super()._parts(part)

    def _of_own_state(self, part: Any) -> Iterator[Any]:
        yield from self._of_object(part)

    def _of_object(self, part: Any) -> Iterator[Any]:
        yield from super()._of_object(part)
        own = attributes_of(part.thing)
        if id(own) in self.passed_over and any(map(is_ours, type(part.thing).__mro__)):
            self.passed_over[id(own)] |= _notes(part.thing.__class__)

    def _of_variable(self, part: Any) -> Iterator[Any]:
        yield from self._of_attributes(part, sorted({"autocast", "regularizer", *TOLD_BY_VARIABLES}))

    def _of_function(self, part: Any) -> Iterator[Any]:
        self.all_functions.append(part.thing)
        yield from super()._of_function(part)


class CalledAgain:
    """What such functions read, while the step runs.

    Args:
        instructions: of the run before, with the calls.
        codes: of the user's functions that ran in them, with their globals.
    """

    def __init__(self, instructions: Iterable[Instruction], codes: Codes) -> None:
        self._codes = codes
        calls = [each for each in instructions if isinstance(each, Call)]
        self._roots = _given(calls)
        self._guards = Guards(_Inside(codes, self._roots)) if calls else None

    def changed(self) -> str | None:
        """What the step has set since the last of these calls, or since it began; None if it is nothing."""
        return None if self._guards is None else self._guards.changed()

    def has_run(self) -> None:
        """One of these calls is over: what it has set is set in replays, too."""
        if self.changed() is not None:
            self._guards = Guards(_Inside(self._codes, self._roots))


def _given(calls: Iterable[Call]) -> list[Any]:
    """The objects that calls are given, each once."""
    reading = [call for call in calls if call.function not in (keep, hold_losses)]
    constants = [each for call in reading for ref in call.refs() for each in ref.constants()]
    return list({id(each): each for each in constants}.values())


class _Changes(NamedTuple):
    """What code may set.

    Attributes:
        names: of attributes, globals and variables of functions around.
        entries: whether it changes collections or arrays.
        any: whether it sets attributes that it doesn't name.
    """

    names: frozenset[str]
    entries: bool
    any: bool


def set_for_the_step(instructions: Iterable[Instruction], inside: Codes, outside: Codes, held: Held) -> str | None:
    """What functions of the user's may set that are called again, and the step reads; None if there is nothing.

    Args:
        instructions: of the step.
        inside: codes that ran in such functions, with their globals.
        outside: codes of the step that ran beside them.
        held: all that the step reaches.
    """
    if not inside:
        return None
    roots = _given(each for each in instructions if isinstance(each, Call))
    while True:
        within = _Inside(inside, roots)
        more = _may_run(inside, within.all_functions)
        if more <= inside:
            return next(_shared(_changes_of(inside), named_in(outside), within, held), None)
        inside = more


def _may_run(codes: Codes, functions: list[FunctionType]) -> Codes:
    """These, and those that they may call, though they didn't so far."""
    names = named_in(codes)
    named = [f for f in functions if names.reads(f.__name__) or _is_called_by_python(f.__name__)]
    return codes | Codes((f.__code__, f.__globals__) for f in named if is_of_user(f.__code__.co_filename))


def _is_called_by_python(name: str) -> bool:
    return name.startswith("__") and name.endswith("__") and name not in ("__init__", "__new__")


def _changes_of(codes: Iterable[CodeType]) -> _Changes:
    names, entries, everything = set[str](), False, False
    for code in _with_inner(codes):
        read = named_in([code])
        everything = everything or not _SETTING.isdisjoint(read.scope | read.attributes)
        entries = entries or not _CHANGING.isdisjoint(read.scope | read.attributes)
        for step in steps_of(code):
            of_function_around = step.opname.endswith("_DEREF") and step.argval in code.co_freevars
            if step.opname.startswith(("STORE_", "DELETE_")):
                entries = entries or step.opname.endswith(("_SUBSCR", "_SLICE"))
                if of_function_around or step.opname.endswith(("_ATTR", "_GLOBAL")):
                    names.add(str(step.argval))
            entries = entries or (step.opname == "BINARY_OP" and step.argrepr.endswith("="))
    return _Changes(frozenset(names), entries, everything)


def _with_inner(codes: Iterable[CodeType]) -> Iterator[CodeType]:
    for code in codes:
        yield code
        yield from _with_inner([each for each in code.co_consts if isinstance(each, CodeType)])


def _shared(changes: _Changes, read: Names, within: _Inside, held: Held) -> Iterator[str]:
    """What the one side changes and the other one reads."""

    def is_set(name: str) -> bool:
        return changes.any or name in changes.names

    functions = {id(vars(each)) for each in within.all_functions}
    both = [identity for identity in held.containers if identity in within.containers]
    hidden = list[str]()  # what objects may get that their classes have
    for identity in both:
        thing, name = held.containers[identity]
        passed_over = held.passed_over.get(identity)
        if passed_over is None:
            yield from [name] if changes.entries else []
            continue
        names = sorted(changes.names | (thing.keys() if changes.any else frozenset()))
        names = [key for key in names if read.reads(key) and key not in passed_over]
        yield from (f"{name}.{key}" for key in names if key in thing)
        if type(thing) is dict and identity not in functions:
            hidden += [f"{name}.{key}" for key in names]
    for identity in held.scopes.keys() & within.scopes.keys():
        scope = held.scopes[identity]
        yield from (scope.beginning + key for key in sorted(scope.names) if is_set(key) and read.reads(key))
    for identity in held.cells.keys() & within.cells.keys():
        name = held.cells[identity][2]
        yield from [name] if is_set(name) else []
    if changes.entries:
        yield from (held.arrays[identity][1] for identity in held.arrays.keys() & within.arrays.keys())
    own = {id(thing) for thing, _ in within.attributes}
    for thing, name in held.attributes:
        if id(thing) in own and name in changes.names and read.reads(name):
            yield f"{name_of(thing)}.{name}"
    yield from hidden
