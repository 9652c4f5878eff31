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
    """Scale values so that the largest absolute one along an axis becomes the largest integer, and round them.

    Args:
        inputs: the values.
        axis: along which the largest is looked for: a number or several.
        value_range: the smallest and the largest integer.
        dtype: the type of the integers.
        epsilon: added to the largest value, so that zeros divide nothing.
        to_numpy: accepted for Keras' signature.

    Returns:
        The integers, and the scale, with axes of length 1: integers are values times scale, rounded.

    >>> import eagerflow as ef
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
    """Integers for the values from the smallest to the largest of each group of rows of a matrix.

    A group always reaches to zero, which is no integer else; Keras loses groups whose values have one sign.

    Args:
        inputs: a matrix.
        block_size: how many rows are a group; the last one may be smaller.
        value_range: the smallest and the largest integer.
        dtype: the type of the integers.
        epsilon: added to the range of the values, so that equal ones divide nothing.
        to_numpy: accepted for Keras' signature.

    Returns:
        The integers; the scales, a row for each group; and the integers that stand for zero, likewise. A value is
        (integer - zero) times scale.

    Raises:
        ValueError: for anything but a matrix, or a group of no rows.

    >>> import eagerflow as ef
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
    """The values that are left after quantization between two limits, which may be trained.

    Args:
        inputs: the values.
        min_vals: the lower limit, one or one for each index of `axis`.
        max_vals: the upper limit likewise.
        num_bits: how many bits the integers have.
        narrow_range: whether they begin at 1 instead of 0.
        axis: the axis with limits of its own; None for one limit for all.

    Gradients pass where a value lies inside the limits, and go to the limit elsewhere.

    >>> import eagerflow as ef
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
