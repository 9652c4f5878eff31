"""The way back through time, for gradients: what LSTM and GRU have in common.

Steps are taken from the last to the first, some at once as a block. In a block the gates' slopes are computed for all
steps together; only what arrives from the step behind is multiplied in step by step. What follows from the gates'
gradients, those of inputs and weights, is again computed for all steps together, while they are in the cache.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
from numpy import ndarray

from eagerflow.base.variants import accelerated
from eagerflow.kernels.machine.buffering import long_runs
from eagerflow.kernels.machine.costs import Recurrent
from eagerflow.kernels.machine.speeds import speeds
from eagerflow.kernels.machine.threads import each, get_num_threads, one_blas_thread, scratch
from eagerflow.kernels.machine.views import copy_rows
from eagerflow.kernels.matrices.products import product
from eagerflow.kernels.recurrent.sequences import one_below_the_other, steps_together
from eagerflow.kernels.recurrent.step_product import columns
from eagerflow.kernels.recurrent.strips import on_threads

__all__ = ["Behind", "inputs_gradient", "run_back"]


class Behind:
    """What follows from the gates' gradients of one layer: those of its inputs and its weights, added up by blocks.

    Args:
        x: the inputs, (batch, time, features).
        cut: the layer's columns among those of a strip's gates.
        gates: rows of the gates' gradients.
        of_inputs: the weights of the inputs, for the rows of the first of `factors`.
        factors: pairs of some rows, and what they were a product with: a list of (time, batch, columns), each as a list
            of strips of the batch.

    Attributes:
        sequence: the gradient of the inputs.
        sums: the gradients of the weights, (rows, all columns) for each pair, and of a bias for each row of the gates.
    """

    def __init__(
        self, x: ndarray, cut: slice, gates: int, of_inputs: Any, factors: list[tuple[slice, list[list[Any]]]]
    ) -> None:
        self.cut, self.of_inputs, self.factors = cut, of_inputs, factors
        self.sequence = numpy.empty(x.shape, of_inputs.dtype)
        shapes = [(rows.stop - rows.start, sum([strips[0].shape[2] for strips in given])) for rows, given in factors]
        self.sums = [numpy.zeros(shape, of_inputs.dtype) for shape in (*shapes, gates)]

    def of_block(self, d_gates: list[ndarray], block: slice) -> list[Any]:
        """The shares of `sums` from some steps; the inputs' gradient is filled in. Any thread may run it."""
        rows = steps_together("backwards_rows", [strip[..., self.cut] for strip in d_gates])
        inputs_gradient(d_gates, self.factors[0][0], self.cut, self.of_inputs, self.sequence, block)
        shares = []
        for some, given in self.factors:
            given = one_below_the_other("backwards_given", [[strip[block] for strip in strips] for strips in given])
            shares.append(product(rows[some], given))
        shares.append(numpy.dot(rows, numpy.ones(rows.shape[1], rows.dtype)))
        return shares


@accelerated("recurrent")
def inputs_gradient(
    d_gates: list[ndarray], rows: slice, cut: slice, weights: Any, sequence: ndarray, block: slice
) -> None:
    """Fill in the gradient of the inputs of some steps, from those of the gates of each strip.

    Args:
        d_gates: of each strip (time, all gates, width).
        rows: the gates that have to do with the inputs.
        cut: the layer's columns.
        weights: (gates, features).
        sequence: (batch, all steps, features).
        block: the steps.
    """
    strips = [strip[:, rows, cut] for strip in d_gates]
    out = sequence[:, block].swapaxes(0, 1)
    if min(out.shape[1:]) == 1:  # one product for all steps: those with vectors are slow
        together = steps_together("backwards_inputs", strips)
        copy_rows(numpy.dot(together.T, weights).reshape(out.shape), out)
    else:
        for strip, some in zip(strips, columns(len(strips), strips[0].shape[2])):
            numpy.matmul(strip.transpose(0, 2, 1), weights, out=out[:, some])


def run_back(
    one_block: Callable[[int, Any, slice], None], behind: list[Behind], shape: tuple[int, int, int, int], at_once: int
) -> None:
    """Take all steps from the last to the first.

    The steps of a strip stay in one thread: threads that take turns at short calls wait for each other. What follows
    from the gates' gradients is shared among threads, for some blocks at once.

    Args:
        one_block: fills in the gates' gradients of a strip, (time, gates, width), for the steps of a block.
        behind: gets them, one of it for each layer.
        shape: (strips, time, gates, width) of the gradients of all steps.
        at_once: how many steps make a block.
    """
    strips, steps, gates, width = shape
    blocks = [slice(max(0, stop - at_once), stop) for stop in range(steps, 0, -at_once)]
    threads = get_num_threads()
    together = 1 if threads == 1 else min(2 * threads, 8)
    with one_blas_thread, long_runs():
        for first in range(0, len(blocks), together):
            some = blocks[first : first + together]
            room = scratch("backwards_gates", (len(some), strips, at_once, gates, width), behind[0].sequence.dtype)
            d_gates = [[*part[:, : block.stop - block.start]] for part, block in zip(room, some)]
            _fill(one_block, d_gates, some)
            _add_up(behind, d_gates, some)


def _fill(one_block: Callable[[int, Any, slice], None], d_gates: list[list[Any]], blocks: list[slice]) -> None:
    """Take the steps of some blocks, of all strips."""

    def one_strip(i: int) -> None:
        for strips, block in zip(d_gates, blocks):
            one_block(i, strips[i], block)

    on_threads(one_strip, len(d_gates[0]), sum([strip.size for strips in d_gates for strip in strips]))


def _add_up(behind: list[Behind], d_gates: list[list[Any]], blocks: list[slice]) -> None:
    """The shares of some blocks, by all threads, added in order."""
    work = [(one, part, block) for part, block in zip(d_gates, blocks) for one in behind]
    shares: list[Any] = [None] * len(work)

    def run(i: int) -> None:
        one, part, block = work[i]
        shares[i] = one.of_block(part, block)

    size = sum([strip.size for strips in d_gates for strip in strips])
    each(run, len(work), size * Recurrent.MULTIPLY_ADDS / speeds().products)
    for (one, _, _), of_block in zip(work, shares):
        for found, share in zip(one.sums, of_block):
            found += share
