"""Nodes that compute element by element."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy

from eagerflow import ops
from eagerflow.onnx.nodes.limits import room
from eagerflow.onnx.nodes.values import Known, as_type, is_real, numbers, type_numbered

__all__ = ["NODES", "together"]


def together(x: Any, y: Any) -> tuple[Any, Any]:
    """Two operands, once their common shape is known to have room."""
    if x.shape != y.shape:
        room(numpy.broadcast_shapes(x.shape, y.shape), x.dtype)
    return x, y


def _unary(function: Callable[[Any], Any]) -> Callable[..., Any]:
    def run(x: Any) -> Any:
        return as_type(function(x), x.dtype)

    return run


def _told(function: Callable[[Any], Any]) -> Callable[..., Any]:
    """A question: bools."""

    def run(x: Any) -> Any:
        return as_type(function(x), bool)

    return run


def _binary(function: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def run(x: Any, y: Any) -> Any:
        x, y = together(x, y)
        return as_type(function(x, y), x.dtype)

    return run


def _compared(function: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def run(x: Any, y: Any) -> Any:
        return as_type(function(*together(x, y)), bool)

    return run


def _of_many(function: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def run(*xs: Any) -> Any:
        return as_type(reduce(lambda x, y: function(*together(x, y)), xs), xs[0].dtype)

    return run


def _divide(x: Any, y: Any) -> Any:
    if is_real(x.dtype):
        return ops.divide(x, y)
    if not numbers(y).all():
        raise ValueError("integers are divided by 0.")
    if x.dtype.kind == "u":
        return ops.floor_divide(x, y)
    down = ops.floor_divide(ops.absolute(x), ops.absolute(y))
    return ops.where(ops.equal(ops.less(x, 0), ops.less(y, 0)), down, ops.negative(down))  # towards 0


def _mod(x: Any, y: Any, *, fmod: int = 0) -> Any:
    x, y = together(x, y)
    if x.dtype.kind in "iu" and not numbers(y).all():
        raise ValueError("integers are divided by 0.")
    if not fmod:
        return as_type(ops.mod(x, y), x.dtype)
    if is_real(x.dtype):
        return as_type(ops.fmod(x, y), x.dtype)
    return as_type(ops.subtract(x, ops.multiply(_divide(x, y), y)), x.dtype)


def _power(x: Any, y: Any) -> Any:
    x, y = together(x, y)
    kind = x.dtype if is_real(x.dtype) or not is_real(y.dtype) else numpy.dtype("float64")
    if is_real(kind) and y.__class__ is Known and y.size == 1:
        return as_type(ops.power(as_type(x, kind), float(numbers(y).item())), x.dtype)
    return as_type(ops.power(as_type(x, kind), as_type(y, kind)), x.dtype)


def _mean(*xs: Any) -> Any:
    return as_type(ops.divide(_of_many(ops.add)(*xs), float(len(xs))), xs[0].dtype)


def _clip(x: Any, low: Any = None, high: Any = None, *, min: float | None = None, max: float | None = None) -> Any:
    low, high = (x if x is None else _single(x) for x in (low, high))
    low, high = low if min is None else min, high if max is None else max
    if low is not None and high is not None:
        return as_type(ops.clip(x, low, high), x.dtype)
    x = x if low is None else ops.maximum(x, low)
    return as_type(x if high is None else ops.minimum(x, high), x.dtype)


def _single(x: Any) -> Any:
    """A known single number as Python's."""
    return numbers(x).item() if x.__class__ is Known and x.size == 1 and x.dtype != "bfloat16" else x


def _cast(x: Any, *, to: Any, saturate: int = 1, round_mode: Any = None) -> Any:
    if x.dtype.kind not in "biu" and not is_real(x.dtype):
        raise ValueError(f"{x.dtype} isn't cast here.")
    return as_type(x, type_numbered(to))


def _cast_like(x: Any, like: Any, *, saturate: int = 1, round_mode: Any = None) -> Any:
    return as_type(x, like.dtype)


def _where(condition: Any, x: Any, y: Any) -> Any:
    room(numpy.broadcast_shapes(condition.shape, x.shape, y.shape), x.dtype)
    return as_type(ops.where(condition, x, y), x.dtype)


def _is_inf(x: Any, *, detect_negative: int = 1, detect_positive: int = 1) -> Any:
    if detect_negative and detect_positive:
        return ops.isinf(x)
    if not (detect_negative or detect_positive):
        return ops.logical_and(ops.isinf(x), ops.isnan(x))
    return ops.equal(x, math.inf if detect_positive else -math.inf)


# ---------------------------------------------------------------------- activations


def _leaky(x: Any, *, alpha: float = 0.01) -> Any:
    return as_type(ops.leaky_relu(x, alpha), x.dtype)


def _elu(x: Any, *, alpha: float = 1.0) -> Any:
    return as_type(ops.elu(x, alpha), x.dtype)


def _prelu(x: Any, slope: Any) -> Any:
    together(x, slope)
    return as_type(ops.where(ops.less(x, 0), ops.multiply(slope, x), x), x.dtype)


def _hard_sigmoid(x: Any, *, alpha: float = 0.2, beta: float = 0.5) -> Any:
    return as_type(ops.clip(ops.add(ops.multiply(x, alpha), beta), 0.0, 1.0), x.dtype)


def _gelu(x: Any, *, approximate: str = "none") -> Any:
    return as_type(ops.gelu(x, approximate=approximate == "tanh"), x.dtype)


def _dropout(
    x: Any, share: Any = None, training: Any = None, *, ratio: float = 0.5, seed: int = 0, outputs: int = 1
) -> Any:
    rate = ratio if share is None else float(numbers(share).reshape(-1)[0])
    if training is not None and bool(numbers(training).reshape(-1)[0]) and rate:
        raise ValueError("dropout in training mode: files are run in inference. Export with training=False.")
    return x if outputs == 1 else [x, numpy.ones(x.shape, bool)]


_UNARY = """
    Abs:absolute Acos:arccos Acosh:arccosh Asin:arcsin Asinh:arcsinh Atan:arctan Atanh:arctanh Ceil:ceil Cos:cos
    Cosh:cosh Erf:erf Exp:exp Floor:floor Log:log Neg:negative Reciprocal:reciprocal Relu:relu Round:round
    Sigmoid:sigmoid Sign:sign Sin:sin Sinh:sinh Softplus:softplus Softsign:softsign Sqrt:sqrt Tan:tan Tanh:tanh
    BitwiseNot:bitwise_not
"""
_BINARY = "Add:add Sub:subtract Mul:multiply BitwiseAnd:bitwise_and BitwiseOr:bitwise_or BitwiseXor:bitwise_xor"
_COMPARED = """
    Equal:equal Less:less LessOrEqual:less_equal Greater:greater GreaterOrEqual:greater_equal And:logical_and
    Or:logical_or Xor:logical_xor
"""


def _table(make: Callable[..., Any], names: str) -> dict[str, Callable[..., Any]]:
    return {kind: make(getattr(ops, name)) for kind, name in [pair.split(":") for pair in names.split()]}


NODES: dict[str, Callable[..., Any]] = {
    **_table(_unary, _UNARY),
    **_table(_binary, _BINARY),
    **_table(_compared, _COMPARED),
    **_table(_told, "Not:logical_not IsNaN:isnan"),
    **_table(_of_many, "Max:maximum Min:minimum Sum:add"),
    "Div": _binary(_divide),
    "Pow": _power,
    "Mod": _mod,
    "Mean": _mean,
    "Identity": lambda x: x,
    "Clip": _clip,
    "Cast": _cast,
    "CastLike": _cast_like,
    "Where": _where,
    "IsInf": _is_inf,
    "LeakyRelu": _leaky,
    "Elu": _elu,
    "PRelu": _prelu,
    "HardSigmoid": _hard_sigmoid,
    "Gelu": _gelu,
    "Dropout": _dropout,
}
