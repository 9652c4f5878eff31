"""Gated recurrent units (with the reset gate after the product) on NumPy arrays, with few calls per step.

As in `lstm.py`, features come first and the batch last, and sigmoids are (1 + tanh(z / 2)) / 2 with the halves in
the weights. The inputs' share of the gates is computed for some steps at once, and used while it is in the cache.
The gates lie in the order candidate, update, reset, inner product: the first three are what inputs take part in,
the last three what the state does.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy
from numpy import add, multiply, subtract, tanh

from eagerflow.kernels.buffering import long_runs
from eagerflow.kernels.lstm import AT_ONCE, INNER, in_parts, rows_in_parts, steps_together
from eagerflow.kernels.products import product
from eagerflow.kernels.threads import one_blas_thread, scratch
from eagerflow.kernels.views import copy_rows

__all__ = ["Gradients", "Trace", "gru", "gru_gradient"]


class Trace(NamedTuple):
    """What the gradient needs.

    Attributes:
        states: (time + 1, units + 1, batch), the first one in front; below each a row of ones.
        gates: (time, 4 units, batch): candidate, update, reset, and what the reset gate multiplied.
    """

    states: Any
    gates: Any


class Gradients(NamedTuple):
    """Of the sequence (batch, time, features), the first state (batch, units), and the weights."""

    sequence: Any
    state: Any
    kernel: Any
    recurrent: Any
    bias: Any
    recurrent_bias: Any


def _candidate_first(weights: Any, units: int) -> Any:
    """(rows, 3 units) in Keras' order as (3 units, rows) in ours."""
    return numpy.roll(weights.T, units, axis=0)


def _of_states(recurrent: Any, bias: Any, recurrent_bias: Any, dtype: Any) -> Any:
    """The weights of state and ones, (3 units, units + 1), with the halves of both sigmoids, and their biases."""
    units = len(recurrent)
    joined = numpy.zeros((3 * units, units + 1), dtype)
    joined[:, :-1] = recurrent.T
    if recurrent_bias is not None:
        joined[:, -1] = recurrent_bias
    if bias is not None:
        joined[: 2 * units, -1] += bias[: 2 * units]
    joined[: 2 * units] *= 0.5
    return joined


def _at_once(units: int, batch: int) -> int:
    return max(1, AT_ONCE // max(1, 4 * units * batch), INNER // max(1, batch))


def gru(x: Any, h: Any, kernel: Any, recurrent: Any, bias: Any, recurrent_bias: Any, dead: Any) -> Trace:
    """Run over a sequence.

    Args:
        x: (batch, time, features).
        h: the first state, (batch, units).
        kernel: (features, 3 units): update, reset, candidate.
        recurrent: (units, 3 units).
        bias: (3 units,) or None.
        recurrent_bias: (3 units,) or None.
        dead: (time, 1, batch) of bools, True where a step is left out; or None.
    """
    batch, steps, _ = x.shape
    units, dtype = len(recurrent), x.dtype
    of_inputs = numpy.roll(kernel, units, axis=1).astype(dtype, copy=False)
    of_inputs[:, units:] *= 0.5
    of_states = _of_states(recurrent, bias, recurrent_bias, dtype)
    offset = None if bias is None else numpy.repeat(bias[2 * units :, None].astype(dtype), batch, axis=1)
    states = numpy.empty((steps + 1, units + 1, batch), dtype)
    states[0, :units], states[:, units] = h.T, 1
    gates = numpy.empty((steps, 4 * units, batch), dtype)
    at_once = _at_once(units, batch)
    with one_blas_thread, long_runs():
        for start in range(0, steps, at_once):
            block = slice(start, min(start + at_once, steps))
            share = scratch("gru_share", (block.stop - start, 3 * units, batch), dtype)
            numpy.matmul(
                of_inputs.T, x[:, block].transpose(1, 2, 0), out=share
            )  # both turned: BLAS prefers it
            if offset is not None:
                share[:, :units] += offset
            some = slice(start, block.stop + 1)
            _run(of_states, share, states[some], gates[block], None if dead is None else dead[block])
    return Trace(states, gates)


def _run(weights: Any, share: Any, states: Any, gates: Any, dead: Any) -> None:
    """Fill in the gates and the states of some steps, from the inputs' share of the gates."""
    units, batch = states.shape[1] - 1, states.shape[2]
    one, half = numpy.array(1, gates.dtype), numpy.array(0.5, gates.dtype)
    term = scratch("gru_term", (units, batch), gates.dtype)
    times, weights, parts = in_parts(weights, batch)
    views = zip(
        states,
        states[:, :units],
        states[1:, :units],
        share[:, :units],
        share[:, units:],
        rows_in_parts(gates[:, units:], parts),
        gates[:, :units],
        gates[:, units : 3 * units],
        gates[:, units : 2 * units],
        gates[:, 2 * units : 3 * units],
        gates[:, 3 * units :],
    )
    for t, (
        given,
        state,
        new,
        of_candidate,
        of_pair,
        by_state,
        candidate,
        pair,
        update,
        reset,
        inner,
    ) in enumerate(views):
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


def gru_gradient(
    g_states: Any, g_h: Any, x: Any, trace: Trace, kernel: Any, recurrent: Any, dead: Any
) -> Gradients:
    """The gradients, from those of all states (batch, time, units) (or None) and of the last state."""
    batch, steps, features = x.shape
    units, dtype = len(recurrent), trace.gates.dtype
    of_inputs = numpy.ascontiguousarray(_candidate_first(kernel, units), dtype)
    of_states = numpy.ascontiguousarray(recurrent, dtype)
    d_kernel, d_recurrent = (numpy.zeros((3 * units, n), dtype) for n in (features, units))
    d_bias = numpy.zeros(4 * units, dtype)
    d_sequence = numpy.empty((batch, steps, features), dtype)
    d_state = numpy.array(g_h.T, dtype, order="C")
    arriving = None if g_states is None else numpy.ascontiguousarray(g_states.transpose(1, 2, 0))
    at_once = _at_once(units, batch)
    with one_blas_thread, long_runs():
        for stop in range(steps, 0, -at_once):
            block = slice(max(0, stop - at_once), stop)
            d_gates = scratch("gru_gates", (stop - block.start, 4 * units, batch), dtype)
            _slopes(trace, block, d_gates)
            _steps_back(of_states, arriving, d_state, trace.gates[block], d_gates, block, dead)
            into = d_sequence[:, block].swapaxes(0, 1)
            numpy.matmul(d_gates[:, : 3 * units].transpose(0, 2, 1), of_inputs, out=into)
            rows = steps_together("gru_rows", d_gates)
            d_kernel += product(rows[: 3 * units], _below("gru_inputs", x[:, block].swapaxes(0, 1)))
            before = trace.states[block, :units].swapaxes(1, 2)
            d_recurrent += product(rows[units:], _below("gru_states", before))
            d_bias += numpy.dot(rows, numpy.ones(rows.shape[1], dtype))
    return Gradients(
        d_sequence,
        d_state.T,
        numpy.ascontiguousarray(numpy.roll(d_kernel, -units, axis=0).T),
        numpy.ascontiguousarray(d_recurrent.T),
        numpy.roll(d_bias[: 3 * units], -units),
        d_bias[units:].copy(),
    )


def _below(name: str, a: Any) -> Any:
    """(time, batch, rows) as (time * batch, rows), in scratch."""
    steps, batch, rows = a.shape
    flat = scratch(name, (steps, batch, rows), a.dtype)
    copy_rows(a, flat)
    return flat.reshape(steps * batch, rows)


def _steps_back(
    recurrent: Any, arriving: Any, d_state: Any, gates: Any, d_gates: Any, block: slice, dead: Any
) -> None:
    """Some steps from the last to the first: what arrives is multiplied into the slopes in `d_gates`."""
    units, batch = d_state.shape
    term = scratch("gru_term", (units, batch), d_gates.dtype)
    times, weights, parts = in_parts(recurrent, batch)
    before = rows_in_parts(d_state, parts)
    views = zip(
        range(block.stop - 1, block.start - 1, -1),
        gates[::-1, units : 2 * units],
        gates[::-1, 2 * units : 3 * units],
        d_gates[::-1, units:],
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


def _slopes(trace: Trace, block: slice, out: Any) -> None:
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
