"""The steps of gated recurrent units, forward and back: `kernels/recurrent/gru.py` tells how everything lies.

As in `lstm.py`, each loop has few arrays, and a step's rows that lie behind each other are one row.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from eagerflow.compiled.intrinsics import product
from eagerflow.compiled.jit import compiled
from eagerflow.compiled.loops.exponential import doubled_sigmoid, hyperbolic_tangent
from eagerflow.compiled.lstm import arriving_flat, dead_bytes, done, flat
from eagerflow.kernels.machine.threads import scratch

__all__ = ["block_back", "run_steps"]

_HALF, _ONE = np.float32(0.5), np.float32(1)


@compiled(
    "weights[layers, rows, inner], states[times, inner, width], flat_states[times, below], "
    "share[some, three], gates[some, four, width], flat_gates[some, above], dead: uint8[marks, width]",
    dtypes=("float32",),
)
def _gru_steps(
    weights: Any, states: Any, flat_states: Any, share: Any, gates: Any, flat_gates: Any, dead: Any, cuts: int
) -> None:
    """Fill in the gates and states of some steps, from the inputs' share of the gates."""
    layers, width, units = weights.shape[0], states.shape[2], states.shape[1] - 1
    batch, part = width // layers, units * width
    for t in range(gates.shape[0]):
        by_state = gates[t, units:]
        for layer in range(layers):
            product(weights[layer], states[t], by_state, cuts, layer * batch, (layer + 1) * batch)
        made, given = flat_gates[t], share[t]
        candidate, pair, inner = made[:part], made[part : 3 * part], made[3 * part :]
        update, reset = made[part : 2 * part], made[2 * part : 3 * part]
        of_candidate, of_pair = given[:part], given[part:]
        state, new = flat_states[t], flat_states[t + 1]
        for j in range(pair.size):
            pair[j] = doubled_sigmoid(pair[j] + of_pair[j]) * _HALF
        for j in range(part):
            candidate[j] = hyperbolic_tangent(of_candidate[j] + reset[j] * inner[j])
        for j in range(part):
            found = candidate[j]
            new[j] = found + update[j] * (state[j] - found)
        if dead.shape[0] > 0:
            for u in range(units):
                for j in range(width):
                    if dead[t, j]:
                        states[t + 1, u, j] = states[t, u, j]


@compiled(
    "weights[layers, units, rows], states[times, below], gates[times_but_one, above], both[units, width], "
    "flat_both[part], slopes[block, four, width], flat_slopes[block, all], arriving[some, part], "
    "dead: uint8[marks, width], kept[two, part]",
    dtypes=("float32",),
)
def _gru_back(
    weights: Any,
    states: Any,
    gates: Any,
    both: Any,
    flat_both: Any,
    slopes: Any,
    flat_slopes: Any,
    arriving: Any,
    dead: Any,
    kept: Any,
    first: int,
    cuts: int,
) -> None:
    """The gates' gradients of a block of steps, from the last to the first; `first` is the number of its first step.

    `both` is the gradient of the state, before and behind each step.
    """
    layers, units, width, part = weights.shape[0], weights.shape[1], both.shape[1], flat_both.shape[0]
    batch = width // layers
    passing, around = kept[0], kept[1]  # around the product, and around steps that are left out
    for back in range(slopes.shape[0]):
        at = slopes.shape[0] - 1 - back
        t = first + at
        if arriving.shape[0] > 0:
            more = arriving[t]
            for j in range(part):
                flat_both[j] += more[j]
        if dead.shape[0] > 0:
            for u in range(units):
                for j in range(width):
                    around[u * width + j] = both[u, j] if dead[t, j] else np.float32(0)
                    both[u, j] = np.float32(0) if dead[t, j] else both[u, j]
        step, d_step, state = gates[t], flat_slopes[at], states[t]
        candidate, update = step[:part], step[part : 2 * part]
        reset, inner = step[2 * part : 3 * part], step[3 * part :]
        to_candidate, to_update = d_step[:part], d_step[part : 2 * part]
        to_reset, to_inner = d_step[2 * part : 3 * part], d_step[3 * part :]
        for j in range(part):
            u, c, arrived = update[j], candidate[j], flat_both[j]
            to_update[j] = arrived * ((_ONE - u) * u * (state[j] - c))
            to_candidate[j] = arrived * ((_ONE - u) * (_ONE - c * c))
            passing[j] = arrived * u
        for j in range(part):
            r, arrived = reset[j], to_candidate[j]
            to_reset[j] = arrived * ((_ONE - r) * r * inner[j])
            to_inner[j] = arrived * r
        of_product = slopes[at, units:]
        for layer in range(layers):
            product(weights[layer], of_product, both, cuts, layer * batch, (layer + 1) * batch)
        for j in range(part):
            flat_both[j] += passing[j]
        if dead.shape[0] > 0:
            for j in range(part):
                flat_both[j] += around[j]


def run_steps(stepwise: Any, share: ndarray, states: ndarray, gates: ndarray, dead: Any) -> Any:
    """Fill in the gates and the states of some steps, from the inputs' share of the gates."""
    if not (gates.size and states.shape[1] > 1):
        return None
    work = _gru_steps.on(
        stepwise.weights.reshape(stepwise.layers, -1, states.shape[1]),
        states,
        flat(states),
        flat(share),
        gates,
        flat(gates),
        dead_bytes(dead, states.shape[2]),
        stepwise.parts,
    )
    return done(work)


def block_back(
    stepwise: Any, trace: Any, arriving: Any, d_state: ndarray, d_gates: ndarray, block: slice, dead: Any
) -> Any:
    """Fill in the gates' gradients of some steps, from the last to the first."""
    units, width = d_state.shape
    if not d_gates.size:
        return None
    work = _gru_back.on(
        stepwise.weights.reshape(stepwise.layers, units, -1),
        flat(trace.states),
        flat(trace.gates),
        d_state,
        d_state.reshape(-1),
        d_gates,
        flat(d_gates),
        arriving_flat(arriving, d_state),
        dead_bytes(dead, width),
        scratch("gru_kept", (2, units * width), d_gates.dtype),
        block.start,
        stepwise.parts,
    )
    return done(work)
