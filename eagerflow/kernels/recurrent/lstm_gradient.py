"""The gradients of long short-term memory, backward through time.

`lstm.py` tells how everything is laid out, `backwards.py` how the steps are gone through.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy
from numpy import add, multiply, ndarray, subtract

from eagerflow.base.variants import accelerated
from eagerflow.kernels.machine.threads import scratch
from eagerflow.kernels.recurrent.backward_loop import Behind, run_back
from eagerflow.kernels.recurrent.lstm import Layer, Trace
from eagerflow.kernels.recurrent.sequences import steps_at_once, turned
from eagerflow.kernels.recurrent.step_product import Stepwise, columns, dead_steps, side_by_side
from eagerflow.kernels.recurrent.strips import masked

__all__ = ["Gradients", "block_back", "lstm_gradient"]


class Gradients(NamedTuple):
    """Of the sequence (batch, time, features), first state and cell (batch, units), and the weights."""

    sequence: ndarray
    state: ndarray
    cell: ndarray
    kernel: ndarray
    recurrent: ndarray
    bias: ndarray


def lstm_gradient(
    g_states: Sequence[Any], g_h: Sequence[Any], g_c: Sequence[Any], layers: Sequence[Layer], trace: Trace
) -> list[Gradients]:
    """The gradients of each layer.

    Args:
        g_states: for each layer the gradient of all states, (batch, time, units); or None for all of them.
        g_h: for each layer that of the last state, (batch, units).
        g_c: that of the last cell.
        layers: the argument of `lstm`.
        trace: what it answered.
    """
    parts = trace.strips()
    steps, units, width = parts[0].squashed.shape
    dtype, batch = trace.gates.dtype, width // len(layers)
    scales = _scales(units, dtype)
    of_states = [turned(layer.recurrent.T, units) * (0.5 * scales) for layer in layers]
    some = columns(len(parts), batch)
    d_both = [numpy.empty((2 * units, width), dtype) for _ in parts]
    for each_strip, sequences in zip(d_both, some):
        multiply(side_by_side([g[sequences].T for g in g_h]), 0.5, out=each_strip[:units])
        each_strip[units:] = side_by_side([g[sequences].T for g in g_c])
    arriving: list[Any] = [None] * len(parts)
    if g_states[0] is not None:
        by_strip = [side_by_side([g[sequences].transpose(1, 2, 0) for g in g_states]) for sequences in some]
        arriving = [multiply(g, 0.5, order="C") for g in by_strip]
    stepwise = Stepwise([numpy.ascontiguousarray(weights.T, dtype) for weights in of_states], batch)
    dead = [dead_steps([masked(layer, sequences) for layer in layers], steps, batch) for sequences in some]

    def one_block(i: int, d_gates: ndarray, block: slice) -> None:
        block_back(stepwise, parts[i], arriving[i], d_both[i], d_gates, block, dead[i])

    cuts = columns(len(layers), batch)
    behind = [_behind(layer, parts, cut, scales) for layer, cut in zip(layers, cuts)]
    shape = len(parts), steps, 4 * units, width
    run_back(one_block, behind, shape, steps_at_once(steps, units, len(parts) * batch))
    return [_gradients(one, side_by_side([g[:, cut] for g in d_both]), scales) for one, cut in zip(behind, cuts)]


def _scales(units: int, dtype: Any) -> Any:
    """By what the slopes of `_slopes` are too large, per row."""
    return numpy.repeat(numpy.array([0.5, 0.25, 0.25, 0.5], dtype), units)[:, None]


def _behind(layer: Layer, parts: Sequence[Trace], cut: slice, scales: Any) -> Behind:
    units, gates = len(layer.recurrent), len(scales)
    of_inputs = numpy.ascontiguousarray(turned(layer.kernel.T, units) * scales, scales.dtype)
    given = [[layer.x.swapaxes(0, 1)], [part.inputs[:, :units, cut].swapaxes(1, 2) for part in parts]]
    return Behind(layer.x, cut, gates, of_inputs, [(slice(0, gates), given)])


def _gradients(behind: Behind, d_both: Any, scales: Any) -> Gradients:
    """Everything, with what arrives at the first state, halved, above what arrives at the first cell."""
    features, units = behind.sequence.shape[2], len(d_both) // 2
    weights, bias = behind.sums
    weights *= scales
    weights = turned(weights, -units)
    return Gradients(
        behind.sequence,
        d_both[:units].T * 2,
        d_both[units:].T,
        numpy.ascontiguousarray(weights[:, :features].T),
        multiply(weights[:, features:].T, 0.5, order="C"),
        turned(bias * scales[:, 0], -units),
    )


@accelerated("lstm")
def block_back(
    stepwise: Stepwise, trace: Trace, arriving: Any, d_both: Any, d_gates: ndarray, block: slice, dead: Any
) -> None:
    """Fill in the gates' gradients of some steps, from the last to the first.

    `d_both` is the gradient of the state, halved, above that of the cell; what stays there arrives at the step before.
    """
    to_cell, kept = _slopes(trace, block, d_gates)
    _steps_back(stepwise, arriving, d_both, d_gates, to_cell, kept, block, dead)


def _steps_back(
    stepwise: Stepwise, arriving: Any, d_both: Any, d_gates: ndarray, to_cell: Any, kept: Any, block: slice, dead: Any
) -> None:
    """Some steps from the last to the first: what arrives is multiplied into the slopes in `d_gates`.

    `d_both` is the gradient of the state, halved, above that of the cell: what output gate and input gate get.
    """
    _, units, width = to_cell.shape
    d_state, d_cell = d_both[:units], d_both[units:]
    times, weights, before = stepwise.times, stepwise.weights, stepwise.made(d_state)
    term = scratch("lstm_term", (units, width), d_gates.dtype)
    views = zip(
        range(block.stop - 1, block.start - 1, -1),
        stepwise.given(d_gates)[::-1],
        d_gates[::-1, : 2 * units],
        d_gates[::-1, 2 * units : 3 * units],
        d_gates[::-1, 3 * units :],
        to_cell[::-1],
        kept[::-1],
        strict=True,
    )
    for t, d_step, d_output_and_input, d_forget, d_candidate, into_cell, forget in views:
        if arriving is not None:
            add(d_state, arriving[t], d_state)
        if dead is not None:
            passing = d_both * dead[t]
            numpy.copyto(d_both, 0, where=dead[t])
        multiply(d_state, into_cell, term)
        add(d_cell, term, d_cell)
        multiply(d_output_and_input, d_both, d_output_and_input)
        multiply(d_forget, d_cell, d_forget)  # one call for both would be longer: it had to broadcast
        multiply(d_candidate, d_cell, d_candidate)
        multiply(d_cell, forget, d_cell)
        times(weights, d_step, before)
        if dead is not None:
            add(d_both, passing, d_both)


def _slopes(trace: Trace, block: slice, out: ndarray) -> tuple[Any, Any]:
    """What doesn't depend on the recurrence, for some steps at once.

    Writes into `out` what each gate's gradient is per gradient of the state, halved (output gate), or of the cell
    (the others): `_scales` goes into the weights instead. Gives the cell's gradient per half of the state's, and
    the forget gate.
    """
    tanh_c, gates = trace.squashed[block], trace.gates[block]
    count, units, width = tanh_c.shape
    doubled = trace.inputs[block.start + 1 : block.stop + 1, :units]  # the new state: output gate by tanh_c
    output, let_in, forget, candidate = (gates[:, k * units : (k + 1) * units] for k in range(4))
    subtract(2, gates[:, : 3 * units], out=out[:, : 3 * units])  # of s doubled: 2s (2 - 2s) = 4 s (1 - s)
    multiply(out[:, :units], doubled, out=out[:, :units])
    pair = scratch("lstm_pairs", (count, 2 * units, width), gates.dtype)
    multiply(gates[:, units : 3 * units], gates[:, 3 * units :], out=pair)
    multiply(out[:, units : 3 * units], pair, out=out[:, units : 3 * units])
    _one_minus_square(let_in, candidate, pair[:, :units], out[:, 3 * units :])
    to_cell, kept = scratch("lstm_slopes", (2, count, units, width), gates.dtype)
    _one_minus_square(output, tanh_c, doubled, to_cell)
    return to_cell, multiply(forget, 0.5, out=kept)


def _one_minus_square(gate: Any, value: ndarray, gated: Any, out: ndarray) -> None:
    """gate (1 - value²), where gated = gate value."""
    multiply(value, gated, out=out)
    subtract(gate, out, out=out)
