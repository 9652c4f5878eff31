"""What instructions are as machine code: the same calls of NumPy as those of the ops' kernels, in the same order.

A form writes one instruction for arrays of known shapes and types, or declines. Small arrays only: for those, ops call
NumPy without asking much; large ones have kernels that share their work among threads.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy

from eagerflow.capture.instructions import Add, Compute, Instruction, Rule
from eagerflow.capture.machine.dense import dense, dense_rule
from eagerflow.capture.machine.elementwise import (
    elementwise_form,
    elu,
    elu_rule,
    factors,
    function_form,
    leaky_relu,
    masked_scale,
    rule_form,
    sigmoid,
    sigmoid_slope,
    silu,
    silu_rule,
    sum_of_gradients,
    tanh_slope,
    terms,
)
from eagerflow.capture.machine.losses import (
    labels_crossentropy,
    labels_crossentropy_rule,
    mean,
    sigmoid_crossentropy,
    sigmoid_crossentropy_rule,
    softmax,
    softmax_crossentropy,
    softmax_crossentropy_rule,
)
from eagerflow.capture.machine.numbers import Numbers
from eagerflow.capture.machine.writing import Declined, Writing

__all__ = ["calls_of", "written"]

# How many calls of NumPy an op or a rule is, about, and its form.
_OPS: dict[str, tuple[int, Callable[[Writing, Compute], None]]] = {
    "absolute": (1, elementwise_form(Numbers.absolute)),
    "add": (1, elementwise_form(Numbers.add)),
    "dense": (3, dense),
    "divide": (1, elementwise_form(Numbers.divide)),
    "elu": (6, elu),
    "exp": (1, function_form(numpy.exp)),
    "leaky_relu": (3, leaky_relu),
    "log": (1, function_form(numpy.log)),
    "masked_scale": (2, masked_scale),
    "mean": (2, mean),
    "multiply": (1, elementwise_form(Numbers.multiply)),
    "negative": (1, elementwise_form(Numbers.negative)),
    "relu": (1, elementwise_form(Numbers.positive)),
    "sigmoid": (4, sigmoid),
    "sigmoid_crossentropy": (7, sigmoid_crossentropy),
    "silu": (5, silu),
    "softmax": (5, softmax),
    "softmax_crossentropy": (9, softmax_crossentropy),
    "sparse_softmax_crossentropy": (11, labels_crossentropy),
    "square": (1, elementwise_form(lambda do, x: do.multiply(x, x))),
    "subtract": (1, elementwise_form(Numbers.subtract)),
    "tanh": (1, function_form(numpy.tanh)),
}
_RULES: dict[str, tuple[int, Callable[[Writing, Rule], None]]] = {
    "absolute": (2, rule_form(lambda do, g, x: do.multiply(g, do.sign(x)))),
    "dense": (5, dense_rule),
    "elu": (4, elu_rule),
    "leaky_relu": (3, leaky_relu),
    "masked_scale": (2, masked_scale),
    "multiply": (1, factors),
    "relu": (2, rule_form(lambda do, g, y: do.multiply(g, do.is_positive(y)))),
    "sigmoid": (3, rule_form(sigmoid_slope)),
    "sigmoid_crossentropy": (6, sigmoid_crossentropy_rule),
    "silu": (9, silu_rule),
    "softmax_crossentropy": (5, softmax_crossentropy_rule),
    "sparse_softmax_crossentropy": (4, labels_crossentropy_rule),
    "square": (2, rule_form(lambda do, g, x: do.multiply(g, do.add(x, x)))),
    "subtract": (1, terms),
    "tanh": (3, rule_form(tanh_slope)),
}


def _form(instruction: Instruction) -> tuple[int, Callable[..., None]] | None:
    if isinstance(instruction, Add):
        return (1, sum_of_gradients) if instruction.xp is numpy else None
    if not isinstance(instruction, (Compute, Rule)) or instruction.xp is not numpy:
        return None
    if isinstance(instruction, Rule):
        return _RULES.get(instruction.op.name)
    plain = instruction.taped is None and not instruction.widened and not instruction.several
    return _OPS.get(instruction.op.name) if plain else None


def calls_of(instruction: Instruction) -> int:
    """How many calls of NumPy an instruction is, about; 0 where it has no form."""
    found = _form(instruction)
    return 0 if found is None else found[0]


def written(writing: Writing, instruction: Instruction) -> None:
    """Write an instruction.

    Raises:
        Declined: where it has no form for arrays like these.
    """
    found = _form(instruction)
    if found is None:
        raise Declined
    found[1](writing, instruction)
