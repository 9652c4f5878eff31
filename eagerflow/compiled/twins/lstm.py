"""The steps of long short-term memory."""

from __future__ import annotations

from typing import Any

import numpy
from numpy import ndarray

from eagerflow.compiled.kernel import needs
from eagerflow.compiled.loops import lstm as loops
from eagerflow.kernels.machine.threads import scratch

__all__ = ["block_back", "run_steps"]


@needs(loops.lstm_steps)
def run_steps(stepwise: Any, inputs: ndarray, gates: ndarray, squashed: Any, dead: Any) -> Any:
    """Fill in the states of `inputs`, the gates and the squashed cells, step by step."""
    width, moves = inputs.shape[2], int(gates.strides[0] > 0)
    if not (inputs.size and squashed.size):
        return None
    gates, squashed = _one_place(gates), _one_place(squashed)
    work = loops.lstm_steps.on(
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
    return None if work is None else work() == 0


@needs(loops.lstm_back)
def block_back(
    stepwise: Any, trace: Any, arriving: Any, d_both: ndarray, d_gates: ndarray, block: slice, dead: Any
) -> Any:
    """Fill in the gates' gradients of some steps, from the last to the first."""
    _, units, width = trace.squashed.shape
    if not d_gates.size:
        return None
    work = loops.lstm_back.on(
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
    return None if work is None else work() == 0


def arriving_flat(arriving: Any, d_state: ndarray) -> Any:
    """What arrives at each step's state; without rows where nothing does."""
    return numpy.zeros((0, d_state.size), d_state.dtype) if arriving is None else flat(arriving)


def dead_bytes(dead: Any, width: int) -> Any:
    """(time, width) as bytes; without rows where no step is left out."""
    return numpy.zeros((0, width), "uint8") if dead is None else dead.reshape(-1, width).view("uint8")


def _one_place(a: ndarray) -> ndarray:
    """The steps of an array that lie in different places: all, or one."""
    return a if a.strides[0] else a[:1]


def flat(a: ndarray) -> Any:
    """Each step's numbers behind each other."""
    return a.reshape(len(a), -1)
