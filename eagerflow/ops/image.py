"""The ops on images, as `keras.ops.image` lists them."""

from __future__ import annotations

from eagerflow.ops.images.color import hsv_to_rgb, rgb_to_grayscale, rgb_to_hsv
from eagerflow.ops.images.crop import crop_images, extract_patches, extract_patches_3d, pad_images
from eagerflow.ops.images.filters import gaussian_blur, sobel_edges, ssim
from eagerflow.ops.images.resize import resize, scale_and_translate
from eagerflow.ops.images.warp import (
    affine_transform,
    elastic_transform,
    map_coordinates,
    perspective_transform,
)

__all__ = [
    "affine_transform", "crop_images", "elastic_transform", "extract_patches", "extract_patches_3d", "gaussian_blur",
    "hsv_to_rgb", "map_coordinates", "pad_images", "perspective_transform", "resize", "rgb_to_grayscale", "rgb_to_hsv",
    "scale_and_translate", "sobel_edges", "ssim",
]  # fmt: skip


def __dir__() -> list[str]:
    return sorted(__all__)
