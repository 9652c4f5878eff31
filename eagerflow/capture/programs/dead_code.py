"""Dead code elimination and constant folding.

A loss is computed for its gradient, and often nobody reads its value: then its forward pass is left out. The first
gradient depends on shapes alone: it is computed once. Recordings of replays have all instructions (see
`Program.announce`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

from eagerflow.capture.programs.instructions import Arrays, Compute, Instruction, Naming, Rule

__all__ = ["NEVER_RAISE", "needed"]

# These never raise because of their arguments' values, so that nobody notices when they don't run.
NEVER_RAISE = frozenset(
    """
    absolute add average_pool batch_normalization broadcast_to cast clip concatenate conv conv_bias conv_transpose
    conv_transpose_bias cos dense divide elu erf exp expm1 gelu_exact gelu_tanh layer_norm leaky_relu log log1p
    log_softmax logaddexp masked_scale matmul max maximum mean min minimum multiply negative relu reshape sigmoid
    sigmoid_crossentropy silu sin softmax softmax_crossentropy softplus sqrt square stop_gradient subtract sum tanh
    transpose
    """.split()
)
_LARGEST = 1 << 16  # bytes of a constant that is worth keeping


class Constant(Instruction):
    """A gradient that is the same in every replay: a copy, since later instructions may work in its memory.

    Args:
        rule: what computes it.
        value: the gradient.
    """

    def __init__(self, rule: Rule, value: Any) -> None:
        self.value, self.outs = value, rule.outs
        self.at(rule)

    @property
    def name(self) -> str:
        return "a constant gradient"

    def text(self, named: Naming) -> str:
        return f"v{self.outs[0]} = {named(self.value, 'gradient')}.copy()"

    def compute(self, arrays: Arrays) -> list[Any]:
        return [self.value.copy()]


def needed(instructions: Sequence[Instruction], outputs: set[int]) -> list[Instruction]:
    """The instructions that a replay runs.

    Args:
        instructions: of the step.
        outputs: slots of what it gives.
    """
    if not any(isinstance(each, Rule) for each in instructions):  # NumPy's warnings are those of all ops
        return list(instructions)
    used, kept = set(outputs), list[Instruction]()
    for each in reversed(instructions):
        if used.isdisjoint(each.outs) and isinstance(each, Compute) and each.op.name in NEVER_RAISE:
            continue
        kept.append(_folded(each))
        used.update(each.taken())
    return kept[::-1]


def _folded(instruction: Instruction) -> Instruction:
    """The instruction, or the constant that it computes."""
    if not isinstance(instruction, Rule) or instruction.xp is not numpy or instruction.taken():
        return instruction
    with numpy.errstate(all="ignore"):
        found = instruction.compute({})
    small = len(found) == 1 and type(found[0]) is numpy.ndarray and found[0].nbytes <= _LARGEST
    # A copy has the same strides then.
    return Constant(instruction, found[0]) if small and found[0].flags.c_contiguous else instruction
