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
__all__ += ["sigmoid_crossentropy_rule", "softmax", "softmax_crossentropy", "softmax_crossentropy_rule"]


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
    largest = _shifted(writing, logits, out)
    picked, total = writing.own(largest), writing.own(largest)
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


def softmax(writing: Writing, made: Compute) -> None:
    """exp(x) divided by its sum, over the last axis."""
    x, out = writing.taken(made.arrays[0]), writing.made(made.outs[0])
    axis = made.settings[0].constant if isinstance(made.settings[0], Const) else None
    rows, columns = _rows(x)
    must(axis in (-1, len(x.shape) - 1) and x.shape == out.shape and x.size < Softmax.SMALL)
    code, do = writing.code, Numbers(writing.code, x.letter)
    of_rows = out._replace(shape=(rows, columns))
    total = _shifted(writing, x, of_rows)
    writing.by_numpy(numpy.exp, of_rows, of_rows)
    must(code.reduced(numpy.add, total, of_rows))
    code.elementwise(of_rows, [of_rows, total], do.divide)


def _shifted(writing: Writing, x: Operand, out: Operand) -> Operand:
    """Fill a matrix with rows minus their largest numbers; an array for a number of each row, free for other use."""
    code = writing.code
    of_rows = x._replace(shape=out.shape)
    largest = writing.own(out._replace(shape=(out.shape[0], 1)))
    must(code.reduced(numpy.maximum, largest, of_rows, from_first=True))
    code.elementwise(out, [of_rows, largest], Numbers(code, x.letter).subtract)
    return largest


def softmax_crossentropy(writing: Writing, made: Compute) -> None:
    """`-sum(target log(softmax(x)))` over the last axis, and the logarithm of the softmax."""
    target, logits = map(writing.taken, made.arrays)
    loss, out = writing.made(made.outs[0]), writing.made(made.outs[1])
    rows, classes = _rows(logits)
    must(target.shape == logits.shape == out.shape and loss.size == rows and logits.size < Softmax.SMALL)
    must(target.letter == logits.letter == loss.letter)
    code, do = writing.code, Numbers(writing.code, logits.letter)
    of_rows = out._replace(shape=(rows, classes))
    weighed = writing.own(of_rows)
    total = _shifted(writing, logits, of_rows)
    writing.by_numpy(numpy.exp, weighed, of_rows)
    must(code.reduced(numpy.add, total, weighed))
    writing.by_numpy(numpy.log, total, total)
    code.elementwise(of_rows, [of_rows, total], do.subtract)
    code.elementwise(weighed, [target.like(weighed), of_rows], do.multiply)
    must(code.reduced(numpy.add, total, weighed))
    code.elementwise(loss, [total.like(loss)], do.negative)


def softmax_crossentropy_rule(writing: Writing, rule: Rule) -> None:
    """`(softmax sum(target) - target) g`; targets have no gradient here."""
    must(rule.found[0] is None and rule.outs == [rule.found[1]])
    target, logarithms, g = (writing.taken(ref) for ref in (rule.saved[0], rule.saved[2], rule.g))
    out = writing.made(rule.outs[0])
    rows, classes = _rows(out)
    must(target.shape == logarithms.shape == out.shape and g.size == rows and out.size < Softmax.SMALL)
    must(target.letter == logarithms.letter == g.letter == out.letter)
    code, do = writing.code, Numbers(writing.code, out.letter)
    matrix = out._replace(shape=(rows, classes))
    total = writing.own(out._replace(shape=(rows, 1)))
    must(code.reduced(numpy.add, total, target.like(matrix)))
    writing.by_numpy(numpy.exp, out, logarithms)
    code.elementwise(
        matrix,
        [matrix, target.like(matrix), total, g.like(total)],
        lambda p, t, whole, slope: do.multiply(do.subtract(do.multiply(p, whole), t), slope),
    )


def _rows(logits: Operand) -> tuple[int, int]:
    """The lengths of logits as a matrix of rows."""
    must(len(logits.shape) > 1 and logits.shape[-1] > 1)
    return logits.size // logits.shape[-1], logits.shape[-1]


def mean(writing: Writing, made: Compute) -> None:
    """The mean of all numbers, or over the last axis."""
    axis, keeps = (ref.constant if isinstance(ref, Const) else "?" for ref in made.settings)
    x, out = writing.taken(made.arrays[0]), writing.made(made.outs[0])
    last = len(x.shape) - 1
    count = x.size if axis is None else x.shape[-1] if axis in (-1, last, (-1,), (last,)) and last >= 0 else 0
    must(count > 0 and keeps is False and x.letter == out.letter and x.size < Blocks.SMALL)
    rows, do = x.size // count, Numbers(writing.code, out.letter)
    must(out.size == rows and writing.code.reduced(numpy.add, out, x._replace(shape=(rows, count))))
    of_all = do.number(float(count))
    writing.code.elementwise(out._replace(shape=(rows,)), [out._replace(shape=(rows,))], lambda a: do.divide(a, of_all))
