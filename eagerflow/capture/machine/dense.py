"""Forms of dense layers: products by BLAS, bias and relu; both gradients and the sum for the bias."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow.capture.instructions import Compute, Const, Ref, Rule, Slot
from eagerflow.capture.machine.numbers import Numbers
from eagerflow.capture.machine.writing import Declined, Writing, must
from eagerflow.kernels.machine.blocks import ones

__all__ = ["dense", "dense_rule"]


def dense(writing: Writing, made: Compute) -> None:
    """`x @ kernel + bias`, with relu or without."""
    if made.settled is None or (made.tracked and not made.extras):
        raise Declined
    x, kernel, bias = map(writing.taken, made.arrays)
    relu = _setting(made, 0)
    out = writing.made(*made.outs) if relu else writing.made(made.outs[0])
    if not relu:
        writing.nothing(made.outs[1:])
    must(len(x.shape) == len(kernel.shape) == 2 and bias.shape == kernel.shape[1:])
    must(writing.code.product(out, x, kernel))
    do = Numbers(writing.code, out.letter)
    writing.code.elementwise(out, [out, bias], lambda a, b: do.positive(do.add(a, b)) if relu else do.add(a, b))


def dense_rule(writing: Writing, rule: Rule) -> None:
    """The gradients of x, kernel and bias; behind relu of what relu let through."""
    must(rule.settled is not None)
    x, kernel, g = writing.taken(rule.saved[0]), writing.taken(rule.saved[1]), writing.taken(rule.g)
    positive = rule.saved[-1]
    do = Numbers(writing.code, g.letter)
    if not _is_none(rule, positive):
        masked = writing.own(g)
        writing.code.elementwise(masked, [g, writing.taken(positive)], lambda a, y: do.multiply(a, do.is_positive(y)))
        g = masked
    of_x, of_kernel, of_bias = rule.found
    if of_x is not None:
        must(writing.code.product(writing.made(of_x), g, kernel, b_turned=True))
    if of_kernel is None or of_bias is None:
        raise Declined
    must(writing.code.product(writing.made(of_kernel), x, g, a_turned=True))
    row = writing.code.constant(ones(g.shape[0], numpy.dtype(g.letter)))
    must(writing.code.sums_of_columns(writing.made(of_bias), row, g))


def _is_none(rule: Rule, ref: Ref) -> bool:
    """Whether a rule is given None where it would be given relu's outputs."""
    if isinstance(ref, Slot):
        return not _setting(rule.forward, 0)
    return isinstance(ref, Const) and ref.constant is None


def _setting(made: Compute, place: int) -> Any:
    ref = made.settings[place]
    if not isinstance(ref, Const):
        raise Declined
    return ref.constant
