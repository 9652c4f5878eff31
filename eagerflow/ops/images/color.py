"""Conversions between colour spaces."""

from __future__ import annotations

from typing import Any

from eagerflow.base.errors import signature_of
from eagerflow.base.typing import DataFormat, TensorLike
from eagerflow.core.op import composite, identity
from eagerflow.core.tensor import Tensor
from eagerflow.ops.arrays.join import stack
from eagerflow.ops.elementwise.arithmetic import absolute, mod
from eagerflow.ops.elementwise.comparison import equal
from eagerflow.ops.elementwise.selection import clip, maximum, minimum, where
from eagerflow.ops.images.layout import channels_axis, checked_images

__all__ = ["hsv_to_rgb", "rgb_to_grayscale", "rgb_to_hsv"]

_LUMA = (0.2989, 0.5870, 0.1140)  # how bright red, green and blue look (ITU-R BT.601)


def _planes(name: str, images: Any, data_format: DataFormat | None) -> tuple[list[Tensor], int]:
    """The three channels of float images, and their axis."""
    images = checked_images(name, images)
    axis = channels_axis(images, data_format)
    if images.shape[axis] != 3:
        raise ValueError(f"{name}: images: expected 3 channels on axis {axis}; got {signature_of(images)}.")
    if images.dtype.kind in "iub":
        raise ValueError(f"{name}: images: expected floats from 0 to 1; got {signature_of(images)}.")
    before = (slice(None),) * axis
    return [images[(*before, i)] for i in range(3)], axis


@composite
def rgb_to_grayscale(images: TensorLike, data_format: DataFormat | None = None) -> Tensor:
    """Converts colour images to grayscale, with one channel.

    Args:
        images: (height, width, 3) or a batch of them, or channels first. Images of one channel are returned unchanged.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.

    Raises:
        ValueError: for other numbers of axes or channels.

    >>> ef.ops.image.rgb_to_grayscale([[[255.0, 0.0, 0.0], [0.0, 255.0, 0.0]]])[0, :, 0].round(1)
    Tensor(2 float32, [ 76.2, 149.7])
    """
    images = checked_images("rgb_to_grayscale", images)
    axis = channels_axis(images, data_format)
    if images.shape[axis] == 1:
        return identity(images)
    if images.shape[axis] != 3:
        raise ValueError(
            f"rgb_to_grayscale: images: expected 1 or 3 channels on axis {axis}; got {signature_of(images)}."
        )
    shape = tuple([3 if i == axis else 1 for i in range(images.ndim)])
    whole = images.dtype.kind in "iub"
    floats = images.astype("float32") if whole else images
    weights = Tensor(_LUMA, floats.dtype, device=images.device).reshape(shape)
    gray = (floats * weights).sum(axis=axis, keepdims=True)
    return gray.astype(images.dtype) if whole else gray


@composite
def rgb_to_hsv(images: TensorLike, data_format: DataFormat | None = None) -> Tensor:
    """Converts images from RGB to HSV (hue, saturation, value), all from 0 to 1.

    Args:
        images: floats from 0 to 1, (height, width, 3) or a batch of them, or channels first.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.

    Raises:
        ValueError: for other numbers of axes or channels, and for integers.

    >>> ef.ops.image.rgb_to_hsv([[[0.5, 0.0, 0.0]]]).tolist()
    [[[0.0, 1.0, 0.5]]]
    """
    (red, green, blue), axis = _planes("rgb_to_hsv", images, data_format)
    value = maximum(maximum(red, green), blue)
    spread = value - minimum(minimum(red, green), blue)
    coloured = spread > 0
    saturation = where(coloured, spread, 0) / where(value > 0, value, 1)
    sixth = 1 / (6 * where(coloured, spread, 1))
    hue = where(equal(value, green), (blue - red) * sixth + 2 / 6, (red - green) * sixth + 4 / 6)
    hue = where(equal(value, red), (green - blue) * sixth, hue)
    hue = where(coloured, hue, 0)
    return stack([where(hue < 0, hue + 1, hue), saturation, value], axis=axis)


@composite
def hsv_to_rgb(images: TensorLike, data_format: DataFormat | None = None) -> Tensor:
    """Converts images from HSV (hue, saturation, value) to RGB, all from 0 to 1.

    Args:
        images: floats from 0 to 1, (height, width, 3) or a batch of them, or channels first.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.

    Raises:
        ValueError: for other numbers of axes or channels, and for integers.

    >>> ef.ops.image.hsv_to_rgb([[[0.0, 1.0, 0.5]]]).tolist()
    [[[0.5, 0.0, 0.0]]]
    """
    (hue, saturation, value), axis = _planes("hsv_to_rgb", images, data_format)
    turn = mod(hue, 1.0) * 6
    pure = (clip(absolute(turn - 3) - 1, 0, 1), clip(2 - absolute(turn - 2), 0, 1), clip(2 - absolute(turn - 4), 0, 1))
    return stack([value * (1 - saturation + saturation * p) for p in pure], axis=axis)
