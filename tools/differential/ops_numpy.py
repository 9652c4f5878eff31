"""The ops of random programs in NumPy: shapes and values for the generator, which knows no framework."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["OPS", "index_of"]


def index_of(spec: list[Any], array: Callable[[Any], Any] = np.array) -> tuple[Any, ...]:
    """An index from JSON: numbers, `["slice", a, b, c]`, `["array", [...]]`, `"new"`, `"..."`."""
    parts: list[Any] = []
    for part in spec:
        if part == "new":
            parts.append(None)
        elif part == "...":
            parts.append(Ellipsis)
        elif isinstance(part, list) and part[0] == "slice":
            parts.append(slice(*part[1:]))
        elif isinstance(part, list):
            parts.append(array(part[1]))
        else:
            parts.append(part)
    return tuple(parts)


def _apart(x: np.ndarray, least: float = 1e-3) -> np.ndarray:
    """Numbers whose order, or side of 0, no rounding changes."""
    if x.size and np.abs(x).min() < least:
        raise ValueError("a kink")
    return x


def _distinct(x: np.ndarray, axis: int | None) -> np.ndarray:
    gaps = np.diff(np.sort(x, axis=axis), axis=-1 if axis is None else axis)
    if gaps.size and gaps.min() < 1e-4:
        raise ValueError("a tie")
    return x


def _softmax(x: np.ndarray, axis: int) -> np.ndarray:
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def _erf(x: np.ndarray) -> np.ndarray:  # only its shape and size matter
    return np.tanh(1.2 * x)


OPS: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / (np.abs(_apart(b)) + 0.5),
    "maximum": lambda a, b: np.maximum(a, b) + 0 * _apart(a - b),
    "minimum": lambda a, b: np.minimum(a, b) + 0 * _apart(a - b),
    "power": lambda a, b: (np.abs(_apart(a)) + 0.5) ** np.tanh(b),
    "arctan2": lambda a, b: np.arctan2(a, np.abs(_apart(b)) + 0.1),
    "logaddexp": np.logaddexp,
    "matmul": np.matmul,
    "where": lambda a, b, mask: np.where(np.resize(mask, np.broadcast_shapes(a.shape, b.shape)), a, b),
    "exp": lambda x: np.exp(np.minimum(x, 3) + 0 * _apart(x - 3)),
    "log": lambda x: np.log(np.abs(_apart(x)) + 0.1),
    "sqrt": lambda x: np.sqrt(np.abs(_apart(x)) + 0.1),
    "tanh": np.tanh,
    "sin": np.sin,
    "cos": np.cos,
    "abs": lambda x: np.abs(_apart(x)),
    "negative": np.negative,
    "square": np.square,
    "reciprocal": lambda x: 1 / (np.square(x) + 0.5),
    "expm1": lambda x: np.expm1(np.tanh(x)),
    "log1p": lambda x: np.log1p(np.square(x)),
    "erf": _erf,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "softplus": lambda x: np.logaddexp(x, 0),
    "relu": lambda x: np.maximum(_apart(x), 0),
    "leaky_relu": lambda x: np.where(_apart(x) > 0, x, 0.2 * x),
    "elu": lambda x: np.where(_apart(x) > 0, x, np.expm1(np.minimum(x, 0))),
    "silu": lambda x: x / (1 + np.exp(-x)),
    "gelu": lambda x: x * (1 + _erf(x / 2**0.5)) / 2,
    "clip": lambda x: np.clip(_apart(np.abs(x) - 1) * 0 + x, -1, 1),
    "floor": lambda x: np.floor(x) + 0 * _apart(x - np.round(x)),
    "sign": lambda x: np.sign(_apart(x)),
    "stop_gradient": lambda x: x,
    "sum": lambda x, axis, keepdims: x.sum(axis=_axis(axis), keepdims=keepdims),
    "mean": lambda x, axis, keepdims: _filled(x).mean(axis=_axis(axis), keepdims=keepdims),
    "prod": lambda x, axis, keepdims: np.tanh(x).prod(axis=_axis(axis), keepdims=keepdims),
    "max": lambda x, axis, keepdims: _distinct(x, None).max(axis=_axis(axis), keepdims=keepdims),
    "min": lambda x, axis, keepdims: _distinct(x, None).min(axis=_axis(axis), keepdims=keepdims),
    "var": lambda x, axis, keepdims: _filled(x).var(axis=_axis(axis), keepdims=keepdims),
    "std": lambda x, axis, keepdims: _spread(x, axis).std(axis=_axis(axis), keepdims=keepdims),
    "logsumexp": lambda x, axis, keepdims: np.log(np.exp(_filled(x)).sum(axis=_axis(axis), keepdims=keepdims)),
    "norm": lambda x, axis: np.sqrt(np.square(_apart(x)).sum(axis=axis) + 0 * _filled(x).sum(axis=axis)),
    "cumsum": lambda x, axis: x.cumsum(axis=axis),
    "cumprod": lambda x, axis: np.tanh(x).cumprod(axis=axis),
    "softmax": lambda x, axis: _softmax(_filled(x), axis),
    "log_softmax": lambda x, axis: np.log(_softmax(_filled(x), axis)),
    "sort": lambda x, axis: np.sort(_distinct(x, None), axis=axis),
    "top_k": lambda x, k: np.flip(np.sort(_distinct(x, None), axis=-1), -1)[..., :k] + 0 * _wide(x, k),
    "median": lambda x, axis: np.median(_distinct(_filled(x), None), axis=axis),
    "reshape": lambda x, shape: x.reshape(shape),
    "transpose": lambda x, axes: x.transpose(axes),
    "swapaxes": lambda x, a, b: x.swapaxes(a, b),
    "moveaxis": lambda x, a, b: np.moveaxis(x, a, b),
    "expand_dims": lambda x, axis: np.expand_dims(x, axis),
    "squeeze": lambda x, axis: x.squeeze(axis),
    "broadcast_to": lambda x, shape: np.broadcast_to(x, shape),
    "flip": lambda x, axis: np.flip(x, axis),
    "roll": lambda x, shift, axis: np.roll(x, shift, axis),
    "pad": lambda x, widths: np.pad(x, widths),
    "repeat": lambda x, count, axis: np.repeat(x, count, axis),
    "tile": lambda x, counts: np.tile(x, counts),
    "concatenate": lambda *xs, axis: np.concatenate(xs, axis),
    "stack": lambda *xs, axis: np.stack(xs, axis),
    "split": lambda x, parts, axis, take: np.split(x, parts, axis)[take],
    "index": lambda x, spec: x[index_of(spec)],
    "take": lambda x, places, axis: np.take(x, np.array(places), axis),
    "take_along_axis": lambda x, places, axis: np.take_along_axis(x, np.array(places), axis),
    "diagonal": lambda x: np.diagonal(x, axis1=-2, axis2=-1),
    "tril": lambda x: np.tril(x) if x.ndim > 1 else _filled(np.empty(0)),
    "einsum": lambda a, b, form: np.einsum(form, a, b),
    "outer": lambda a, b: np.outer(a, b),
    "diff": lambda x, axis: np.diff(x, axis=axis),
}


def _axis(axis: Any) -> Any:
    return tuple(axis) if isinstance(axis, list) else axis


def _filled(x: np.ndarray) -> np.ndarray:
    if not x.size:
        raise ValueError("nothing there")
    return x


def _spread(x: np.ndarray, axis: Any) -> np.ndarray:
    if not x.size or x.std(axis=_axis(axis)).min() < 1e-2:
        raise ValueError("no spread")
    return x


def _wide(x: np.ndarray, k: int) -> float:
    if x.shape[-1] < k:
        raise ValueError("too short")
    return 0.0
