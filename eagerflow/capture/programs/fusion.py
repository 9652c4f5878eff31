"""Pairs of instructions that are one pass over memory: normalization of a batch, and relu behind it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy

from eagerflow.capture.programs.in_place import LEAST
from eagerflow.capture.programs.instructions import Compute, Const, Instruction, Ref, Slot
from eagerflow.kernels.normalization.relu_behind import relu_behind

__all__ = ["joined"]

_NORMALIZING = frozenset({"batch_normalization", "normalize_batch"})  # the first output is of no further use to them


def joined(instructions: Sequence[Instruction], outputs: set[int], sizes: Sequence[int]) -> list[Instruction]:
    """The same, with relu in the instruction that it is behind, where nobody else takes what that gives.

    Args:
        instructions: of a replay.
        outputs: slots of what it gives.
        sizes: bytes of the slots' values.
    """
    takers = Counter(number for instruction in instructions for number in instruction.taken())
    found = list(instructions)
    makers = {number: i for i, instruction in enumerate(instructions) for number in instruction.outs}
    gone = set[int]()
    for i, relu in enumerate(instructions):
        if not isinstance(relu, Compute) or not _is_relu(relu):
            continue
        way = _way_back(relu, instructions, makers, sizes)
        given = [each.outs[0] for _, each in way]
        if not way or any(takers[n] != 1 or n in outputs or sizes[n] < LEAST for n in given):
            continue
        (place, first), *casts = way
        if relu.flushed != first.flushed:
            continue
        found[place] = _changed(first, first.arrays, [relu.outs[0], *first.outs[1:]], True)
        for at, cast in casts:  # it keeps the type for its gradient
            found[at] = _changed(cast, [Slot(relu.outs[0])], cast.outs, False)
        gone.add(i)
    return [instruction for i, instruction in enumerate(found) if i not in gone]


def _way_back(
    relu: Compute, instructions: Sequence[Instruction], makers: dict[int, int], sizes: Sequence[int]
) -> list[tuple[int, Compute]]:
    """From the normalization that relu is behind, with their places; empty where it is behind something else.

    Between them may be a cast to the type that numbers have already, as layers have it for mixed precision.
    """
    way = list[tuple[int, Compute]]()
    source = relu.arrays[0]
    while isinstance(source, Slot) and source.number in makers:
        place = makers[source.number]
        maker = instructions[place]
        if not isinstance(maker, Compute) or not _is_plain(maker) or maker.outs[0] != source.number:
            return []
        way.insert(0, (place, maker))
        if maker.op.name in _NORMALIZING:
            return way
        if not _is_idle_cast(maker, sizes):
            return []
        source = maker.arrays[0]
    return []


def _is_idle_cast(instruction: Compute, sizes: Sequence[int]) -> bool:
    """Whether floats are cast to their own type."""
    if instruction.op.name != "cast" or len(instruction.settings) != 1:
        return False
    source, to = instruction.arrays[0], instruction.settings[0]
    wide = isinstance(to, Const) and to.constant in ("float32", "float64")
    return wide and isinstance(source, Slot) and sizes[source.number] == sizes[instruction.outs[0]]


def _is_plain(instruction: Compute) -> bool:
    return instruction.xp is numpy and not instruction.widened


def _is_relu(instruction: Compute) -> bool:
    return instruction.op.name == "relu" and _is_plain(instruction) and not instruction.extras


def _changed(first: Compute, arrays: list[Ref], outs: list[int], with_relu: bool) -> Compute:
    """The same instruction of other arrays, for other slots, and with relu behind it."""
    settings = first.xp, first.op, arrays, first.settings, first.tracked
    made = Compute(*settings, outs, first.extras, first.several, [])
    made.settled = first.settled
    if with_relu:
        made.settled = relu_behind(first.op.forward if first.settled is None else first.settled)
    made.at(first)
    return made
