"""How recurrent kernels lay out sequences and cut them into blocks of steps."""

from __future__ import annotations

from typing import Any

import numpy
from numpy import multiply, ndarray

from eagerflow.kernels.machine.costs import Recurrent
from eagerflow.kernels.machine.threads import scratch
from eagerflow.kernels.machine.views import copy_rows

__all__ = ["batch_first", "one_below_the_other", "steps_at_once", "steps_together", "turned"]


def steps_at_once(steps: int, units: int, batch: int) -> int:
    """How many steps make a block, for four gates; with blocks of nearly one length, their number even if possible."""
    least, most = (positions // max(1, batch) for positions in Recurrent.INNER)
    longest = max(1, least, min(most, Recurrent.BLOCK // max(1, 4 * units * batch)))
    blocks = -(-steps // longest)
    blocks += blocks % 2 if blocks > 1 else 0
    return max(1, -(-steps // max(1, blocks)))


def batch_first(states: ndarray, factor: float = 1.0) -> Any:
    """(time, units, batch) as (batch, time, units), times a factor."""
    steps, units, batch = states.shape
    out = numpy.empty((batch, steps, units), states.dtype)
    return multiply(states.transpose(2, 0, 1), factor, out=out)


def steps_together(name: str, a: ndarray) -> Any:
    """(time, rows, batch) as (rows, time * batch), in scratch."""
    steps, rows, batch = a.shape
    flat = scratch(name, (rows, steps, batch), a.dtype)
    copy_rows(a.transpose(1, 0, 2), flat)
    return flat.reshape(rows, steps * batch)


def one_below_the_other(name: str, parts: list[Any]) -> Any:
    """Parts (time, batch, columns) beside each other as (time * batch, all columns), in scratch.

    Then BLAS has neither matrix of the product to turn that sums over time and batch.
    """
    steps, batch, _ = parts[0].shape
    width = sum([part.shape[2] for part in parts])
    flat = scratch(name, (steps, batch, width), parts[0].dtype)
    start = 0
    for part in parts:
        copy_rows(part, flat[..., start : start + part.shape[2]])
        start += part.shape[2]
    return flat.reshape(steps * batch, width)


def turned(a: ndarray, rows: int) -> Any:
    """`rows` rows from the end in front of the others: from Keras' order of gates to ours, or back with `-rows`."""
    return numpy.concatenate([a[-rows:], a[:-rows]])
