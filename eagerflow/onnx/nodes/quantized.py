"""Integers that stand for real numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from eagerflow import ops
from eagerflow.onnx.nodes.reducing import NODES as REDUCING
from eagerflow.onnx.nodes.values import as_type, axes_in, type_numbered
from eagerflow.onnx.nodes.windows import convolved

__all__ = ["NODES"]

_SMALL = ("uint8", "int8", "uint16", "int16", "int32")


def _for_parts(part: Any, x: Any, axis: int, block_size: int = 0) -> Any:
    """A scale or zero point so that it meets the elements it is for: all, those of a channel, or of a block."""
    if part is None or (part.size == 1 and part.ndim <= 1):
        return part if part is None else ops.reshape(part, ())
    (axis,) = axes_in([axis], x.ndim)
    if block_size:
        return ops.repeat(part, block_size, axis=axis)[(slice(None),) * axis + (slice(0, x.shape[axis]),)]
    if part.ndim != 1:
        raise ValueError(f"a scale of shape {list(part.shape)} without block_size.")
    return ops.reshape(part, [-1 if i == axis else 1 for i in range(x.ndim)])


def _dequantize(
    x: Any, scale: Any, zero: Any = None, *, axis: int = 1, block_size: int = 0, output_dtype: int = 0
) -> Any:
    to = type_numbered(output_dtype) if output_dtype else scale.dtype
    made = ops.cast(x, "float32")
    if zero is not None:
        made = ops.subtract(made, ops.cast(_for_parts(zero, x, axis, block_size), "float32"))
    return as_type(ops.multiply(made, ops.cast(_for_parts(scale, x, axis, block_size), "float32")), to)


def _quantize(
    x: Any,
    scale: Any,
    zero: Any = None,
    *,
    axis: int = 1,
    block_size: int = 0,
    output_dtype: int = 0,
    saturate: int = 1,
    precision: int = 0,
) -> Any:
    to = type_numbered(output_dtype) if output_dtype else numpy.dtype("uint8") if zero is None else zero.dtype
    return _rounded(
        ops.divide(ops.cast(x, "float32"), ops.cast(_for_parts(scale, x, axis, block_size), "float32")),
        _for_parts(zero, x, axis, block_size),
        to,
    )


def _rounded(x: Any, zero: Any, to: Any) -> Any:
    """Whole numbers of a type, those beyond its ends at them."""
    if to.name not in _SMALL:
        raise ValueError(f"quantized to {to}, which isn't known here.")
    made = ops.round(x)
    made = made if zero is None else ops.add(made, ops.cast(zero, str(made.dtype)))
    ends = numpy.iinfo(to)
    return ops.cast(ops.clip(made, float(ends.min), float(ends.max)), to.name)


def _whole(x: Any, zero: Any, axis: int) -> Any:
    """Integers less their zero point, as 64-bit floats, which hold them exactly."""
    x = ops.cast(x, "float64")
    if zero is None:
        return x
    if zero.ndim == 1 and zero.size > 1:
        zero = ops.reshape(zero, [-1 if i == axis % x.ndim else 1 for i in range(x.ndim)])
    elif zero.ndim == 1:
        zero = ops.reshape(zero, ())
    return ops.subtract(x, ops.cast(zero, "float64"))


def _matmul_integer(x: Any, y: Any, x_zero: Any = None, y_zero: Any = None) -> Any:
    return ops.cast(REDUCING["MatMul"](_whole(x, x_zero, -2), _whole(y, y_zero, -1)), "int32")


def _conv_integer(x: Any, kernel: Any, x_zero: Any = None, k_zero: Any = None, **how: Any) -> Any:
    return ops.cast(convolved(_whole(x, x_zero, 1), _whole(kernel, k_zero, 0), **how), "int32")


def _scaled(product: Any, factor: Any, zero: Any) -> Any:
    return _rounded(ops.multiply(product, ops.cast(factor, "float64")), zero, zero.dtype)


def _qlinear_matmul(
    a: Any, a_scale: Any, a_zero: Any, b: Any, b_scale: Any, b_zero: Any, y_scale: Any, y_zero: Any
) -> Any:
    product = REDUCING["MatMul"](_whole(a, a_zero, -2), _whole(b, b_zero, -1))
    a_scale, b_scale = (ops.cast(scale, "float64") for scale in (a_scale, b_scale))
    a_scale = ops.reshape(a_scale, (-1, 1)) if a_scale.ndim == 1 and a_scale.size > 1 else a_scale
    return _scaled(product, ops.divide(ops.multiply(a_scale, b_scale), ops.cast(y_scale, "float64")), y_zero)


def _qlinear_conv(
    x: Any,
    x_scale: Any,
    x_zero: Any,
    w: Any,
    w_scale: Any,
    w_zero: Any,
    y_scale: Any,
    y_zero: Any,
    bias: Any = None,
    **how: Any,
) -> Any:
    product = convolved(_whole(x, x_zero, 1), _whole(w, w_zero, 0), **how)
    channel = (1, -1, *[1] * (x.ndim - 2))
    if bias is not None:
        product = ops.add(product, ops.reshape(ops.cast(bias, "float64"), channel))
    w_scale = ops.reshape(w_scale, channel) if w_scale.size > 1 else ops.reshape(w_scale, ())
    factor = ops.divide(ops.multiply(ops.cast(x_scale, "float64"), ops.cast(w_scale, "float64")), y_scale)
    return _scaled(product, factor, y_zero)


NODES: dict[str, Callable[..., Any]] = {
    "DequantizeLinear": _dequantize,
    "QuantizeLinear": _quantize,
    "com.microsoft.DequantizeLinear": _dequantize,  # of onnxruntime's quantizer, for integers of 16 bits
    "com.microsoft.QuantizeLinear": _quantize,
    "MatMulInteger": _matmul_integer,
    "ConvInteger": _conv_integer,
    "QLinearMatMul": _qlinear_matmul,
    "QLinearConv": _qlinear_conv,
}
