"""The steps of gated recurrent units."""

from __future__ import annotations

from typing import Any

from numpy import ndarray

from eagerflow.compiled.kernel import needs
from eagerflow.compiled.loops import gru as loops
from eagerflow.compiled.twins.lstm import arriving_flat, dead_bytes, flat
from eagerflow.kernels.machine.threads import scratch

__all__ = ["block_back", "run_steps"]


@needs(loops.gru_steps)
def run_steps(stepwise: Any, share: ndarray, states: ndarray, gates: ndarray, dead: Any) -> Any:
    """Fill in the gates and the states of some steps, from the inputs' share of the gates."""
    if not (gates.size and states.shape[1] > 1):
        return None
    work = loops.gru_steps.on(
        stepwise.weights.reshape(stepwise.layers, -1, states.shape[1]),
        states,
        flat(states),
        flat(share),
        gates,
        flat(gates),
        dead_bytes(dead, states.shape[2]),
        stepwise.parts,
    )
    return None if work is None else work() == 0


@needs(loops.gru_back)
def block_back(
    stepwise: Any, trace: Any, arriving: Any, d_state: ndarray, d_gates: ndarray, block: slice, dead: Any
) -> Any:
    """Fill in the gates' gradients of some steps, from the last to the first."""
    units, width = d_state.shape
    if not d_gates.size:
        return None
    work = loops.gru_back.on(
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
    return None if work is None else work() == 0
