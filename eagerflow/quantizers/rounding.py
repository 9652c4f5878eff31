"""Numbers to integers and a scale: by the largest value, by groups with a zero point, and in training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy

from eagerflow import ops
from eagerflow.base.typing import TensorLike
from eagerflow.core.custom_gradient import custom_gradient
from eagerflow.core.dtypes import as_dtype, is_differentiable
from eagerflow.core.op import composite
from eagerflow.core.tensor import Tensor, convert_to_tensor

__all__ = ["abs_max_quantize", "abs_max_quantize_grouped_with_zero_point", "fake_quant_with_min_max_vars"]


def abs_max_quantize(
    inputs: TensorLike,
    axis: int | Sequence[int],
    value_range: tuple[int, int] = (-127, 127),
    dtype: str = "int8",
    epsilon: float = 1e-7,
    to_numpy: bool = False,
) -> tuple[Tensor, Tensor]:
    """Quantizes values to integers, scaled so that the largest absolute value becomes the largest integer.

    Args:
        inputs: the values.
        axis: the axis or axes over which the largest absolute value is taken.
        value_range: the smallest and the largest integer.
        dtype: the type of the integers.
        epsilon: a small number that is added to the largest value, so that it is never 0.
        to_numpy: accepted for Keras' signature.

    Returns:
        The integers, and the scale, with axes of length 1: `integers = round(inputs * scale)`.

    >>> values, scale = ef.quantizers.abs_max_quantize([[0.5, -1.0], [2.0, 0.25]], axis=0, value_range=(-8, 7))
    >>> values.tolist()
    [[2, -7], [7, 2]]
    """
    x = convert_to_tensor(inputs)
    x = x if is_differentiable(x.dtype) else ops.cast(x, "float32")
    axes = tuple(axis) if isinstance(axis, (list, tuple)) else axis
    scale = ops.cast(value_range[1] / (ops.max(ops.abs(x), axis=axes, keepdims=True) + epsilon), x.dtype)
    return ops.cast(ops.clip(ops.round(x * scale), *value_range), dtype), scale


def abs_max_quantize_grouped_with_zero_point(
    inputs: TensorLike,
    block_size: int,
    value_range: tuple[int, int] = (-8, 7),
    dtype: str = "int8",
    epsilon: float = 1e-7,
    to_numpy: bool = False,
) -> tuple[Tensor, Tensor, Tensor]:
    """Quantizes a matrix to integers in groups of rows, each with its own scale and zero point per column.

    The range from the smallest to the largest value of a group, extended to contain 0, is mapped to `value_range`.
    (Keras doesn't extend it, which gives wrong values for groups whose values all have the same sign.)

    Args:
        inputs: a matrix.
        block_size: the number of rows in a group; the last group may be smaller.
        value_range: the smallest and the largest integer.
        dtype: the type of the integers.
        epsilon: a small number that is added to the range of values, so that it is never 0.
        to_numpy: accepted for Keras' signature.

    Returns:
        The integers; the scales, one row per group; and the zero points, one row per group.
        `values = (integers - zero_points) * scales`.

    Raises:
        ValueError: for anything but a matrix, or a `block_size` below 1.

    >>> quantize = ef.quantizers.abs_max_quantize_grouped_with_zero_point
    >>> values, scale, zero = quantize([[0.0], [3.0], [-1.0], [0.5]], block_size=2)
    >>> [round(float(v), 1) for v in (values[:, 0] - [zero[0, 0], zero[0, 0], zero[1, 0], zero[1, 0]])]
    [0.0, 15.0, -10.0, 5.0]
    """
    x = numpy.asarray(convert_to_tensor(inputs))
    if x.ndim != 2 or block_size < 1:
        raise ValueError(
            "abs_max_quantize_grouped_with_zero_point: expected a matrix and a block_size of at least 1; got the shape "
            f"{x.shape} and {block_size!r}."
        )
    least, most = value_range
    rows, columns = x.shape
    groups = math.ceil(rows / block_size)
    padded = numpy.zeros((groups * block_size, columns), x.dtype)
    padded[:rows] = x
    grouped = padded.reshape(groups, block_size, columns)
    low = numpy.minimum(grouped.min(axis=1, keepdims=True), 0)
    high = numpy.maximum(grouped.max(axis=1, keepdims=True), 0)
    scale = ((high - low + x.dtype.type(epsilon)) / x.dtype.type(most - least)).astype(x.dtype)
    zero = numpy.clip(numpy.round(-low / scale) + least, least, most)
    values = numpy.clip(numpy.round(grouped / scale) + zero, least, most).astype(as_dtype(dtype))
    values = values.reshape(groups * block_size, columns)[:rows]
    return Tensor(values), Tensor(scale[:, 0]), Tensor(zero[:, 0].astype("int8"))


@composite
def fake_quant_with_min_max_vars(
    inputs: TensorLike,
    min_vals: TensorLike,
    max_vals: TensorLike,
    num_bits: int = 8,
    narrow_range: bool = False,
    axis: int | None = None,
) -> Tensor:
    """Simulates quantization: rounds values to the steps that integers between two limits can represent.

    It is for quantization-aware training. Gradients flow to values inside the limits, and elsewhere to the limits,
    which can be trained, too.

    Args:
        inputs: the values.
        min_vals: the lower limit: one number, or one per index of `axis`.
        max_vals: the upper limit, in the same way.
        num_bits: the number of bits of the integers.
        narrow_range: whether the integers begin at 1 instead of 0.
        axis: the axis whose indices have separate limits; None: all values have the same.

    >>> ef.quantizers.fake_quant_with_min_max_vars([-2.0, 0.1, 0.6, 3.0], 0.0, 1.0, num_bits=1).tolist()
    [0.0, 0.0, 1.0, 1.0]
    """
    least, most = int(narrow_range), 2 ** int(num_bits) - 1

    @custom_gradient
    def fake_quant(x: Any, low: Any, high: Any) -> Any:
        shape = [1] * x.ndim
        if axis is not None:
            shape[axis] = -1
        a, b = (ops.reshape(ops.cast(v, "float32"), shape if axis is not None or v.ndim else ()) for v in (low, high))
        step, inverse = (b - a) / (most - least), (most - least) / (b - a)
        zero = ops.round(ops.clip(least - a / step, least, most))
        a, b = (least - zero) * step, (most - zero) * step
        shifted = (ops.clip(ops.cast(x, "float32"), a, b) - a) * inverse
        result = ops.floor(shifted - ops.floor(-a * inverse + 0.5) + 0.5) * step

        def gradients(upstream: Any) -> Any:
            others = tuple([i for i in range(x.ndim) if axis is None or i != axis % x.ndim])

            def summed(where: Any, like: Any) -> Any:
                found = ops.sum(ops.where(where, upstream, ops.zeros_like(upstream)), axis=others)
                return ops.reshape(found, like.shape)

            inside = ops.logical_and(x >= a, x <= b)
            passed = ops.where(inside, upstream, ops.zeros_like(upstream))
            return passed, summed(x <= a, low), summed(x >= b, high)

        return ops.cast(result, x.dtype), gradients

    found: Tensor = fake_quant(*map(convert_to_tensor, (inputs, min_vals, max_vals)))
    return found
