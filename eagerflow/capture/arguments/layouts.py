"""How arrays lie in memory: BLAS and NumPy add numbers up in another order where they lie otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

from eagerflow.capture.instructions import Instruction, Rule
from eagerflow.core.device import is_array, namespace_of

__all__ = ["OfCaller", "copied"]


class OfCaller:
    """Which arrays may lie in memory as an argument of the step does: in another call they may lie otherwise."""

    def __init__(self) -> None:
        self._owners: set[int] = set()

    def add(self, array: Any) -> None:
        """The step is given this array, which is held for as long as it is asked about."""
        self._owners.add(id(_owner(array)))

    def may_tell(self, array: Any, slot: int, instructions: Sequence[Instruction]) -> bool:
        """Whether an array's layout may be that of an argument.

        Args:
            array: made by the step, or given.
            slot: that of it.
            instructions: what the step has done.
        """
        if id(_owner(array)) in self._owners:
            return True
        made = next((each for each in reversed(instructions) if slot in each.outs), None)
        return isinstance(made, Rule) and made.op.name == "reshape"  # a view, or a copy where that can't be one


def _owner(array: Any) -> Any:
    """The array in whose memory a view lies; any other array itself."""
    while is_array(base := getattr(array, "base", None)):
        array = base
    return array


def copied(array: Any) -> Any:
    """A copy that lies in memory as the array does: of what is broadcast or has gaps, some kernels sum otherwise."""
    once = tuple([slice(None) if step else slice(0, 1) for step in array.strides])
    part = array[once]
    if type(array) is numpy.ndarray and array.size and not part.flags.forc:
        return _with_gaps(array, once)
    copy = part.copy(order="K")
    return copy if copy.shape == array.shape else namespace_of(array).broadcast_to(copy, array.shape)


def _with_gaps(array: numpy.ndarray, once: tuple[slice, ...]) -> numpy.ndarray:
    """A copy of a part of a larger array, with as much memory between its elements."""
    ways = [step * (length - 1) for step, length in zip(array.strides, array.shape)]
    before, after = -sum([way for way in ways if way < 0]), sum([way for way in ways if way > 0])
    memory = numpy.empty(before + after + array.itemsize, numpy.uint8)
    copy = numpy.ndarray(array.shape, array.dtype, memory, before, array.strides)
    copy[once] = array[once]
    return copy
