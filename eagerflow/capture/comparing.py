"""Whether a captured program gives what an eager run gave, without running anything twice that acts.

The eager run was written down too, and each instruction that only computes was computed once more, from the values of
that run: what it gives is compared with what the run has. So lists that are the same give the same.

On the CPU every bit must be the same. A GPU's kernels may add in another order each time (scattered sums do, and what
cuBLAS splits up), so there floats may differ by the part `TOLERANCE` of the largest finite number in the array. NaN
must stand where NaN stands, infinities of the same sign likewise, and integers and bools must be equal.
"""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow.capture.instructions import Instruction
from eagerflow.capture.program import Program
from eagerflow.core.device import is_device_array, to_host

__all__ = ["TOLERANCE", "first_difference", "not_close", "other_bits"]

# By the bytes of a real number, for arrays on a GPU.
TOLERANCE = {2: 1e-2, 4: 1e-5, 8: 1e-12}


def first_difference(program: Program, other: Program) -> str | None:
    """Where two lists part, in words; None where they are the same."""
    for mine, theirs in zip(program.instructions, other.instructions):
        if not mine.same(theirs):
            if mine.name == theirs.name:
                return f"{mine.name}{_at(mine)} is given other settings or constants"
            return f"{mine.name}{_at(mine)} where there is {theirs.name}{_at(theirs)} now"
    if len(program.instructions) != len(other.instructions):
        return f"{len(program.instructions)} operations where there are {len(other.instructions)} now"
    same = program.inputs == other.inputs and program.outputs.same(other.outputs)
    return None if same else "other outputs"


def other_bits(instruction: Instruction, found: list[Any], arrays: list[Any]) -> str | None:
    """Where an instruction, computed a second time, gives other bits than the eager run has, in words."""
    for number, value in zip(instruction.shown, found):
        difference = not_close(value, arrays[number])
        if difference is not None:
            return f"{instruction.name}{_at(instruction)} gives {difference}"
    return None


def not_close(value: Any, eager: Any) -> str | None:
    """How an array differs from the eager one, in words: in any bit on the CPU, by more than rounding on a GPU."""
    if value is eager or not hasattr(eager, "dtype"):
        return None
    rounds = is_device_array(eager)
    value, eager = numpy.asarray(to_host(value)), numpy.asarray(to_host(eager))
    if value.shape != eager.shape or value.dtype != eager.dtype:
        return f"{value.dtype}{list(value.shape)} instead of {eager.dtype}{list(eager.shape)}"
    if value.tobytes() == eager.tobytes():
        return None
    if rounds and _within_rounding(value, eager):
        return None
    with numpy.errstate(all="ignore"):
        apart = numpy.nan_to_num(numpy.abs(value.astype("complex128") - eager.astype("complex128"))).max()
    return f"values that differ by up to {apart:.3g}"


def _within_rounding(value: numpy.ndarray, eager: numpy.ndarray) -> bool:
    if eager.dtype.kind in "iub":
        return False
    size = eager.dtype.itemsize // (2 if eager.dtype.kind == "c" else 1)
    parts = [(value.real, eager.real), (value.imag, eager.imag)] if eager.dtype.kind == "c" else [(value, eager)]
    for mine, theirs in parts:
        mine, theirs = mine.astype("float64"), theirs.astype("float64")
        finite = numpy.isfinite(theirs)
        if not numpy.array_equal(mine[~finite], theirs[~finite], equal_nan=True):
            return False
        largest = numpy.abs(theirs[finite]).max(initial=0.0)
        if not (numpy.abs(mine[finite] - theirs[finite]) <= TOLERANCE[size] * largest).all():  # so NaN isn't close
            return False
    return True


def _at(instruction: Instruction) -> str:
    return "" if instruction.line is None else f" ({instruction.line[0]}:{instruction.line[1]})"
