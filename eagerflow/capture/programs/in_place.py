"""Large values that take the place of those they are made of: elementwise operations on what nobody takes any more.

An eager step holds the input and the output of an operation at once. A replay knows which values are taken for the
last time: where an operation does the same to each element, it works through such a value piece by piece and leaves
its results there. Whether anybody else sees that memory is asked each time, as variables do (`core/exclusive.py`).

Some rules are taken apart. The gradient of a layer with relu begins with such an operation: it is done by itself, and
relu's outputs are let go before the products. Of the two gradients of a product the one for which a large array is
needed comes first, and the array is let go before the other one, which is as large, is made.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy

from eagerflow.capture.programs.instructions import Compute, Const, Instruction, Naming, Ref, Rule, Slot
from eagerflow.compiled.choice import kernels
from eagerflow.core.exclusive import exclusive
from eagerflow.kernels.convolution.epilogue import masked
from eagerflow.kernels.elementwise.activations import clipped

__all__ = ["LEAST", "Masked", "in_place", "taken_apart"]

LEAST = 1 << 20  # bytes of a value, below which it isn't worth it
_PIECE = 1 << 19  # bytes that are worked on at once
# By which each element comes from those in its place, by sums, products and comparisons, which round alike everywhere.
_ELEMENTWISE = frozenset({"add", "masked_scale", "maximum", "minimum", "multiply", "relu", "subtract"})
_ELEMENTWISE_RULES = frozenset({"masked_scale", "relu"})
_WITH_RELU = frozenset({"conv_bias", "conv_transpose_bias", "dense"})

Kernel = Callable[..., Any]  # of the arrays, in order


def worked_through(box: list[Any], others: tuple[Any, ...], place: int, kernel: Kernel) -> Any:
    """`kernel(*others)` with what the box holds put in at a place; in the memory of that, where nobody else has it."""
    if not _may_be_written(box, others):
        return kernel(*others[:place], box.pop(), *others[place:])
    first = box.pop()
    rows = max(1, _PIECE * len(first) // first.nbytes)
    for start in range(0, len(first), rows):
        cut = slice(start, start + rows)
        given = [_part(other, first, cut) for other in others]
        found = kernel(*given[:place], first[cut], *given[place:])
        if found.dtype != first.dtype or found.shape != first[cut].shape:  # seen by the first piece
            return kernel(*others[:place], first, *others[place:])
        first[cut] = found
    return first


def _may_be_written(box: list[Any], others: tuple[Any, ...]) -> bool:
    """Whether the box has the only reference to an array in C's order that can be cut along its first axis."""
    if type(box[0]) is not numpy.ndarray or not box[0].ndim or not box[0].flags.c_contiguous:
        return False
    if box[0].nbytes < LEAST or not box[0].flags.writeable or not exclusive(box):
        return False
    return all(not isinstance(other, numpy.ndarray) or _fits(other, box[0].shape) for other in others)


def _fits(other: Any, shape: tuple[int, ...]) -> bool:
    """Whether an array doesn't change the order in which results lie, nor their shape."""
    if other.ndim > len(shape):
        return False
    steps = [abs(step) for step, length in zip(other.strides, other.shape) if step and length > 1]
    return steps == sorted(steps, reverse=True)


def _part(other: Any, first: Any, cut: slice) -> Any:
    if not isinstance(other, numpy.ndarray) or other.ndim < first.ndim or len(other) != len(first):
        return other
    return other[cut]


class Masked(Instruction):
    """A gradient becomes zero where relu's outputs are; its slot keeps its number.

    Args:
        rule: the rule that does it first.
        g: the gradient.
        positive: relu's outputs.
    """

    def __init__(self, rule: Rule, g: Slot, positive: Slot) -> None:
        self.g, self.positive, self.outs = g, positive, [g.number]
        self.at(rule)

    @property
    def name(self) -> str:
        return "the gradient of relu"

    def refs(self) -> Iterator[Ref]:
        yield self.g
        yield self.positive

    def call(self) -> tuple[Callable[..., Any], str, list[tuple[str, Ref]]]:
        return masked, "masked", [("", self.g), ("", self.positive)]


def taken_apart(instructions: Sequence[Instruction], outputs: set[int], sizes: Sequence[int]) -> list[Instruction]:
    """The same, with rules of large values taken apart.

    Args:
        instructions: of a replay.
        outputs: slots of what it gives.
        sizes: bytes of the slots' values.
    """
    last: dict[int, int] = {}
    for i, instruction in enumerate(instructions):
        last.update((n, i) for n in instruction.taken())
    found = list[Instruction]()
    for i, instruction in enumerate(instructions):
        if isinstance(instruction, Rule) and instruction.op.name in _WITH_RELU and instruction.xp is numpy:
            g, place = instruction.g, instruction.op.saved.index("positive")
            positive = instruction.saved[place]
            if (
                isinstance(g, Slot)
                and isinstance(positive, Slot)
                and sizes[positive.number] == sizes[g.number] >= LEAST
                and last[g.number] == i
                and g.number not in outputs
                and not _masks_on_its_way(instruction)
            ):
                found += [Masked(instruction, g, positive), _without_mask(instruction, place)]
                continue
        ending = {n for n in instruction.taken() if last[n] == i} - outputs
        found += _one_by_one(instruction, ending, sizes) if isinstance(instruction, Rule) else [instruction]
    return found


def _masks_on_its_way(rule: Rule) -> bool:
    """Whether the rule itself masks a large gradient piece by piece: of convolutions whose inputs need none, compiled.

    Where it doesn't, as plain kernels compute such a convolution sooner, the masked gradient is an array of its own.
    """
    return rule.op.name == "conv_bias" and rule.found[0] is None and kernels() == "compiled"


def _one_by_one(rule: Rule, ending: set[int], sizes: Sequence[int]) -> list[Rule]:
    """A rule of two arrays, in the order in which a large one can be let go between; else the rule as it is."""
    op = rule.op
    if op.joint or rule.xp is not numpy or len(op.pulls) != 2 or not op.keeps_inputs or None in rule.found:
        return [rule]
    for which, like in enumerate(rule.likes[:2]):
        ref = rule.saved[which]
        if like is None or not isinstance(ref, Slot) or ref.number not in ending or sizes[ref.number] < LEAST:
            continue
        if op.arrays[which] in _asked_by(rule, which) or ref.same(rule.saved[1 - which]):
            continue
        shape, dtype = like  # which the rule reads off an array
        stand_in = Const(numpy.broadcast_to(numpy.zeros((), dtype), shape))
        saved: list[Ref] = [stand_in if i == which else each for i, each in enumerate(rule.saved)]
        return [_part_of_rule(rule, 1 - which, rule.saved), _part_of_rule(rule, which, saved)]
    return [rule]


def _asked_by(rule: Rule, which: int) -> set[str]:
    """What the gradient of one array asks for, by the op's rule and all its kernels."""
    functions: list[Any] = [rule.op.rules[which]]
    for lowering in rule.op.lowerings:
        if lowering.part == f"rule {which}":
            functions += [lowering.kernel, *([] if lowering.when is None else [lowering.when])]
    return {name for function in functions for name in inspect.signature(function).parameters}


def _part_of_rule(rule: Rule, which: int, saved: list[Ref]) -> Rule:
    return _changed(rule, saved, [n if i == which else None for i, n in enumerate(rule.found)])


def _without_mask(rule: Rule, place: int) -> Rule:
    """The rule for a gradient that was masked."""
    return _changed(rule, [Const(None) if i == place else ref for i, ref in enumerate(rule.saved)], rule.found)


def _changed(rule: Rule, saved: list[Ref], found: list[int | None]) -> Rule:
    """The same rule of other values, or for fewer gradients."""
    made = Rule(rule.xp, rule.op, rule.g, saved, rule.shapes, rule.needs, found, rule.forward)
    made.at(rule)
    return made


def in_place(instruction: Instruction, ending: set[int], sizes: Sequence[int], named: Naming) -> tuple[str, int] | None:
    """An instruction's line of Python that lets a value go into it, and the slot of that; None where there is none.

    Args:
        instruction: of a replay.
        ending: slots that nobody takes after it.
        sizes: bytes of the slots' values.
        named: gives the names of constants.
    """
    found = _arguments(instruction, named)
    if found is None or len(instruction.outs) != 1:
        return None
    refs, kernel, word = found
    out = instruction.outs[0]
    ending = ending | {out} if isinstance(instruction, Masked) else ending
    for place, ref in reversed(list(enumerate(refs))):  # the first gradients are seldom arrays of their own
        number = ref.number if isinstance(ref, Slot) else out
        alone = sum(number in each.slots() for each in refs) == 1
        if number in ending and alone and sizes[number] == sizes[out] >= LEAST:
            others = "".join(f"{each.text(named)}, " for i, each in enumerate(refs) if i != place)
            call = f"{named(worked_through)}(box, ({others}), {place}, {named(kernel, word)})"
            return f"box = [v{number}]; del v{number}; v{out} = {call}", number
    return None


def _arguments(instruction: Instruction, named: Naming) -> tuple[list[Ref], Kernel, str] | None:
    """What an elementwise instruction is given, the function of it, and what to call that."""
    if isinstance(instruction, Masked):
        return [instruction.g, instruction.positive], masked, "masked"
    if isinstance(instruction, Rule):
        return _of_rule(instruction)
    if not isinstance(instruction, Compute) or instruction.op.name not in _ELEMENTWISE or instruction.xp is not numpy:
        return None
    if instruction.widened or instruction.several or instruction.extras:
        return None
    passed = instruction.passed()
    if any(name for name, _ in passed):
        return None
    function = _relu if instruction.op.name == "relu" else instruction.op.forward
    return [ref for _, ref in passed], lambda *given: function(numpy, *given), instruction.op.name


def _relu(xp: Any, x: Any) -> Any:
    """Relu of a piece as of the large array that it is from: of small ones it has other zeros."""
    return clipped(x) if x.dtype.char in "fd" else xp.maximum(x, 0)


def _of_rule(rule: Rule) -> tuple[list[Ref], Kernel, str] | None:
    op = rule.op
    if op.name not in _ELEMENTWISE_RULES or rule.xp is not numpy or op.joint or op.names_shape:
        return None
    pull = op.pulls[next(i for i, n in enumerate(rule.found) if n is not None)]

    def kernel(g: Any, *saved: Any) -> Any:
        return pull(numpy, g, (None, None, None, rule.shapes, saved), None)  # type: ignore[arg-type]

    return [rule.g, *rule.saved], kernel, f"{op.name}_gradient"
