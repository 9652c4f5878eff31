"""Integers that stand for real numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from eagerflow import ops
from eagerflow.onnx.nodes.values import as_type, axes_in, type_numbered

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


NODES: dict[str, Callable[..., Any]] = {
    "DequantizeLinear": _dequantize,
    "QuantizeLinear": _quantize,
    "com.microsoft.DequantizeLinear": _dequantize,  # of onnxruntime's quantizer, for integers of 16 bits
    "com.microsoft.QuantizeLinear": _quantize,
}
