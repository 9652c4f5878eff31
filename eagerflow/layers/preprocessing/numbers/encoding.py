"""Integers as vectors: what layers with an `output_mode` have in common."""

from __future__ import annotations

from typing import Any

from eagerflow import ops
from eagerflow.base.typing import Shape
from eagerflow.core.tensor import Tensor
from eagerflow.layer.settings import one_of
from eagerflow.ops.reduce.statistics import occurrences

__all__ = ["MODES", "encode", "encoded_shape", "without_sparse"]

MODES = ("int", "one_hot", "multi_hot", "count")


def without_sparse(layer: Any, **given: Any) -> None:
    """Refuse sparse and ragged results.

    Raises:
        ValueError: when one is asked for.
    """
    for name, value in given.items():
        if value:
            raise ValueError(
                f"{type(layer).__name__}({name}=True): there are no sparse or ragged tensors here; use {name}=False."
            )


def mode_of(layer: Any, output_mode: Any, allowed: tuple[str, ...] = MODES) -> Any:
    """The output mode; Keras 2's "binary" and "tf-idf" are known too.

    Raises:
        ValueError: for an unknown one.
    """
    return one_of(
        layer, "output_mode", {"binary": "multi_hot", "tf-idf": "tf_idf"}.get(output_mode, output_mode), allowed
    )


def encode(indices: Tensor, mode: str, depth: int, dtype: Any, weights: Tensor | None = None) -> Tensor:
    """Indices in one of the output modes. Negative indices count as nothing.

    Args:
        indices: integers.
        mode: one of `MODES`.
        depth: the length of the vectors.
        dtype: the type of the result.
        weights: what each index counts for in the mode `"count"`.
    """
    if mode == "int":
        return indices.astype(dtype)
    if indices.ndim == 0:
        indices = indices.reshape((1,))
    if mode == "one_hot":
        if indices.ndim > 1 and indices.shape[-1] == 1:
            indices = indices.reshape(indices.shape[:-1])
        return ops.one_hot(indices, depth, dtype=dtype)
    if weights is not None:
        hot = ops.one_hot(indices, depth, dtype=weights.dtype) * ops.expand_dims(weights, -1)
        return ops.sum(hot, axis=1 if indices.ndim > 1 else 0)
    counts = occurrences(indices, depth)
    return (counts > 0 if mode == "multi_hot" else counts).astype(dtype)


def encoded_shape(shape: Any, mode: str, depth: int | None) -> Shape:
    """The shape of what `encode` gives for indices of `shape`."""
    shape = tuple(shape)
    if mode == "int":
        return shape
    if mode == "one_hot" and not (len(shape) > 1 and shape[-1] == 1):
        return (*shape, depth) if shape else (depth,)
    if mode == "one_hot":
        return (*shape[:-1], depth)
    return (*shape[:1], *shape[2:], depth) if len(shape) > 1 else (depth,)
