"""Keras' `backend.numpy`: the functions of `eagerflow.ops.numpy`, with Keras' rules for the types of results."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

from keras.src.backend.common import standardize_dtype
from keras.src.backend.common.dtypes import result_type

from eagerflow.keras_backend.backend.adapting import name_of, public_functions, tensor_of
from eagerflow.keras_backend.backend.core import convert_to_tensor
from eagerflow.ops import cast, numpy as ours

_functions = public_functions(ours)


def _promoting(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of two arrays, which meet in the type that Keras (after JAX) says, where NumPy says another."""

    @wraps(function)
    def call(x1: Any, x2: Any, *args: Any, **kwargs: Any) -> Any:
        return function(*_promoted(x1, x2), *args, **kwargs)

    return call


def _promoted(*arrays: Any) -> list[Any]:
    tensors = tensor_of(list(arrays))
    kinds = {name_of(x.dtype) if hasattr(x, "dtype") else type(x) for x in tensors if x is not None}
    if len(kinds) < 2 or (len(kinds) == 2 and float in kinds and "float32" in kinds):
        return tensors
    kind = result_type(*kinds)
    return [cast(x, kind) if hasattr(x, "dtype") else x for x in tensors]


def _takes_two(function: Callable[..., Any]) -> bool:
    return list(inspect.signature(function).parameters)[:2] in (["x1", "x2"], ["x", "y"])


globals().update({name: _promoting(f) if _takes_two(f) else f for name, f in _functions.items()})


def _with_small_indices(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose indices or counts Keras has as int32."""

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return cast(function(*args, **kwargs), "int32")

    return call


_INDICES = "argmax argmin argpartition argsort count_nonzero digitize nanargmax nanargmin searchsorted".split()
globals().update({name: _with_small_indices(_functions[name]) for name in _INDICES})


_SUMS = "nanprod nansum prod sum trace".split()
_WIDER = dict.fromkeys(("bool", "int8", "int16", "int32"), "int32") | dict.fromkeys(
    ("uint8", "uint16", "uint32"), "uint32"
)


def _of_small_integers(function: Callable[..., Any]) -> Callable[..., Any]:
    """A sum or product, which has 32 bits for integers of at most 32, where NumPy takes 64."""

    @wraps(function)
    def call(x: Any, *args: Any, **kwargs: Any) -> Any:
        x = tensor_of(x) if hasattr(x, "dtype") else convert_to_tensor(x)
        found = function(x, *args, **kwargs)
        kind = _WIDER.get(standardize_dtype(x.dtype)) if kwargs.get("dtype") is None else None
        return found if kind is None else cast(found, kind)

    return call


globals().update({name: _of_small_integers(_functions[name]) for name in _SUMS})


def nonzero(x: Any) -> Any:
    """The places of what isn't zero, for each axis, as int32."""
    return tuple([cast(places, "int32") for places in _functions["nonzero"](x)])


def square(x: Any) -> Any:
    """The square of each element; that of True is the number 1."""
    x = tensor_of(x)
    return ours.square(cast(x, "int32") if getattr(x, "dtype", None) == "bool" else x)


def average(x: Any, axis: Any = None, weights: Any = None) -> Any:
    """The mean, or the weighted mean."""
    x, weights = _promoted(x, weights)
    return ours.average(x, axis, weights)


def pad(x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = None) -> Any:
    """Adds elements before and after those of each axis.

    Raises:
        ValueError: for `constant_values` with another mode than `"constant"`.
    """
    if constant_values is not None and mode != "constant":
        raise ValueError(
            f"Argument `constant_values` can only be provided when `mode == 'constant'`. Received: {mode!r}"
        )
    return _functions["pad"](x, pad_width, mode, constant_values)


def where(condition: Any, x1: Any = None, x2: Any = None) -> Any:
    """Chooses between two arrays, or gives the places where the condition holds."""
    return ours.where(tensor_of(condition), *_promoted(x1, x2))


def _joining(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of a list of arrays, which meet in one type."""

    @wraps(function)
    def call(xs: Any, *args: Any, **kwargs: Any) -> Any:
        return function(_promoted(*xs), *args, **kwargs)

    return call


_JOINS = "concatenate dstack hstack stack vstack".split()
globals().update({name: _joining(getattr(ours, name)) for name in _JOINS})


_RUNNING = "cumprod cumsum nancumprod nancumsum".split()


def _summing_in_its_type(function: Callable[..., Any]) -> Callable[..., Any]:
    """A running sum or product, which has the type of its input."""

    @wraps(function)
    def call(x: Any, axis: Any = None, dtype: Any = None) -> Any:
        x = tensor_of(x)
        kind = standardize_dtype(dtype or x.dtype)
        return function(x, axis, "int32" if kind == "bool" else kind)

    return call


globals().update({name: _summing_in_its_type(getattr(ours, name)) for name in _RUNNING})


def bincount(x: Any, weights: Any = None, minlength: int = 0, sparse: bool = False) -> Any:
    """How often each number occurs, as int32; or the sums of their weights."""
    found = _functions["bincount"](x, weights, minlength, sparse)
    return cast(found, "int32") if weights is None else found


def clip(x: Any, x_min: Any, x_max: Any) -> Any:
    """The elements, where they are between two bounds; those elsewhere."""
    x = tensor_of(x)
    return _functions["clip"](cast(x, "int32") if x.dtype == "bool" else x, x_min, x_max)


def correlate(x1: Any, x2: Any, mode: str = "valid") -> Any:
    """The cross-correlation of two vectors, in floats."""
    x1, x2 = _promoted(x1, x2)
    kind = result_type(x1.dtype.name, float)
    return ours.correlate(cast(x1, kind), cast(x2, kind), mode)


def matmul(x1: Any, x2: Any) -> Any:
    """The matrix product; of int8, as int32, which the sums need."""
    return ours.matmul(*_wide_enough(x1, x2))


def einsum(subscripts: str, *operands: Any, **kwargs: Any) -> Any:
    """Einstein's summation; of int8, as int32, which the sums need."""
    return ours.einsum(subscripts, *_wide_enough(*operands), **kwargs)


def _wide_enough(*operands: Any) -> list[Any]:
    tensors = tensor_of(list(operands))
    if {name_of(x.dtype) if hasattr(x, "dtype") else None for x in tensors} == {"int8"}:
        return [cast(x, "int32") for x in tensors]
    return _promoted(*tensors)
