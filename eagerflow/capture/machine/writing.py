"""`Writing`: what forms need while they write a run: operands for slots and constants, and a way to decline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy

from eagerflow.capture.instructions import Const, Ref, Rule, Slot
from eagerflow.capture.machine.code import Code, Operand
from eagerflow.kernels.machine.costs import Blocks

__all__ = ["Declined", "Writing", "must", "only"]

_FLOATS = "fd"


class Declined(Exception):
    """An instruction has no form for arrays like these."""


class Writing:
    """What is known while a run is written.

    Args:
        code: takes the operations.
        of_slot: the operand in a slot.
        made: an operand for what an instruction gives, into one slot or several that have the same array.
        nothing: is told of slots that instructions leave None.
    """

    def __init__(
        self,
        code: Code,
        of_slot: Callable[[int], Operand],
        made: Callable[..., Operand],
        nothing: Callable[[Sequence[int]], object],
    ) -> None:
        self.code, self._of_slot, self.made, self.nothing = code, of_slot, made, nothing

    def taken(self, ref: Ref, letter: str = "") -> Operand:
        """An array that an instruction takes; `letter`: or a number of Python, which becomes one of that type."""
        if isinstance(ref, Slot):
            return self._of_slot(ref.number)
        constant = ref.constant if isinstance(ref, Const) else None
        if letter and constant.__class__ in (int, float):
            constant = numpy.array(constant, letter)
        return self.constant(constant)

    def constant(self, value: Any) -> Operand:
        """An array or number of NumPy that is the same in every call."""
        array = numpy.asarray(value) if isinstance(value, numpy.generic) else value
        if type(array) is not numpy.ndarray or not array.flags.c_contiguous or array.dtype.char not in _FLOATS:
            raise Declined
        return self.code.constant(array)

    def own(self, like: Operand) -> Operand:
        """An array for what is needed on the way."""
        found = self.code.own(like.shape, like.letter)
        if found is None:
            raise Declined
        return found

    def by_numpy(self, function: numpy.ufunc, out: Operand, *operands: Operand) -> None:
        """Let a function of NumPy fill an array."""
        must(self.code.by_numpy(function, out, *operands))

    def elementwise(self, out: Operand, operands: Sequence[Operand], operation: Callable[..., str]) -> None:
        """Fill a small array element by element, from others that are broadcast to it."""
        if out.size >= Blocks.SMALL:
            raise Declined
        for each in operands:
            of_rows = each.shape == out.shape[-1:] and len(out.shape) > 1
            if each.letter not in (out.letter, "?") or not (each.shape == out.shape or each.size == 1 or of_rows):
                raise Declined
        self.code.elementwise(out, operands, operation)


def must(well: bool) -> None:
    """Decline where something doesn't hold.

    Raises:
        Declined: where it doesn't.
    """
    if not well:
        raise Declined


def only(rule: Rule) -> int:
    """The slot of the only gradient.

    Raises:
        Declined: where there are several.
    """
    must(len(rule.outs) == 1)
    return rule.outs[0]
