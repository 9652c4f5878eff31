"""Names and kinds of data types, and the few places where we differ from NumPy's promotion.

NumPy 2's rules hold, with Python numbers never widening an array. The one difference: where NumPy
would answer float64 for inputs of which none is float64 (int32 + float32, exp of integers), the
answer has the widest float type among the inputs, or `floatx()` when there is none, so that
float64 never creeps in.
"""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow.base.config import floatx
from eagerflow.base.errors import did_you_mean
from eagerflow.base.text.extras import missing_package
from eagerflow.base.typing import Array, ArrayFunction, Axes, DType, Numpy
from eagerflow.core.links import above

__all__ = ["ALLOWED", "as_dtype", "is_differentiable", "is_float_dtype", "is_int_dtype", "largest_number"]
__all__ += ["standardize_dtype"]

ALLOWED = (
    "bool uint8 uint16 uint32 uint64 int8 int16 int32 int64 "
    "float16 bfloat16 float32 float64 complex64 complex128 string"
).split()

_PYTHON = {bool: "bool", int: "int32", float: None, complex: "complex64"}
_BY_NAME = {name: numpy.dtype(name) for name in ALLOWED if name not in ("bfloat16", "string")}
# Other libraries' names of types, except those that differ in a letter.
_OTHERWISE = {"float": "float32", "double": "float64", "half": "float16", "long": "int64", "short": "int16"}
_KNOWN = frozenset(_BY_NAME.values())


def standardize_dtype(dtype: DType) -> str:
    """The canonical name of a data type: `"float32"`, `"int32"`, `"bool"` ...

    Args:
        dtype: a name, a NumPy type or dtype, a Python type (`float` means `floatx()`), or None
            (`floatx()`). Types of other libraries are known by their name (`torch.float32`).

    Raises:
        ValueError: for a type that tensors can't have.

    >>> ef.backend.standardize_dtype(None), ef.backend.standardize_dtype(int)
    ('float32', 'int32')
    """
    if dtype is None or dtype is float:
        return floatx()
    if isinstance(dtype, type) and dtype in _PYTHON:
        return str(_PYTHON[dtype])
    name = _name_of(dtype)
    if name == "int":  # Keras' spelling in layers that count
        return "int32"
    if name not in ALLOWED:
        meant = _OTHERWISE.get(name)
        hint = f" Did you mean {meant!r}?" if meant else did_you_mean(name, ALLOWED)
        raise ValueError(
            f"dtype={dtype!r} is not a type that tensors can have.{hint} Known: {', '.join(ALLOWED[:-1])}."
        )
    return name


def _name_of(dtype: DType) -> str:
    if isinstance(dtype, str):
        return dtype
    if isinstance(dtype, numpy.dtype):
        return dtype.name
    if isinstance(dtype, type) and issubclass(dtype, numpy.generic):
        return numpy.dtype(dtype).name
    name = getattr(dtype, "name", None)
    return name if isinstance(name, str) else str(dtype).rpartition(".")[2]


def as_dtype(dtype: DType) -> numpy.dtype:
    """The NumPy dtype for a name, a type or None (`floatx()`).

    Raises:
        ValueError: for an unknown type.
        ImportError: for bfloat16 where ml_dtypes is not installed.
    """
    if dtype.__class__ is str and dtype in _BY_NAME:  # asked at every step
        return _BY_NAME[dtype]
    if isinstance(dtype, numpy.dtype) and (dtype in _KNOWN or dtype.name in _BY_NAME):
        return dtype
    name = standardize_dtype(dtype)
    found = _BY_NAME.get(name)
    if found is not None:
        return found
    if name == "bfloat16":
        return _bfloat16()
    raise ValueError("dtype='string': tensors hold numbers; keep text in NumPy arrays.")


def _bfloat16() -> numpy.dtype:

    try:
        import ml_dtypes
    except ImportError:
        raise missing_package("ml_dtypes", "ml_dtypes", "dtype='bfloat16'") from None
    return numpy.dtype(ml_dtypes.bfloat16)


def common_dtype(*dtypes: Any) -> numpy.dtype:
    """The type in which arrays of several types meet, also where NumPy knows none.

    Integers don't widen bfloat16; bfloat16 and float16 meet in float32, which holds both.
    """
    if all(dtype.kind != "V" for dtype in dtypes):  # as that of bfloat16 is, whose package widens it for integers
        return numpy.result_type(*dtypes)
    floats = {dtype for dtype in dtypes if dtype.kind not in "iub"}
    if len(floats) == 1:
        return floats.pop()
    return numpy.result_type(numpy.float32, *[dtype for dtype in floats if dtype.name != "bfloat16"])


def largest_number(dtype: numpy.dtype) -> float:
    """The largest number of a type of floats.

    >>> largest_number(numpy.dtype("float16"))
    65504.0
    """
    return (2 - 2**-7) * 2.0**127 if dtype.name == "bfloat16" else float(numpy.finfo(dtype).max)


def is_half(dtype: Any) -> bool:
    """True for float16 and bfloat16, in which products are best summed up as float32."""
    return dtype.itemsize == 2 and is_differentiable(dtype)


def in_float32(f: ArrayFunction, xp: Numpy, x: Array, *others: Any) -> Any:
    """`f(xp, x, *others)`; of NumPy's halves in float32, rounded once: for what adds many elements of `x` up."""
    if x.dtype.itemsize == 2 and xp is numpy and is_half(x.dtype):
        return f(xp, x.astype(numpy.float32), *others).astype(x.dtype)
    return f(xp, x, *others)


def wide_sum(a: Array, axis: Axes = None, keepdims: bool = False) -> Array:
    """`a.sum`; that of NumPy's halves in float32, rounded once.

    In their own type a sum stops growing where the next number is less than half a unit: ones at 2048, or at 256.
    """
    if a.dtype.itemsize == 2 and isinstance(a, numpy.ndarray) and is_half(a.dtype):
        return a.sum(axis=axis, dtype=numpy.float32, keepdims=keepdims).astype(a.dtype)
    if above.sum_on_gpu is not None and not isinstance(a, numpy.ndarray):
        found = above.sum_on_gpu(a, axis, keepdims)
        if found is not None:
            return found
    return a.sum(axis=axis, keepdims=keepdims)


def wide_mean(a: Array, axis: Axes = None, keepdims: bool = False) -> Array:
    """`a.mean`; that of halves added up in float32, as `wide_sum`."""
    if a.dtype.itemsize == 2 and is_half(a.dtype):
        return a.mean(axis=axis, dtype=numpy.float32, keepdims=keepdims).astype(a.dtype)
    return a.mean(axis=axis, keepdims=keepdims)


def is_float_dtype(dtype: DType) -> bool:
    """True for float16, bfloat16, float32, float64.

    Args:
        dtype: a type name, a NumPy type, or a Python type.

    >>> ef.backend.is_float_dtype("float32"), ef.backend.is_float_dtype("int32")
    (True, False)
    """
    return "float" in standardize_dtype(dtype)


def is_int_dtype(dtype: DType) -> bool:
    """True for signed and unsigned integers (not for bool).

    Args:
        dtype: a type name, a NumPy type, or a Python type.

    >>> ef.backend.is_int_dtype("int32"), ef.backend.is_int_dtype("bool"), ef.backend.is_int_dtype("float32")
    (True, False, False)
    """
    return "int" in standardize_dtype(dtype)


def is_differentiable(dtype: Any) -> bool:
    """True for the types that gradients flow through: floats and complex numbers."""
    return dtype.kind in "fc" or dtype.name == "bfloat16"
