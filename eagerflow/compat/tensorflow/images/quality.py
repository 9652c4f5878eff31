"""`tf.image`: how similar pictures are, and how they change from pixel to pixel."""

from __future__ import annotations

from typing import Any

from eagerflow import ops
from eagerflow.core.tensor import Tensor

__all__ = ["psnr", "sobel_edges", "ssim", "total_variation"]


def psnr(a: Any, b: Any, max_val: Any, name: str | None = None) -> Tensor:
    """The peak signal-to-noise ratio of each pair of images, in decibels."""
    error = ops.mean(ops.square(_floats(a) - _floats(b)), axis=(-3, -2, -1))
    return 20 * ops.log10(ops.cast(max_val, "float32")) - 10 * ops.log10(error)


def ssim(
    img1: Any,
    img2: Any,
    max_val: Any,
    filter_size: int = 11,
    filter_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
) -> Tensor:
    """The structural similarity of each pair of images."""
    return ops.image.ssim(
        _floats(img1), _floats(img2), max_val, filter_size=filter_size, filter_sigma=filter_sigma, k1=k1, k2=k2
    )


def total_variation(images: Any, name: str | None = None) -> Tensor:
    """The sum of the absolute differences of neighboring pixels, of each image."""
    images = ops.convert_to_tensor(images)
    down = images[..., 1:, :, :] - images[..., :-1, :, :]
    right = images[..., 1:, :] - images[..., :-1, :]
    return ops.sum(ops.abs(down), axis=(-3, -2, -1)) + ops.sum(ops.abs(right), axis=(-3, -2, -1))


def sobel_edges(image: Any) -> Tensor:
    """The slopes down and to the right by Sobel's filter, in a last axis."""
    return ops.image.sobel_edges(ops.convert_to_tensor(image), data_format="channels_last")


def _floats(image: Any) -> Any:
    image = ops.convert_to_tensor(image)
    return image if image.dtype.kind == "f" else ops.cast(image, "float32")
