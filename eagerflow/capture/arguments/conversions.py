"""The tensors that a step makes of a NumPy array: each op copies what it is given, and mostly one copy would do.

Where one instruction takes two of them, it matters that they are two: of an array and its own transpose NumPy computes
the product by another routine, which rounds otherwise. It also matters where the step gives several, which their owners
may change.
"""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import numpy

from eagerflow.capture.arguments.array_argument import ArrayArgument
from eagerflow.capture.instructions import Call, Convert, Instruction, Ref, Slot
from eagerflow.core.device import device_of
from eagerflow.core.tensor import Tensor

__all__ = ["Again", "Conversions"]


class Again(Convert):
    """One more copy of a NumPy array that the step was given.

    Attributes:
        idle: whether the array itself does as well.
    """

    __slots__ = ("idle",)

    def __init__(self, function: Callable[..., Any], source: Ref, out: int, *settings: Any) -> None:
        super().__init__(function, source, out, *settings)
        self.idle = False

    def _alike(self, other: Any) -> bool:
        return super()._alike(other) and bool(other.idle == self.idle)

    def text(self, named: Callable[..., str]) -> str:
        return f"v{self.outs[0]} = {self.source.text(named)}" if self.idle else super().text(named)


class Conversions:
    """What one run of a step makes of NumPy arrays, and which other values lie in the memory of that.

    Args:
        recorder: of the run.

    Attributes:
        owners: slots of what was made, by the identity of its arrays.
    """

    def __init__(self, recorder: Any) -> None:
        self._recorder = weakref.proxy(recorder)  # which has this, and goes with all it has once the run is over
        self.owners: dict[int, int] = {}
        self._made: dict[int, list[Any]] = {}  # arrays, in order, by the slot of the argument
        self._arguments: dict[int, int] = {}  # the slots of arguments, by those of what was made
        self._within: dict[int, int] = {}  # values in such memory: slots, and the slots of what owns it
        self._again: list[Again] = []

    def handed_over(self, argument: ArrayArgument, found: Any) -> None:
        """An op or a tensor took a NumPy array that the step was given, as this array."""
        recorder = self._recorder
        if recorder.ended is not None:
            return None
        number = recorder.slot_of(argument)
        have, made = recorder.arrays[number], self._made.setdefault(number, [])
        if type(found) is not type(have) or device_of(found) != device_of(have):
            return recorder.end("a NumPy array goes to another device than the current one")
        if have.astype(found.dtype).strides != found.strides:
            return recorder.end("a NumPy array isn't contiguous, nor is what becomes of it")
        made.append(found)
        if found.dtype != have.dtype:
            recorder.add(Convert(as_type, Slot(number), recorder.new_slot(found), found.dtype))
        elif number not in self._arguments:
            self._note(number, number, found)
            recorder.is_now(number, found)
        else:
            again = Again(as_type, Slot(number), recorder.new_slot(found), found.dtype)
            self._note(number, again.outs[0], found)
            self._again.append(again)
            recorder.add(again)
        return None

    def _note(self, argument: int, slot: int, found: Any) -> None:
        self.owners[id(found)], self._arguments[slot], self._within[slot] = slot, argument, slot

    def taken(self, inputs: Any) -> Any:
        """What an op was given, with the tensors that it has made of arguments in their places: the latest ones."""
        counts = Counter(self._recorder.slot_of(x) for x in _arguments_in(inputs))
        if not counts:
            return inputs
        latest = {number: iter(self._made[number][-count:]) for number, count in counts.items()}

        def taken(x: Any) -> Any:
            if type(x) is ArrayArgument:
                return Tensor(next(latest[self._recorder.slot_of(x)]), None, None)
            return [taken(part) for part in x] if type(x) in (list, tuple) else x

        return [taken(x) for x in inputs]

    def see(self, slot: int, value: Any) -> None:
        """A slot has this value, which may lie in memory that is known."""
        owner = value
        while isinstance(owner, numpy.ndarray) and owner.base is not None:  # a type has a base, too: itself
            owner = owner.base
        if isinstance(value, numpy.ndarray) and id(owner) in self.owners:
            self._within[slot] = self.owners[id(owner)]

    def settle(self, instructions: Iterable[Instruction], outputs: Ref) -> None:
        """The step is over: see which of the copies a replay can do without."""
        if not self._again:
            return
        apart = self._met(outputs.slots())
        for instruction in instructions:
            if isinstance(instruction, Call):  # which may keep it
                apart |= {self._arguments[self._within[n]] for n in instruction.taken() if n in self._within}
            elif not isinstance(instruction, Again):
                apart |= self._met(instruction.taken())
        for again in self._again:
            again.idle = self._arguments[again.outs[0]] not in apart

    def _met(self, slots: Iterable[int]) -> set[int]:
        """The arguments of which these slots have several conversions."""
        several = {self._within[n] for n in slots if n in self._within}
        counts = Counter(self._arguments[n] for n in several)
        return {argument for argument, count in counts.items() if count > 1}


def as_type(array: Any, dtype: numpy.dtype) -> Any:
    """An array in another type."""
    return array.astype(dtype)


def _arguments_in(inputs: Any) -> list[ArrayArgument]:
    found = list[ArrayArgument]()
    for x in inputs:
        found += [x] if type(x) is ArrayArgument else _arguments_in(x) if type(x) in (list, tuple) else []
    return found
