"""Gated recurrent units (with the reset gate after the product) on NumPy arrays, with few calls per step.

As in `lstm.py`, features come first and the batch last, and sigmoids are (1 + tanh(z / 2)) / 2 with the halves in
the weights. The inputs' share of the gates is computed for all steps before the first one.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy
from numpy import add, multiply, subtract, tanh

from eagerflow.kernels.buffering import long_runs
from eagerflow.kernels.lstm import AT_ONCE, INNER, batch_first, steps_together
from eagerflow.kernels.products import product
from eagerflow.kernels.threads import one_blas_thread, scratch

__all__ = ["Gradients", "Trace", "gru", "gru_gradient"]


class Trace(NamedTuple):
    """What the gradient needs.

    Attributes:
        states: (time + 1, units, batch), the first one in front.
        gates: (time, 3 units, batch): update, reset, candidate.
        inner: (time, units, batch): what the reset gate multiplied.
    """

    states: Any
    gates: Any
    inner: Any


class Gradients(NamedTuple):
    """Of the sequence (batch, time, features), the first state (batch, units), and the weights."""

    sequence: Any
    state: Any
    kernel: Any
    recurrent: Any
    bias: Any
    recurrent_bias: Any


def _halves(units: int, dtype: Any) -> Any:
    """Per row 1/2 for the sigmoids, 1 for the candidate."""
    return numpy.repeat(numpy.array([0.5, 0.5, 1], dtype), units)[:, None]


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
    half = _halves(units, dtype)
    gates = numpy.empty((steps, 3 * units, batch), dtype)
    states, inner = numpy.empty((steps + 1, units, batch), dtype), numpy.empty((steps, units, batch), dtype)
    states[0] = h.T
    offset = numpy.zeros(3 * units, dtype) if bias is None else bias.astype(dtype)
    own = numpy.zeros((units, batch), dtype)
    if recurrent_bias is not None:
        offset[: 2 * units] += recurrent_bias[: 2 * units]
        own += recurrent_bias[2 * units :, None]
    with one_blas_thread:
        numpy.matmul(kernel.T * half, x.transpose(1, 2, 0), out=gates)
        gates += offset[:, None] * half
        _run(recurrent.T * half, own, states, gates, inner, dead)
    return Trace(states, gates, inner)


def _run(weights: Any, own: Any, states: Any, gates: Any, inner: Any, dead: Any) -> None:
    """Turn the inputs' shares into gates, and fill in the states."""
    _, units, batch = inner.shape
    recurrent = scratch("gru_product", (3 * units, batch), gates.dtype)
    one, half = numpy.array(1, gates.dtype), numpy.array(0.5, gates.dtype)
    of_pair, of_candidate = recurrent[: 2 * units], recurrent[2 * units :]
    term = scratch("gru_term", (units, batch), gates.dtype)
    views = zip(
        states,
        states[1:],
        gates[:, : 2 * units],
        gates[:, :units],
        gates[:, units : 2 * units],
        gates[:, 2 * units :],
        inner,
    )
    for t, (state, new, pair, update, reset, candidate, reset_by) in enumerate(views):
        numpy.matmul(weights, state, out=recurrent)
        add(pair, of_pair, out=pair)
        tanh(pair, out=pair)
        add(pair, one, out=pair)
        multiply(pair, half, out=pair)
        add(of_candidate, own, out=reset_by)
        multiply(reset, reset_by, out=term)
        add(candidate, term, out=candidate)
        tanh(candidate, out=candidate)
        subtract(state, candidate, out=term)  # the new state is candidate + update (state - candidate)
        multiply(term, update, out=term)
        add(term, candidate, out=new)
        if dead is not None:
            numpy.copyto(new, state, where=dead[t])


def gru_gradient(
    g_states: Any, g_h: Any, x: Any, trace: Trace, kernel: Any, recurrent: Any, dead: Any
) -> Gradients:
    """The gradients, from those of all states (batch, time, units) (or None) and of the last state."""
    steps, units, batch = trace.inner.shape
    dtype = trace.gates.dtype
    d_weights = numpy.zeros((3 * units, len(kernel)), dtype), numpy.zeros((3 * units, units), dtype)
    d_biases = numpy.zeros(3 * units, dtype), numpy.zeros(3 * units, dtype)
    d_x = numpy.empty((steps, len(kernel), batch), dtype)
    d_state = numpy.array(g_h.T, dtype, order="C")
    arriving = None if g_states is None else numpy.ascontiguousarray(g_states.transpose(1, 2, 0))
    at_once = max(1, AT_ONCE // max(1, 4 * units * batch), INNER // max(1, batch))
    with one_blas_thread, long_runs():
        for stop in range(steps, 0, -at_once):
            block = slice(max(0, stop - at_once), stop)
            d_gates, d_product = scratch("gru_gates", (2, stop - block.start, 3 * units, batch), dtype)
            _steps_back(recurrent, arriving, d_state, trace, block, d_gates, d_product, dead)
            numpy.matmul(kernel, d_gates, out=d_x[block])
            rows = steps_together("gru_rows", d_gates), steps_together("gru_products", d_product)
            given = steps_together("gru_inputs", x.transpose(1, 2, 0)[block])
            before = steps_together("gru_states", trace.states[block])
            for total, of_bias, left, right in zip(d_weights, d_biases, rows, (given, before), strict=True):
                total += product(left, right.T)
                of_bias += left.sum(axis=1)
    d_kernel, d_recurrent = (numpy.ascontiguousarray(d.T) for d in d_weights)
    return Gradients(batch_first(d_x), d_state.T, d_kernel, d_recurrent, *d_biases)


def _steps_back(
    recurrent: Any,
    arriving: Any,
    d_state: Any,
    trace: Trace,
    block: slice,
    d_gates: Any,
    d_product: Any,
    dead: Any,
) -> None:
    """Some steps from the last to the first: `d_state` is taken along, the gates' gradients are filled in."""
    _, units, batch = trace.inner.shape
    to_update, to_reset, to_candidate = _slopes(trace, block)
    term = scratch("gru_term", (units, batch), d_gates.dtype)
    gates = trace.gates[block]
    views = zip(
        range(block.stop - 1, block.start - 1, -1),
        *[slopes[::-1] for slopes in (to_update, to_reset, to_candidate)],
        gates[::-1, :units],
        gates[::-1, units : 2 * units],
        *[d_product[::-1, k * units : (k + 1) * units] for k in range(3)],
        d_product[::-1],
        d_gates[::-1, 2 * units :],
        strict=True,
    )
    for (
        t,
        by_update,
        by_reset,
        by_candidate,
        update,
        reset,
        d_update,
        d_reset,
        d_inner,
        d_step,
        d_candidate,
    ) in views:
        if arriving is not None:
            add(d_state, arriving[t], out=d_state)
        if dead is not None:
            passing = d_state * dead[t]
            numpy.copyto(d_state, 0, where=dead[t])
        multiply(d_state, by_update, out=d_update)
        multiply(d_state, by_candidate, out=d_candidate)
        multiply(d_candidate, by_reset, out=d_reset)
        multiply(d_candidate, reset, out=d_inner)
        multiply(d_state, update, out=term)
        numpy.matmul(recurrent, d_step, out=d_state)
        add(d_state, term, out=d_state)
        if dead is not None:
            add(d_state, passing, out=d_state)
    d_gates[:, : 2 * units] = d_product[:, : 2 * units]


def _slopes(trace: Trace, block: slice) -> tuple[Any, Any, Any]:
    """What doesn't depend on the recurrence, for some steps at once.

    The gradients of update gate, candidate per that of the state, and of the reset gate per that of the candidate.
    """
    gates, inner = trace.gates[block], trace.inner[block]
    units = inner.shape[1]
    update, reset, candidate = (gates[:, k * units : (k + 1) * units] for k in range(3))
    by_update, by_reset, by_candidate, rest = scratch("gru_slopes", (4, *inner.shape), inner.dtype)
    subtract(1, update, out=rest)
    subtract(trace.states[block], candidate, out=by_update)
    multiply(by_update, update, out=by_update)
    multiply(by_update, rest, out=by_update)
    multiply(candidate, candidate, out=by_candidate)
    subtract(1, by_candidate, out=by_candidate)
    multiply(by_candidate, rest, out=by_candidate)
    subtract(1, reset, out=by_reset)
    multiply(by_reset, reset, out=by_reset)
    multiply(by_reset, inner, out=by_reset)
    return by_update, by_reset, by_candidate
