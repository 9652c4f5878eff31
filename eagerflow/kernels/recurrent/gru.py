"""Gated recurrent units (with the reset gate after the product) on NumPy arrays, with few calls per step.

As in `lstm.py`, features come first and the batch last, and sigmoids are (1 + tanh(z / 2)) / 2 with the halves in
the weights. The inputs' share of the gates is computed for some steps at once, and used while it is in the cache.
The gates lie in the order candidate, update, reset, inner product: the first three are what inputs take part in,
the last three what the state does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy
from numpy import add, multiply, ndarray, subtract, tanh

from eagerflow.base.variants import accelerated
from eagerflow.kernels.machine.buffering import long_runs
from eagerflow.kernels.machine.threads import one_blas_thread, scratch
from eagerflow.kernels.recurrent.sequences import steps_at_once, turned
from eagerflow.kernels.recurrent.step_product import Stepwise, columns, dead_steps
from eagerflow.kernels.recurrent.strips import on_threads, some_sequences, strips

__all__ = ["Layer", "Trace", "gru", "run_steps"]


_KERNELS = ("gru", "run_steps"), ("gru", "block_back"), ("recurrent", "inputs_share"), ("recurrent", "inputs_gradient")


class Layer(NamedTuple):
    """The inputs of one layer.

    Attributes:
        x: (batch, time, features).
        h: the first state, (batch, units).
        kernel: (features, 3 units): update, reset, candidate.
        recurrent: (units, 3 units).
        bias: (3 units,) or None.
        recurrent_bias: (3 units,) or None.
        mask: (batch, time), false where a step is left out; or None.
    """

    x: ndarray
    h: ndarray
    kernel: ndarray
    recurrent: ndarray
    bias: ndarray | None = None
    recurrent_bias: ndarray | None = None
    mask: ndarray | None = None


class Trace(NamedTuple):
    """What the gradient needs. The columns of several layers lie side by side.

    Of several strips of the batch (`strips.py`) both arrays have one more axis, in front.

    Attributes:
        states: (time + 1, units + 1, batch), the first one in front; below each a row of ones.
        gates: (time, 4 units, batch): candidate, update, reset, and what the reset gate multiplied.
    """

    states: ndarray
    gates: ndarray

    def strips(self) -> list[Trace]:
        """That of each strip."""
        return [self] if self.states.ndim == 3 else [Trace(*arrays) for arrays in zip(*self)]


def _of_states(layer: Layer, dtype: Any) -> Any:
    """The weights of state and ones, (3 units, units + 1), with the halves of both sigmoids, and their biases."""
    units = len(layer.recurrent)
    joined = numpy.zeros((3 * units, units + 1), dtype)
    joined[:, :-1] = layer.recurrent.T
    if layer.recurrent_bias is not None:
        joined[:, -1] = layer.recurrent_bias
    if layer.bias is not None:
        joined[: 2 * units, -1] += layer.bias[: 2 * units]
    joined[: 2 * units] *= 0.5
    return joined


def _of_inputs(layer: Layer, dtype: Any) -> Any:
    """The weights of inputs, (3 units, features), with the halves."""
    units = len(layer.recurrent)
    found = turned(layer.kernel.T, units).astype(dtype, copy=False)
    found[units:] *= 0.5
    return found


def _offset(layers: Sequence[Layer], batch: int, dtype: Any) -> Any:
    """The candidates' biases in each column, (units, layers * batch), or None."""
    if all([layer.bias is None for layer in layers]):
        return None
    units = len(layers[0].recurrent)
    offset = numpy.zeros((units, len(layers) * batch), dtype)
    for layer, cut in zip(layers, columns(len(layers), batch)):
        if layer.bias is not None:
            offset[:, cut] = layer.bias[2 * units :, None]
    return offset


def gru(layers: Sequence[Layer]) -> Trace:
    """Run layers whose arrays have equal shapes over their sequences, side by side."""
    batch, steps, _ = layers[0].x.shape
    units, dtype = len(layers[0].recurrent), layers[0].x.dtype
    cuts = strips(_KERNELS, layers[0])
    width = len(layers) * batch // len(cuts)
    trace = Trace(
        numpy.empty((len(cuts), steps + 1, units + 1, width), dtype),
        numpy.empty((len(cuts), steps, 4 * units, width), dtype),
    )
    stepwise = Stepwise([_of_states(layer, dtype) for layer in layers], batch // len(cuts))
    of_inputs = [_of_inputs(layer, dtype) for layer in layers]
    parts = trace.strips()

    def one_strip(i: int) -> None:
        _fill(parts[i], some_sequences(layers, cuts[i]) if len(cuts) > 1 else layers, stepwise, of_inputs)

    on_threads(one_strip, len(cuts), trace.gates.size)
    return trace if len(cuts) > 1 else parts[0]


def _fill(trace: Trace, layers: Sequence[Layer], stepwise: Stepwise, of_inputs: Sequence[Any]) -> None:
    """Go through all steps of some sequences."""
    batch, steps, _ = layers[0].x.shape
    units, dtype = len(layers[0].recurrent), layers[0].x.dtype
    cuts, width = columns(len(layers), batch), len(layers) * batch
    offset = _offset(layers, batch, dtype)
    dead = dead_steps([layer.mask for layer in layers], steps, batch)
    states, gates = trace
    states[:, units] = 1
    for layer, cut in zip(layers, cuts):
        states[0, :units, cut] = layer.h.T
    at_once = steps_at_once(steps, units, batch)
    with one_blas_thread, long_runs():
        for start in range(0, steps, at_once):
            block = slice(start, min(start + at_once, steps))
            share = scratch("gru_share", (block.stop - start, 3 * units, width), dtype)
            for layer, weights, cut in zip(layers, of_inputs, cuts):
                inputs_share(weights, layer.x[:, block], share, cut)
            if offset is not None:
                share[:, :units] += offset
            some = slice(start, block.stop + 1)
            run_steps(stepwise, share, states[some], gates[block], None if dead is None else dead[block])


@accelerated("recurrent")
def inputs_share(weights: Any, x: ndarray, share: Any, cut: slice) -> None:
    """Fill in the inputs' share of the gates of some steps, in the columns of one layer.

    Args:
        weights: (gates, features).
        x: (batch, time, features).
        share: (time, gates, width).
        cut: the layer's columns.
    """
    numpy.matmul(weights, x.transpose(1, 2, 0), out=share[..., cut])  # both factors turned: BLAS prefers it


@accelerated("gru")
def run_steps(stepwise: Stepwise, share: Any, states: ndarray, gates: ndarray, dead: Any) -> None:
    """Fill in the gates and the states of some steps, from the inputs' share of the gates."""
    units, batch = states.shape[1] - 1, states.shape[2]
    one, half = numpy.array(1, gates.dtype), numpy.array(0.5, gates.dtype)
    term = scratch("gru_term", (units, batch), gates.dtype)
    times, weights = stepwise.times, stepwise.weights
    views = zip(
        stepwise.given(states),
        states[:, :units],
        states[1:, :units],
        share[:, :units],
        share[:, units:],
        stepwise.made(gates[:, units:]),
        gates[:, :units],
        gates[:, units : 3 * units],
        gates[:, units : 2 * units],
        gates[:, 2 * units : 3 * units],
        gates[:, 3 * units :],
    )
    for t, (given, state, new, of_candidate, of_pair, by_state, candidate, pair, update, reset, inner) in enumerate(
        views
    ):
        times(weights, given, by_state)
        add(pair, of_pair, pair)
        tanh(pair, pair)
        add(pair, one, pair)
        multiply(pair, half, pair)
        multiply(reset, inner, term)
        add(of_candidate, term, candidate)
        tanh(candidate, candidate)
        subtract(state, candidate, term)  # the new state is candidate + update (state - candidate)
        multiply(term, update, term)
        add(term, candidate, new)
        if dead is not None:
            numpy.copyto(new, state, where=dead[t])
