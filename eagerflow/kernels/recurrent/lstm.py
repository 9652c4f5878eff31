"""Long short-term memory on NumPy arrays, forward through time, with few calls per step.

Features come first and the batch last, so that each gate of a step is one contiguous piece of (units, batch)
numbers. The gates lie in the order output, input, forget, candidate, followed by the cell before the step: then
(input, forget) times (candidate, cell) is one multiplication.

A sigmoid is (1 + tanh(z / 2)) / 2, so that one tanh serves the four gates. The halves go into the weights, and
into the state, which is kept doubled. State, inputs and a row of ones lie below each other: one product per step
gives all gates, and one product for all steps the gradients of kernel, recurrent kernel and bias.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy
from numpy import add, multiply, ndarray, tanh
from numpy.lib.stride_tricks import as_strided

from eagerflow.base.variants import accelerated
from eagerflow.kernels.machine.threads import one_blas_thread, scratch
from eagerflow.kernels.recurrent.step_product import Stepwise, columns, dead_steps
from eagerflow.kernels.recurrent.strips import on_threads, some_sequences, strips

__all__ = ["Layer", "Trace", "lstm", "run_steps"]


_KERNELS = ("lstm", "run_steps"), ("lstm", "block_back"), ("recurrent", "inputs_gradient")  # all that make products


class Layer(NamedTuple):
    """The inputs of one layer.

    Attributes:
        x: (batch, time, features).
        h: the first state, (batch, units).
        c: the first cell.
        kernel: (features, 4 units) in Keras' order.
        recurrent: (units, 4 units).
        bias: (4 units,) or None.
        mask: (batch, time), false where a step is left out; or None.
    """

    x: ndarray
    h: ndarray
    c: ndarray
    kernel: ndarray
    recurrent: ndarray
    bias: ndarray | None = None
    mask: ndarray | None = None


class Trace(NamedTuple):
    """What the gradient needs. The columns of several layers lie side by side.

    Of several strips of the batch (`strips.py`) all arrays have one more axis, in front.

    Attributes:
        inputs: (time + 1, units + features + 1, batch): the state doubled, the inputs, ones.
        gates: (time + 1, 5 units, batch): output, input, forget (doubled), candidate, and the cell before.
        squashed: (time, units, batch): tanh of the new cell.
    """

    inputs: ndarray
    gates: ndarray
    squashed: Any

    def strips(self) -> list[Trace]:
        """That of each strip."""
        return [self] if self.inputs.ndim == 3 else [Trace(*arrays) for arrays in zip(*self)]


def _joined(layer: Layer, dtype: Any) -> Any:
    """The weights of state, inputs and ones, (4 units, units + features + 1), with the sigmoids' halves."""
    units = len(layer.recurrent)
    parts = [layer.recurrent, layer.kernel, numpy.zeros(4 * units, dtype) if layer.bias is None else layer.bias]
    parts[2] = parts[2][None]
    joined = numpy.empty((4 * units, sum(map(len, parts))), dtype)
    by_gate = numpy.concatenate(parts).T
    joined[:units], joined[units:] = by_gate[3 * units :], by_gate[: 3 * units]
    joined[: 3 * units] *= 0.5
    joined[:, :units] *= 0.5
    return joined


def lstm(layers: Sequence[Layer], keep: bool = True) -> Trace:
    """Run layers whose arrays have equal shapes over their sequences, side by side.

    Args:
        layers: one or several.
        keep: whether the gradient will be asked for; else the gates of all steps may lie in one place.
    """
    batch, steps, features = layers[0].x.shape
    units, dtype = len(layers[0].recurrent), layers[0].x.dtype
    cuts = strips(_KERNELS, layers[0])
    width = len(layers) * batch // len(cuts)
    masked = any(layer.mask is not None for layer in layers)
    room = _all_steps if keep or masked else _one_step
    trace = Trace(
        numpy.empty((len(cuts), steps + 1, units + features + 1, width), dtype),
        room(len(cuts), steps + 1, 5 * units, width, dtype),
        room(len(cuts), steps, units, width, dtype),
    )
    stepwise = Stepwise([_joined(layer, dtype) for layer in layers], batch // len(cuts))
    parts = trace.strips()

    def one_strip(i: int) -> None:
        _fill(parts[i], some_sequences(layers, cuts[i]) if len(cuts) > 1 else layers, stepwise)

    on_threads(one_strip, len(cuts), 4 * units * steps * batch * len(layers))
    return trace if len(cuts) > 1 else parts[0]


def _fill(trace: Trace, layers: Sequence[Layer], stepwise: Stepwise) -> None:
    """Go through all steps of some sequences."""
    batch, steps, _ = layers[0].x.shape
    units = len(layers[0].recurrent)
    inputs, gates, squashed = trace
    dead = dead_steps([layer.mask for layer in layers], steps, batch)
    inputs[:, -1] = 1
    for layer, cut in zip(layers, columns(len(layers), batch)):
        inputs[:steps, units:-1, cut] = layer.x.transpose(1, 2, 0)
        multiply(layer.h.T, 2, out=inputs[0, :units, cut])
        gates[0, 4 * units :, cut] = layer.c.T
    with one_blas_thread:
        run_steps(stepwise, inputs, gates, squashed, dead)


def _all_steps(strips: int, steps: int, rows: int, batch: int, dtype: Any) -> Any:
    return numpy.empty((strips, steps, rows, batch), dtype)


def _one_step(strips: int, steps: int, rows: int, batch: int, dtype: Any) -> Any:
    """An array whose steps all lie in the same place, which stays in the cache."""
    one = numpy.empty((strips, rows, batch), dtype)
    return as_strided(one, (strips, steps, rows, batch), (one.strides[0], 0, *one.strides[1:]))


@accelerated("lstm")
def run_steps(stepwise: Stepwise, inputs: ndarray, gates: ndarray, squashed: Any, dead: Any) -> None:
    """Fill in the states of `inputs`, the gates and the squashed cells, step by step."""
    _, units, batch = squashed.shape
    pair = scratch("lstm_pair", (2 * units, batch), inputs.dtype)
    let_in, kept = pair[:units], pair[units:]
    one, half = numpy.array(1, inputs.dtype), numpy.array(0.5, inputs.dtype)  # numbers cost 0.3 µs more
    times, weights = stepwise.times, stepwise.weights
    pre_activations = gates[:, : 4 * units]
    views = zip(
        stepwise.given(inputs),
        stepwise.made(pre_activations),
        pre_activations,
        gates[:, : 3 * units],
        gates[:, :units],
        gates[:, units : 3 * units],
        gates[:, 3 * units :],
        gates[1:, 4 * units :],
        squashed,
        inputs[1:, :units],
    )
    for t, (given, made, all_gates, sigmoids, output, in_and_forget, right, cell, tanh_c, state) in enumerate(views):
        times(weights, given, made)
        tanh(all_gates, all_gates)
        add(sigmoids, one, sigmoids)
        multiply(in_and_forget, right, pair)
        add(let_in, kept, cell)
        multiply(cell, half, cell)
        tanh(cell, tanh_c)
        multiply(output, tanh_c, state)
        if dead is not None:
            numpy.copyto(cell, gates[t, 4 * units :], where=dead[t])
            numpy.copyto(state, inputs[t, :units], where=dead[t])
