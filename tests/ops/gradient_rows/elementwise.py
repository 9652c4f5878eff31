"""Rows of elementwise ops: arithmetic, exponentials, trigonometry, comparisons, choices."""

from __future__ import annotations

import numpy as np

from eagerflow import ops
from eagerflow.core.primitive import registry
from tests.ops.gradient_rows import apart, case, inside, normal, other, positive, smooth, zero

BINARY = [case(apart(2, 3), positive(2, 3)), case(apart(2, 3), positive(3)), case(apart(2, 1), positive(1, 3))]
HOLES = np.where(np.arange(6).reshape(2, 3) == 1, np.nan, apart(2, 3) + 0.25)


def one(name, *arrays, **settings):
    """A smooth function of one tensor."""
    return smooth(name, *[case(a, **settings) for a in arrays])


def never(name):
    """A function of two tensors without gradient, among others to an integer or bool."""
    return zero(name, case(apart(2, 3), normal(3)))


def whole(name):
    """A function of two integer tensors."""
    return zero(name, case(call=lambda: getattr(ops, name)([12, 7], [2, 3])))


ROWS = [
    smooth("add", *BINARY, case(normal(2), call=lambda x: 1 + x + 2.0)),
    smooth("subtract", *BINARY, case(normal(2), call=lambda x: 1 - x)),
    smooth("multiply", *BINARY, case(normal(2), call=lambda x: 3 * x * x)),
    smooth("divide", *BINARY, case(positive(2), call=lambda x: 1 / x)),
    smooth("true_divide", *BINARY),
    smooth("divide_no_nan", *BINARY, case(normal(3), call=lambda x: ops.divide_no_nan(x, [1.0, 0.0, 2.0]))),
    one("negative", normal(2, 3), normal()),
    one("absolute", apart(2, 3)),
    one("abs", apart(2, 3)),
    one("fabs", apart(2, 3)),
    one("square", normal(2, 3)),
    one("reciprocal", positive(2, 3)),
    smooth(
        "power",
        case(positive(2, 3), normal(3)),
        case(positive(2), call=lambda x: x**3),
        case(normal(2), call=lambda x: 2.0**x),
        case(normal(3), call=lambda x: x**2),
        case(normal(3), call=lambda x: x**0),
        case(normal(3), call=lambda x: x ** ops.array([0.0, 1.0, 2.0])),
        case(positive(2), call=lambda x: ops.power([[2], [3]], x)),
    ),
    smooth("mod", *BINARY, case(apart(2, 3), -positive(3))),
    smooth("fmod", *BINARY, case(apart(2, 3), -positive(3))),
    smooth("hypot", case(apart(2, 3), positive(3))),
    smooth("ldexp", case(normal(3), call=lambda x: ops.ldexp(x, [1, 2, -1]))),
    never("floor_divide"),
    # exponentials
    one("exp", normal(2, 3)),
    one("exp2", normal(2, 3)),
    one("expm1", normal(2, 3)),
    one("log", positive(2, 3)),
    one("log2", positive(2, 3)),
    one("log10", positive(2, 3)),
    one("log1p", positive(2, 3)),
    one("sqrt", positive(2, 3)),
    one("rsqrt", positive(2, 3)),
    one("cbrt", apart(2, 3)),
    smooth("logaddexp", case(normal(2, 3), other(3)), case(normal(3), call=lambda x: ops.logaddexp(x, 1.0))),
    smooth("logaddexp2", case(normal(2, 3), other(3))),
    # trigonometry
    *[one(name, normal(2, 3)) for name in ("sin", "cos", "sinh", "cosh", "tanh", "arctan", "arcsinh")],
    *[one(name, inside(2, 3)) for name in ("tan", "arcsin", "arccos", "arctanh")],
    *[one(name, normal(2, 3)) for name in ("deg2rad", "rad2deg")],
    one("arccosh", positive(2, 3) + 1),
    smooth("arctan2", case(apart(2, 3), positive(3)), case(apart(3), call=lambda x: ops.arctan2(1.0, x))),
    smooth("sinc", case(apart(2, 3)), case(np.zeros(1), eps=1e-4, atol=1e-4)),
    # choices
    smooth(
        "where",
        case(normal(2, 3), other(3), call=lambda x, y: ops.where([True, False, True], x, y)),
        case(normal(2, 3), other(3), call=lambda x, y: registry["where"].call([True, False, True], x, y)),
        case(normal(3), call=lambda x: ops.where(ops.greater(x, 0), x, 0.0)),
        case(normal(3), other(3), call=lambda x, y: ops.where(ops.stop_gradient(x), x, y)),
    ),
    smooth("maximum", case(apart(2, 3), np.zeros(3)), case(apart(4), call=lambda x: ops.maximum(x, 0))),
    smooth("minimum", case(apart(2, 3), np.zeros(3)), case(apart(4), call=lambda x: ops.minimum(0, x))),
    smooth(
        "fmax", case(apart(2, 3), np.zeros(3)), case(apart(2, 3), call=lambda x: ops.fmax(x, ops.cast(HOLES, x.dtype)))
    ),
    smooth(
        "fmin", case(apart(2, 3), np.zeros(3)), case(apart(2, 3), call=lambda x: ops.fmin(x, ops.cast(HOLES, x.dtype)))
    ),
    smooth(
        "clip",
        case(apart(2, 3), x_min=-0.5, x_max=0.5),
        case(apart(2, 3), x_min=None, x_max=0.5),
        case(apart(2, 3), np.array([-1.0, -0.5, 0.0]), np.array(0.5)),
        case(apart(3), np.array(0.5), np.array(-0.5)),
        case(apart(3), call=lambda x: ops.clip(x, ops.zeros(3), None)),
    ),
    smooth(
        "nan_to_num", case(apart(3)), case(apart(2, 3), call=lambda x: ops.nan_to_num(x + ops.cast(HOLES, x.dtype)))
    ),
    smooth(
        "select", case(normal(3), other(3), call=lambda x, y: ops.select([[True, False, False], x > y], [x, y], 0.5))
    ),
    smooth("heaviside", case(normal(3), call=lambda y: ops.heaviside([-1.0, 0.0, 1.0], y) + 0 * y)),
    # zero
    *[zero(name, case(apart(2, 3))) for name in ("floor", "ceil", "trunc", "round")],
    *[zero(name, case(apart(2, 3))) for name in ("isfinite", "isnan", "isinf", "isposinf", "isneginf", "signbit")],
    *[zero(name, case(apart(2, 3))) for name in ("nonzero", "logical_not", "all", "any")],
    *[never(name) for name in ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "nextafter")],
    *[never(name) for name in ("logical_and", "logical_or", "logical_xor")],
    *[whole(name) for name in ("bitwise_and", "bitwise_or", "bitwise_xor", "left_shift", "right_shift", "gcd", "lcm")],
    *[whole(name) for name in ("bitwise_left_shift", "bitwise_right_shift")],
    zero("bitwise", case(call=lambda: registry["bitwise"].call([1], [2], "bitwise_or"))),
    zero("bitwise_not", case(call=lambda: ops.bitwise_not([1]))),
    zero("bitwise_invert", case(call=lambda: ops.bitwise_invert([1]))),
]
