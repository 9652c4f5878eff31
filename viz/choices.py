"""What may be chosen, on the command line and in Python: formats, views, measures.

Nothing is loaded for it: help and completion list these without the code that knows what each of them means.
"""

from __future__ import annotations

import numbers
from collections.abc import Sequence

__all__ = [
    "CHARTS",
    "COLORINGS",
    "COSTS",
    "FORMATS",
    "KEYS",
    "KINDS",
    "LEVELS",
    "MAX_OPS",
    "THEMES",
    "TOLERANCE",
    "VIEWS",
    "expect_number",
    "expect_word",
]

FORMATS = ("svg", "png", "pdf", "dot")
CHARTS = ("svg", "png", "pdf")  # what charts are written as
VIEWS = ("both", "forward", "backward", "layers")
COLORINGS = ("op", "time", "memory", "grad", "nonfinite", "dtype")
THEMES = ("light", "dark")
LEVELS = ("none", "basic", "full")  # of statistics
COSTS = ("time", "memory", "flops")
KEYS = (*COSTS, "name", "layer", "source")  # by which costs are listed
TOLERANCE = 1e-5  # what other orders of summing leave between float32 numbers
MAX_OPS = 1_000_000  # that `viz run` records, unless told otherwise

KINDS = tuple(
    """
    loss_mismatch label_range loss_sign broadcast softmax_axis attention_mask channels_first unscaled_input
    unscaled_target initial_weights frozen no_gradient opposed_updates callback_mismatch lr_too_high lr_too_low
    penalty_dominates batchnorm_misuse augmentation sorted_rows nonfinite exploding_gradient hidden_softmax
    vanishing_gradient dead_relu saturated constant_output linear_stack bottleneck class_imbalance not_learning
    stopped_early label_leak validation_overlap validation_mismatch validation_chance memory_growth dtype_upcast
    overfit dropout_high dropout_idle class_loss too_few_steps unreset_metric shuffled_apart slow_input slow_op
    replicas_diverged oversubscribed
    """.split()
)
"""All kinds of findings of the doctor, roughly causes before their consequences: the order in which they are shown."""


def expect_number(name: str, value: object, least: int, expected: str) -> None:
    """Raises unless an argument is a whole number, and so large at least."""
    if not isinstance(value, numbers.Integral) or isinstance(value, bool):
        raise TypeError(f"{name}={value!r}: expected {expected}")
    if int(value) < least:
        raise ValueError(f"{name}={value}: expected {expected}")


def expect_word(name: str, value: str, allowed: Sequence[str]) -> None:
    """Raises unless an argument is one of some words."""
    if value not in allowed:
        raise ValueError(f"{name}={value!r}: expected one of {', '.join(map(repr, allowed))}")
