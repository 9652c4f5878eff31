"""Winograd's transforms of one tile, for some channels at a time: compiled, as many as fit a vector."""

from __future__ import annotations

from typing import Any

import numpy as np

from eagerflow.compiled.kernel import helper
from eagerflow.compiled.transforms import KINDS, MATRICES

__all__ = ["INPUTS", "LANES", "OUTPUTS", "SLOPES", "transform", "transform_tile"]

INPUTS, OUTPUTS, SLOPES = range(KINDS)  # the slopes of a tile are the gradients of its outputs
LANES = 8  # compiled, as many as the processor has


@helper
def transform(
    kind: Any, lanes: Any, out: Any, at: Any, below: Any, beside: Any, x: Any, looks: Any, down: Any, across: Any
) -> None:
    """M X Mᵀ for some numbers side by side; all arrays are flat. Compiled it is a row of instructions.

    Args:
        kind: which matrix of `MATRICES`.
        lanes: how many numbers, a literal.
        out: gets the result at `at`, its rows so far `below` each other, and its columns so far `beside`.
        at: see above.
        below: see above.
        beside: see above.
        x: X lies at `looks`, its rows so far `down`, and its columns so far `across`.
        looks: see above.
        down: see above.
        across: see above.
    """
    matrix = np.array(MATRICES[kind], x.dtype)
    rows, columns = matrix.shape
    found = np.empty((columns, columns, lanes), x.dtype)
    for i in range(columns):
        for j in range(columns):
            place = looks + i * down + j * across
            found[i, j] = x[place : place + lanes]
    found = np.einsum("ai,bj,ijk->abk", matrix, matrix, found)
    for i in range(rows):
        for j in range(rows):
            place = at + i * below + j * beside
            out[place : place + lanes] = found[i, j]


@helper
def transform_tile(
    kind: Any,
    tile: Any,
    count: Any,
    out: Any,
    at: Any,
    below: Any,
    beside: Any,
    x: Any,
    looks: Any,
    down: Any,
    across: Any,
) -> None:
    """The same for all channels or filters of a tile of 4 or 3 outputs along an axis, so many as are side by side."""
    matrix = kind if tile == 4 else kind + KINDS
    if LANES == 16 and count % 16 == 0:
        for lane in range(0, count, 16):
            transform(matrix, 16, out, at + lane, below, beside, x, looks + lane, down, across)
    else:
        for lane in range(0, count, 8):
            transform(matrix, 8, out, at + lane, below, beside, x, looks + lane, down, across)
