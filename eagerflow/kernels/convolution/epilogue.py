"""What follows a product or convolution, done in place while the results are in the cache: bias and relu.

The numbers are those of `add` and `relu` to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from eagerflow.core.dtypes import wide_sum
from eagerflow.kernels.elementwise.activations import relu_gradient
from eagerflow.kernels.machine.blocks import with_row, zeros
from eagerflow.kernels.machine.costs import Blocks, Epilogue
from eagerflow.kernels.machine.numbers import ZERO
from eagerflow.kernels.machine.threads import each
from eagerflow.kernels.reduce.moments import rows_at_once
from eagerflow.kernels.reduce.sums import sum_to

__all__ = ["add_bias", "epilogue", "finish", "masked", "sums_of_bias"]


def epilogue(bias: Any, relu: bool, rows: int) -> Callable[..., None]:
    """A function that adds `bias` (width,) to contiguous arrays (..., width) of up to `rows` rows, in place.

    With `relu` it leaves their positive part. A second array like the first, if given, is where that goes; the first
    is then written to on the way. The function's `made_of` is the bias, and whether relu follows.
    """
    height = max(1, min(rows, Blocks.LONG_ROW // max(1, bias.size)))
    row = numpy.empty((height, bias.size), bias.dtype)  # broadcasting short rows is slow
    row[...] = bias
    row = row.reshape(-1)
    is_usual = row.size <= Blocks.CHUNK and row.dtype.char in "fd"
    nothing = zeros(row.size, row.dtype) if is_usual else numpy.zeros(row.size, row.dtype)
    piece = max(1, Blocks.PIECE // max(1, row.size)) * row.size

    def finish_part(part: Any, into: Any = None) -> None:
        flat = part.reshape(-1)
        target = flat if into is None else into.reshape(-1)
        for start in range(0, flat.size, max(1, piece)):
            a, out = flat[start : start + piece], target[start : start + piece]
            with_row(numpy.add, a, row, a if relu else out)
            if relu:
                with_row(numpy.maximum, a, nothing, out)

    finish_part.made_of = bias, relu  # type: ignore[attr-defined]
    return finish_part


def finish(block: Any, biases: Any, relu: bool) -> None:
    """`block` becomes `block + biases`, with `relu` its positive part."""
    numpy.add(block, biases, out=block)
    if relu and Epilogue.SMALL <= block.size <= Blocks.CHUNK and block.dtype.char in "fd":
        flat = block.reshape(-1)
        numpy.maximum(flat, zeros(flat.size, flat.dtype), out=flat)
    elif relu:
        numpy.maximum(block, ZERO.get(block.dtype, 0), out=block)


def add_bias(out: Any, bias: Any, relu: bool) -> None:
    """`out` (..., width), contiguous, becomes `out + bias`, with `relu` its positive part, in place."""
    if out.size <= Blocks.CHUNK:
        if out.size:
            finish(out.reshape(-1, bias.size), bias, relu)
        return
    matrix = out.reshape(-1, bias.size)
    finish_part = epilogue(bias, relu, len(matrix))
    step = Epilogue.RUN * rows_at_once(bias.size)
    each(lambda i: finish_part(matrix[i * step : (i + 1) * step]), -(-len(matrix) // step), out.size * 0.3 / 1000)


def masked(g: Any, out: Any) -> Any:
    """g where the outputs of relu are positive, else 0."""
    if out.size < Epilogue.SMALL or g.dtype != out.dtype:
        mask = numpy.greater(out, ZERO.get(out.dtype, 0)).astype(g.dtype)  # the product of bools would cast them slowly
        return numpy.multiply(g, mask, out=mask)
    return relu_gradient(g, out)


def sums_of_bias(g: Any, shape: tuple[int, ...]) -> Any:
    """The gradient of a bias of this shape (width,): g summed over all other axes."""
    g = sum_to(g, shape)
    return g if g.shape == shape else wide_sum(g, tuple(range(g.ndim - 1)))
