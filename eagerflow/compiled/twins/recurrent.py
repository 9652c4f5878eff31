"""What LSTM and GRU compute of the inputs of all steps."""

from __future__ import annotations

from typing import Any

import numpy
from numpy import ndarray

from eagerflow.compiled.kernel import needs
from eagerflow.compiled.loops import recurrent as loops
from eagerflow.compiled.twins.lstm import flat
from eagerflow.kernels.machine.costs import Recurrent
from eagerflow.kernels.machine.threads import scratch

__all__ = ["inputs_gradient", "inputs_share"]


@needs(loops.inputs_share)
def inputs_share(weights: ndarray, x: ndarray, share: ndarray, cut: slice) -> Any:
    """Fill in the inputs' share of the gates of some steps, in the columns of one layer."""
    batch, steps, features = x.shape
    if batch % Recurrent.STRIP or not (share.size and features):
        return None
    given = scratch("recurrent_given", (steps, features, share.shape[2]), x.dtype)
    given[..., cut] = x.transpose(1, 2, 0)
    work = loops.inputs_share.on(numpy.ascontiguousarray(weights), given, share, 1, cut.start, cut.stop)
    return None if work is None else work() == 0


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
