"""Large arrays shared among threads, and sums of what broadcasting lengthened as products."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy

from eagerflow.core.lowering import lower, lower_rule
from eagerflow.kernels.elementwise.activations import tanh_gradient
from eagerflow.kernels.elementwise.one_pass import one_pass, pays
from eagerflow.kernels.machine.blocks import fits
from eagerflow.kernels.machine.costs import Blocks
from eagerflow.kernels.reduce.moments import plus_rows
from eagerflow.kernels.reduce.sums import sum_to
from eagerflow.ops.elementwise.arithmetic import add, divide, multiply, square, subtract
from eagerflow.ops.elementwise.exponential import exp, expm1, log, log1p, log2, log10, sqrt
from eagerflow.ops.elementwise.trigonometry import cos, sin, tanh

__all__: list[str] = []

_MANY = 2 * Blocks.CHUNK  # numbers: below, no kernel here pays


def _is_broadcast(x1: Any, x2: Any) -> bool:
    return x2.__class__ is numpy.ndarray and x1.ndim > x2.ndim > 0


lower(add, partial(one_pass, numpy.add), pays, _MANY)
lower(add, plus_rows, _is_broadcast, _MANY)
lower_rule(add, lambda g, x1_shape: sum_to(g, x1_shape), which=0)
lower_rule(add, lambda g, x2_shape: sum_to(g, x2_shape), which=1)
lower(subtract, partial(one_pass, numpy.subtract), pays, _MANY)
lower(multiply, partial(one_pass, numpy.multiply), pays, _MANY)
lower(divide, partial(one_pass, numpy.divide), pays, _MANY)
lower(square, lambda x: one_pass(numpy.multiply, x, x), pays, _MANY)


def _is_product_of_many(g: Any, other: Any, shape: Any) -> bool:
    return (g.shape != shape or pays(g, other)) and g.dtype.kind != "c"


def _factor_gradient(g: Any, other: Any, shape: Any) -> Any:
    return sum_to(one_pass(numpy.multiply, g, other), shape)


lower_rule(
    multiply,
    lambda g, x2, x1_shape: _factor_gradient(g, x2, x1_shape),
    lambda g, x2, x1_shape: _is_product_of_many(g, x2, x1_shape),
    which=0,
)
lower_rule(
    multiply,
    lambda g, x1, x2_shape: _factor_gradient(g, x1, x2_shape),
    lambda g, x1, x2_shape: _is_product_of_many(g, x1, x2_shape),
    which=1,
)


def _is_long(x: Any) -> bool:
    """Whether threads gain by sharing a function that takes a nanosecond for a number."""
    return pays(x, nanoseconds=1.0)


_FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {
    exp: numpy.exp,
    expm1: numpy.expm1,
    log: numpy.log,
    log1p: numpy.log1p,
    log2: numpy.log2,
    log10: numpy.log10,
    sqrt: numpy.sqrt,
    sin: numpy.sin,
    cos: numpy.cos,
    tanh: numpy.tanh,
}
for _call, _function in _FUNCTIONS.items():
    lower(_call, partial(one_pass, _function, nanoseconds=1.0), _is_long, _MANY)
lower_rule(tanh, tanh_gradient, fits)
