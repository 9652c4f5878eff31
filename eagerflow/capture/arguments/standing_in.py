"""What a step is given while it is captured, in place of its caller's tensors, lists and dicts."""

from __future__ import annotations

from collections.abc import Callable, Container
from operator import is_
from typing import Any

import numpy

from eagerflow.capture.arguments.array_argument import ArrayArgument
from eagerflow.capture.arguments.nesting import alike, nested_kind, nested_parts
from eagerflow.capture.arguments.results import attributes_given, is_container, parts_of
from eagerflow.capture.arguments.taken_apart import is_array
from eagerflow.capture.dependence.as_held import as_held
from eagerflow.core.in_place import stored
from eagerflow.core.tensor import Tensor

__all__ = ["StandIns"]

_SET = ("data", "mask", "logits")


class StandIns:
    """Arguments with arrays of their own, of the same memory.

    So it is known as which of them a tensor is used that the step reaches in another way, too. What is passed twice is
    one object here, too. Lists and dicts are copies; what the step does to them is done to the caller's afterwards.

    Args:
        watched: gives what stands for a NumPy array.
        themselves: the step is given its caller's own tensors, lists and dicts; they are only looked at.
        known: tensors that it is given themselves, by their identities.

    Attributes:
        why: what the step does with its arguments that a replay couldn't do, None if nothing.
    """

    def __init__(
        self, watched: Callable[[Any], ArrayArgument] | None, themselves: bool = False, known: Container[int] = ()
    ) -> None:
        self._watched, self._themselves, self._known = watched, themselves, known
        self._made: dict[int, Any] = {}  # by the identity of what they stand for
        self._own: dict[int, Any] = {}  # what a stand-in stands for
        self._held: Container[int] | None = None
        self._containers: list[tuple[Any, Any, list[Any]]] = []  # the caller's, the step's, what was in it
        self._tensors: list[tuple[Tensor, Tensor, list[Any]]] = []  # likewise, and what each had for `_SET`
        self.why: str | None = None

    def of(self, x: Any) -> Any:
        """What stands for an argument, or for a list, tuple or dict of them."""
        kind = Tensor if type(x) is Tensor else nested_kind(x)
        if kind is None:
            return self._array(x) if is_array(x) else x
        if id(x) not in self._made:
            made = self._made[id(x)] = self._single(x) if kind is Tensor else self._container(x, kind)
            self._own[id(made)] = x
        return self._made[id(x)]

    def _array(self, x: Any) -> Any:
        """Each place has its own: a step that asks whether two arrays are one isn't captured."""
        made = x if self._themselves or self._watched is None else self._watched(x)
        self._own[id(made)] = x
        return made

    def _single(self, x: Any) -> Any:
        made = x if self._themselves or id(x) in self._known else self._alike(x)
        self._tensors.append((x, made, _set_on(made)))
        return made

    def _alike(self, x: Any) -> Tensor:
        """A tensor with an array of its own."""
        made = Tensor(_view(x.data), None, x.key)
        if hasattr(x, "serial"):
            made.serial = x.serial
        mask, logits = getattr(x, "mask", None), getattr(x, "logits", None)
        if mask is not None:
            made.mask = self.of(mask) if isinstance(mask, Tensor) else mask
        if logits is not None:
            made.logits = (logits[0], self.of(logits[1]), logits[2])
        return made

    def _container(self, x: Any, kind: type) -> Any:
        parts = [self.of(part) for part in nested_parts(x)]
        if kind is tuple:
            return x if all(map(is_, parts, nested_parts(x))) else alike(x, parts)
        made = x if self._themselves else alike(x, parts)
        self._containers.append((x, made, _content(made)))
        return made

    def identities(self) -> set[int]:
        """Of the step's lists and dicts."""
        return {id(made) for _, made, _ in self._containers}

    def __enter__(self) -> StandIns:
        return self

    def __exit__(self, *error: object) -> None:
        """Do to the caller's tensors, lists and dicts what the step did to its own, also where it failed."""
        for x, made, before in self._tensors:
            for name, now, old in zip(_SET, _set_on(made), before):
                if now is not old:
                    self.why = self.why or f"the step sets {name!r} of a tensor that it is given"
                    if made is not x:
                        self._set(x, name, now)
        for x, made, before in self._containers:
            if _are_same(_content(made), before):
                continue
            self.why = self.why or f"the step changes a {x.__class__.__name__} that it is given"
            if isinstance(made, list):
                x[:] = [self.callers_own(part) for part in made]
            else:
                parts = {key: self.callers_own(part) for key, part in made.items()}
                x.clear()
                x.update(parts)

    def _set(self, x: Tensor, name: str, value: Any) -> None:
        if value is None and name != "data":
            delattr(x, name)
        else:
            setattr(x, name, self.callers_own(value))

    def look_at(self, found: Any, held: Container[int] | None = None) -> None:
        """Whether the step gives back a list or dict that it was given: a replay would make a new one.

        Args:
            found: what it gives.
            held: identities of what was there before, of attributes too; None where that isn't known.
        """
        given, seen, waiting = self.identities(), set[int](), [found]
        while waiting:
            each = waiting.pop()
            if id(each) in given:
                self.why = self.why or f"the step gives back the very {each.__class__.__name__} that it is given"
            elif id(each) not in seen:
                seen.add(id(each))
                attributes = None if held is None else attributes_given(each, held)
                if attributes is not None:
                    waiting += attributes.values()
                elif is_container(each):
                    waiting += parts_of(each)

    def callers_own(self, found: Any, held: Container[int] | None = None) -> Any:
        """The same with what the caller has in place of stand-ins: in lists, tuples, dicts and objects of the step's.

        Args:
            found: anything.
            held: identities of what was there before, of attributes too; None: objects aren't looked into.
        """
        self._held = held
        return found if self._themselves else self._with_callers(found, {})

    def _with_callers(self, part: Any, known: dict[int, Any]) -> Any:
        if id(part) in self._own:
            return self._own[id(part)]
        attributes = None if self._held is None else attributes_given(part, self._held)
        if not (is_container(part) or attributes is not None) or id(part) in known:
            return known.get(id(part), part)
        known[id(part)] = part
        if attributes is not None:
            attributes.update({name: self._with_callers(each, known) for name, each in attributes.items()})
            return part
        if isinstance(part, tuple):
            parts = [self._with_callers(each, known) for each in part]
            if not all(map(is_, parts, part)):
                known[id(part)] = part.__class__(parts) if part.__class__ is tuple else _made_of(part, parts)
        else:
            held = as_held(part)
            for key, each in list(enumerate(held) if issubclass(type(part), list) else held.items()):
                own = self._with_callers(each, known)
                if own is not each:
                    part[key] = own
        return known[id(part)]


def _set_on(tensor: Tensor) -> list[Any]:
    """What a step may set on a tensor."""
    return [stored(tensor), *[getattr(tensor, name, None) for name in _SET[1:]]]


def _made_of(named: Any, parts: list[Any]) -> Any:
    """A named tuple of other parts."""
    if not hasattr(named, "_make"):
        return named
    made = alike(named, parts)
    if hasattr(made, "__dict__"):
        vars(made).update(vars(named))
    return made


def _content(container: Any) -> list[Any]:
    """What is in a list or dict, in order."""
    return list(container) if isinstance(container, list) else [*container, *container.values()]


def _are_same(now: list[Any], before: list[Any]) -> bool:
    return len(now) == len(before) and all(map(is_, now, before))


def _view(array: Any) -> Any:
    if isinstance(array, numpy.bool_):  # of which there are two objects in all
        return numpy.asarray(array)
    return array.copy() if isinstance(array, numpy.generic) else array.view()
