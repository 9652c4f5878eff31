"""Puts a block's outputs where they belong, with all that is to be done with them on the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numpy import ndarray

from eagerflow.kernels.convolution.outliers import Look
from eagerflow.kernels.convolution.winograd.tiles import Block, Tiling

__all__ = ["looked_at", "put"]


def put(
    tiling: Tiling, found: Any, out: ndarray, block: Block, finish: Callable[..., None] | None, look: Look | None
) -> None:
    """Put `found`, a block's outputs of whole tiles, into `out`, finished and looked at.

    Args:
        tiling: the tiles of all images.
        found: (images, rows, columns, filters); what reaches over the edge is left out.
        out: (batch, *outputs, filters).
        block: which of the outputs these are.
        finish: is given them and their place, both contiguous, or their place alone, if they are there already.
        look: sees them before they are finished.
    """
    target = tiling.rows_of(out, block)
    if finish is not None and look is None and found.shape == target.shape:
        finish(found, target)
        return
    target[...] = found[:, : target.shape[1], : target.shape[2]]
    looked_at(tiling, out, block, finish, look)


def looked_at(
    tiling: Tiling, out: ndarray, block: Block, finish: Callable[..., None] | None, look: Look | None
) -> None:
    """Look at a block's outputs in their place, and finish them."""
    if look is not None:
        look.take(out, block.images, tiling.rows_in(block))
    if finish is not None:
        finish(tiling.rows_of(out, block))
