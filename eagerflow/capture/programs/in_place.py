"""Gradients of relu in the memory of relu's outputs, or of the gradients that arrive, if nobody reads those any more.

The gradient of a layer with relu begins by masking: this is done first, in place, and relu's outputs are freed before
the products. An eager step holds all of them at once. Whether anybody else sees the memory is asked in each replay
(`core/exclusive.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy

from eagerflow.capture.programs.instructions import Const, Instruction, Naming, Ref, Rule, Slot
from eagerflow.compiled.choice import kernels
from eagerflow.core.exclusive import exclusive
from eagerflow.kernels.convolution.epilogue import masked

__all__ = ["LEAST", "Masked", "in_place", "masks_first"]

LEAST = 1 << 20  # bytes of a gradient, below which it isn't worth it
_PIECE = 1 << 19  # bytes that are masked at once

Kernel = Callable[[Any, Any], Any]  # of two arrays, element by element


def in_place(box: list[Any], other: Any, kernel: Kernel) -> Any:
    """`kernel(array, other)`, in the array's memory where only the box refers to it.

    Args:
        box: the array, in a list, which is empty afterwards.
        other: the other array.
        kernel: computes each element from those in its place, in the arrays' type.
    """
    if not _lie_alike(box[0], other) or not box[0].flags.writeable or box[0].nbytes < LEAST or not exclusive(box):
        return kernel(box.pop(), other)
    array = box.pop()
    rows = max(1, _PIECE * len(array) // array.nbytes)
    for start in range(0, len(array), rows):
        piece = array[start : start + rows]
        piece[...] = kernel(piece, other[start : start + rows])
    return array


def _lie_alike(array: Any, other: Any) -> bool:
    """Whether both have the same shape and type, and C's order, which results then have too; one may be broadcast."""
    if type(array) is not numpy.ndarray or type(other) is not numpy.ndarray or not array.flags.c_contiguous:
        return False
    steps = [abs(step) for step, length in zip(other.strides, other.shape) if step and length > 1]
    return array.shape == other.shape and array.dtype == other.dtype and steps == sorted(steps, reverse=True)


class Masked(Instruction):
    """A gradient becomes zero where relu's outputs are.

    Args:
        rule: the rule that masks it.
        reused: slot of the array in whose memory it is masked, which is freed.
        other: slot of the other one.
        out: slot of the masked gradient.
        kernel: masks it.
    """

    def __init__(self, rule: Rule, reused: Slot, other: Slot, out: int, kernel: Kernel) -> None:
        self.reused, self.other, self.outs, self.kernel = reused, other, [out], kernel
        self.at(rule)

    @property
    def name(self) -> str:
        return "the gradient of relu"

    def refs(self) -> Iterator[Ref]:
        yield self.reused
        yield self.other

    def text(self, named: Naming) -> str:
        reused, call = self.reused.text(named), f"{named(in_place)}(box, {self.other.text(named)}"
        return f"box = [{reused}]; del {reused}; v{self.outs[0]} = {call}, {named(self.kernel, 'masked')})"


def masks_first(instructions: Sequence[Instruction], outputs: set[int], sizes: Sequence[int]) -> list[Instruction]:
    """The same instructions, in which large gradients are masked in place."""
    last = {n: i for i, instruction in enumerate(instructions) for n in instruction.taken()}
    found = list[Instruction]()
    for i, rule in enumerate(instructions):
        if not isinstance(rule, Rule) or rule.xp is not numpy or not isinstance(rule.g, Slot):
            found.append(rule)
            continue
        g, positive = rule.g, _positive(rule)
        ending = {n for n in rule.taken() if last[n] == i} - outputs
        alone = g.number not in {n for ref in rule.saved for n in ref.slots()}
        if positive is None or not alone or not sizes[positive.number] == sizes[g.number] >= LEAST:
            found.append(rule)
        elif rule.op.name != "relu" and g.number in ending:
            found += [_masked(rule, positive, g.number, masked, ending), _without_mask(rule, positive)]
        elif rule.op.name == "relu" and ending:
            found.append(_masked(rule, positive, rule.outs[0], _kernel_of(rule), ending))
        else:
            found.append(rule)
    return found


def _masked(rule: Rule, positive: Slot, out: int, kernel: Kernel, ending: set[int]) -> Masked:
    """Masked in the memory of relu's outputs, if they end here: the first gradients seldom own theirs."""
    if positive.number in ending:
        return Masked(rule, positive, rule.g, out, lambda positive, g: kernel(g, positive))  # type: ignore[arg-type]
    return Masked(rule, rule.g, positive, out, kernel)  # type: ignore[arg-type]


def _positive(rule: Rule) -> Slot | None:
    """The slot of relu's outputs; None where a rule doesn't mask, or does it piece by piece itself."""
    if rule.op.name == "relu":
        found = rule.saved[0]
    elif "positive" not in rule.op.saved:
        return None
    elif rule.op.name == "conv_bias" and rule.found[0] is None and kernels() == "compiled":
        return None  # where plain kernels compute such a convolution sooner, the masked gradient is another array
    else:
        found = rule.saved[rule.op.saved.index("positive")]
    return found if isinstance(found, Slot) else None


def _kernel_of(relu: Rule) -> Kernel:
    pull, shapes = relu.op.pulls[0], relu.shapes
    return lambda g, out: pull(numpy, g, (None, None, None, shapes, (out,)), None)  # type: ignore[arg-type]


def _without_mask(rule: Rule, positive: Slot) -> Rule:
    """The rule for a gradient that is masked already."""
    saved = [Const(None) if ref is positive else ref for ref in rule.saved]
    return replace(rule, saved=saved).at(rule)
