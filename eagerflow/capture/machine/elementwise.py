"""Forms of ops that treat every element by itself, and of their rules."""

from __future__ import annotations

from collections.abc import Callable

import numpy

from eagerflow.capture.instructions import Add, Compute, Const, Ref, Rule
from eagerflow.capture.machine.code import Operand
from eagerflow.capture.machine.numbers import Numbers
from eagerflow.capture.machine.writing import Declined, Writing, must, only
from eagerflow.kernels.machine.costs import Blocks

__all__ = ["elementwise_form", "elu", "elu_rule", "factors", "function_form", "leaky_relu", "masked_scale"]
__all__ += ["one_over_exponential", "rule_form", "silu", "silu_rule"]
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
    """Sigmoid: `1 / (1 + exp(-x))`."""
    x = writing.taken(made.arrays[0])
    one_over_exponential(writing, x, writing.made(made.outs[0]))


def silu(writing: Writing, made: Compute) -> None:
    """`x sigmoid(x)`."""
    x, out = writing.taken(made.arrays[0]), writing.made(made.outs[0])
    s, do = writing.own(x), Numbers(writing.code, x.letter)
    one_over_exponential(writing, x, s)
    writing.elementwise(out, [x, s], do.multiply)


def silu_rule(writing: Writing, rule: Rule) -> None:
    """`g (s + s (1 - s) x)` for the sigmoid s of x."""
    x, g, out = writing.taken(rule.saved[0]), writing.taken(rule.g), writing.made(only(rule))
    must(x.shape == g.shape == out.shape)
    s, do = writing.own(x), Numbers(writing.code, x.letter)
    one_over_exponential(writing, x, s)
    one = do.number(1.0)

    def slope(a: str, b: str, c: str) -> str:
        return do.multiply(a, do.add(b, do.multiply(do.multiply(b, do.subtract(one, b)), c)))

    writing.elementwise(out, [g, s, x], slope)


def leaky_relu(writing: Writing, made: Compute | Rule) -> None:
    """x, or of the rule g, where x is above 0; elsewhere times a slope."""
    if isinstance(made, Compute):
        source, signs, slope, slot = made.arrays[0], made.arrays[0], made.settings[0], made.outs[0]
    else:
        source, (signs, slope), slot = made.g, made.saved, only(made)
    x, decides, out = writing.taken(source), writing.taken(signs), writing.made(slot)
    must(x.shape == decides.shape == out.shape)
    do = Numbers(writing.code, out.letter)
    times = do.number(_number(slope))
    writing.elementwise(out, [x, decides], lambda a, b: do.where_positive(b, a, do.multiply(a, times)))


def _number(ref: Ref) -> float:
    """A setting that is a number."""
    if not isinstance(ref, Const) or ref.constant.__class__ is not float:
        raise Declined
    return float(ref.constant)


def elu(writing: Writing, made: Compute) -> None:
    """x where it is above 0; elsewhere `alpha (exp(x) - 1)`."""
    x, out = writing.taken(made.arrays[0]), writing.made(made.outs[0])
    must(x.shape == out.shape and x.size < Blocks.SMALL)
    low, do = writing.own(x), Numbers(writing.code, x.letter)
    times = do.number(_number(made.settings[0]))
    writing.elementwise(low, [x], do.not_positive)
    writing.by_numpy(numpy.expm1, low, low)
    writing.elementwise(out, [x, low], lambda a, e: do.where_positive(a, a, do.multiply(e, times)))


def elu_rule(writing: Writing, rule: Rule) -> None:
    """g where x is above 0; elsewhere `g (out + alpha)`."""
    of_rule = dict(zip(rule.op.saved, rule.saved))
    x, y = writing.taken(of_rule["x"]), writing.taken(of_rule["out"])
    g, out = writing.taken(rule.g), writing.made(only(rule))
    must(x.shape == y.shape == g.shape == out.shape)
    do = Numbers(writing.code, out.letter)
    more = do.number(_number(of_rule["alpha"]))
    writing.elementwise(out, [g, x, y], lambda a, b, c: do.where_positive(b, a, do.multiply(a, do.add(c, more))))


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
