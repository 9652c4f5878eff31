"""Whether a captured program gives what an eager run gave, without running anything twice that acts.

The eager run was written down too, and each instruction that only computes was computed once more, from the values of
that run: what it gives is compared with what the run has. So lists that are the same give the same.

On the CPU every bit must be the same, on a GPU all but rounding (`closeness.py`).
"""

from __future__ import annotations

from typing import Any

from eagerflow.capture.closeness import not_close
from eagerflow.capture.programs.instructions import Instruction, same
from eagerflow.capture.programs.program import Program

__all__ = ["first_difference", "other_bits"]


def first_difference(program: Program, other: Program) -> str | None:
    """Where two lists part, in words; None where they are the same."""
    for mine, theirs in zip(program.instructions, other.instructions):
        if not same(mine, theirs):
            if mine.name == theirs.name:
                return f"{mine.name}{_at(mine)} is given other settings or constants"
            return f"{mine.name}{_at(mine)} where there is {theirs.name}{_at(theirs)} now"
    if len(program.instructions) != len(other.instructions):
        return f"{len(program.instructions)} operations where there are {len(other.instructions)} now"
    equal = program.inputs == other.inputs and same(program.outputs, other.outputs)
    return None if equal else "it gives other outputs, such as an object that it makes each time"


def other_bits(instruction: Instruction, found: list[Any], arrays: Any) -> str | None:
    """Where an instruction, computed a second time, gives other bits than the eager run has, in words."""
    for number, value in zip(instruction.shown, found):
        difference = not_close(value, arrays[number])
        if difference is not None:
            return f"{instruction.name}{_at(instruction)} gives {difference}"
    return None


def _at(instruction: Instruction) -> str:
    return "" if instruction.line is None else f" ({instruction.line[0]}:{instruction.line[1]})"
