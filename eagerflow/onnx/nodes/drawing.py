"""Random numbers, from our own generators: files can't fix them, as each runtime draws others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from eagerflow import random
from eagerflow.onnx.nodes.limits import room
from eagerflow.onnx.nodes.values import as_type, type_numbered

__all__ = ["NODES"]


def _normal(shape: Sequence[int], dtype: Any, mean: float, scale: float) -> Any:
    return as_type(random.normal(room(shape, dtype), mean=mean, stddev=scale), dtype)


def _uniform(shape: Sequence[int], dtype: Any, low: float, high: float) -> Any:
    return as_type(random.uniform(room(shape, dtype), minval=low, maxval=high), dtype)


def _random_normal(
    *, shape: Any, dtype: Any = 1, mean: float = 0.0, scale: float = 1.0, seed: float | None = None
) -> Any:
    return _normal(shape, type_numbered(dtype), mean, scale)


def _random_uniform(
    *, shape: Any, dtype: Any = 1, low: float = 0.0, high: float = 1.0, seed: float | None = None
) -> Any:
    return _uniform(shape, type_numbered(dtype), low, high)


def _random_normal_like(
    x: Any, *, dtype: Any = None, mean: float = 0.0, scale: float = 1.0, seed: float | None = None
) -> Any:
    return _normal(x.shape, x.dtype if dtype is None else type_numbered(dtype), mean, scale)


def _random_uniform_like(
    x: Any, *, dtype: Any = None, low: float = 0.0, high: float = 1.0, seed: float | None = None
) -> Any:
    return _uniform(x.shape, x.dtype if dtype is None else type_numbered(dtype), low, high)


NODES: dict[str, Callable[..., Any]] = {
    "RandomNormal": _random_normal,
    "RandomUniform": _random_uniform,
    "RandomNormalLike": _random_normal_like,
    "RandomUniformLike": _random_uniform_like,
}
for _function in NODES.values():
    vars(_function)["never_aside"] = True  # tracers and exporters hear of each draw
