"""How vectors go together: correlation coefficients, and products at all shifts."""

from __future__ import annotations

from typing import Literal

import numpy

from eagerflow.base.typing import TensorLike
from eagerflow.core.dtypes import is_half
from eagerflow.core.op import composite
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.ops.arrays.diagonals import diagonal
from eagerflow.ops.arrays.indexing import raw_index, take_index
from eagerflow.ops.arrays.join import pad
from eagerflow.ops.arrays.shape import flip, reshape
from eagerflow.ops.elementwise.arithmetic import divide, multiply, subtract
from eagerflow.ops.elementwise.casting import cast
from eagerflow.ops.elementwise.complex_numbers import conj
from eagerflow.ops.elementwise.exponential import sqrt
from eagerflow.ops.matrices.products import matmul, outer
from eagerflow.ops.reduce.reductions import mean

__all__ = ["corrcoef", "correlate"]


@composite
def corrcoef(x: TensorLike) -> Tensor:
    """Pearson's correlation coefficients of all pairs of variables.

    Args:
        x: a matrix with one variable per row and one observation per column; or a vector, one variable.

    Returns:
        A square matrix, with one row and column per variable; for a vector, a scalar.

    >>> ef.ops.corrcoef([[1.0, 2.0, 3.0], [6.0, 4.0, 2.0]]).round(3)
    Tensor(2×2 float32, [[ 1., -1.],
                         [-1.,  1.]])
    """
    x = multiply(x, 1.0)
    if is_half(x.dtype):  # float16 holds no square above 65504
        return cast(corrcoef(cast(x, "float32")), x.dtype)
    lines = reshape(x, (1, -1)) if x.ndim < 2 else x
    centred = subtract(lines, mean(lines, axis=-1, keepdims=True))
    products = matmul(centred, conj(centred).T)
    deviation = sqrt(diagonal(products))
    result = divide(products, outer(deviation, deviation))
    return reshape(result, ()) if x.ndim < 2 else result


@composite
def correlate(x1: TensorLike, x2: TensorLike, mode: Literal["valid", "same", "full"] | str = "valid") -> Tensor:
    """Cross-correlation of two vectors: the sums of their products at all shifts.

    Args:
        x1: a vector.
        x2: a vector; if it is complex, it is conjugated.
        mode: `"valid"` for shifts that overlap fully, `"full"` for all, `"same"` for as many in the middle as the
            longer vector has elements.

    Raises:
        ValueError: for another mode, or what isn't a vector.

    >>> ef.ops.correlate([1.0, 2.0, 3.0], [0.0, 1.0]).tolist()
    [2.0, 3.0]
    """
    x1, x2 = convert_to_tensor(x1), convert_to_tensor(x2)
    if x1.ndim != 1 or x2.ndim != 1 or not x1.size or not x2.size:
        raise ValueError(f"correlate: expected two vectors, not empty; got shapes {x1.shape} and {x2.shape}.")
    if mode not in ("valid", "same", "full"):
        raise ValueError(f"correlate: mode={mode!r}; expected 'valid', 'same' or 'full'.")
    if x1.size < x2.size:
        return conj(flip(correlate(x2, x1, mode)))
    border = x2.size - 1
    left = {"valid": 0, "full": border, "same": x2.size // 2}[mode]
    right = {"valid": 0, "full": border, "same": border - x2.size // 2}[mode]
    wide = pad(x1, ((left, right),))
    starts = numpy.arange(wide.size - border)
    windows = take_index(wide, raw_index(wide, starts[:, None] + numpy.arange(x2.size)))
    return matmul(windows, conj(x2))
