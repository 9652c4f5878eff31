"""Cutting images: crop, pad, patches."""

from __future__ import annotations

import math
from typing import Any

from eagerflow.base.errors import signature_of
from eagerflow.base.typing import DataFormat, Padding, Sizes, TensorLike
from eagerflow.core.op import composite
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.ops.arrays.join import pad
from eagerflow.ops.images.layout import checked_images, spatial_axes
from eagerflow.ops.neural.data_format import is_channels_first, to_first, to_last
from eagerflow.ops.neural.windows import gather_windows
from eagerflow.ops.windows.geometry import per_axis, window_geometry

__all__ = ["crop_images", "extract_patches", "extract_patches_3d", "pad_images"]


def _sides(name: str, kind: str, length: int, first: Any, second: Any, target: Any, grow: bool) -> tuple[int, int]:
    """What is cut off (or added) at both ends of an axis, from two of three numbers."""
    if [first, second, target].count(None) != 1:
        raise ValueError(
            f"{name}: {kind}: expected exactly two of the two margins and the target length; got "
            f"{first}, {second} and target {target}."
        )
    if target is not None:
        margins = target - length if grow else length - target
        first = margins - second if first is None else first
        second = margins - first
    if first < 0 or second < 0 or (not grow and first + second > length):
        raise ValueError(
            f"{name}: {kind}: the margins {first} and {second} (target {target}) don't fit a length of {length}."
        )
    return int(first), int(second)


@composite
def crop_images(
    images: TensorLike,
    top_cropping: int | None = None,
    left_cropping: int | None = None,
    bottom_cropping: int | None = None,
    right_cropping: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: DataFormat | None = None,
) -> Tensor:
    """Crops images to a rectangle.

    Two of `top_cropping`, `bottom_cropping` and `target_height` must be given, and two of the three for the width.

    Args:
        images: (height, width, channels) or a batch of them, or channels first.
        top_cropping: rows to cut off above.
        left_cropping: columns to cut off on the left.
        bottom_cropping: rows to cut off below.
        right_cropping: columns to cut off on the right.
        target_height: rows to keep.
        target_width: columns to keep.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.

    Raises:
        ValueError: when too many or too few numbers are given, or they don't fit.

    >>> image = ef.ops.reshape(ef.ops.arange(6.0), (2, 3, 1))
    >>> ef.ops.image.crop_images(image, 0, 1, target_height=2, target_width=2)[:, :, 0].tolist()
    [[1.0, 2.0], [4.0, 5.0]]
    """
    images = checked_images("crop_images", images)
    rows, columns = spatial_axes(images, data_format)
    height, width = images.shape[rows], images.shape[columns]
    top, bottom = _sides("crop_images", "height", height, top_cropping, bottom_cropping, target_height, False)
    left, right = _sides("crop_images", "width", width, left_cropping, right_cropping, target_width, False)
    return images[(*(slice(None),) * rows, slice(top, height - bottom), slice(left, width - right))]


@composite
def pad_images(
    images: TensorLike,
    top_padding: int | None = None,
    left_padding: int | None = None,
    bottom_padding: int | None = None,
    right_padding: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: DataFormat | None = None,
) -> Tensor:
    """Pads images with zeros.

    Two of `top_padding`, `bottom_padding` and `target_height` must be given, and two of the three for the width.

    Args:
        images: (height, width, channels) or a batch of them, or channels first.
        top_padding: rows to add above.
        left_padding: columns to add on the left.
        bottom_padding: rows to add below.
        right_padding: columns to add on the right.
        target_height: rows of the result.
        target_width: columns of the result.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.

    Raises:
        ValueError: when too many or too few numbers are given, or they don't fit.

    >>> image = ef.ops.reshape([1.0, 2.0], (1, 2, 1))
    >>> ef.ops.image.pad_images(image, 1, 0, target_height=2, target_width=3)[:, :, 0].tolist()
    [[0.0, 0.0, 0.0], [1.0, 2.0, 0.0]]
    """
    images = checked_images("pad_images", images)
    rows, columns = spatial_axes(images, data_format)
    widths = [(0, 0)] * images.ndim
    height, width = images.shape[rows], images.shape[columns]
    widths[rows] = _sides("pad_images", "height", height, top_padding, bottom_padding, target_height, True)
    widths[columns] = _sides("pad_images", "width", width, left_padding, right_padding, target_width, True)
    return pad(images, widths)


def _patches(
    name: str,
    images: Any,
    size: Any,
    strides: Sizes | None,
    dilation_rate: Sizes,
    padding: Padding,
    data_format: DataFormat | None,
    rank: int,
) -> Tensor:
    x = convert_to_tensor(images)
    if x.ndim not in (rank + 1, rank + 2):
        raise ValueError(f"{name}: expected {rank + 1} axes, or {rank + 2} with a batch; got {signature_of(x)}.")
    single, first = x.ndim == rank + 1, is_channels_first(data_format)
    x = x.reshape((1, *x.shape)) if single else x
    x = to_last(x) if first else x
    sizes = per_axis(size, rank, "size")
    plan = window_geometry(x.shape[1:-1], sizes, sizes if strides is None else strides, padding, dilation_rate)
    windows = gather_windows(x, plan)
    out = windows.reshape((x.shape[0], *plan.outputs, math.prod(sizes) * x.shape[-1]))
    out = to_first(out) if first else out
    return out.reshape(out.shape[1:]) if single else out


@composite
def extract_patches(
    images: TensorLike,
    size: Any,
    strides: Sizes | None = None,
    dilation_rate: Sizes = 1,
    padding: Padding = "valid",
    data_format: DataFormat | None = None,
) -> Tensor:
    """Extracts patches of images (or of volumes, for three sizes); the pixels of a patch become channels.

    Args:
        images: (height, width, channels) or a batch of them, or channels first.
        size: the size of the patches: an integer, a pair, or three numbers for volumes.
        strides: the step from one patch to the next; default: `size`.
        dilation_rate: the step between the pixels of a patch.
        padding: `"valid"` or `"same"`.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.

    Returns:
        (batch, rows, columns, pixels of a patch * channels), or channels first.

    Raises:
        ValueError: when shapes and settings don't fit together.
        TypeError: for a size that is neither an integer nor a tuple.

    >>> ef.ops.image.extract_patches([[[1.0], [2.0], [3.0], [4.0]]], (1, 2)).tolist()
    [[[1.0, 2.0], [3.0, 4.0]]]
    >>> ef.ops.image.extract_patches(ef.ops.ones((1, 8, 8, 3)), 4).shape
    (1, 2, 2, 48)
    """
    if not isinstance(size, (int, tuple, list)):
        raise TypeError(f"extract_patches: size={size!r}: expected an integer, or a tuple of 2 or 3 of them.")
    if isinstance(size, (tuple, list)) and len(size) == 3:
        return extract_patches_3d(images, size, strides, dilation_rate, padding, data_format)
    return _patches("extract_patches", images, size, strides, dilation_rate, padding, data_format, 2)


@composite
def extract_patches_3d(
    volumes: TensorLike,
    size: Any,
    strides: Sizes | None = None,
    dilation_rate: Sizes = 1,
    padding: Padding = "valid",
    data_format: DataFormat | None = None,
) -> Tensor:
    """Extracts patches of volumes; the voxels of a patch become channels.

    Args:
        volumes: (depth, height, width, channels) or a batch of them, or channels first.
        size: the size of the patches: an integer or three.
        strides: the step from one patch to the next; default: `size`.
        dilation_rate: the step between the voxels of a patch.
        padding: `"valid"` or `"same"`.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.

    Returns:
        (batch, layers, rows, columns, voxels of a patch * channels), or channels first.

    Raises:
        ValueError: when shapes and settings don't fit together.
        TypeError: for a size that is neither an integer nor three of them.

    >>> volume = ef.ops.reshape(ef.ops.arange(8.0), (2, 2, 2, 1))
    >>> ef.ops.image.extract_patches_3d(volume, 2).tolist()
    [[[[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]]]]
    >>> ef.ops.image.extract_patches_3d(ef.ops.ones((1, 4, 4, 4, 3)), 2).shape
    (1, 2, 2, 2, 24)
    """
    if not isinstance(size, int) and not (isinstance(size, (tuple, list)) and len(size) == 3):
        raise TypeError(f"extract_patches_3d: size={size!r}: expected an integer, or a tuple of 3 of them.")
    return _patches("extract_patches_3d", volumes, size, strides, dilation_rate, padding, data_format, 3)
