"""Pictures with frames around what was found in them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy

import eagerflow as ef

__all__ = ["framed"]

_RED = (255, 0, 0)


def framed(
    pixels: numpy.ndarray, boxes: numpy.ndarray, texts: Sequence[str] | None, rescale: float, what: str
) -> numpy.ndarray:
    """Bytes (height, width, 3) with red frames.

    Args:
        pixels: bytes (height, width, channels).
        boxes: (boxes, 4): left, upper, right and lower end in pixels.
        texts: one for each box, or None.
        rescale: how many times larger the picture becomes.
        what: the call, for errors.

    Raises:
        ValueError: for another shape, or another number of texts.
    """
    found = boxes.reshape(1, 4) if boxes.shape == (4,) else boxes
    if found.ndim != 2 or found.shape[1] != 4:
        raise ValueError(f"{what}: expected boxes of shape (boxes, 4); got {boxes.shape}")
    if texts is not None and len(texts) != len(found):
        raise ValueError(f"{what}: {len(found)} boxes, but {len(texts)} labels")
    colored = pixels[..., :3] if pixels.shape[-1] > 2 else pixels[..., :1].repeat(3, axis=-1)
    if len(found):
        told = {"boxes": found[numpy.newaxis].astype("float32"), "labels": [[*range(len(found))]]}
        names = dict(enumerate(texts or ()))
        colored = ef.visualization.draw_bounding_boxes(colored[numpy.newaxis], told, "xyxy", names, _RED)[0]
    if rescale == 1:
        return colored
    size = [max(int(length * rescale), 1) for length in colored.shape[:2]]
    return (
        ef.ops.convert_to_numpy(ef.ops.image.resize(colored.astype("float32"), size))
        .round()
        .clip(0, 255)
        .astype("uint8")
    )
