"""Shapes: joining, repeating, padding and resizing, as `keras.backend` names them."""

from __future__ import annotations

import builtins
import math
from collections.abc import Sequence
from typing import Any

from eagerflow import ops
from eagerflow.base.typing import DataFormat, Interpolation
from eagerflow.compat.arguments import renamed
from eagerflow.compat.backend.settings import normalize_data_format as _layout
from eagerflow.core.op import composite

__all__ = ["batch_flatten", "concatenate", "expand_dims", "flatten", "one_hot", "permute_dimensions", "repeat"]
__all__ += ["repeat_elements", "reshape", "resize_images", "resize_volumes", "reverse", "slice", "spatial_2d_padding"]
__all__ += ["spatial_3d_padding", "squeeze", "stack", "temporal_padding", "tile"]

stack, concatenate = ops.stack, renamed(ops.concatenate, "tensors axis", axis=-1)
permute_dimensions, squeeze = renamed(ops.transpose, "x pattern"), renamed(ops.squeeze, "x axis")
expand_dims, tile = renamed(ops.expand_dims, "x axis", axis=-1), renamed(ops.tile, "x n")
repeat_elements, one_hot = renamed(ops.repeat, "x rep axis"), renamed(ops.one_hot, "indices num_classes")


def reshape(x: Any, shape: Any) -> Any:
    """The same elements in another shape; one length may be -1.

    >>> reshape([1, 2, 3, 4, 5, 6], (2, -1)).tolist()
    [[1, 2, 3], [4, 5, 6]]
    """
    return ops.reshape(x, tuple(shape) if isinstance(shape, Sequence) else shape)


def flatten(x: Any) -> Any:
    """All elements in one row.

    >>> flatten([[1, 2], [3, 4]]).tolist()
    [1, 2, 3, 4]
    """
    return ops.reshape(x, (-1,))


def batch_flatten(x: Any) -> Any:
    """The elements of each example in one row.

    >>> batch_flatten(ef.ops.ones((2, 3, 4))).shape
    (2, 12)
    """
    x = ops.convert_to_tensor(x)
    if None in x.shape[1:]:
        return _rows(x)
    return ops.reshape(x, (-1, math.prod(x.shape[1:])))


@composite
def _rows(x: Any) -> Any:
    return ops.reshape(x, (x.shape[0], -1))


def repeat(x: Any, n: int) -> Any:
    """(batch, features) `n` times: (batch, n, features).

    >>> repeat([[1, 2]], 3).tolist()
    [[[1, 2], [1, 2], [1, 2]]]
    """
    return ops.repeat(ops.expand_dims(x, 1), n, axis=1)


def reverse(x: Any, axes: Any) -> Any:
    """Backwards along some axes.

    >>> reverse([[1, 2, 3], [4, 5, 6]], 1).tolist()
    [[3, 2, 1], [6, 5, 4]]
    """
    return ops.flip(x, axes if isinstance(axes, int) else tuple(axes))


def slice(x: Any, start: Any, size: Any) -> Any:
    """`size` elements from `start` on, for every axis; a size of -1 means all that follow.

    >>> slice([[1, 2, 3], [4, 5, 6]], [0, 1], [2, -1]).tolist()
    [[2, 3], [5, 6]]
    """
    bounds = zip(start, size, strict=True)
    return ops.convert_to_tensor(x)[tuple(_cut(first, length) for first, length in bounds)]


def temporal_padding(x: Any, padding: Sequence[int] = (1, 1)) -> Any:
    """Zeros before and after the middle axis of (batch, time, features).

    >>> temporal_padding([[[1.0], [2.0]]], (1, 2))[0, :, 0].tolist()
    [0.0, 1.0, 2.0, 0.0, 0.0]
    """
    return ops.pad(x, ((0, 0), tuple(padding), (0, 0)))


def spatial_2d_padding(x: Any, padding: Any = ((1, 1), (1, 1)), data_format: str | None = None) -> Any:
    """Zeros around images.

    >>> spatial_2d_padding([[[[1.0]]]])[0, :, :, 0].tolist()
    [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
    """
    return ops.pad(x, _around(padding, data_format))


def spatial_3d_padding(x: Any, padding: Any = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None) -> Any:
    """Zeros around volumes.

    >>> spatial_3d_padding(ef.ops.ones((1, 2, 2, 2, 3))).shape
    (1, 4, 4, 4, 3)
    """
    return ops.pad(x, _around(padding, data_format))


def resize_images(
    x: Any, height_factor: int, width_factor: int, data_format: DataFormat, interpolation: Interpolation = "nearest"
) -> Any:
    """Images enlarged by whole numbers.

    >>> resize_images([[[[1.0], [2.0]]]], 2, 2, "channels_last")[0, :, :, 0].tolist()
    [[1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 2.0, 2.0]]
    """
    if interpolation == "nearest":
        return _enlarged(x, (height_factor, width_factor), data_format)
    x, first = ops.convert_to_tensor(x), 1 if _layout(data_format) == "channels_last" else 2
    size = (x.shape[first] * height_factor, x.shape[first + 1] * width_factor)
    return ops.image.resize(x, size, interpolation=interpolation, data_format=data_format)


def resize_volumes(x: Any, depth_factor: int, height_factor: int, width_factor: int, data_format: str) -> Any:
    """Volumes enlarged by whole numbers.

    >>> resize_volumes(ef.ops.ones((1, 2, 2, 2, 3)), 1, 2, 3, "channels_last").shape
    (1, 2, 4, 6, 3)
    """
    return _enlarged(x, (depth_factor, height_factor, width_factor), data_format)


def _enlarged(x: Any, factors: tuple[int, ...], data_format: str) -> Any:
    first = 1 if _layout(data_format) == "channels_last" else 2
    for i, factor in enumerate(factors):
        x = ops.repeat(x, factor, axis=first + i)
    return x


def _around(padding: Any, data_format: str | None) -> list[tuple[int, int]]:
    inner = [(int(before), int(after)) for before, after in padding]
    if _layout(data_format) == "channels_last":
        return [(0, 0), *inner, (0, 0)]
    return [(0, 0), (0, 0), *inner]


def _cut(first: int, length: int) -> Any:
    return builtins.slice(first, None if length == -1 else first + length)
