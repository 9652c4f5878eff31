"""Operators and methods of tensors, and NumPy's functions, as ops.

Importing this file puts them in place: `t + 1`, `t[0]`, `t.reshape(2, 3)`, `numpy.sum(t, axis=0)`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from eagerflow.base.typing import DType
from eagerflow.core.tensor import Tensor, numpy_functions, register_methods
from eagerflow.core.variable import Variable
from eagerflow.ops.arrays import diagonals, indexing as index
from eagerflow.ops.arrays.shape import ravel, repeat, reshape, squeeze, swapaxes, transpose
from eagerflow.ops.arrays.sorting import argsort
from eagerflow.ops.elementwise import (
    arithmetic as a,
    bitwise,
    casting,
    comparison as compare,
    complex_numbers as complexes,
    rounding,
    selection as choose,
)
from eagerflow.ops.matrices import norms, products
from eagerflow.ops.numpy_only import FUNCTIONS
from eagerflow.ops.reduce import cumulative, reductions as reduce, truth

__all__ = ["answer_numpy"]


def _reflected(function: Callable[..., Any]) -> Callable[..., Any]:
    """The operator with the tensor on the right."""
    return lambda self, other: function(other, self)


def _comparing(function: Callable[..., Any]) -> Callable[..., Any]:
    """`==` and `!=`, which must also answer for things that are no numbers."""

    def compared(self: Tensor, other: Any) -> Any:
        if other is None or isinstance(other, (str, bytes, dict, set, type)):
            return NotImplemented
        return function(self, other)

    return compared


def _divmod(x1: Any, x2: Any) -> tuple[Any, Any]:
    return a.floor_divide(x1, x2), a.mod(x1, x2)


def _positive(x: Tensor) -> Tensor:
    return x


def _shape_given(numbers: tuple[Any, ...]) -> Any:
    """`t.reshape(2, 3)` and `t.reshape((2, 3))` mean the same."""
    return numbers[0] if len(numbers) == 1 else numbers


def _reshape(self: Tensor, *newshape: Any) -> Tensor:
    return reshape(self, _shape_given(newshape))


def _transpose(self: Tensor, *axes: Any) -> Tensor:
    return transpose(self, _shape_given(axes) if axes else None)


def _matrix_transpose(self: Tensor) -> Tensor:
    return swapaxes(self, -1, -2)


def _round(self: Tensor, decimals: int = 0) -> Tensor:
    return rounding.round(self, decimals)


def _clip(self: Tensor, min: Any = None, max: Any = None) -> Tensor:
    return choose.clip(self, min, max)


def _copy(self: Tensor) -> Tensor:
    return casting.copy(self)


def _astype(self: Tensor, dtype: DType, copy: bool = True) -> Tensor:
    return casting.cast(self, dtype)


_ARITHMETIC = {
    "add": a.add,
    "sub": a.subtract,
    "mul": a.multiply,
    "truediv": a.divide,
    "floordiv": a.floor_divide,
    "mod": a.mod,
    "pow": a.power,
    "matmul": products.matmul,
    "divmod": _divmod,
    "and": bitwise.bitwise_and,
    "or": bitwise.bitwise_or,
    "xor": bitwise.bitwise_xor,
    "lshift": bitwise.left_shift,
    "rshift": bitwise.right_shift,
}

register_methods(
    **{f"__{name}__": function for name, function in _ARITHMETIC.items()},
    **{f"__r{name}__": _reflected(function) for name, function in _ARITHMETIC.items()},
)
register_methods(
    __neg__=a.negative,
    __pos__=_positive,
    __abs__=a.absolute,
    __invert__=bitwise.bitwise_invert,
    __round__=_round,
    __lt__=compare.less,
    __le__=compare.less_equal,
    __gt__=compare.greater,
    __ge__=compare.greater_equal,
    __eq__=_comparing(compare.equal),
    __ne__=_comparing(compare.not_equal),
    __getitem__=index.get_item,
)
register_methods(
    all=truth.all,
    any=truth.any,
    argmax=reduce.argmax,
    argmin=reduce.argmin,
    argsort=argsort,
    astype=_astype,
    clip=_clip,
    conj=complexes.conj,
    conjugate=complexes.conj,
    copy=_copy,
    cumprod=cumulative.cumprod,
    cumsum=cumulative.cumsum,
    diagonal=diagonals.diagonal,
    dot=products.dot,
    flatten=ravel,
    max=reduce.max,
    mean=reduce.mean,
    min=reduce.min,
    nonzero=choose.nonzero,
    prod=reduce.prod,
    ravel=ravel,
    repeat=repeat,
    reshape=_reshape,
    round=_round,
    squeeze=squeeze,
    std=reduce.std,
    sum=reduce.sum,
    swapaxes=swapaxes,
    take=index.take,
    trace=norms.trace,
    transpose=_transpose,
    var=reduce.var,
)


for _name, _read in {"T": transpose, "imag": complexes.imag, "mT": _matrix_transpose, "real": complexes.real}.items():
    setattr(Tensor, _name, property(_read))


def _numpy_clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Tensor:
    """NumPy's names for the bounds, old and new."""
    return choose.clip(a, a_min if min is None else min, a_max if max is None else max)


def _numpy_reshape(a: Any, shape: Any = None, order: str = "C", newshape: Any = None) -> Tensor:
    if order != "C":
        raise ValueError(f"numpy.reshape(order={order!r}): tensors know the order 'C' only.")
    return reshape(a, newshape if shape is None else shape)


_HANDLED_BY_TENSORS = {"dtype", "ndim", "shape", "size"}


def _array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> bool:
    """A plain answer, without gradient: both are looked at on the host."""
    return numpy.array_equal(numpy.asarray(a1), numpy.asarray(a2), equal_nan)


# Where nothing is differentiated, NumPy's answers are NumPy's: places that serve as keys, arrays that can be filled.
_PLAIN = "argmax argmin argsort argwhere empty_like full_like nonzero ones_like searchsorted zeros_like".split()


def _no_op(function: Callable[..., Any]) -> Callable[..., Any]:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise TypeError(f"numpy.{function.__name__} needs values on the CPU.")

    return refuse


def _plain(function: Callable[..., Any], op: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        tensors = [x for x in (*args, *kwargs.values()) if isinstance(x, Tensor)]
        if any([x.__class__ not in (Tensor, Variable) or x.data.__class__ is not numpy.ndarray for x in tensors]):
            return op(*args, **kwargs)  # symbolic, or on a GPU
        args = tuple([x.data if isinstance(x, Tensor) else x for x in args])
        return function(*args, **{k: x.data if isinstance(x, Tensor) else x for k, x in kwargs.items()})

    return call


def answer_numpy(names: list[str], ops: Any) -> None:
    """Let NumPy's functions of these names, called with tensors, be the ops: `numpy.exp(t)` is `ops.exp(t)`."""
    for name in set(names) - _HANDLED_BY_TENSORS:
        function = getattr(numpy, name, None)
        if callable(function) and not isinstance(function, type):
            numpy_functions[function] = getattr(ops, name)
    for name in ops.linalg.__all__:
        if hasattr(numpy.linalg, name):
            numpy_functions[getattr(numpy.linalg, name)] = getattr(ops.linalg, name)
    numpy_functions.update(
        {
            numpy.clip: _numpy_clip,
            numpy.reshape: _numpy_reshape,
            numpy.degrees: ops.rad2deg,
            numpy.radians: ops.deg2rad,
            numpy.iscomplexobj: lambda x: x.dtype.kind == "c",
            numpy.isrealobj: lambda x: x.dtype.kind != "c",
            numpy.linalg.slogdet: ops.slogdet,
            numpy.positive: _positive,
            numpy.array_equal: _array_equal,
            **FUNCTIONS,
            **{
                function: _plain(function, getattr(ops, function.__name__, _no_op(function)))
                for function in [getattr(numpy, name) for name in _PLAIN]
            },
        }
    )
