"""Rows of control flow."""

from __future__ import annotations

from eagerflow import ops
from tests.ops.gradient_rows import case, normal, other, smooth, zero


def squared(upstream_factor):
    """A square whose gradient is given by hand."""

    @ops.custom_gradient
    def square(x):
        return x * x, lambda upstream: upstream * x * upstream_factor

    return square


ROWS = [
    smooth(
        "cond",
        case(normal(3), call=lambda x: ops.cond(True, lambda: x * x, lambda: x)),
        case(normal(3), call=lambda x: ops.cond(False, lambda: x, lambda: ops.exp(x))),
    ),
    smooth(
        "switch",
        case(normal(3), call=lambda x: ops.switch(1, [ops.sin, ops.exp], x)),
        case(normal(3), call=lambda x: ops.switch(9, [ops.sin, ops.exp], x)),
    ),
    smooth(
        "while_loop",
        case(normal(3), call=lambda x: ops.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y * x), (0, x))[1]),
    ),
    smooth("fori_loop", case(normal(3), call=lambda x: ops.fori_loop(0, 3, lambda i, y: y * x + i, x))),
    smooth(
        "scan",
        case(normal(3, 2), other(2), call=lambda xs, c: ops.scan(lambda c, x: (c * x, c + x * x), c, xs)),
        case(normal(3, 2), other(2), call=lambda xs, c: ops.scan(lambda c, x: (c * x, c + x * x), c, xs, reverse=True)),
    ),
    smooth("map", case(normal(3, 2), call=lambda xs: ops.map(lambda x: x * x, xs))),
    smooth("vectorized_map", case(normal(3, 2), call=lambda xs: ops.vectorized_map(lambda x: x * x, xs))),
    smooth(
        "associative_scan",
        case(normal(3, 2), call=lambda xs: ops.associative_scan(ops.multiply, xs, axis=1)),
        case(normal(3, 2), call=lambda xs: ops.associative_scan(ops.multiply, xs, reverse=True)),
    ),
    smooth(
        "vectorize",
        case(normal(2, 3), normal(3), call=ops.vectorize(lambda a, b: ops.sum(a * b), signature="(n),(n)->()")),
        case(normal(3), other(2, 1), call=ops.vectorize(lambda a, b: a * b)),
    ),
    smooth("custom_gradient", case(normal(3), call=squared(2.0))),
    zero("stop_gradient", case(normal(3), call=lambda x: ops.stop_gradient(ops.floor(x)))),
]
