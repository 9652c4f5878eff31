"""The product in each step of a recurrent layer, of one layer or of several that run side by side.

Several layers of equal lengths (the two directions of `Bidirectional`) run in one loop over the steps, as if their
batches were one: in every array the columns of the first layer come first, then those of the second. So each
elementwise call serves all of them; only products are made layer by layer, in one call of `matmul`.
"""

from __future__ import annotations

from typing import Any

import numpy
from numpy import ndarray

from eagerflow.kernels.machine.costs import Products, Recurrent

__all__ = ["Stepwise", "columns", "dead_steps", "pays_side_by_side", "side_by_side"]


class Stepwise:
    """How to multiply the weights of some layers by their columns of an array.

    A layer's rows are multiplied in as many parts as keep each below the size from which OpenBLAS packs its operands.

    Args:
        weights: for each layer a matrix, all of one shape.
        batch: the columns of each layer.

    Attributes:
        times: `times(weights, given(a), made(b))` writes the products into `b`.
        weights: as `times` takes them.
    """

    def __init__(self, weights: list[Any], batch: int) -> None:
        self.layers, self.batch = len(weights), batch
        rows, inner = weights[0].shape
        work = rows * inner * batch
        self.parts = next((n for n in (1, 2, 4, 8) if rows % n == 0 and work <= n * Products.SMALL), 1)
        self.times: Any = numpy.dot if self.parts == self.layers == 1 else numpy.matmul
        self.weights = self._in_parts(weights[0] if self.layers == 1 else numpy.stack(weights))

    def given(self, a: ndarray) -> Any:
        """(..., inner, layers * batch) as `times` takes it."""
        found = self._by_layer(a)
        return found[..., None, :, :] if self.layers > 1 < self.parts else found

    def made(self, a: ndarray) -> Any:
        """(..., rows, layers * batch) as `times` writes it."""
        return self._in_parts(self._by_layer(a))

    def _by_layer(self, a: ndarray) -> Any:
        if self.layers == 1:
            return a
        return a.reshape(*a.shape[:-1], self.layers, self.batch).swapaxes(-2, -3)

    def _in_parts(self, a: ndarray) -> Any:
        if self.parts == 1:
            return a
        return a.reshape(*a.shape[:-2], self.parts, a.shape[-2] // self.parts, a.shape[-1])


def pays_side_by_side(units: int, batch: int) -> bool:
    """Whether two layers of this size are faster in one loop, with the same numbers to the last bit.

    Large ones leave the cache. With one unit, BLAS adds up in another order where rows aren't contiguous.
    """
    return 1 < units and units * batch < Recurrent.FEW


def columns(layers: int, batch: int) -> list[slice]:
    """Where the columns of each layer are."""
    return [slice(k * batch, (k + 1) * batch) for k in range(layers)]


def side_by_side(arrays: list[Any]) -> Any:
    """Arrays of several layers as one, concatenated along the last axis; that of one layer as it is."""
    return arrays[0] if len(arrays) == 1 else numpy.concatenate(arrays, axis=-1)


def dead_steps(masks: list[Any], steps: int, batch: int) -> Any:
    """Masks (batch, time) or None as one (time, 1, layers * batch) of bools, True where a step is left out; or None."""
    if all([mask is None for mask in masks]):
        return None
    dead = numpy.zeros((steps, 1, len(masks) * batch), bool)
    for mask, cut in zip(masks, columns(len(masks), batch)):
        if mask is not None:
            numpy.logical_not(mask.T, out=dead[:, 0, cut])
    return dead
