"""`tf.image`: the few functions that input pipelines of tutorials use."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow import ops
from eagerflow.core.tensor import Tensor
from eagerflow.random.seed_generator import draw as _draw

__all__ = [
    "adjust_brightness", "adjust_contrast", "convert_image_dtype", "flip_left_right", "flip_up_down",
    "per_image_standardization", "random_brightness", "random_flip_left_right", "random_flip_up_down", "resize",
    "rgb_to_grayscale",
]  # fmt: skip


def resize(
    images: Any, size: Any, method: str = "bilinear", antialias: bool = False, **kwargs: Any
) -> Tensor:
    """Images, (batch, height, width, channels) or one, in another size; floats except for `"nearest"`."""
    images = ops.convert_to_tensor(images)
    images = images if method == "nearest" else _floats(images)
    return ops.image.resize(images, tuple(size), method, antialias, data_format="channels_last")


def rgb_to_grayscale(images: Any, name: str | None = None) -> Tensor:
    """One channel of three."""
    return ops.image.rgb_to_grayscale(images, data_format="channels_last")


def convert_image_dtype(image: Any, dtype: Any, saturate: bool = False, name: str | None = None) -> Tensor:
    """Another type: integers from 0 to their largest become floats from 0 to 1.

    Raises:
        ValueError: for another conversion.
    """
    image = ops.convert_to_tensor(image)
    wanted = numpy.dtype(dtype)
    if image.dtype == wanted:
        return image
    if image.dtype.kind in "iu" and wanted.kind == "f":
        return ops.cast(image, dtype) / float(numpy.iinfo(image.dtype).max)
    if image.dtype.kind == "f" and wanted.kind == "f":
        return ops.cast(image, dtype)
    raise ValueError(f"convert_image_dtype: {image.dtype} to {wanted} isn't possible here; use tf.cast.")


def per_image_standardization(image: Any) -> Tensor:
    """Each image with mean 0 and variance 1."""
    image = _floats(ops.convert_to_tensor(image))
    axes = (-3, -2, -1)
    count = float(numpy.prod(image.shape[-3:]))
    spread = ops.maximum(ops.std(image, axes, keepdims=True), 1 / numpy.sqrt(count).item())
    return (image - ops.mean(image, axes, keepdims=True)) / spread


def adjust_brightness(image: Any, delta: float) -> Tensor:
    """`delta` added."""
    return ops.convert_to_tensor(image) + delta


def adjust_contrast(images: Any, contrast_factor: float) -> Tensor:
    """Differences from each channel's mean, scaled."""
    images = ops.convert_to_tensor(images)
    center = ops.mean(images, (-3, -2), keepdims=True)
    return (images - center) * contrast_factor + center


def flip_left_right(image: Any) -> Tensor:
    """Mirrored left to right."""
    return ops.flip(ops.convert_to_tensor(image), -2)


def flip_up_down(image: Any) -> Tensor:
    """Upside down."""
    return ops.flip(ops.convert_to_tensor(image), -3)


def random_flip_left_right(image: Any, seed: Any = None) -> Tensor:
    """Mirrored, or not, by chance; each of several images by its own."""
    return _by_chance(image, flip_left_right, seed)


def random_flip_up_down(image: Any, seed: Any = None) -> Tensor:
    """Upside down, or not, by chance."""
    return _by_chance(image, flip_up_down, seed)


def random_brightness(image: Any, max_delta: float, seed: Any = None) -> Tensor:
    """A number from `-max_delta` to `max_delta` added."""
    drawn = _draw(seed, "tf.image").uniform(-max_delta, max_delta)
    return adjust_brightness(image, float(drawn))


def _by_chance(image: Any, change: Any, seed: Any) -> Tensor:
    image = ops.convert_to_tensor(image)
    one = len(image.shape) == 3
    drawn = _draw(seed, "tf.image").random(1 if one else image.shape[0]) < 0.5
    return ops.where(drawn.reshape((-1,) + (1,) * (2 if one else 3)), change(image), image)


def _floats(image: Any) -> Tensor:
    return ops.cast(image, "float32") if image.dtype.kind != "f" else image
