"""The gradients of gated recurrent units, backward through time.

`gru.py` tells how everything is laid out, `backwards.py` how the steps are gone through.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy
from numpy import add, multiply, ndarray, subtract

from eagerflow.base.variants import accelerated
from eagerflow.kernels.machine.threads import scratch
from eagerflow.kernels.recurrent.backward_loop import Behind, run_back
from eagerflow.kernels.recurrent.gru import Layer, Trace
from eagerflow.kernels.recurrent.sequences import steps_at_once, turned
from eagerflow.kernels.recurrent.step_product import Stepwise, columns, dead_steps, side_by_side
from eagerflow.kernels.recurrent.strips import masked

__all__ = ["Gradients", "block_back", "gru_gradient"]


class Gradients(NamedTuple):
    """Of the sequence (batch, time, features), the first state (batch, units), and the weights."""

    sequence: ndarray
    state: ndarray
    kernel: ndarray
    recurrent: ndarray
    bias: ndarray
    recurrent_bias: ndarray


def gru_gradient(g_states: Sequence[Any], g_h: Sequence[Any], layers: Sequence[Layer], trace: Trace) -> list[Gradients]:
    """The gradients of each layer.

    Args:
        g_states: for each layer the gradient of all states, (batch, time, units); or None for all of them.
        g_h: for each layer that of the last state, (batch, units).
        layers: the argument of `gru`.
        trace: what it answered.
    """
    parts, steps = trace.strips(), layers[0].x.shape[1]
    width = parts[0].gates.shape[2]
    units, dtype, batch = len(layers[0].recurrent), trace.gates.dtype, width // len(layers)
    stepwise = Stepwise([numpy.ascontiguousarray(layer.recurrent, dtype) for layer in layers], batch)
    some = columns(len(parts), batch)
    dead = [dead_steps([masked(layer, sequences) for layer in layers], steps, batch) for sequences in some]
    d_state = [numpy.array(side_by_side([g[sequences].T for g in g_h]), dtype, order="C") for sequences in some]
    arriving: list[Any] = [None] * len(parts)
    if g_states[0] is not None:
        by_strip = [side_by_side([g[sequences].transpose(1, 2, 0) for g in g_states]) for sequences in some]
        arriving = [numpy.ascontiguousarray(g) for g in by_strip]

    def one_block(i: int, d_gates: ndarray, block: slice) -> None:
        block_back(stepwise, parts[i], arriving[i], d_state[i], d_gates, block, dead[i])

    cuts = columns(len(layers), batch)
    behind = [_behind(layer, parts, cut) for layer, cut in zip(layers, cuts)]
    shape = len(parts), steps, 4 * units, width
    run_back(one_block, behind, shape, steps_at_once(steps, units, len(parts) * batch))
    return [_gradients(one, side_by_side([g[:, cut] for g in d_state])) for one, cut in zip(behind, cuts)]


def _behind(layer: Layer, parts: Sequence[Trace], cut: slice) -> Behind:
    units = len(layer.recurrent)
    of_inputs = numpy.ascontiguousarray(turned(layer.kernel.T, units), parts[0].gates.dtype)
    states = [part.states[:, :units, cut].swapaxes(1, 2) for part in parts]
    factors = [(slice(0, 3 * units), [[layer.x.swapaxes(0, 1)]]), (slice(units, 4 * units), [states])]
    return Behind(layer.x, cut, 4 * units, of_inputs, factors)


def _gradients(behind: Behind, d_state: Any) -> Gradients:
    """Everything, with what arrives at the first state."""
    units, (kernel, recurrent, bias) = len(d_state), behind.sums
    return Gradients(
        behind.sequence,
        d_state.T,
        numpy.ascontiguousarray(turned(kernel, -units).T),
        numpy.ascontiguousarray(recurrent.T),
        turned(bias[: 3 * units], -units),
        bias[units:].copy(),
    )


@accelerated("gru")
def block_back(
    stepwise: Stepwise, trace: Trace, arriving: Any, d_state: Any, d_gates: ndarray, block: slice, dead: Any
) -> None:
    """Fill in the gates' gradients of some steps, from the last to the first.

    `d_state` is the gradient of the state; what stays there arrives at the step before.
    """
    _slopes(trace, block, d_gates)
    _steps_back(stepwise, arriving, d_state, trace.gates[block], d_gates, block, dead)


def _steps_back(
    stepwise: Stepwise, arriving: Any, d_state: Any, gates: ndarray, d_gates: ndarray, block: slice, dead: Any
) -> None:
    """Some steps from the last to the first: what arrives is multiplied into the slopes in `d_gates`."""
    units, batch = d_state.shape
    term = scratch("gru_term", (units, batch), d_gates.dtype)
    times, weights, before = stepwise.times, stepwise.weights, stepwise.made(d_state)
    views = zip(
        range(block.stop - 1, block.start - 1, -1),
        gates[::-1, units : 2 * units],
        gates[::-1, 2 * units : 3 * units],
        stepwise.given(d_gates[::-1, units:]),
        *[d_gates[::-1, k * units : (k + 1) * units] for k in range(4)],
        strict=True,
    )
    for t, update, reset, d_product, d_candidate, d_update, d_reset, d_inner in views:
        if arriving is not None:
            add(d_state, arriving[t], d_state)
        if dead is not None:
            passing = d_state * dead[t]
            numpy.copyto(d_state, 0, where=dead[t])
        multiply(d_update, d_state, d_update)
        multiply(d_candidate, d_state, d_candidate)
        multiply(d_reset, d_candidate, d_reset)
        multiply(reset, d_candidate, d_inner)
        multiply(d_state, update, term)
        times(weights, d_product, before)
        add(d_state, term, d_state)
        if dead is not None:
            add(d_state, passing, d_state)


def _slopes(trace: Trace, block: slice, out: ndarray) -> None:
    """What doesn't depend on the recurrence, for some steps at once.

    Writes into `out` the gradients of update gate and candidate per that of the state, and of the reset gate per that
    of the candidate.
    """
    gates = trace.gates[block]
    units = gates.shape[1] // 4
    candidate, pair, inner = gates[:, :units], gates[:, units : 3 * units], gates[:, 3 * units :]
    of_candidate, of_pair, of_update, of_reset, difference = (
        out[:, start * units : stop * units] for start, stop in ((0, 1), (1, 3), (1, 2), (2, 3), (3, 4))
    )
    subtract(1, pair, out=of_pair)
    multiply(candidate, candidate, out=of_candidate)
    subtract(1, of_candidate, out=of_candidate)
    multiply(of_candidate, of_update, out=of_candidate)  # so far 1 - update
    multiply(of_pair, pair, out=of_pair)
    subtract(trace.states[block, :units], candidate, out=difference)
    multiply(of_update, difference, out=of_update)
    multiply(of_reset, inner, out=of_reset)
