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


def batch_first(strips: list[ndarray], factor: float = 1.0) -> Any:
    """(time, units, batch) of each strip as (batch, time, units) of all, times a factor."""
    steps, units, width = strips[0].shape
    out = numpy.empty((len(strips) * width, steps, units), strips[0].dtype)
    for i, states in enumerate(strips):
        multiply(states.transpose(2, 0, 1), factor, out=out[i * width : (i + 1) * width])
    return out


def steps_together(name: str, strips: list[ndarray]) -> Any:
    """(time, rows, batch) of each strip as (rows, time * batch) of all, in scratch."""
    steps, rows, width = strips[0].shape
    batch = len(strips) * width
    flat = scratch(name, (rows, steps, batch), strips[0].dtype)
    for i, strip in enumerate(strips):
        copy_rows(strip.transpose(1, 0, 2), flat[:, :, i * width : (i + 1) * width])
    return flat.reshape(rows, steps * batch)


def one_below_the_other(name: str, parts: list[list[ndarray]]) -> Any:
    """Parts (time, batch, columns), of strips each, concatenated as (time * batch, all columns), in scratch.

    Then BLAS has neither matrix of the product to turn that sums over time and batch.
    """
    steps = len(parts[0][0])
    batch = sum([strip.shape[1] for strip in parts[0]])
    width = sum([strips[0].shape[2] for strips in parts])
    flat = scratch(name, (steps, batch, width), parts[0][0].dtype)
    start = 0
    for strips in parts:
        stop, first = start + strips[0].shape[2], 0
        for strip in strips:
            copy_rows(strip, flat[:, first : first + strip.shape[1], start:stop])
            first += strip.shape[1]
        start = stop
    return flat.reshape(steps * batch, width)


def turned(a: ndarray, rows: int) -> Any:
    """`rows` rows from the end in front of the others: from Keras' order of gates to ours, or back with `-rows`."""
    return numpy.concatenate([a[-rows:], a[:-rows]])
