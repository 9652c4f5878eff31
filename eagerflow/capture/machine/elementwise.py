"""Forms of ops that treat every element by itself, and of their rules."""

from __future__ import annotations

from collections.abc import Callable

import numpy

from eagerflow.capture.instructions import Add, Compute, Const, Ref, Rule
from eagerflow.capture.machine.code import Operand
from eagerflow.capture.machine.numbers import Numbers
from eagerflow.capture.machine.writing import Declined, Writing, must, only
from eagerflow.kernels.machine.costs import Blocks

__all__ = ["elementwise_form", "factors", "function_form", "masked_scale", "one_over_exponential", "relu", "rule_form"]
__all__ += ["sigmoid", "sigmoid_slope", "sum_of_gradients", "tanh_slope", "terms"]


def elementwise_form(operation: Callable[..., str]) -> Callable[[Writing, Compute], None]:
    """The form of an op that has one right result for each element."""

    def form(writing: Writing, made: Compute) -> None:
        must(not made.settings)
        out = writing.made(made.outs[0])
        operands = [writing.taken(ref, out.letter) for ref in made.arrays]
        do = Numbers(writing.code, out.letter)
        writing.elementwise(out, operands, lambda *given: operation(do, *given))

    return form


def function_form(function: numpy.ufunc) -> Callable[[Writing, Compute], None]:
    """The form of an op that is one of NumPy's functions."""

    def form(writing: Writing, made: Compute) -> None:
        x, out = writing.taken(made.arrays[0]), writing.made(made.outs[0])
        must(x.shape == out.shape and x.letter == out.letter and out.size < Blocks.SMALL)
        writing.by_numpy(function, out, x)

    return form


def relu(writing: Writing, made: Compute) -> None:
    """The larger one of each number and 0."""
    elementwise_form(Numbers.positive)(writing, made)


def one_over_exponential(writing: Writing, x: Operand, out: Operand) -> None:
    """`out = 1 / (1 + exp(-x))`."""
    must(x.shape == out.shape and x.letter == out.letter and out.size < Blocks.SMALL)
    do = Numbers(writing.code, x.letter)
    turned = writing.own(x)
    writing.elementwise(turned, [x], do.negative)
    writing.by_numpy(numpy.exp, out, turned)
    one = do.number(1.0)
    writing.elementwise(out, [out], lambda e: do.divide(one, do.add(e, one)))


def sigmoid(writing: Writing, made: Compute) -> None:
    """`1 / (1 + exp(-x))`."""
    x = writing.taken(made.arrays[0])
    one_over_exponential(writing, x, writing.made(made.outs[0]))


def rule_form(operation: Callable[..., str]) -> Callable[[Writing, Rule], None]:
    """The form of a rule of one gradient: an operation on each element of `g` and of what the op kept."""

    def form(writing: Writing, rule: Rule) -> None:
        out, g = writing.made(only(rule)), writing.taken(rule.g)
        operands = [g, *[writing.taken(ref) for ref in rule.saved]]
        must(all(each.shape == out.shape for each in operands))
        do = Numbers(writing.code, out.letter)
        writing.elementwise(out, operands, lambda *given: operation(do, *given))

    return form


def _mask_and_scale(made: Compute | Rule) -> tuple[Ref, Ref]:
    """What `masked_scale` and its rule are given beside an array."""
    first, second = made.settings if isinstance(made, Compute) else made.saved
    return first, second


def masked_scale(writing: Writing, made: Compute | Rule) -> None:
    """x, or g, where a mask is true, times a number."""
    mask, scale = _mask_and_scale(made)
    source, slot = (made.arrays[0], made.outs[0]) if isinstance(made, Compute) else (made.g, only(made))
    x, of_mask, out = writing.taken(source), writing.taken(mask), writing.made(slot)
    if not isinstance(scale, Const) or scale.constant.__class__ not in (int, float) or of_mask.letter != "?":
        raise Declined
    must(x.shape == of_mask.shape == out.shape)
    do = Numbers(writing.code, out.letter)
    times = do.number(scale.constant)
    writing.elementwise(out, [x, of_mask], lambda a, kept: do.multiply(do.multiply(a, kept), times))


def factors(writing: Writing, rule: Rule) -> None:
    """The rule of a product: g times the other factor."""
    g = writing.taken(rule.g)
    do = Numbers(writing.code, g.letter)
    for which, slot in enumerate(rule.found):
        if slot is not None:
            other = writing.taken(rule.saved[rule.op.saved.index(rule.op.arrays[1 - which])])
            out = writing.made(slot)
            must(out.shape == g.shape == other.shape)
            writing.elementwise(out, [g, other], do.multiply)


def terms(writing: Writing, rule: Rule) -> None:
    """The rule of a difference, where only what is taken away has a gradient."""
    must(rule.found[0] is None)
    out, g = writing.made(only(rule)), writing.taken(rule.g)
    must(out.shape == g.shape)
    writing.elementwise(out, [g], Numbers(writing.code, g.letter).negative)


def tanh_slope(do: Numbers, g: str, y: str) -> str:
    """`g (1 - y²)`."""
    return do.multiply(g, do.subtract(do.number(1.0), do.multiply(y, y)))


def sigmoid_slope(do: Numbers, g: str, y: str) -> str:
    """`g (y (1 - y))`."""
    return do.multiply(g, do.multiply(y, do.subtract(do.number(1.0), y)))


def sum_of_gradients(writing: Writing, made: Add) -> None:
    """The sum of two gradients of one array."""
    first, second = writing.taken(made.first), writing.taken(made.second)
    out = writing.made(made.outs[0])
    must(first.shape == second.shape == out.shape)
    writing.elementwise(out, [first, second], Numbers(writing.code, out.letter).add)
