"""Rows of reductions, running sums, sorting and searching."""

from __future__ import annotations

import numpy as np

from eagerflow import ops
from tests.ops.gradient_rows import apart, case, normal, positive, smooth, zero


def reduction(name, make=normal, **settings):
    """Over all, one, negative and several axes."""
    return smooth(
        name,
        case(make(2, 3), **settings),
        case(make(2, 3), axis=0, **settings),
        case(make(2, 3), axis=-1, keepdims=True, **settings),
        case(make(2, 2, 2), axis=(0, 2), **settings),
    )


ROWS = [
    *[reduction(name) for name in ("sum", "mean", "prod", "var", "logsumexp")],
    *[reduction(name, apart) for name in ("max", "min", "amax", "amin", "ptp", "std")],
    smooth("average", case(normal(2, 3)), case(normal(2, 3), positive(3), call=lambda x, w: ops.average(x, 1, w))),
    smooth("cumsum", case(normal(3)), case(normal(2, 3), axis=-1), case(normal(2, 2))),
    smooth("cumprod", case(normal(3)), case(normal(2, 3), axis=-1), case(np.array([1.5, 0.0, 2.0, 0.0, 0.5]), axis=0)),
    smooth("diff", case(normal(4)), case(normal(3, 2), n=2, axis=0)),
    smooth(
        "trapezoid",
        case(normal(4)),
        case(normal(2, 4), dx=0.5),
        case(normal(2, 3), normal(3)),
        case(normal(3, 2), normal(3), call=lambda y, x: ops.trapezoid(y, x, axis=0)),
    ),
    smooth("sort", case(apart(2, 3)), case(apart(3, 2), axis=0), case(apart(2, 2), axis=None)),
    smooth("top_k", case(apart(2, 4), k=2)),
    zero("argmax", case(apart(2, 3)), case(apart(2, 3), axis=1, keepdims=True)),
    zero("argmin", case(apart(2, 3)), case(apart(2, 3), axis=1)),
    zero("argsort", case(apart(2, 3))),
    zero("argpartition", case(apart(2, 3), kth=1)),
    zero("searchsorted", case(np.arange(4.0), apart(3))),
    zero("digitize", case(apart(3), np.arange(4.0))),
    zero("in_top_k", case(apart(2, 3), call=lambda x: ops.in_top_k([0, 1], x, 2))),
    zero("count_nonzero", case(apart(2, 3))),
]
