"""Which instructions of a captured step a replay needs: not those whose results nobody takes, nor what is constant.

A loss is computed for its gradient, and often nobody asks for its value: then the forward pass of the loss, of a last
activation that the loss looks through, and their means are left out. And the first gradients depend on shapes alone.
Recordings of replays have all instructions (see `Program.announce`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

from eagerflow.capture.programs.instructions import Add, Call, Compute, Convert, Instruction, Known, Rule

__all__ = ["NEVER_RAISE", "needed"]

# These never raise because of the values that they are given, so that nobody notices when they don't run.
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


def needed(instructions: Sequence[Instruction], outputs: set[int]) -> list[Instruction]:
    """The instructions that a replay runs, with what they give where that is known beforehand.

    Args:
        instructions: of the step.
        outputs: slots of what it gives.
    """
    found = _with_constants(instructions)
    # Where nothing goes back, NumPy's warnings are those of all ops.
    quiet = any(isinstance(each, Rule) for each in instructions)
    taken, kept = set(outputs), list[Instruction]()
    for instruction in reversed(found):
        if taken.isdisjoint(instruction.outs) and quiet and _is_silent(instruction):
            continue
        kept.append(instruction)
        taken.update(instruction.taken())
    return kept[::-1]


def _is_silent(instruction: Instruction) -> bool:
    """Whether an instruction does nothing but give values."""
    if isinstance(instruction, Compute):
        return instruction.op.name in NEVER_RAISE
    return isinstance(instruction, Known)


def _with_constants(instructions: Sequence[Instruction]) -> list[Instruction]:
    """The same instructions; those that compute with constants alone are replaced by what they give."""
    values: dict[int, Any] = {}
    found = list[Instruction]()
    for instruction in instructions:
        known = _known(instruction, values)
        found += [instruction] if known is None else known
    return found


def _known(instruction: Instruction, values: dict[int, Any]) -> list[Instruction] | None:
    """What an instruction gives, where all that it takes is known; None where it isn't."""
    if not isinstance(instruction, (Rule, Convert, Add)) or isinstance(instruction, Call):
        return None
    if any(n not in values for n in instruction.taken()):
        return None
    with numpy.errstate(all="ignore"):
        given = instruction.compute(values)
    if not all(map(_may_be_kept, given)):
        return None
    values.update(zip(instruction.outs, given))
    return [Known(instruction, out, value) for out, value in zip(instruction.outs, given)]


def _may_be_kept(value: Any) -> bool:
    """Whether a value may be given again and again, and takes no memory to speak of.

    One that can be written to is given as a copy, which has the same bits only with the same strides.
    """
    if isinstance(value, numpy.generic):
        return True
    if type(value) is not numpy.ndarray or (value.flags.writeable and not value.flags.c_contiguous):
        return False
    return (value if value.base is None else numpy.asarray(value.base)).nbytes <= _LARGEST
