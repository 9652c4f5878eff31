"""What the ops on images share: one image or a batch of them, channels first or last."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eagerflow.base.errors import signature_of
from eagerflow.base.typing import DataFormat
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.ops.elementwise.rounding import round as round_to_even
from eagerflow.ops.neural.data_format import is_channels_first, to_first, to_last

__all__ = ["as_batch", "as_floats", "channels_axis", "checked_images", "spatial_axes", "typed_as"]


def checked_images(name: str, images: Any) -> Tensor:
    """`images` as a tensor.

    Raises:
        ValueError: unless it has three axes (one image) or four (a batch).
    """
    images = convert_to_tensor(images)
    if images.ndim not in (3, 4):
        raise ValueError(f"{name}: images: expected 3 axes (one image) or 4 (a batch); got {signature_of(images)}.")
    return images


def channels_axis(images: Tensor, data_format: DataFormat | None) -> int:
    """The axis of the channels, from 0."""
    return images.ndim - 3 if is_channels_first(data_format) else images.ndim - 1


def spatial_axes(images: Tensor, data_format: DataFormat | None) -> tuple[int, int]:
    """The axes of height and width, from 0."""
    first = images.ndim - 3 + is_channels_first(data_format)
    return first, first + 1


def as_batch(name: str, images: Any, data_format: DataFormat | None) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """`images` as (batch, height, width, channels), and the function back to its own layout."""
    images = checked_images(name, images)
    single, first = images.ndim == 3, is_channels_first(data_format)

    def back(x: Tensor) -> Tensor:
        x = to_first(x) if first else x
        return x.reshape(x.shape[1:]) if single else x

    batch = images.reshape((1, *images.shape)) if single else images
    return (to_last(batch) if first else batch), back


def as_floats(images: Tensor) -> Tensor:
    """Floats of at least 32 bits."""
    return images.astype("float32") if images.dtype.kind in "iub" or images.dtype.itemsize < 4 else images


def typed_as(images: Tensor, result: Tensor) -> Tensor:
    """`result` in the data type of `images`; whole numbers are rounded."""
    if result.dtype == images.dtype:
        return result
    return (round_to_even(result) if images.dtype.kind in "iub" else result).astype(images.dtype)
