"""Types under TensorFlow's names (NumPy's types, as those of eagerflow's tensors are), and `cast`."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow import ops
from eagerflow.core.dtypes import as_dtype
from eagerflow.data.text import holds_text, text_tensor
from eagerflow.layer.symbolic.text_type import TEXT

__all__ = ["as_dtype", "bool", "cast", "complex128", "complex64", "double", "float16", "float32", "float64", "half"]
__all__ += ["int8", "int16", "int32", "int64", "string", "uint8", "uint16", "uint32", "uint64"]

bool = numpy.dtype("bool")
complex64, complex128 = numpy.dtype("complex64"), numpy.dtype("complex128")
float16, float32, float64 = numpy.dtype("float16"), numpy.dtype("float32"), numpy.dtype("float64")
int8, int16, int32, int64 = (numpy.dtype(f"int{n}") for n in (8, 16, 32, 64))
uint8, uint16, uint32, uint64 = (numpy.dtype(f"uint{n}") for n in (8, 16, 32, 64))
double, half = float64, float16
string = TEXT


# The numbers of types, which `tf.zeros(3, 1)` takes by position.
_NUMBERS = {1: "float32", 2: "float64", 3: "int32", 9: "int64", 10: "bool"}


def numbered(dtype: Any) -> Any:
    """A type by TensorFlow's number for it, or as it is."""
    return _NUMBERS.get(dtype, dtype) if type(dtype) is int else dtype


def cast(x: Any, dtype: Any, name: str | None = None) -> Any:
    """The values in another type.

    Raises:
        TypeError: for text as numbers, or numbers as text.
    """
    if holds_text(x) or dtype == "string":
        if holds_text(x) and dtype == "string":
            return text_tensor(x)
        raise TypeError(
            "tf.cast: text doesn't become numbers by a cast, nor numbers text. Write tf.strings.to_number or "
            "tf.strings.as_string."
        )
    return ops.cast(ops.convert_to_tensor(x), dtype)
