"""Segmentation masks drawn on images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy

from eagerflow.base.errors import signature_of
from eagerflow.base.typing import DataFormat
from eagerflow.core.tensor import convert_to_tensor
from eagerflow.visualization.images import channels_last, is_first

__all__ = ["draw_segmentation_masks"]

_STEPS = numpy.array([33554431, 32767, 2097151])  # far apart modulo 255: colors of neighbouring classes differ


def draw_segmentation_masks(
    images: Any,
    segmentation_masks: Any,
    num_classes: int | None = None,
    color_mapping: Mapping[int, Any] | None = None,
    alpha: float = 0.8,
    blend: bool = True,
    ignore_index: int = -1,
    data_format: DataFormat | None = None,
) -> numpy.ndarray:
    """Colors the pixels of images by their classes in segmentation masks.

    Args:
        images: (batch, height, width, 3) with values from 0 to 255, or channels first.
        segmentation_masks: integers (batch, height, width), or with an axis of length 1 for channels.
        num_classes: classes from this number on aren't drawn; default: all are drawn.
        color_mapping: a dict from classes to colors (red, green and blue, from 0 to 255); default: built-in colors,
            black for class 0.
        alpha: the opacity of the colors, from 0 to 1.
        blend: whether colors are blended with the image; with False, they replace it.
        ignore_index: the class that isn't drawn.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.

    Returns:
        The images as a uint8 array with channels last.

    Raises:
        TypeError: for masks that aren't integers.
        ValueError: for other shapes, `alpha` outside [0, 1], or a class without a color.

    Source: the interface of `keras.visualization.draw_segmentation_masks` 3.15.

    >>> image, mask = np.zeros((1, 2, 3, 3)), np.array([[[0, 1, 1], [0, 0, 1]]])
    >>> colors = {0: (0, 0, 0), 1: (0, 200, 0)}
    >>> drawn = ef.visualization.draw_segmentation_masks(image, mask, color_mapping=colors, blend=False)
    >>> drawn[0, :, :, 1].tolist()  # how green
    [[0, 200, 200], [0, 0, 200]]
    """
    if not 0 <= alpha <= 1:
        raise ValueError(f"draw_segmentation_masks(alpha={alpha!r}): expected a number from 0 to 1.")
    drawn = channels_last("draw_segmentation_masks", images, data_format).astype("float32")
    masks = _masks(segmentation_masks, drawn.shape, data_format)
    share = alpha if blend else 1.0
    for found in numpy.unique(masks).tolist():
        if found == ignore_index or found < 0 or (num_classes is not None and found >= num_classes):
            continue
        if color_mapping is not None and found not in color_mapping:
            raise ValueError(
                f"draw_segmentation_masks(color_mapping=...): no color for the class {found}; "
                f"it has {sorted(color_mapping)}."[:480]
            )
        color = _STEPS * found % 255 if color_mapping is None else color_mapping[found]
        here = masks == found
        drawn[here] = drawn[here] * (1 - share) + numpy.asarray(color, "float32") * share
    return numpy.clip(drawn, 0, 255).astype("uint8")


def _masks(given: Any, shape: tuple[int, ...], data_format: DataFormat | None) -> numpy.ndarray:
    masks: numpy.ndarray = convert_to_tensor(given).numpy()
    if masks.dtype.kind not in "iu":
        raise TypeError(f"draw_segmentation_masks(segmentation_masks): expected integers; got {signature_of(masks)}.")
    if masks.ndim == 4:
        masks = masks[:, 0] if is_first("draw_segmentation_masks", data_format) else masks[..., 0]
    if masks.shape != shape[:3]:
        raise ValueError(
            f"draw_segmentation_masks(segmentation_masks): expected a class for each pixel, {shape[:3]}; "
            f"got {signature_of(masks)}."
        )
    return masks
