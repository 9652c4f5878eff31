"""Winograd's transforms of one tile, for some channels at a time: compiled, as many as fit a vector."""

from __future__ import annotations

from typing import Any

import numpy as np

from eagerflow.compiled.kernel import helper
from eagerflow.compiled.transforms import MATRICES

__all__ = ["LANES", "inputs_of_tile", "outputs_of_tile", "slopes_of_tile", "transform"]

LANES = 8  # compiled, as many as the processor has


@helper
def transform(
    kind: Any, lanes: Any, out: Any, at: Any, below: Any, beside: Any, x: Any, looks: Any, down: Any, across: Any
) -> None:
    """M X Mᵀ for some numbers side by side; all arrays are flat. Compiled it is a row of instructions.

    Args:
        kind: which matrix, a literal: of `MATRICES`.
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
def inputs_of_tile(
    tile: Any, channels: Any, out: Any, at: Any, apart: Any, x: Any, looks: Any, down: Any, across: Any
) -> None:
    """All channels of a tile's inputs: its numbers lie so far `apart`."""
    if LANES == 16 and channels % 16 == 0:
        for lane in range(0, channels, 16):
            if tile == 4:
                transform(0, 16, out, at + lane, 6 * apart, apart, x, looks + lane, down, across)
            else:
                transform(3, 16, out, at + lane, 5 * apart, apart, x, looks + lane, down, across)
    else:
        for lane in range(0, channels, 8):
            if tile == 4:
                transform(0, 8, out, at + lane, 6 * apart, apart, x, looks + lane, down, across)
            else:
                transform(3, 8, out, at + lane, 5 * apart, apart, x, looks + lane, down, across)


@helper
def outputs_of_tile(
    tile: Any, filters: Any, out: Any, at: Any, below: Any, beside: Any, x: Any, looks: Any, apart: Any
) -> None:
    """All filters of a tile's outputs, from numbers that lie so far `apart`."""
    if LANES == 16 and filters % 16 == 0:
        for lane in range(0, filters, 16):
            if tile == 4:
                transform(1, 16, out, at + lane, below, beside, x, looks + lane, 6 * apart, apart)
            else:
                transform(4, 16, out, at + lane, below, beside, x, looks + lane, 5 * apart, apart)
    else:
        for lane in range(0, filters, 8):
            if tile == 4:
                transform(1, 8, out, at + lane, below, beside, x, looks + lane, 6 * apart, apart)
            else:
                transform(4, 8, out, at + lane, below, beside, x, looks + lane, 5 * apart, apart)


@helper
def slopes_of_tile(
    tile: Any, filters: Any, out: Any, at: Any, apart: Any, g: Any, looks: Any, down: Any, across: Any
) -> None:
    """All filters of the gradients of a tile's outputs: its numbers lie so far `apart`."""
    if LANES == 16 and filters % 16 == 0:
        for lane in range(0, filters, 16):
            if tile == 4:
                transform(2, 16, out, at + lane, 6 * apart, apart, g, looks + lane, down, across)
            else:
                transform(5, 16, out, at + lane, 5 * apart, apart, g, looks + lane, down, across)
    else:
        for lane in range(0, filters, 8):
            if tile == 4:
                transform(2, 8, out, at + lane, 6 * apart, apart, g, looks + lane, down, across)
            else:
                transform(5, 8, out, at + lane, 5 * apart, apart, g, looks + lane, down, across)
