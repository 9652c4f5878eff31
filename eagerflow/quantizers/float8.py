"""Floats of eight bits, as what is left of other floats: NumPy has no such type."""

from __future__ import annotations

from typing import Any

from eagerflow import ops
from eagerflow.base.errors import expect_one_of
from eagerflow.base.typing import TensorLike
from eagerflow.core.tensor import Tensor, convert_to_tensor

__all__ = ["compute_float8_amax_history", "compute_float8_scale", "quantize_and_dequantize"]

# By type: bits after the point, the smallest exponent, the largest number.
FORMATS = {"float8_e4m3fn": (3, -6, 448.0), "float8_e5m2": (2, -14, 57344.0)}


def compute_float8_scale(amax: TensorLike, scale: TensorLike, dtype_max: TensorLike, margin: int = 0) -> Tensor:
    """The scale by which numbers must be divided to fill the range of an 8-bit float type.

    Args:
        amax: the largest absolute value of the numbers.
        scale: the present scale, which is returned where `amax` is 0 or not finite.
        dtype_max: the largest number of the type.
        margin: the number of powers of two that are left unused at the upper end.

    >>> float(ef.quantizers.compute_float8_scale(896.0, 1.0, 448.0))
    2.0
    """
    amax = convert_to_tensor(amax)
    before = ops.reciprocal(convert_to_tensor(scale))
    usable = ops.logical_and(amax > 0.0, ops.isfinite(amax))
    found = dtype_max / ops.where(usable, amax, ops.ones_like(amax)) / 2**margin
    return ops.reciprocal(ops.where(usable, found, before))


def compute_float8_amax_history(x: TensorLike, amax_history: TensorLike) -> Tensor:
    """Updates a history of largest absolute values: shifts it by one place, and puts that of `x` in front.

    Args:
        x: the values.
        amax_history: the history so far, a vector.

    >>> ef.quantizers.compute_float8_amax_history([1.0, -3.0], [0.0, 1.0, 2.0]).tolist()
    [3.0, 2.0, 0.0]
    """
    history = ops.roll(convert_to_tensor(amax_history), -1)
    largest = ops.cast(ops.max(ops.abs(convert_to_tensor(x))), history.dtype)
    return ops.concatenate([ops.reshape(largest, (1,)), history[1:]])


def quantize_and_dequantize(inputs: TensorLike, scale: TensorLike, quantized_dtype: Any, compute_dtype: Any) -> Tensor:
    """Rounds numbers to the precision of an 8-bit float type: divides by a scale, casts, casts back and multiplies.

    Args:
        inputs: the numbers.
        scale: the scale.
        quantized_dtype: `"float8_e4m3fn"` or `"float8_e5m2"`.
        compute_dtype: the type of the result.

    Raises:
        ValueError: for another type.

    >>> ef.quantizers.quantize_and_dequantize([0.3, 17.0, 1000.0], 1.0, "float8_e4m3fn", "float32").tolist()
    [0.3125, 16.0, 448.0]
    """
    name = getattr(quantized_dtype, "name", quantized_dtype)
    expect_one_of("quantize_and_dequantize", "quantized_dtype", name, tuple(FORMATS))
    bits, smallest, most = FORMATS[name]
    scale = ops.cast(scale, compute_dtype)
    x = ops.clip(ops.cast(ops.cast(inputs, compute_dtype) / scale, "float32"), -most, most)
    exponent = ops.maximum(ops.floor(ops.log2(ops.maximum(ops.abs(x), 2.0 ** (smallest - 1)))), float(smallest))
    step = ops.exp2(exponent - bits)
    return ops.cast(ops.round(x / step) * step, compute_dtype) * scale
