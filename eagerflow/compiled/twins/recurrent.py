"""What LSTM and GRU compute of the inputs of all steps."""

from __future__ import annotations

import functools
from typing import Any

import numpy
from numpy import ndarray

from eagerflow.compiled.kernel import needs
from eagerflow.compiled.loops import recurrent as loops
from eagerflow.compiled.twins.lstm import flat
from eagerflow.kernels.machine.costs import Recurrent
from eagerflow.kernels.machine.threads import scratch

__all__ = ["inputs_gradient", "inputs_share"]

_COLUMNS = 256  # up to which BLAS is asked


@needs(loops.inputs_share)
def inputs_share(weights: ndarray, x: ndarray, share: ndarray, cut: slice) -> Any:
    """Fill in the inputs' share of the gates of some steps, in the columns of one layer.

    Left to BLAS where that gives the same bits in any batch: tiles need a copy of the inputs, a tenth of the time.
    """
    batch, steps, features = x.shape
    if batch % Recurrent.STRIP or not (share.size and features) or _blas_keeps_bits(*weights.shape):
        return None
    given = scratch("recurrent_given", (steps, features, share.shape[2]), x.dtype)
    given[..., cut] = x.transpose(1, 2, 0)
    work = loops.inputs_share.on(numpy.ascontiguousarray(weights), given, share, 1, cut.start, cut.stop)
    return None if work is None else work() == 0


@functools.cache
def _blas_keeps_bits(rows: int, inner: int) -> bool:
    """Whether BLAS adds up each column of such a product in one order, whatever columns there are beside it."""
    draw = numpy.random.default_rng(0)
    weights, x = (draw.standard_normal(shape, "float32") for shape in ((rows, inner), (_COLUMNS, inner)))
    for factor in (weights, numpy.asfortranarray(weights)):
        whole = numpy.matmul(factor, x.T)
        for count in range(Recurrent.STRIP, _COLUMNS, Recurrent.STRIP):
            if not numpy.array_equal(numpy.matmul(factor, x[:count].T), whole[:, :count]):
                return False
    return True


@needs(loops.inputs_gradient)
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
        work = loops.inputs_gradient.on(
            flat(strip), weights, out, width, rows.start, cut.start, count, begin, time * features
        )
        if work is None or work() != 0:
            return None
    return True
