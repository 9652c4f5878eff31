"""Batch normalization and the relu behind it in one pass over memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy

from eagerflow.capture.programs.instructions import Compute, Const, Convert, Instruction, Ref, Slot
from eagerflow.kernels.normalization.relu_behind import relu_behind

__all__ = ["fused"]

_NORMALIZING = frozenset({"batch_normalization", "normalize_batch"})  # their gradients don't need their first output
_LEAST = 1 << 20  # bytes of a value, below which it isn't worth it


def fused(instructions: Sequence[Instruction], outputs: set[int], sizes: Sequence[int]) -> list[Instruction]:
    """The same instructions, with relu computed by the normalization before it where nothing else takes its input."""
    plain = [each for each in instructions if isinstance(each, Compute) and each.xp is numpy and not each.widened]
    makers = {each.outs[0]: each for each in plain}
    uses = Counter(number for each in instructions for number in each.taken())
    other = dict[int, Instruction]()
    for relu in [each for each in plain if each.op.name == "relu" and not each.extras]:
        ref: Ref | None = relu.arrays[0]
        first = relu
        while isinstance(ref, Slot) and ref.number in makers and uses[ref.number] == 1 and ref.number not in outputs:
            first = makers[ref.number]
            # Layers cast to their compute type, which is mostly the type of the normalization.
            ref = first.arrays[0] if _is_idle_cast(first, sizes) else None
        is_large = sizes[relu.outs[0]] >= _LEAST and first.flushed == relu.flushed
        if is_large and first.op.name in _NORMALIZING:
            function = relu_behind(first.op.forward)
            other[id(first)] = replace(first, function=function).at(first)
            other[id(relu)] = Convert(unchanged, relu.arrays[0], relu.outs[0]).at(relu)
    return [other.get(id(each), each) for each in instructions]


def unchanged(array: Any) -> Any:
    """What relu returns where the normalization has computed it."""
    return array


def _is_idle_cast(instruction: Compute, sizes: Sequence[int]) -> bool:
    """Whether floats are cast to the type that they have."""
    if instruction.op.name != "cast":
        return False
    source, to = instruction.arrays[0], instruction.settings[0]
    floats = isinstance(to, Const) and to.constant in ("float32", "float64")
    return floats and isinstance(source, Slot) and sizes[source.number] == sizes[instruction.outs[0]]
