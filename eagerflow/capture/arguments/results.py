"""What a captured step gives, for replays: which objects are made anew, which are one, and which the caller's own."""

from __future__ import annotations

from abc import ABCMeta
from collections import Counter
from collections.abc import Container, Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import numpy

from eagerflow.capture.arguments.layouts import copied
from eagerflow.capture.dependence.as_held import as_held
from eagerflow.capture.hearing.whose import is_users
from eagerflow.capture.instructions import Const, Group, Naming, Ref
from eagerflow.core.device import is_array
from eagerflow.core.in_place import stored
from eagerflow.core.tensor import Tensor
from eagerflow.core.variable import Variable

__all__ = ["Results", "arguments_in", "as_each_time", "attributes_given", "is_container", "leaves_given"]
__all__ += ["parts_of"]

_CONTAINERS = (list, tuple, dict)


class _Named(Ref):
    """What a program has under a name of its own.

    Args:
        number: which one.
    """

    __slots__ = ("number",)
    letter: str  # in front of the number

    def __init__(self, number: int) -> None:
        self.number = number

    def value(self, arrays: Any) -> Any:
        return arrays[self.text(repr)]

    def text(self, named: Naming) -> str:
        return f"{self.letter}{self.number}"

    def same(self, other: Any) -> bool:
        return other.__class__ is self.__class__ and other.number == self.number


class _Argument(_Named):
    """A tensor or a tuple that the step was given, and gives back itself."""

    __slots__ = ()
    letter = "x"


class _First(Ref):
    """An object that stands in several places: the first of them.

    Args:
        number: which object.
        made: how it is made.
    """

    __slots__ = ("made", "number")

    def __init__(self, number: int, made: Ref) -> None:
        self.number, self.made = number, made

    def slots(self) -> Any:
        return self.made.slots()

    def value(self, arrays: Any) -> Any:
        found = arrays[f"r{self.number}"] = self.made.value(arrays)
        return found

    def text(self, named: Naming) -> str:
        return f"(r{self.number} := {self.made.text(named)})"

    def same(self, other: Any) -> bool:
        return other.__class__ is _First and other.number == self.number and self.made.same(other.made)


class _Further(_Named):
    """The other places of an object that stands in several."""

    __slots__ = ()
    letter = "r"


class _Constants(Group):
    """A tuple in which nothing was computed; it may have been there before.

    Args:
        whole: the tuple.
        parts: references to what is in it.
    """

    __slots__ = ("whole",)

    def __init__(self, whole: Any, parts: list[Ref]) -> None:
        super().__init__(whole.__class__, parts)
        self.whole = whole

    def same(self, other: Any) -> bool:
        if other.__class__ is not _Constants or (other.kind, len(other.parts)) != (self.kind, len(self.parts)):
            return False
        return all(a.same(b) for a, b in zip(self.parts, other.parts))


class _Object(Group):
    """An object that is nothing but its attributes, of a class of the user's; it may have been there before.

    Args:
        whole: the object.
        parts: references to its attributes.
        names: of these.
    """

    __slots__ = ("whole",)

    def __init__(self, whole: Any, parts: list[Ref], names: tuple[str, ...]) -> None:
        super().__init__(type(whole), parts, names)
        self.whole = whole

    def value(self, arrays: Any) -> Any:
        return _with_attributes(self.kind, self.keys, tuple([part.value(arrays) for part in self.parts]))

    def text(self, named: Naming) -> str:
        parts = "".join(f"{part.text(named)}, " for part in self.parts)
        return f"{named(_with_attributes, 'made')}({named(self.kind)}, {named(self.keys, 'names')}, ({parts}))"

    def same(self, other: Any) -> bool:
        if other.__class__ is not _Object or (other.kind, other.keys) != (self.kind, self.keys):
            return False
        return all(a.same(b) for a, b in zip(self.parts, other.parts))


def _with_attributes(kind: Any, names: tuple[str, ...], values: tuple[Any, ...]) -> Any:
    """Another object of a class, past what the class does when it makes one: that ran in the captured step."""
    made = SimpleNamespace() if kind is SimpleNamespace else object.__new__(kind)
    vars(made).update(zip(names, values))
    return made


class _Anew(Const):
    """A tensor or an array that the step makes each time, always with the same values."""

    __slots__ = ()

    def value(self, arrays: Any) -> Any:
        return _made_anew(self.constant)

    def text(self, named: Naming) -> str:
        return f"{named(_made_anew)}({named(self.constant)})"

    def same(self, other: Any) -> bool:
        return other.__class__ is _Anew and super().same(Const(other.constant))


def _made_anew(constant: Any) -> Any:
    if not isinstance(constant, Tensor):
        return copied(constant)
    array = stored(constant)
    fixed = isinstance(array, numpy.generic) or (isinstance(array, numpy.ndarray) and not array.flags.writeable)
    made = Tensor(array if fixed else copied(array), None, None)
    for name in ("mask", "logits"):
        if hasattr(constant, name):
            setattr(made, name, getattr(constant, name))
    return made


class Results:
    """References to what one run of a step gives.

    Args:
        recorder: of the run.
        held: identities of lists and dicts that were there before, and are given themselves.
        arguments: the numbers of tensors and tuples that the step was given, by their identities.
    """

    def __init__(self, recorder: Any, held: Container[int], arguments: Mapping[int, int]) -> None:
        self._recorder, self._held, self._arguments = recorder, held, arguments
        self._places: Counter[int] = Counter()  # of how many an object is given in, by its identity
        self._numbers: dict[int, int] = {}  # of those in several places that are written already

    def of(self, found: Any) -> Ref:
        """The reference to all that the step gives. A list or dict of its own is made anew by each replay."""
        if not self._count(found, ()):
            self._recorder.end("the step gives a list or dict that holds itself")
            return Const(None)
        return self._ref(found)

    def _count(self, value: Any, around: tuple[int, ...]) -> bool:
        """Count the places of objects; gives False where one is inside of itself."""
        attributes = self._attributes(value)
        if not (isinstance(value, Tensor) or is_container(value) or is_array(value) or attributes is not None):
            return True
        if id(value) in around:
            return False
        self._places[id(value)] += 1
        if isinstance(value, Tensor) or is_array(value) or self._places[id(value)] > 1:
            return True
        parts = parts_of(value) if attributes is None else attributes.values()
        return all([self._count(part, (*around, id(value))) for part in list(parts)])

    def _attributes(self, value: Any) -> dict[str, Any] | None:
        """Those of an object that the step may have made: in the first run nobody knows what was there before."""
        return attributes_given(value, self._held) if self._recorder.compares else None

    def _ref(self, value: Any) -> Ref:
        if id(value) in self._arguments:
            return _Argument(self._arguments[id(value)])
        if self._places[id(value)] < 2:
            return self._made(value)
        number = self._numbers.get(id(value))
        if number is not None:
            return _Further(number)
        made = self._made(value)
        number = self._numbers[id(value)] = len(self._numbers)
        return _First(number, made)

    def _made(self, value: Any) -> Ref:
        if (attributes := self._attributes(value)) is not None:
            return _Object(value, [self._ref(part) for part in attributes.values()], tuple(attributes))
        if not is_container(value):
            return self._recorder.ref(value)
        if id(value) in self._held:
            return Const(value)
        parts = [self._ref(part) for part in parts_of(value)]
        if value.__class__ is tuple and all(isinstance(part, (Const, _Constants)) for part in parts):
            return _Constants(value, parts)
        return self._recorder.group(value, parts)


def as_each_time(now: Ref, before: Ref) -> Ref:
    """What replays give, where two runs gave the same: what was another object each time, they make anew.

    Args:
        now: what one run gave.
        before: what another one gave.
    """
    if isinstance(now, _First) and isinstance(before, _First):
        return _First(now.number, as_each_time(now.made, before.made))
    if isinstance(now, _Constants) and isinstance(before, _Constants) and now.whole is before.whole:
        return Const(now.whole)
    if isinstance(now, _Object) and isinstance(before, _Object):
        if now.whole is before.whole:
            return Const(now.whole)
        return _Object(now.whole, [as_each_time(a, b) for a, b in zip(now.parts, before.parts)], now.keys)
    if isinstance(now, Group) and isinstance(before, Group):
        parts = [as_each_time(a, b) for a, b in zip(now.parts, before.parts)]
        if isinstance(now, _Constants) and all(part.__class__ is Const for part in parts):
            return Const(now.whole)
        return Group(now.kind, parts, now.keys)
    if now.__class__ is not Const or before.__class__ is not Const:
        return now
    value: Any = now.constant
    is_made = (isinstance(value, Tensor) and not isinstance(value, Variable)) or is_array(value)
    same = value is before.constant
    return _Anew(value) if is_made and not same and not isinstance(value, numpy.generic) else now


def arguments_in(ref: Ref) -> list[int]:
    """Which of the tensors and tuples that a step was given it gives back."""
    found: set[int] = set()
    waiting = [ref]
    while waiting:
        each = waiting.pop()
        if isinstance(each, _Argument):
            found.add(each.number)
        elif isinstance(each, _First):
            waiting.append(each.made)
        elif isinstance(each, Group):
            waiting += each.parts
    return sorted(found)


def is_container(value: Any) -> bool:
    """Whether this is a list, tuple or dict, and doesn't only say so."""
    return issubclass(type(value), _CONTAINERS)


def parts_of(value: Any) -> Any:
    """What a list, tuple or dict holds, whatever methods its class has."""
    held = as_held(value)
    return held.values() if issubclass(type(value), dict) else held


def leaves_given(found: Any, held: Container[int]) -> Iterator[Any]:
    """What a step gives, in lists, tuples, dicts and objects of its own.

    Args:
        found: all of it.
        held: as for `attributes_given`.
    """
    seen, waiting = set[int](), [found]
    while waiting:
        each = waiting.pop()
        attributes = attributes_given(each, held)
        if attributes is None and not is_container(each):
            yield each
        elif id(each) not in seen:
            seen.add(id(each))
            waiting += parts_of(each) if attributes is None else attributes.values()


def attributes_given(value: Any, held: Container[int]) -> dict[str, Any] | None:
    """The attributes of an object that is nothing else: of a class in Python, all of whose bases are the user's.

    Args:
        value: anything.
        held: identities of the dicts of objects that were there before; None is given for these, too.
    """
    kind: Any = type(value)
    if kind is not SimpleNamespace:
        own = kind.__mro__[:-1]
        if not own or type(kind) not in (type, ABCMeta) or not all(map(is_users, own)):
            return None
        if kind.__new__ is not object.__new__ or hasattr(kind, "__del__"):
            return None
        if any(vars(each).get("__slots__") for each in own):
            return None
    attributes: dict[str, Any] = object.__getattribute__(value, "__dict__")
    return None if id(attributes) in held else attributes
