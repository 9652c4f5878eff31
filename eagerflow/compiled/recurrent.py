"""What LSTM and GRU compute of the inputs of all steps: their share of the gates, and their gradient.

A sequence's numbers have the same bits whatever other sequences there are in the batch.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy import ndarray

from eagerflow.compiled.intrinsics import product
from eagerflow.compiled.jit import LANES, compiled
from eagerflow.compiled.loops.tiles import tiles
from eagerflow.compiled.lstm import done
from eagerflow.kernels.machine.costs import Recurrent
from eagerflow.kernels.machine.threads import scratch

__all__ = ["inputs_gradient", "inputs_share"]


@compiled("weights[rows, inner], given[steps, inner, width], share[steps, rows, width]", dtypes=("float32",))
def _inputs_share(weights: Any, given: Any, share: Any, cuts: int, start: int, stop: int) -> None:
    """weights @ inputs of each step, in the columns of one layer."""
    for t in range(given.shape[0]):
        product(weights, given[t], share[t], cuts, start, stop)


@compiled("slopes[steps, above], weights[gates, features], out[many]", dtypes=("float32",))
def _inputs_gradient(
    slopes: Any, weights: Any, out: Any, width: int, row: int, start: int, count: int, begin: int, apart: int
) -> None:
    """Gradients of the inputs from those of the gates, in one layer's `count` columns from `start` on.

    The slopes of each step are rows of `width` numbers; those of gates that have to do with inputs begin with `row`.
    The weights are (gates, features), as many features as fit tiles. The gradients of a sequence's first step go into
    `out` at `begin`, those of its next one behind it, those of the next sequence at a distance of `apart`.
    """
    features = weights.shape[1]
    sums = (0, 1, 1, 0, 1, 0, weights.shape[0], width, features)
    for t in range(slopes.shape[0]):
        at, looks, lane = begin + t * features, row * width + start, 0
        while lane < features:
            wide = 32 if LANES == 16 and features - lane >= 32 else 16 if features - lane >= 16 else 8
            tiles(wide, count, wide, out, out, slopes[t], weights, (at + lane, apart, looks, lane), sums)
            lane += wide


_COLUMNS = 256  # up to which BLAS is asked


def inputs_share(weights: ndarray, x: ndarray, share: ndarray, cut: slice) -> Any:
    """Fill in the inputs' share of the gates of some steps, in the columns of one layer.

    Left to BLAS where that gives the same bits in any batch: tiles need a copy of the inputs, a tenth of the time.
    """
    batch, steps, features = x.shape
    if batch % Recurrent.STRIP or not (share.size and features) or _blas_keeps_bits(*weights.shape):
        return None
    given = scratch("recurrent_given", (steps, features, share.shape[2]), x.dtype)
    given[..., cut] = x.transpose(1, 2, 0)
    work = _inputs_share.on(np.ascontiguousarray(weights), given, share, 1, cut.start, cut.stop)
    return done(work)


@functools.cache
def _blas_keeps_bits(rows: int, inner: int) -> bool:
    """Whether BLAS adds up each column of such a product in one order, whatever other columns there are."""
    draw = np.random.default_rng(0)
    weights, x = (draw.standard_normal(shape, "float32") for shape in ((rows, inner), (_COLUMNS, inner)))
    for factor in (weights, np.asfortranarray(weights)):
        whole = np.matmul(factor, x.T)
        for count in range(Recurrent.STRIP, _COLUMNS, Recurrent.STRIP):
            if not np.array_equal(np.matmul(factor, x[:count].T), whole[:, :count]):
                return False
    return True


def inputs_gradient(
    d_gates: list[ndarray], rows: slice, cut: slice, weights: ndarray, sequence: ndarray, block: slice
) -> Any:
    """Fill in the gradient of the inputs of some steps, from those of the gates of each strip."""
    _, time, features = sequence.shape
    if features % Recurrent.FEATURES or not (sequence.flags.c_contiguous and d_gates[0].size and features):
        return None
    count, width, out = cut.stop - cut.start, d_gates[0].shape[2], sequence.reshape(-1)
    for i, strip in enumerate(d_gates):
        begin = (i * count * time + block.start) * features
        work = _inputs_gradient.on(
            strip.reshape(len(strip), -1), weights, out, width, rows.start, cut.start, count, begin, time * features
        )
        if done(work) is None:
            return None
    return True
