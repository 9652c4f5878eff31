"""Bounding boxes drawn on images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy

from eagerflow.base.errors import signature_of
from eagerflow.base.typing import BoxFormat, DataFormat
from eagerflow.core.tensor import convert_to_tensor
from eagerflow.preprocessing.pictures import written
from eagerflow.utils.bounding_boxes import convert_format
from eagerflow.visualization.images import batch_of

__all__ = ["draw_bounding_boxes"]


def draw_bounding_boxes(
    images: Any,
    bounding_boxes: Mapping[str, Any],
    bounding_box_format: BoxFormat,
    class_mapping: Mapping[int, str] | None = None,
    color: Sequence[int] = (128, 128, 128),
    line_thickness: int = 2,
    text_thickness: int = 1,
    font_scale: float = 1.0,
    data_format: DataFormat | None = None,
) -> numpy.ndarray:
    """Draws bounding boxes, and the names of their classes, into images.

    Args:
        images: (batch, height, width, channels), or channels first.
        bounding_boxes: a dict with `boxes` (batch, boxes, 4), `labels` (batch, boxes), where -1 marks padding, and
            perhaps `confidences` (batch, boxes).
        bounding_box_format: the format of the boxes; see `utils.bounding_boxes.convert_format`.
        class_mapping: a dict from labels to names; only boxes with a name get a text. It needs Pillow.
        color: the color of the boxes: red, green and blue, from 0 to 255.
        line_thickness: the thickness of the lines in pixels.
        text_thickness: the thickness of the letters.
        font_scale: the size of the letters; 1 is about 12 pixels.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.

    Returns:
        The images as a uint8 array with channels last.

    Raises:
        TypeError: when `bounding_boxes` is no dict.
        ValueError: for other shapes, or when boxes or labels are missing.
        ImportError: for texts without Pillow.

    Source: the interface of `keras.visualization.draw_bounding_boxes` 3.15; letters are Pillow's.

    >>> image = np.zeros((1, 6, 6, 3))
    >>> boxes = {"boxes": [[[1, 1, 4, 4]]], "labels": [[0]]}
    >>> drawn = ef.visualization.draw_bounding_boxes(image, boxes, "xyxy", color=(255, 0, 0), line_thickness=1)
    >>> print(drawn[0, :, :, 0] // 255)  # how red
    [[0 0 0 0 0 0]
     [0 1 1 1 1 0]
     [0 1 0 0 1 0]
     [0 1 0 0 1 0]
     [0 1 1 1 1 0]
     [0 0 0 0 0 0]]
    """
    drawn = batch_of("draw_bounding_boxes", images, data_format)
    boxes, labels, texts = _read(bounding_boxes, bounding_box_format, drawn.shape, class_mapping or {})
    inks = numpy.resize(numpy.asarray(color, "uint8"), drawn.shape[-1])
    for i, image in enumerate(drawn):
        for (x1, y1, x2, y2), label, text in zip(boxes[i], labels[i], texts[i]):
            if label == -1:
                continue
            _frame(image, x1, y1, x2, y2, inks, max(int(line_thickness), 1))
            if text:
                size = 12 * font_scale
                above = y1 - 8 - size
                place = (x1, above) if above > 0 else (x1 + 3, y1 + 3 + line_thickness)
                image[...] = written(image, text, place, size, text_thickness or 1, tuple(inks.tolist()))
    return drawn


def _read(given: Any, box_format: BoxFormat, shape: tuple[int, ...], names: Mapping[int, str]) -> tuple[Any, Any, Any]:
    """Corners in whole pixels, labels, and texts, of all boxes."""
    if not isinstance(given, Mapping):
        raise TypeError(
            "draw_bounding_boxes(bounding_boxes): expected a dict with 'boxes' and 'labels'; "
            f"got {signature_of(given)}."
        )
    missing = [key for key in ("boxes", "labels") if key not in given]
    if missing:
        raise ValueError(f"draw_bounding_boxes(bounding_boxes): {missing} missing; got {sorted(given)}.")
    boxes = convert_format(given["boxes"], box_format, "xyxy", shape[1], shape[2]).numpy().astype(int)
    labels = convert_to_tensor(given["labels"]).numpy().astype(int)
    if boxes.shape != (shape[0], *labels.shape[1:], 4) or labels.ndim != 2:
        raise ValueError(
            "draw_bounding_boxes(bounding_boxes): expected boxes (batch, boxes, 4) and labels (batch, boxes) for "
            f"{shape[0]} images; got shapes {boxes.shape} and {labels.shape}."
        )
    texts = [[names.get(int(label), "") for label in row] for row in labels]
    if given.get("confidences") is not None:
        sure = convert_to_tensor(given["confidences"]).numpy()
        texts = [[t and f"{t} | {c:.2f}" for t, c in zip(*rows)] for rows in zip(texts, sure)]
    return boxes, labels, texts


def _frame(image: Any, x1: int, y1: int, x2: int, y2: int, inks: Any, width: int) -> None:
    """A frame whose lines are `width` pixels thick, half of it outside of the box; cut at the image's borders."""
    out = width // 2
    height, length = image.shape[:2]
    left, right = numpy.clip([x1 - out, x2 - out + width], 0, length)
    top, bottom = numpy.clip([y1 - out, y2 - out + width], 0, height)
    inside = numpy.zeros((height, length), bool)
    inside[top:bottom, left:right] = True
    low, high = max(y1 - out + width, 0), max(y2 - out, 0)
    inside[low:high, max(x1 - out + width, 0) : max(x2 - out, 0)] = False
    image[inside] = inks
