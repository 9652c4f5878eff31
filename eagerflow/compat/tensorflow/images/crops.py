"""`tf.image`: parts of pictures, borders around them, and other sizes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy

from eagerflow import ops
from eagerflow.base.capturing import not_replayable
from eagerflow.base.errors import expect_one_of
from eagerflow.core.tensor import Tensor
from eagerflow.random.seed_generator import draw as _draw

__all__ = ["ResizeMethod", "central_crop", "crop_to_bounding_box", "extract_patches"]
__all__ += ["pad_to_bounding_box", "random_crop", "resize", "resize_with_crop_or_pad", "resize_with_pad", "rot90"]
__all__ += ["transpose"]

_METHODS = {"lanczos3", "lanczos5", "bilinear", "bicubic", "nearest"}


class ResizeMethod:
    """The ways to resize."""

    AREA, BICUBIC, BILINEAR, GAUSSIAN = "area", "bicubic", "bilinear", "gaussian"
    LANCZOS3, LANCZOS5, MITCHELLCUBIC, NEAREST_NEIGHBOR = "lanczos3", "lanczos5", "mitchellcubic", "nearest"


def resize(
    images: Any,
    size: Any,
    method: Any = "bilinear",
    preserve_aspect_ratio: bool = False,
    antialias: bool = False,
    name: str | None = None,
) -> Tensor:
    """Images, (batch, height, width, channels) or one, in another size; floats except for `"nearest"`.

    Raises:
        ValueError: for another method.
    """
    images = _tensor(images)
    height, width = (int(n) for n in ops.convert_to_numpy(size))
    if preserve_aspect_ratio:
        scale = min(height / images.shape[-3], width / images.shape[-2])
        height, width = (round(n * scale) for n in images.shape[-3:-1])
    method = str(method).lower()
    expect_one_of("tf.image.resize", "method", method, sorted(_METHODS))
    images = images if method == "nearest" else _floats(images)
    return ops.image.resize(images, (height, width), method, antialias, data_format="channels_last")


def crop_to_bounding_box(
    image: Any, offset_height: Any, offset_width: Any, target_height: Any, target_width: Any
) -> Tensor:
    """The part of images that begins at a row and column, and has a height and width.

    Raises:
        ValueError: when it lies partly outside.
    """
    image = _tensor(image)
    top, left, height, width = (int(n) for n in (offset_height, offset_width, target_height, target_width))
    if (
        min(top, left) < 0
        or top + height > (image.shape[-3] or math.inf)
        or left + width > (image.shape[-2] or math.inf)
    ):
        raise ValueError(
            f"crop_to_bounding_box: rows {top} to {top + height} and columns {left} to {left + width} lie outside of "
            f"images of shape {tuple(image.shape)}."
        )
    return image[..., top : top + height, left : left + width, :]


def pad_to_bounding_box(
    image: Any, offset_height: Any, offset_width: Any, target_height: Any, target_width: Any
) -> Tensor:
    """Images surrounded by zeros, at an offset within the target size.

    Raises:
        ValueError: when they don't fit.
    """
    image = _tensor(image)
    top, left, height, width = (int(n) for n in (offset_height, offset_width, target_height, target_width))
    bottom, right = height - top - image.shape[-3], width - left - image.shape[-2]
    if min(top, left, bottom, right) < 0:
        raise ValueError(
            f"pad_to_bounding_box: {tuple(image.shape)} at {(top, left)} doesn't fit into {(height, width)}."
        )
    before = [(0, 0)] * (len(image.shape) - 3)
    return ops.pad(image, [*before, (top, bottom), (left, right), (0, 0)])


def central_crop(image: Any, central_fraction: float) -> Tensor:
    """The middle of images: this share of their height and width."""
    image = _tensor(image)
    height, width = image.shape[-3:-1]
    top, left = (int((n - n * central_fraction) / 2) for n in (height, width))
    return crop_to_bounding_box(image, top, left, height - 2 * top, width - 2 * left)


def resize_with_crop_or_pad(image: Any, target_height: int, target_width: int) -> Tensor:
    """Cut from the middle, or with zeros around it, until it has the size."""
    image = _tensor(image)
    height, width = image.shape[-3:-1]
    cut_height, cut_width = min(height, target_height), min(width, target_width)
    image = crop_to_bounding_box(image, (height - cut_height) // 2, (width - cut_width) // 2, cut_height, cut_width)
    top, left = (target_height - cut_height) // 2, (target_width - cut_width) // 2
    return pad_to_bounding_box(image, top, left, target_height, target_width)


def resize_with_pad(
    image: Any, target_height: int, target_width: int, method: str = "bilinear", antialias: bool = False
) -> Tensor:
    """Resized without distortion, with zeros around it until it has the size."""
    image = _tensor(image)
    height, width = (float(n) for n in image.shape[-3:-1])
    ratio = max(width / target_width, height / target_height)
    new_height, new_width = math.floor(height / ratio), math.floor(width / ratio)
    top, left = (max(0, math.floor((n - m / ratio) / 2)) for n, m in ((target_height, height), (target_width, width)))
    resized = resize(image, (new_height, new_width), method, antialias=antialias)
    return pad_to_bounding_box(resized, top, left, target_height, target_width)


def random_crop(value: Any, size: Any, seed: Any = None, name: str | None = None) -> Tensor:
    """A part of this size at a random place, along all axes; -1 in `size` means the whole axis.

    Raises:
        ValueError: for a size that is larger than the tensor.
    """
    value = _tensor(value)
    sizes = [int(n) for n in ops.convert_to_numpy(size)]
    sizes = [whole if n == -1 else n for n, whole in zip(sizes, value.shape, strict=True)]
    if any(n > whole for n, whole in zip(sizes, value.shape)):
        raise ValueError(f"random_crop(size={sizes}): {tuple(value.shape)} is smaller.")
    rng = generator_of(seed)
    starts = [int(rng.integers(whole - n + 1)) for n, whole in zip(sizes, value.shape)]
    return value[tuple([slice(start, start + n) for start, n in zip(starts, sizes)])]


_draws: dict[int, Iterator[int]] = {}


def generator_of(seed: Any) -> numpy.random.Generator:
    """Where numbers come from: a seed of one number gives others at each call, as in TensorFlow."""
    if isinstance(seed, int):
        not_replayable("it draws random numbers of tf.image where a replay wouldn't draw again")
        return numpy.random.default_rng([seed % 2**32, next(_draws.setdefault(seed, itertools.count()))])
    return _draw(seed, "tf.image")


def extract_patches(images: Any, sizes: Any, strides: Any, rates: Any, padding: str, name: str | None = None) -> Tensor:
    """Windows of images: (batch, rows, columns, height * width * channels)."""
    border: Any = padding.lower()
    return ops.image.extract_patches(
        images,
        tuple(sizes[1:3]),
        strides=tuple(strides[1:3]),
        dilation_rate=rates[1] if rates[1] == rates[2] else tuple(rates[1:3]),
        padding=border,
        data_format="channels_last",
    )


def rot90(image: Any, k: int = 1, name: str | None = None) -> Tensor:
    """Turned to the left, `k` times."""
    return ops.rot90(_tensor(image), k, (-3, -2))


def transpose(image: Any, name: str | None = None) -> Tensor:
    """Height and width exchanged."""
    return ops.swapaxes(_tensor(image), -3, -2)


def _tensor(image: Any) -> Any:
    return image if hasattr(image, "node") else ops.convert_to_tensor(image)


def _floats(image: Any) -> Tensor:
    return ops.cast(image, "float32") if image.dtype.kind != "f" else image
