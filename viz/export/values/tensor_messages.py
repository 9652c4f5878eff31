"""Arrays as TensorFlow's `TensorProto`."""

from __future__ import annotations

from typing import Any

import numpy

from viz.export.event_protos import protos

__all__ = ["DTYPES", "tensor_message"]

DTYPES = {  # numbers of TensorFlow's types.proto
    "float32": 1,
    "float64": 2,
    "int32": 3,
    "uint8": 4,
    "int16": 5,
    "int8": 6,
    "complex64": 8,
    "int64": 9,
    "bool": 10,
    "bfloat16": 14,
    "uint16": 17,
    "complex128": 18,
    "float16": 19,
    "uint32": 22,
    "uint64": 23,
}


def tensor_message(array: numpy.ndarray) -> Any:
    """The message of an array of numbers.

    Raises:
        TypeError: for what is none.
    """
    if array.dtype.name not in DTYPES:
        raise TypeError(f"expected a tensor of numbers; got {array.dtype.name}")
    made = protos().tensor.TensorProto(dtype=DTYPES[array.dtype.name], tensor_content=array.tobytes())
    for length in array.shape:
        made.tensor_shape.dim.add(size=length)
    made.tensor_shape.SetInParent()
    return made
