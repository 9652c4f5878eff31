"""`tensorflow.compiler.tf2xla.python.xla`: its slices. Nothing is compiled here."""

from __future__ import annotations

from typing import Any

from eagerflow import ops
from eagerflow.core.tensor import Tensor

__all__ = ["dynamic_slice", "dynamic_update_slice"]


def _inside(starts: Any, lengths: Any, shape: Any) -> list[int]:
    """Where a block begins, moved so that it lies inside, as XLA does."""
    return [max(0, min(int(i), n - m)) for i, m, n in zip(starts, lengths, shape, strict=True)]


def dynamic_slice(x: Any, starts: Any, sizes: Any) -> Tensor:
    """The block of these sizes that begins at `starts`, moved so that it lies inside."""
    x, sizes = ops.convert_to_tensor(x), [int(n) for n in sizes]
    return ops.slice(x, _inside(starts, sizes, x.shape), sizes)


def dynamic_update_slice(x: Any, updates: Any, starts: Any) -> Tensor:
    """`x` with the block that begins at `starts`, moved so that it lies inside, replaced by `updates`."""
    x, updates = ops.convert_to_tensor(x), ops.convert_to_tensor(updates)
    return ops.slice_update(x, _inside(starts, updates.shape, x.shape), updates)
