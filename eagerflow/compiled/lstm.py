"""The steps of long short-term memory, forward and back: `kernels/recurrent/lstm.py` tells how everything lies.

Columns (of the batch) don't know of each other. Each loop has few arrays, and rows that lie behind each other are one
row: then many numbers are computed at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from eagerflow.compiled.intrinsics import product
from eagerflow.compiled.jit import compiled
from eagerflow.compiled.loops.exponential import doubled_sigmoid, hyperbolic_tangent
from eagerflow.kernels.machine.threads import scratch

__all__ = ["block_back", "run_steps"]

_HALF, _ONE, _TWO = np.float32(0.5), np.float32(1), np.float32(2)


@compiled(
    "w[layers, rows, inner], inputs[times, inner, width], flat_inputs[times, below], "
    "gates[kept, five, width], flat_gates[kept, above], squashed[held, part], dead: uint8[marks, width]",
    dtypes=("float32",),
)
def _lstm_steps(
    w: Any, inputs: Any, flat_inputs: Any, gates: Any, flat_gates: Any, squashed: Any, dead: Any, moves: int, cuts: int
) -> None:
    """Fill in states, gates and squashed cells. Without `moves` the gates of all steps lie in one place."""
    layers, part, width = w.shape[0], squashed.shape[1], inputs.shape[2]
    batch, units = width // layers, part // width
    for t in range(inputs.shape[0] - 1):
        here, after = t * moves, (t + 1) * moves
        made = flat_gates[here]
        for layer in range(layers):
            product(w[layer], inputs[t], gates[here], cuts, layer * batch, (layer + 1) * batch)
        sigmoids = made[: 3 * part]
        for j in range(sigmoids.size):
            sigmoids[j] = doubled_sigmoid(sigmoids[j])
        output, let_in = made[:part], made[part : 2 * part]
        forget, candidate = made[2 * part : 3 * part], made[3 * part : 4 * part]
        before, cell = made[4 * part :], flat_gates[after][4 * part :]
        flat, state = squashed[here], flat_inputs[t + 1][:part]
        if moves:
            for j in range(part):
                new = hyperbolic_tangent(candidate[j])
                candidate[j] = new
                cell[j] = (let_in[j] * new + forget[j] * before[j]) * _HALF
        else:  # the cell and the one before are one array: where arrays overlap, loops are slow
            for j in range(part):
                before[j] = (let_in[j] * hyperbolic_tangent(candidate[j]) + forget[j] * before[j]) * _HALF
        for j in range(part):
            small = hyperbolic_tangent(cell[j])
            flat[j] = small
            state[j] = output[j] * small
        if dead.shape[0] > 0:
            for u in range(units):
                for j in range(width):
                    if dead[t, j]:
                        gates[after, 4 * units + u, j] = gates[here, 4 * units + u, j]
                        inputs[t + 1, u, j] = inputs[t, u, j]


@compiled(
    "weights[layers, units, rows], gates[times, above], squashed[steps, part], both[two, width], "
    "flat_both[twice], slopes[block, rows, width], flat_slopes[block, four], arriving[some, part], "
    "dead: uint8[marks, width], passing[two, width]",
    dtypes=("float32",),
)
def _lstm_back(
    weights: Any,
    gates: Any,
    squashed: Any,
    both: Any,
    flat_both: Any,
    slopes: Any,
    flat_slopes: Any,
    arriving: Any,
    dead: Any,
    passing: Any,
    first: int,
    cuts: int,
) -> None:
    """The gates' gradients of a block of steps, from the last to the first; `first` is the number of its first step."""
    layers, units, width, part = weights.shape[0], weights.shape[1], both.shape[1], squashed.shape[1]
    batch = width // layers
    d_state, d_cell = flat_both[:part], flat_both[part:]
    for back in range(slopes.shape[0]):
        at = slopes.shape[0] - 1 - back
        t = first + at
        if arriving.shape[0] > 0:
            more = arriving[t]
            for j in range(part):
                d_state[j] += more[j]
        if dead.shape[0] > 0:
            for r in range(2 * units):
                for j in range(width):
                    passing[r, j] = both[r, j] if dead[t, j] else np.float32(0)
                    both[r, j] = np.float32(0) if dead[t, j] else both[r, j]
        step, d_step, flat = gates[t], flat_slopes[at], squashed[t]
        output, let_in, forget = step[:part], step[part : 2 * part], step[2 * part : 3 * part]
        candidate, before = step[3 * part : 4 * part], step[4 * part :]
        to_output, to_input = d_step[:part], d_step[part : 2 * part]
        to_forget, to_candidate = d_step[2 * part : 3 * part], d_step[3 * part :]
        for j in range(part):
            o, small, state = output[j], flat[j], d_state[j]
            to_output[j] = state * ((_TWO - o) * (o * small))
            d_cell[j] += state * (o * (_ONE - small * small))
        for j in range(part):
            i2, c, cell = let_in[j], candidate[j], d_cell[j]
            to_input[j] = cell * ((_TWO - i2) * (i2 * c))
            to_candidate[j] = cell * (i2 * (_ONE - c * c))
        for j in range(part):
            f, cell = forget[j], d_cell[j]
            to_forget[j] = cell * ((_TWO - f) * (f * before[j]))
            d_cell[j] = cell * (f * _HALF)
        for layer in range(layers):
            product(weights[layer], slopes[at], both, cuts, layer * batch, (layer + 1) * batch)
        if dead.shape[0] > 0:
            for r in range(2 * units):
                for j in range(width):
                    both[r, j] += passing[r, j]


def run_steps(stepwise: Any, inputs: ndarray, gates: ndarray, squashed: Any, dead: Any) -> Any:
    """Fill in the states of `inputs`, the gates and the squashed cells, step by step."""
    width, moves = inputs.shape[2], int(gates.strides[0] > 0)
    if not (inputs.size and squashed.size):
        return None
    gates, squashed = _one_place(gates), _one_place(squashed)
    work = _lstm_steps.on(
        stepwise.weights.reshape(stepwise.layers, -1, inputs.shape[1]),
        inputs,
        flat(inputs),
        gates,
        flat(gates),
        flat(squashed),
        dead_bytes(dead, width),
        moves,
        stepwise.parts,
    )
    return done(work)


def block_back(
    stepwise: Any, trace: Any, arriving: Any, d_both: ndarray, d_gates: ndarray, block: slice, dead: Any
) -> Any:
    """Fill in the gates' gradients of some steps, from the last to the first."""
    _, units, width = trace.squashed.shape
    if not d_gates.size:
        return None
    work = _lstm_back.on(
        stepwise.weights.reshape(stepwise.layers, units, -1),
        flat(trace.gates),
        flat(trace.squashed),
        d_both,
        d_both.reshape(-1),
        d_gates,
        flat(d_gates),
        arriving_flat(arriving, d_both[:units]),
        dead_bytes(dead, width),
        scratch("lstm_passing", d_both.shape, d_both.dtype),
        block.start,
        stepwise.parts,
    )
    return done(work)


def done(work: Any) -> Any:
    """Do the work; None where there is none, since the loops don't take the arrays."""
    if work is None:
        return None
    work()
    return True


def arriving_flat(arriving: Any, d_state: ndarray) -> Any:
    """What arrives at each step's state; without rows where nothing does."""
    return np.zeros((0, d_state.size), d_state.dtype) if arriving is None else flat(arriving)


def dead_bytes(dead: Any, width: int) -> Any:
    """(time, width) as bytes; without rows where no step is left out."""
    return np.zeros((0, width), "uint8") if dead is None else dead.reshape(-1, width).view("uint8")


def _one_place(a: ndarray) -> ndarray:
    """The steps of an array that lie in different places: all, or one."""
    return a if a.strides[0] else a[:1]


def flat(a: ndarray) -> Any:
    """Each step's numbers behind each other."""
    return a.reshape(len(a), -1)
