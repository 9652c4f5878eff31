"""`tf.image`: mirrored pictures, and other types of numbers. More is in `crops`, `colors`, `quality`, `pictures`."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow import ops
from eagerflow.compat.tensorflow.images.crops import generator_of, stateless
from eagerflow.core.tensor import Tensor

__all__ = ["convert_image_dtype", "flip_left_right", "flip_up_down", "per_image_standardization"]
__all__ += ["random_flip_left_right", "random_flip_up_down", "stateless_random_flip_left_right"]
__all__ += ["stateless_random_flip_up_down"]


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
    if image.dtype.kind == "f" and wanted.kind in "iu":
        largest = float(numpy.iinfo(wanted).max)
        scaled = image * (largest + 0.5)
        return ops.cast(ops.clip(scaled, 0, largest) if saturate else scaled, dtype)
    raise ValueError(f"convert_image_dtype: {image.dtype} to {wanted} isn't possible here; use tf.cast.")


def per_image_standardization(image: Any) -> Tensor:
    """Each image with mean 0 and variance 1."""
    image = _floats(ops.convert_to_tensor(image))
    axes = (-3, -2, -1)
    count = float(numpy.prod(image.shape[-3:]))
    spread = ops.maximum(ops.std(image, axes, keepdims=True), 1 / numpy.sqrt(count).item())
    return (image - ops.mean(image, axes, keepdims=True)) / spread


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


stateless_random_flip_left_right = stateless(random_flip_left_right)
stateless_random_flip_up_down = stateless(random_flip_up_down)


def _by_chance(image: Any, change: Any, seed: Any) -> Tensor:
    image = ops.convert_to_tensor(image)
    one = len(image.shape) == 3
    drawn = generator_of(seed).random(1 if one else image.shape[0]) < 0.5
    return ops.where(drawn.reshape((-1,) + (1,) * (2 if one else 3)), change(image), image)


def _floats(image: Any) -> Tensor:
    return ops.cast(image, "float32") if image.dtype.kind != "f" else image
