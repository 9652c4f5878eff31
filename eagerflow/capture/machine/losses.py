"""Forms of crossentropies of few logits, of their rules, and of the means of losses."""

from __future__ import annotations

import numpy

from eagerflow.capture.instructions import Compute, Const, Rule
from eagerflow.capture.machine.code import Operand
from eagerflow.capture.machine.elementwise import one_over_exponential
from eagerflow.capture.machine.numbers import Numbers
from eagerflow.capture.machine.writing import Writing, must, only
from eagerflow.kernels.machine.costs import Blocks, Softmax

__all__ = ["labels_crossentropy", "labels_crossentropy_rule", "mean", "sigmoid_crossentropy"]
__all__ += ["sigmoid_crossentropy_rule"]


def sigmoid_crossentropy(writing: Writing, made: Compute) -> None:
    """`max(x, 0) + log(1 + exp(-|x|)) - target x`."""
    target, x = map(writing.taken, made.arrays)
    out = writing.made(made.outs[0])
    must(target.shape == x.shape == out.shape and x.letter == target.letter == out.letter)
    do = Numbers(writing.code, x.letter)
    size, one = writing.own(x), writing.own(x)
    writing.elementwise(size, [x], lambda a: do.negative(do.absolute(a)))
    writing.by_numpy(numpy.exp, one, size)
    writing.by_numpy(numpy.log1p, size, one)
    writing.elementwise(
        out, [x, size, target], lambda a, s, t: do.subtract(do.add(do.positive(a), s), do.multiply(t, a))
    )


def sigmoid_crossentropy_rule(writing: Writing, rule: Rule) -> None:
    """`g (sigmoid(x) - target)`; targets have no gradient here."""
    must(rule.found[0] is None)
    target, x = map(writing.taken, rule.saved)
    g, out = writing.taken(rule.g), writing.made(only(rule))
    must(target.shape == x.shape == out.shape)
    sigmoid, do = writing.own(x), Numbers(writing.code, x.letter)
    one_over_exponential(writing, x, sigmoid)
    writing.elementwise(out, [g, sigmoid, target], lambda a, s, t: do.multiply(a, do.subtract(s, t)))


def labels_crossentropy(writing: Writing, made: Compute) -> None:
    """-log of each row's softmax at its label, and the softmax."""
    labels, logits = map(writing.taken, made.arrays)
    rows, classes = _rows(logits)
    loss, out = writing.made(made.outs[0]), writing.made(made.outs[1])
    must(len(made.outs) == 2 and labels.size == loss.size == rows and out.shape == (rows, classes))
    must(labels.letter in "ilq" and logits.size < Softmax.SMALL)
    code, do = writing.code, Numbers(writing.code, logits.letter)
    must(code.within(labels, classes))
    largest, picked, total = (code.own((rows, 1), logits.letter) for _ in range(3))
    must(largest is not None and picked is not None and total is not None)
    assert largest is not None
    assert picked is not None
    assert total is not None
    must(code.reduced(numpy.maximum, largest, logits, from_first=True))
    code.elementwise(out, [logits, largest], do.subtract)
    code.picked(picked, out, labels)
    writing.by_numpy(numpy.exp, out, out)
    must(code.reduced(numpy.add, total, out))
    writing.by_numpy(numpy.log, largest, total)
    code.elementwise(loss, [largest.like(loss), picked.like(loss)], do.subtract)
    code.elementwise(out, [out, total], do.divide)


def labels_crossentropy_rule(writing: Writing, rule: Rule) -> None:
    """(softmax - 1 at the label) g."""
    must(rule.found[0] is None and rule.outs == [rule.found[1]])
    labels, probabilities, g = (writing.taken(ref) for ref in (rule.saved[0], rule.saved[2], rule.g))
    out = writing.made(rule.outs[0])
    rows, classes = _rows(out)
    must(labels.size == g.size == rows and probabilities.shape == (rows, classes) and out.size < Softmax.SMALL)
    must(labels.letter in "ilq" and g.letter == out.letter == probabilities.letter)
    code, do = writing.code, Numbers(writing.code, out.letter)
    one = do.number(1.0)
    writing.code.elementwise(
        out,
        [probabilities.like(out), g._replace(shape=(rows, 1))],
        lambda p, slope: do.multiply(code.where_label(labels, do.subtract(p, one), p, out.letter), slope),
    )


def _rows(logits: Operand) -> tuple[int, int]:
    """The lengths of logits as a matrix of rows."""
    must(len(logits.shape) > 1 and logits.shape[-1] > 1)
    return logits.size // logits.shape[-1], logits.shape[-1]


def mean(writing: Writing, made: Compute) -> None:
    """The mean of all numbers."""
    axis, keeps = (ref.constant if isinstance(ref, Const) else 0 for ref in made.settings)
    x, out = writing.taken(made.arrays[0]), writing.made(made.outs[0])
    must(axis is None and keeps is False and x.letter == out.letter and out.shape == () and x.size < Blocks.SMALL)
    do = Numbers(writing.code, out.letter)
    must(writing.code.reduced(numpy.add, out, x._replace(shape=(1, x.size))))
    count = do.number(float(x.size))
    writing.code.elementwise(out._replace(shape=(1,)), [out._replace(shape=(1,))], lambda a: do.divide(a, count))
