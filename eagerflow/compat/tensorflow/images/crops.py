"""`tf.image`: parts of pictures, borders around them, and other sizes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

import numpy

from eagerflow import ops
from eagerflow.base.capturing import not_replayable
from eagerflow.base.errors import expect_one_of
from eagerflow.core.tensor import Tensor
from eagerflow.random.seed_generator import draw as _draw

__all__ = ["ResizeMethod", "central_crop", "crop_and_resize", "crop_to_bounding_box", "extract_patches"]
__all__ += ["pad_to_bounding_box", "random_crop", "resize", "resize_with_crop_or_pad", "resize_with_pad", "rot90"]
__all__ += ["stateless_random_crop", "transpose"]

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
    if method == "area":
        return _averaged(_floats(images), height, width)
    expect_one_of("tf.image.resize", "method", method, sorted({*_METHODS, "area"}))
    images = images if method == "nearest" else _floats(images)
    return ops.image.resize(images, (height, width), method, antialias, data_format="channels_last")


def _averaged(images: Any, height: int, width: int) -> Tensor:
    """Means over the areas that pixels become."""
    for axis, size in ((-3, height), (-2, width)):
        images = ops.moveaxis(ops.tensordot(images, _areas(images.shape[axis], size), [[axis], [0]]), -1, axis)
    return images


def _areas(length: int, size: int) -> numpy.ndarray:
    """The share of each pixel (row) in each new one (column)."""
    edges = numpy.arange(size + 1) * (length / size)
    starts = numpy.arange(length)[:, None]
    overlap = numpy.minimum(edges[1:], starts + 1) - numpy.maximum(edges[:-1], starts)
    return (numpy.maximum(overlap, 0) * (size / length)).astype("float32")


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


class _Stateless:
    """A seed of two numbers, as TensorFlow's stateless functions take it."""

    def __init__(self, seed: Any) -> None:
        self.numbers = [int(n) % 2**32 for n in ops.convert_to_numpy(seed).reshape(-1)]


def stateless(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A random function as one whose last argument, `seed`, has two numbers that its results depend on alone."""

    @wraps(function)
    def call(*args: Any, seed: Any = None, **kwargs: Any) -> Tensor:
        *others, numbers = args if seed is None else (*args, seed)
        return function(*others, seed=_Stateless(numbers), **kwargs)

    return call


stateless_random_crop = stateless(random_crop)
_draws: dict[int, Iterator[int]] = {}


def generator_of(seed: Any) -> numpy.random.Generator:
    """Where numbers come from: a seed of one number gives others at each call, as in TensorFlow."""
    if isinstance(seed, _Stateless):
        return numpy.random.default_rng(seed.numbers)
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


def crop_and_resize(
    image: Any,
    boxes: Any,
    box_indices: Any,
    crop_size: Any,
    method: Any = "bilinear",
    extrapolation_value: float = 0.0,
    name: str | None = None,
) -> Tensor:
    """Parts of images in one size: each box, `[y1, x1, y2, x2]` from 0 to 1, of the image with its number."""
    image, boxes = _floats(_tensor(image)), ops.convert_to_numpy(boxes).astype("float32")
    which = ops.convert_to_numpy(box_indices).astype("int64")
    height, width = (int(n) for n in ops.convert_to_numpy(crop_size))
    rows = _places(boxes[:, 0], boxes[:, 2], height, image.shape[1])
    columns = _places(boxes[:, 1], boxes[:, 3], width, image.shape[2])
    y, x = numpy.broadcast_arrays(rows[:, :, None], columns[:, None, :])
    if method == "nearest":
        found = _pixels(image, which, numpy.round(y), numpy.round(x))
    else:
        top, left = numpy.floor(y), numpy.floor(x)
        down, right = ((y - top)[..., None]).astype("float32"), ((x - left)[..., None]).astype("float32")
        upper = _pixels(image, which, top, left) * (1 - right) + _pixels(image, which, top, left + 1) * right
        lower = _pixels(image, which, top + 1, left) * (1 - right) + _pixels(image, which, top + 1, left + 1) * right
        found = upper * (1 - down) + lower * down
    inside = (y >= 0) & (y <= image.shape[1] - 1) & (x >= 0) & (x <= image.shape[2] - 1)
    return ops.where(inside[..., None], found, numpy.float32(extrapolation_value))


def _places(start: Any, end: Any, count: int, length: int) -> numpy.ndarray:
    """Where the new pixels lie, in pixels of the image."""
    if count == 1:
        return (0.5 * (start + end) * (length - 1))[:, None]
    steps: numpy.ndarray = numpy.arange(count, dtype="float32") / (count - 1)
    return start[:, None] * (length - 1) + steps * ((end - start) * (length - 1))[:, None]


def _pixels(image: Any, which: Any, y: Any, x: Any) -> Any:
    rows = numpy.clip(y, 0, image.shape[1] - 1).astype("int64")
    columns = numpy.clip(x, 0, image.shape[2] - 1).astype("int64")
    return image[numpy.broadcast_to(which[:, None, None], rows.shape), rows, columns]


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
