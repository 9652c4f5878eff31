"""Nodes that reduce axes, or go along one; products of matrices."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy

from eagerflow import ops
from eagerflow.onnx.nodes.limits import room
from eagerflow.onnx.nodes.values import as_type, axes_in, counts, is_real, numbers

__all__ = ["NODES"]


def _reduce(function: Callable[..., Any], on_nothing: Callable[[Any], Any] = lambda x: x) -> Callable[..., Any]:
    """`function(x, axis, keepdims)`; `on_nothing` is what is made of each element where no axis is reduced."""

    def run(x: Any, places: Any = None, *, axes: Any = None, keepdims: int = 1, noop_with_empty_axes: int = 0) -> Any:
        given = counts(places) if places is not None else axes
        if not given and noop_with_empty_axes:
            return as_type(on_nothing(x), x.dtype)
        along = axes_in(given, x.ndim) if given else tuple(range(x.ndim))
        return as_type(function(x, along, bool(keepdims)), x.dtype)

    return run


def _floats(x: Any) -> Any:
    return x if is_real(x.dtype) else ops.cast(x, "float64")


def _sum(x: Any, axis: Any, keep: bool) -> Any:
    return ops.sum(x, axis=axis, keepdims=keep)


def _log_sum_exp(x: Any, axis: Any, keep: bool) -> Any:
    x = _floats(x)
    most = ops.max(x, axis=axis, keepdims=True)
    most = ops.where(ops.isfinite(most), most, ops.zeros_like(most))
    found = ops.add(ops.log(_sum(ops.exp(ops.subtract(x, most)), axis, True)), most)
    return found if keep else ops.reshape(found, tuple([n for i, n in enumerate(x.shape) if i not in axis]))


def _place(function: Callable[..., Any]) -> Callable[..., Any]:
    def run(x: Any, *, axis: int = 0, keepdims: int = 1, select_last_index: int = 0) -> Any:
        (axis,) = axes_in([axis], x.ndim)
        if not select_last_index:
            return as_type(function(x, axis=axis, keepdims=bool(keepdims)), "int64")
        last = ops.subtract(x.shape[axis] - 1, function(ops.flip(x, axis), axis=axis, keepdims=bool(keepdims)))
        return as_type(last, "int64")

    return run


def _along_one(function: Callable[[Any, int], Any]) -> Callable[..., Any]:
    """Softmax and the like: before opset 13 the axes from `axis` on are one."""

    def run(x: Any, *, axis: int | None = None, opset: int) -> Any:
        if opset >= 13:
            return as_type(function(x, axes_in([-1 if axis is None else axis], x.ndim)[0]), x.dtype)
        (first,) = axes_in([1 if axis is None else axis], max(x.ndim, 2))
        if first == x.ndim - 1:
            return as_type(function(x, first), x.dtype)
        flat = ops.reshape(x, (math.prod(x.shape[:first]), math.prod(x.shape[first:])))
        return as_type(ops.reshape(function(flat, 1), x.shape), x.dtype)

    return run


def _running(function: Callable[..., Any]) -> Callable[..., Any]:
    def run(x: Any, axis: Any, *, exclusive: int = 0, reverse: int = 0) -> Any:
        (along,) = axes_in([int(numbers(axis).item())], x.ndim)
        x = ops.flip(x, along) if reverse else x
        if exclusive:
            start = ops.zeros_like if function is ops.cumsum else ops.ones_like
            head = x[(slice(None),) * along + (slice(0, 1),)]
            x = ops.concatenate([start(head), x[(slice(None),) * along + (slice(0, -1),)]], axis=along)
        found = as_type(function(x, axis=along), x.dtype)
        return ops.flip(found, along) if reverse else found

    return run


def _lp_normalization(x: Any, *, axis: int = -1, p: int = 2) -> Any:
    norm = _l1(x, axis, True) if p == 1 else _l2(x, axis, True)
    return as_type(ops.divide_no_nan(x, norm), x.dtype)


def _l1(x: Any, axis: Any, keep: bool) -> Any:
    return _sum(ops.absolute(x), axis, keep)


def _l2(x: Any, axis: Any, keep: bool) -> Any:
    return ops.sqrt(_sum(ops.square(_floats(x)), axis, keep))


# ---------------------------------------------------------------------- products


def _matmul(x: Any, y: Any) -> Any:
    if x.ndim and y.ndim:
        front = numpy.broadcast_shapes(x.shape[:-2], y.shape[:-2])
        room((*front, *x.shape[-2:-1], *(y.shape[-1:] if y.ndim > 1 else ())), x.dtype)
    return as_type(ops.matmul(x, y), x.dtype)


def _gemm(
    x: Any, y: Any, bias: Any = None, *, alpha: float = 1.0, beta: float = 1.0, transA: int = 0, transB: int = 0
) -> Any:
    made = _matmul(ops.transpose(x) if transA else x, ops.transpose(y) if transB else y)
    made = made if alpha == 1.0 else as_type(ops.multiply(made, alpha), x.dtype)
    if bias is None or not beta:
        return made
    return as_type(ops.add(made, bias if beta == 1.0 else ops.multiply(bias, beta)), x.dtype)


def _einsum(*xs: Any, equation: str) -> Any:
    if len(equation) > 1000:
        raise ValueError("a longer equation than einsum's letters can make.")
    inputs, _, output = equation.replace(" ", "").partition("->")
    lengths: dict[str, int] = {}
    for letters, x in zip(inputs.split(","), xs):
        if "." not in letters:
            lengths.update(zip(letters, x.shape))
    room([lengths.get(letter, 1) for letter in output], xs[0].dtype)
    return as_type(ops.einsum(equation.replace(" ", ""), *xs), xs[0].dtype)


NODES: dict[str, Callable[..., Any]] = {
    "ReduceSum": _reduce(_sum),
    "ReduceMean": _reduce(lambda x, axis, keep: ops.mean(_floats(x), axis=axis, keepdims=keep)),
    "ReduceMax": _reduce(lambda x, axis, keep: ops.max(x, axis=axis, keepdims=keep)),
    "ReduceMin": _reduce(lambda x, axis, keep: ops.min(x, axis=axis, keepdims=keep)),
    "ReduceProd": _reduce(lambda x, axis, keep: ops.prod(x, axis=axis, keepdims=keep)),
    "ReduceL1": _reduce(_l1, ops.absolute),
    "ReduceL2": _reduce(_l2, ops.absolute),
    "ReduceSumSquare": _reduce(lambda x, axis, keep: _sum(ops.square(x), axis, keep), ops.square),
    "ReduceLogSum": _reduce(lambda x, axis, keep: ops.log(_sum(_floats(x), axis, keep)), ops.log),
    "ReduceLogSumExp": _reduce(_log_sum_exp),
    "ArgMax": _place(ops.argmax),
    "ArgMin": _place(ops.argmin),
    "Softmax": _along_one(lambda x, axis: ops.softmax(x, axis=axis)),
    "LogSoftmax": _along_one(lambda x, axis: ops.log_softmax(x, axis=axis)),
    "CumSum": _running(ops.cumsum),
    "CumProd": _running(ops.cumprod),
    "LpNormalization": _lp_normalization,
    "MatMul": _matmul,
    "Gemm": _gemm,
    "Einsum": _einsum,
}
