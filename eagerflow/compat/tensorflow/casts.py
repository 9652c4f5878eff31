"""Types under TensorFlow's names (NumPy's types, as those of eagerflow's tensors are), and `cast`."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow import ops
from eagerflow.core.dtypes import as_dtype
from eagerflow.layers.text_type import TEXT

__all__ = [
    "as_dtype", "bool", "cast", "complex128", "complex64", "double", "float16", "float32", "float64", "half", "int8",
    "int16", "int32", "int64", "string", "uint8", "uint16", "uint32", "uint64",
]  # fmt: skip

bool = numpy.dtype("bool")
complex64, complex128 = numpy.dtype("complex64"), numpy.dtype("complex128")
float16, float32, float64 = numpy.dtype("float16"), numpy.dtype("float32"), numpy.dtype("float64")
int8, int16, int32, int64 = (numpy.dtype(f"int{n}") for n in (8, 16, 32, 64))
uint8, uint16, uint32, uint64 = (numpy.dtype(f"uint{n}") for n in (8, 16, 32, 64))
double, half = float64, float16
string = TEXT


def cast(x: Any, dtype: Any, name: str | None = None) -> Any:
    """The values in another type."""
    return ops.cast(ops.convert_to_tensor(x), dtype)
