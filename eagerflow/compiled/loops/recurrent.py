"""What LSTM and GRU have in common: the products of their steps, the inputs' share of the gates, and their gradient.

A sequence's numbers have the same bits whatever other sequences there are beside it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from eagerflow.compiled.kernel import compiled, helper
from eagerflow.compiled.loops.tiles import tiles

__all__ = ["inputs_gradient", "inputs_share", "product"]

LANES = 8  # numbers of a vector; compiled, what the processor has


@helper
def product(weights: Any, given: Any, out: Any, parts: int, start: int, stop: int) -> None:
    """out = weights @ given in some columns, for (rows, inner) and (inner, columns); `out` may have more rows.

    Compiled it is tiles, or where they don't fit a call of BLAS in so many parts (`intrinsics.py`).
    """
    rows = len(weights) // parts
    for first in range(0, rows * parts, rows):
        some = slice(first, first + rows)
        out[some, start:stop] = np.dot(weights[some], given[:, start:stop])


@compiled(
    "weights[rows, inner], given[steps, inner, width], share[steps, rows, width], cuts: int, start: int, stop: int",
    dtypes=("float32",),
)
def inputs_share(weights: Any, given: Any, share: Any, cuts: int, start: int, stop: int) -> None:
    """weights @ inputs of each step, in the columns of one layer."""
    for t in range(given.shape[0]):
        product(weights, given[t], share[t], cuts, start, stop)


@compiled(
    "slopes[steps, above], weights[gates, features], out[many], width: int, row: int, start: int, count: int, "
    "begin: int, apart: int",
    dtypes=("float32",),
)
def inputs_gradient(
    slopes: Any, weights: Any, out: Any, width: int, row: int, start: int, count: int, begin: int, apart: int
) -> None:
    """Gradients of the inputs from those of the gates, in one layer's `count` columns from `start` on.

    Args:
        slopes: of each step rows of `width` numbers; the gates that have to do with inputs begin with `row`.
        weights: (gates, features), as many features as fit tiles.
        out: gets those of a sequence's first step at `begin`, of its next one behind it, of the next sequence that far
            `apart`.
        width: see above.
        row: see above.
        start: see above.
        count: see above.
        begin: see above.
        apart: see above.
    """
    features = weights.shape[1]
    sums = (0, 1, 1, 0, 1, 0, weights.shape[0], width, features)
    for t in range(slopes.shape[0]):
        at, looks, lane = begin + t * features, row * width + start, 0
        while lane < features:
            wide = 32 if LANES == 16 and features - lane >= 32 else 16 if features - lane >= 16 else 8
            tiles(wide, count, out, at + lane, apart, wide, out, slopes[t], looks, weights, lane, sums)
            lane += wide
