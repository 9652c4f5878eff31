"""Long short-term memory on NumPy arrays, forward and backward through time, with few calls per step.

Features come first and the batch last, so that each gate of a step is one contiguous piece of (units, batch)
numbers. The gates lie in the order output, input, forget, candidate, followed by the cell before the step: then
(input, forget) times (candidate, cell) is one multiplication.

A sigmoid is (1 + tanh(z / 2)) / 2, so that one tanh serves the four gates. The halves go into the weights, and
into the state, which is kept doubled. State, inputs and a row of ones lie below each other: one product per step
gives all gates, and one product for all steps the gradients of kernel, recurrent kernel and bias.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy
from numpy import add, multiply, subtract, tanh
from numpy.lib.stride_tricks import as_strided

from eagerflow.kernels.buffering import long_runs
from eagerflow.kernels.products import product
from eagerflow.kernels.threads import each, get_num_threads, one_blas_thread, scratch
from eagerflow.kernels.views import copy_rows

__all__ = [
    "AT_ONCE", "INNER", "Gradients", "Trace", "batch_first", "in_parts", "lstm", "lstm_gradient",
    "rows_in_parts", "steps_together",
]  # fmt: skip

_GATES = [3, 0, 1, 2]  # Keras' input, forget, candidate, output in our order
_KERAS = [1, 2, 3, 0]
_PACKED = 10**6  # multiply-adds from which OpenBLAS packs its operands: smaller products are faster
AT_ONCE = 1 << 16  # numbers whose slopes are computed together, in the cache
_NANOSECONDS = 1.5  # per number of the gates, for the products behind the steps, roughly
INNER = 1024  # positions that a product for the weights' gradient sums over at least


class Trace(NamedTuple):
    """What the gradient needs.

    Attributes:
        inputs: (time + 1, units + features + 1, batch): the state doubled, the inputs, ones.
        gates: (time + 1, 5 units, batch): output, input, forget (doubled), candidate, and the cell before.
        squashed: (time, units, batch): tanh of the new cell.
    """

    inputs: Any
    gates: Any
    squashed: Any


class Gradients(NamedTuple):
    """Of the sequence (batch, time, features), the first states (batch, units), and the weights."""

    sequence: Any
    states: tuple[Any, ...]
    kernel: Any
    recurrent: Any
    bias: Any


def _by_gate(weights: Any, units: int) -> Any:
    """(rows, 4 units) in Keras' order as (4 units, rows) in ours."""
    return weights.T.reshape(4, units, -1)[_GATES].reshape(4 * units, -1)


def _joined(kernel: Any, recurrent: Any, bias: Any) -> Any:
    """The weights of state, inputs and ones, (4 units, units + features + 1), with the sigmoids' halves."""
    units = len(recurrent)
    row = numpy.zeros((1, 4 * units), kernel.dtype) if bias is None else bias[None]
    joined = numpy.concatenate(
        [_by_gate(recurrent * 0.5, units), _by_gate(kernel, units), _by_gate(row, units)], 1
    )
    joined[: 3 * units] *= 0.5
    return joined


def lstm(
    x: Any, h: Any, c: Any, kernel: Any, recurrent: Any, bias: Any, dead: Any, keep: bool = True
) -> Trace:
    """Run over a sequence.

    Args:
        x: (batch, time, features).
        h: the first state, (batch, units).
        c: the first cell.
        kernel: (features, 4 units) in Keras' order.
        recurrent: (units, 4 units).
        bias: (4 units,) or None.
        dead: (time, 1, batch) of bools, True where a step is left out; or None.
        keep: whether the gradient will be asked for; else the gates of all steps may lie in one place.
    """
    batch, steps, features = x.shape
    units, dtype = len(recurrent), x.dtype
    weights = _joined(kernel, recurrent, bias).astype(dtype, copy=False)
    inputs = numpy.empty((steps + 1, units + features + 1, batch), dtype)
    multiply(h.T, 2, out=inputs[0, :units])
    inputs[:steps, units:-1] = x.transpose(1, 2, 0)
    inputs[:, -1] = 1
    room = _all_steps if keep or dead is not None else _one_step
    gates, squashed = room(steps + 1, 5 * units, batch, dtype), room(steps, units, batch, dtype)
    gates[0, 4 * units :] = c.T
    with one_blas_thread:
        _run(weights, inputs, gates, squashed, dead)
    return Trace(inputs, gates, squashed)


def _all_steps(steps: int, rows: int, batch: int, dtype: Any) -> Any:
    return numpy.empty((steps, rows, batch), dtype)


def _one_step(steps: int, rows: int, batch: int, dtype: Any) -> Any:
    """An array whose steps all lie in the same place, which stays in the cache."""
    one = numpy.empty((rows, batch), dtype)
    return as_strided(one, (steps, rows, batch), (0, *one.strides))


def _run(weights: Any, inputs: Any, gates: Any, squashed: Any, dead: Any) -> None:
    """Fill in the states of `inputs`, the gates and the squashed cells, step by step."""
    _, units, batch = squashed.shape
    pair = scratch("lstm_pair", (2 * units, batch), inputs.dtype)
    let_in, kept = pair[:units], pair[units:]
    one, half = numpy.array(1, inputs.dtype), numpy.array(0.5, inputs.dtype)  # numbers cost 0.3 µs more
    times, weights, parts = in_parts(weights, batch)
    views = zip(
        inputs,
        rows_in_parts(gates[:, : 4 * units], parts),
        gates[:, : 3 * units],
        gates[:, :units],
        gates[:, units : 3 * units],
        gates[:, 3 * units :],
        gates[1:, 4 * units :],
        squashed,
        inputs[1:, :units],
    )
    for t, (given, all_gates, sigmoids, output, in_and_forget, right, cell, tanh_c, state) in enumerate(
        views
    ):
        times(weights, given, all_gates)
        tanh(all_gates, all_gates)
        add(sigmoids, one, sigmoids)
        multiply(in_and_forget, right, pair)
        add(let_in, kept, cell)
        multiply(cell, half, cell)
        tanh(cell, tanh_c)
        multiply(output, tanh_c, state)
        if dead is not None:
            numpy.copyto(cell, gates[t, 4 * units :], where=dead[t])
            numpy.copyto(state, given[:units], where=dead[t])


def in_parts(weights: Any, batch: int) -> tuple[Any, Any, int]:
    """How to multiply `weights` by (columns, batch): the function, the weights for it, and the number of parts.

    As many parts of the rows as keep each product below the size from which OpenBLAS packs its operands.
    """
    rows, columns = weights.shape
    parts = next((n for n in (1, 2, 4, 8) if rows % n == 0 and weights.size * batch <= n * _PACKED), 1)
    if parts == 1:
        return numpy.dot, weights, 1
    return numpy.matmul, weights.reshape(parts, rows // parts, columns), parts


def rows_in_parts(a: Any, parts: int) -> Any:
    """(..., rows, batch) as the function of `in_parts` writes it."""
    return a if parts == 1 else a.reshape(*a.shape[:-2], parts, a.shape[-2] // parts, a.shape[-1])


def batch_first(states: Any, factor: float = 1.0) -> Any:
    """(time, units, batch) as (batch, time, units), times a factor."""
    steps, units, batch = states.shape
    out = numpy.empty((batch, steps, units), states.dtype)
    return multiply(states.transpose(2, 0, 1), factor, out=out)


def lstm_gradient(
    g_states: Any, g_h: Any, g_c: Any, x: Any, trace: Trace, kernel: Any, recurrent: Any, dead: Any
) -> Gradients:
    """The gradients, from those of all states (batch, time, units) (or None), the last state and the last cell."""
    steps, units, batch = trace.squashed.shape
    dtype, scales = trace.gates.dtype, _scales(units, trace.gates.dtype)
    of_states = numpy.ascontiguousarray((_by_gate(recurrent, units) * (0.5 * scales)).T, dtype)
    of_inputs = numpy.ascontiguousarray(_by_gate(kernel, units) * scales, dtype)
    d_sequence = numpy.empty((batch, steps, len(kernel)), dtype)
    d_both = numpy.empty((2 * units, batch), dtype)
    multiply(g_h.T, 0.5, out=d_both[:units])
    d_both[units:] = g_c.T
    arriving = None if g_states is None else multiply(g_states.transpose(1, 2, 0), 0.5, order="C")
    with one_blas_thread, long_runs():
        d_weights = _run_back(of_states, of_inputs, arriving, d_both, x, trace, d_sequence, dead)
    d_weights *= scales
    d_weights = numpy.ascontiguousarray(d_weights.reshape(4, units, -1)[_KERAS].reshape(4 * units, -1).T)
    return Gradients(
        d_sequence,
        (d_both[:units].T * 2, d_both[units:].T),
        d_weights[: len(kernel)].copy(),
        d_weights[len(kernel) : -1] * 0.5,
        d_weights[-1].copy(),
    )


def _scales(units: int, dtype: Any) -> Any:
    """By what the slopes of `_slopes` are too large, per row."""
    return numpy.repeat(numpy.array([0.5, 0.25, 0.25, 0.5], dtype), units)[:, None]


def _run_back(
    of_states: Any, of_inputs: Any, arriving: Any, d_both: Any, x: Any, trace: Trace, d_sequence: Any, dead: Any
) -> Any:  # fmt: skip
    """Go from the last step to the first: `d_both` becomes that before it, `d_sequence` is filled in.

    Gives the gradient of the weights of inputs, state and ones, added up block by block while the gates' gradients
    are in the cache.
    """
    steps, units, batch = trace.squashed.shape
    found = numpy.zeros((4 * units, x.shape[2] + units + 1), d_both.dtype)
    at_once = max(1, AT_ONCE // max(1, 4 * units * batch), INNER // max(1, batch))
    blocks = [slice(max(0, stop - at_once), stop) for stop in range(steps, 0, -at_once)]
    threads = get_num_threads()
    together = 1 if threads == 1 else min(2 * threads, 8)
    for first in range(0, len(blocks), together):
        some = blocks[first : first + together]
        d_gates = scratch("lstm_gates", (len(some), at_once, 4 * units, batch), found.dtype)
        gates = [part[: block.stop - block.start] for part, block in zip(d_gates, some)]
        for block, part in zip(some, gates):
            to_cell, kept = _slopes(trace, block, part)
            _steps_back(of_states, arriving, d_both, part, to_cell, kept, block, dead)
        for part in _of_weights(x, trace, some, gates, of_inputs, d_sequence):
            found += part
    return found


def _of_weights(
    x: Any, trace: Trace, blocks: list[slice], gates: list[Any], of_inputs: Any, d_sequence: Any
) -> Any:
    """What follows from the gates' gradient: that of the inputs, and of the weights for each block; by all threads.

    The steps themselves stay in one thread. Threads that take turns at short calls wait for each other.
    """
    units, features = trace.squashed.shape[1], x.shape[2]
    parts = numpy.empty((len(blocks), 4 * units, features + units + 1), d_sequence.dtype)

    def run(i: int) -> None:
        block, d_gates = blocks[i], gates[i]
        numpy.matmul(d_gates.transpose(0, 2, 1), of_inputs, out=d_sequence[:, block].swapaxes(0, 1))
        rows = steps_together("lstm_rows", d_gates)
        parts[i, :, :-1] = product(rows, _given(x, trace, block))
        parts[i, :, -1] = numpy.dot(rows, numpy.ones(rows.shape[1], rows.dtype))

    each(run, len(blocks), sum([part.size for part in gates]) * _NANOSECONDS / 1000)
    return parts


def _given(x: Any, trace: Trace, block: slice) -> Any:
    """What went into some steps, (time * batch, features + units), in scratch: inputs, and the state doubled.

    One position below the other: then BLAS has neither of the product's matrices to turn.
    """
    batch, _, features = x.shape
    count, units = block.stop - block.start, trace.squashed.shape[1]
    given = scratch("lstm_given", (count, batch, features + units), x.dtype)
    copy_rows(x[:, block].swapaxes(0, 1), given[..., :features])
    given[..., features:] = trace.inputs[block, :units].swapaxes(1, 2)
    return given.reshape(count * batch, features + units)


def _steps_back(
    weights: Any, arriving: Any, d_both: Any, d_gates: Any, to_cell: Any, kept: Any, block: slice, dead: Any
) -> None:  # fmt: skip
    """Some steps from the last to the first: what arrives is multiplied into the slopes in `d_gates`.

    `d_both` is the gradient of the state, halved, above that of the cell: what output gate and input gate get.
    """
    _, units, batch = to_cell.shape
    d_state, d_cell = d_both[:units], d_both[units:]
    times, weights, parts = in_parts(weights, batch)
    before = rows_in_parts(d_state, parts)
    term = scratch("lstm_term", (units, batch), d_gates.dtype)
    views = zip(
        range(block.stop - 1, block.start - 1, -1),
        d_gates[::-1],
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


def _slopes(trace: Trace, block: slice, out: Any) -> tuple[Any, Any]:
    """What doesn't depend on the recurrence, for some steps at once.

    Writes into `out` what each gate's gradient is per gradient of the state, halved (output gate), or of the cell
    (the others): `_scales` goes into the weights instead. Gives the cell's gradient per half of the state's, and
    the forget gate.
    """
    tanh_c, gates = trace.squashed[block], trace.gates[block]
    count, units, batch = tanh_c.shape
    doubled = trace.inputs[block.start + 1 : block.stop + 1, :units]  # the new state: output gate by tanh_c
    output, let_in, forget, candidate = (gates[:, k * units : (k + 1) * units] for k in range(4))
    subtract(2, gates[:, : 3 * units], out=out[:, : 3 * units])  # of s doubled: 2s (2 - 2s) = 4 s (1 - s)
    multiply(out[:, :units], doubled, out=out[:, :units])
    pair = scratch("lstm_pairs", (count, 2 * units, batch), gates.dtype)
    multiply(gates[:, units : 3 * units], gates[:, 3 * units :], out=pair)
    multiply(out[:, units : 3 * units], pair, out=out[:, units : 3 * units])
    _one_minus_square(let_in, candidate, pair[:, :units], out[:, 3 * units :])
    to_cell, kept = scratch("lstm_slopes", (2, count, units, batch), gates.dtype)
    _one_minus_square(output, tanh_c, doubled, to_cell)
    return to_cell, multiply(forget, 0.5, out=kept)


def _one_minus_square(gate: Any, value: Any, gated: Any, out: Any) -> None:
    """gate (1 - value²), where gated = gate value."""
    multiply(value, gated, out=out)
    subtract(gate, out, out=out)


def steps_together(name: str, a: Any) -> Any:
    """(time, rows, batch) as (rows, time * batch), in scratch."""
    steps, rows, batch = a.shape
    flat = scratch(name, (rows, steps, batch), a.dtype)
    copy_rows(a.transpose(1, 0, 2), flat)
    return flat.reshape(rows, steps * batch)
