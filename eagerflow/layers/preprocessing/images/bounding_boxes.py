"""Bounding boxes: formats, clipping, moving along with images."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from eagerflow import ops
from eagerflow.base.config import floatx
from eagerflow.base.errors import expect_one_of, signature_of
from eagerflow.base.typing import Boxes, BoxFormat
from eagerflow.core.dtypes import is_differentiable
from eagerflow.core.tensor import Tensor, convert_to_tensor

__all__ = ["FORMATS", "affine_transform", "as_boxes", "clip_to_image_size", "convert_format", "crop", "of_one_image"]
__all__ += ["pad"]

Corners = tuple[Any, Any, Any, Any]


def of_one_image(boxes: Any, given: Any) -> Any:
    """Moved boxes, without the batch axis if the originals had none."""
    if convert_to_tensor(given["boxes"]).ndim == 2 and boxes["boxes"].ndim == 3 and len(boxes["boxes"]) == 1:
        return {**boxes, "boxes": boxes["boxes"][0]}
    return boxes


def _same(x1: Any, y1: Any, x2: Any, y2: Any) -> Corners:
    return x1, y1, x2, y2


def _from_corner(x: Any, y: Any, w: Any, h: Any) -> Corners:
    return x, y, x + w, y + h


def _to_corner(x1: Any, y1: Any, x2: Any, y2: Any) -> Corners:
    return x1, y1, x2 - x1, y2 - y1


def _from_center(x: Any, y: Any, w: Any, h: Any) -> Corners:
    return x - w / 2, y - h / 2, x + w / 2, y + h / 2


def _to_center(x1: Any, y1: Any, x2: Any, y2: Any) -> Corners:
    return x1 + (x2 - x1) / 2, y1 + (y2 - y1) / 2, x2 - x1, y2 - y1


def _swapped(a: Any, b: Any, c: Any, d: Any) -> Corners:
    return b, a, d, c


# For each format: how its four numbers become (x1, y1, x2, y2), and back.
_READ: dict[str, Callable[..., Corners]] = {
    "xyxy": _same,
    "yxyx": _swapped,
    "xywh": _from_corner,
    "center_xywh": _from_center,
    "center_yxhw": lambda *b: _from_center(*_swapped(*b)),
}
_WRITE: dict[str, Callable[..., Corners]] = {
    "xyxy": _same,
    "yxyx": _swapped,
    "xywh": _to_corner,
    "center_xywh": _to_center,
    "center_yxhw": lambda *b: _swapped(*_to_center(*b)),
}
FORMATS = (*_READ, "rel_xyxy", "rel_yxyx", "rel_xywh", "rel_center_xywh")


def _parts(boxes: Tensor) -> Corners:
    """The four numbers, each with a last axis of length 1."""
    return boxes[..., 0:1], boxes[..., 1:2], boxes[..., 2:3], boxes[..., 3:4]


def _joined(parts: Corners) -> Tensor:
    return ops.concatenate(list(parts), axis=-1)


def _format(name: Any, argument: str) -> str:
    word = str(name).lower()
    expect_one_of("convert_format", argument, word, FORMATS)
    return word


def convert_format(
    boxes: Boxes, source: str, target: str, height: Any = None, width: Any = None, dtype: str = "float32"
) -> Boxes:
    """Converts bounding boxes to another format.

    Args:
        boxes: (..., 4), or a dict with the key `"boxes"` for them, of which a new dict is made.
        source: the format of the boxes: `"xyxy"`, `"yxyx"`, `"xywh"`, `"center_xywh"`, `"center_yxhw"`, or
            `"rel_xyxy"`, `"rel_yxyx"`, `"rel_xywh"`, `"rel_center_xywh"` relative to the image's size.
        target: the format of the result.
        height: the height of the image in pixels, for relative formats.
        width: the width of the image in pixels, for relative formats.
        dtype: the type of the result.

    Raises:
        ValueError: for an unknown format, another last axis, or a size that is missing.

    >>> ef.utils.bounding_boxes.convert_format([[10.0, 20.0, 30.0, 60.0]], "xyxy", "center_xywh").tolist()
    [[20.0, 40.0, 20.0, 40.0]]
    """
    if isinstance(boxes, dict):
        return {**boxes, "boxes": convert_format(boxes["boxes"], source, target, height, width, dtype)}
    source, target = _format(source, "source"), _format(target, "target")
    boxes = convert_to_tensor(boxes, dtype)
    if not boxes.ndim or boxes.shape[-1] != 4:
        raise ValueError(f"convert_format(boxes): expected a last axis of length 4; got {signature_of(boxes)}.")
    if source == target:
        return boxes
    corners = _READ[source.removeprefix("rel_")](*_parts(boxes))
    if source.startswith("rel_") != target.startswith("rel_"):
        if height is None or width is None:
            raise ValueError(
                f"convert_format: {source!r} to {target!r} needs the image's height and width; "
                f"got {height} and {width}."
            )
        corners = _scaled(corners, height, width, up=source.startswith("rel_"))
    return _joined(_WRITE[target.removeprefix("rel_")](*corners)).astype(dtype)


def _scaled(corners: Corners, height: Any, width: Any, up: bool) -> Corners:
    x1, y1, x2, y2 = corners
    if up:
        return x1 * width, y1 * height, x2 * width, y2 * height
    return x1 / width, y1 / height, x2 / width, y2 / height


def clip_to_image_size(
    bounding_boxes: dict[str, Any], height: Any = None, width: Any = None, bounding_box_format: BoxFormat = "xyxy"
) -> dict[str, Any]:
    """Clips bounding boxes to the image; the labels of boxes of which nothing remains become -1.

    Args:
        bounding_boxes: a dict with `"boxes"` and perhaps `"labels"`.
        height: the height of the image in pixels, for `"xyxy"`.
        width: the width of the image in pixels, for `"xyxy"`.
        bounding_box_format: `"xyxy"` or `"rel_xyxy"`.

    Raises:
        ValueError: for another format, or a size that is missing.

    >>> boxes = {"boxes": [[[-2.0, 1.0, 3.0, 9.0], [9.0, 9.0, 12.0, 12.0]]], "labels": [[5, 6]]}
    >>> clipped = ef.utils.bounding_boxes.clip_to_image_size(boxes, height=8, width=8)
    >>> clipped["boxes"].tolist(), clipped["labels"].tolist()  # the second lies outside
    ([[[0.0, 1.0, 3.0, 8.0], [8.0, 8.0, 8.0, 8.0]]], [[5, -1]])
    """
    if bounding_box_format not in ("xyxy", "rel_xyxy"):
        raise ValueError(
            f"clip_to_image_size(bounding_box_format={bounding_box_format!r}): expected 'xyxy' or 'rel_xyxy'."
        )
    if bounding_box_format == "rel_xyxy":
        height = width = 1
    elif height is None or width is None:
        raise ValueError("clip_to_image_size: boxes in pixels need the image's height and width.")
    x1, y1, x2, y2 = _parts(convert_to_tensor(bounding_boxes["boxes"]))
    x1, x2 = (ops.clip(x, 0, width) for x in (x1, x2))
    y1, y2 = (ops.clip(y, 0, height) for y in (y1, y2))
    result = {**bounding_boxes, "boxes": _joined((x1, y1, x2, y2))}
    if bounding_boxes.get("labels") is not None:
        areas = ((x2 - x1) * (y2 - y1))[..., 0]
        result["labels"] = ops.where(areas > 0, bounding_boxes["labels"], -1)
    return result


def affine_transform(
    boxes: Any,
    angle: Any,
    translate_x: Any,
    translate_y: Any,
    scale: Any,
    shear_x: Any,
    shear_y: Any,
    height: Any,
    width: Any,
    center_x: Any = None,
    center_y: Any = None,
    bounding_box_format: BoxFormat = "xyxy",
) -> Tensor:
    """Rotates, scales, shears and moves bounding boxes, and returns the upright boxes that enclose them.

    Args:
        boxes: (batch, boxes, 4), as x1, y1, x2, y2 in pixels.
        angle: the rotation in degrees, (batch,).
        translate_x: the move as a fraction of the width, (batch,).
        translate_y: the move as a fraction of the height, (batch,).
        scale: the factor of size, (batch,).
        shear_x: the shear along x in degrees, (batch,).
        shear_y: the shear along y in degrees, (batch,).
        height: the height of the image in pixels.
        width: the width of the image in pixels.
        center_x: the center of the rotation, as a fraction of the width; default: the middle.
        center_y: the same for the height.
        bounding_box_format: only `"xyxy"`.

    Raises:
        ValueError: for another format.

    >>> settings = dict(translate_x=[0.0], translate_y=[0.0], scale=[1.0], shear_x=[0.0], shear_y=[0.0])
    >>> boxes = [[[1.0, 1.0, 3.0, 5.0]]]
    >>> turned = ef.utils.bounding_boxes.affine_transform(boxes, angle=[90.0], **settings, height=9, width=9)
    >>> turned.numpy().round(3).tolist()
    [[[1.0, 5.0, 5.0, 7.0]]]
    """
    if bounding_box_format != "xyxy":
        raise ValueError(f"affine_transform(bounding_box_format={bounding_box_format!r}): expected 'xyxy'.")
    angle = convert_to_tensor(angle)
    if not is_differentiable(angle.dtype):  # whole degrees must not make whole numbers of all else
        angle = ops.cast(angle, floatx())
    translate_x, translate_y, scale, shear_x, shear_y, boxes = (
        convert_to_tensor(n, angle.dtype) for n in (translate_x, translate_y, scale, shear_x, shear_y, boxes)
    )
    middle = (
        (0.5 if center_x is None else center_x) * (width - 1),
        (0.5 if center_y is None else center_y) * (height - 1),
    )
    moved = (translate_x * (1 - width), translate_y * (1 - height))
    a, b, c, d, e, f = (ops.reshape(n, (-1, 1, 1)) for n in _inverse(angle, scale, shear_x, shear_y, middle, moved))
    corners = [(boxes[..., i : i + 1], boxes[..., j : j + 1]) for i, j in ((0, 1), (2, 1), (2, 3), (0, 3))]
    x = ops.concatenate([a * x + b * y + c for x, y in corners], axis=-1)
    y = ops.concatenate([d * x + e * y + f for x, y in corners], axis=-1)
    return ops.stack([ops.min(x, axis=-1), ops.min(y, axis=-1), ops.max(x, axis=-1), ops.max(y, axis=-1)], axis=-1)


def _inverse(angle: Tensor, scale: Any, shear_x: Any, shear_y: Any, middle: Any, moved: Any) -> Corners:
    """The six numbers of the map that images are sampled against."""
    turn, sheared_x, sheared_y = (-n * (math.pi / 180) for n in (angle, shear_x, shear_y))
    tangent = ops.tan(sheared_x)
    a = ops.cos(turn - sheared_y) / ops.cos(sheared_y)
    b = a * tangent + ops.sin(turn)
    c = -ops.sin(turn - sheared_y) / ops.cos(sheared_y)
    d = ops.cos(turn) - c * tangent
    a0, a1, b0, b1 = d * scale, -b * scale, -c * scale, a * scale
    x, y = middle[0] + moved[0], middle[1] + moved[1]
    return a0, a1, middle[0] - a0 * x - a1 * y, b0, b1, middle[1] - b0 * x - b1 * y  # type: ignore[return-value]


def crop(boxes: Any, top: Any, left: Any, height: Any, width: Any, bounding_box_format: BoxFormat = "xyxy") -> Tensor:
    """Converts bounding boxes to the coordinates of a crop of the image, and clips them to it.

    Args:
        boxes: (..., 4), as x1, y1, x2, y2 in pixels.
        top: the first row of the crop.
        left: the first column of the crop.
        height: the height of the crop.
        width: the width of the crop.
        bounding_box_format: only `"xyxy"`.

    Raises:
        ValueError: for another format.

    >>> ef.utils.bounding_boxes.crop(ef.Tensor([[1.0, 1.0, 6.0, 6.0]]), top=2, left=0, height=4, width=4).tolist()
    [[1.0, 0.0, 4.0, 4.0]]
    """
    if bounding_box_format != "xyxy":
        raise ValueError(f"crop(bounding_box_format={bounding_box_format!r}): expected 'xyxy'.")
    x1, y1, x2, y2 = _parts(convert_to_tensor(boxes))
    x1, x2 = (ops.clip(x - left, 0, width) for x in (x1, x2))
    y1, y2 = (ops.clip(y - top, 0, height) for y in (y1, y2))
    return _joined((x1, y1, x2, y2))


def pad(
    boxes: Any, top: Any, left: Any, height: Any = None, width: Any = None, bounding_box_format: BoxFormat = "xyxy"
) -> Tensor:
    """Converts bounding boxes to the coordinates of a padded image.

    Args:
        boxes: (..., 4), as x1, y1, x2, y2 in pixels.
        top: how many rows were added at the top.
        left: how many columns were added at the left.
        height: accepted for Keras' signature.
        width: accepted for Keras' signature.
        bounding_box_format: only `"xyxy"`.

    Raises:
        ValueError: for another format.

    >>> ef.utils.bounding_boxes.pad(ef.Tensor([[1.0, 1.0, 3.0, 5.0]]), top=2, left=10).tolist()
    [[11.0, 3.0, 13.0, 7.0]]
    """
    if bounding_box_format != "xyxy":
        raise ValueError(f"pad(bounding_box_format={bounding_box_format!r}): expected 'xyxy'.")
    x1, y1, x2, y2 = _parts(convert_to_tensor(boxes))
    return _joined((x1 + left, y1 + top, x2 + left, y2 + top))


def as_boxes(layer: Any, given: Any) -> dict[str, Tensor]:
    """Boxes and labels as tensors; lists of unequal lengths are padded with boxes 0 and labels -1.

    Raises:
        ValueError: when the layer knows no format for them, or parts are missing or don't fit.
    """
    if not layer.bounding_box_format:
        raise ValueError(
            f"{type(layer).__name__}: the data have bounding_boxes; say how they are given, "
            'such as bounding_box_format="xyxy".'
        )
    if not isinstance(given, dict) or not {"boxes", "labels"} <= given.keys():
        raise ValueError(
            f"{type(layer).__name__}: bounding_boxes: expected a dict with 'boxes' and 'labels'; "
            f"got {signature_of(given)}."
        )
    boxes, labels = given["boxes"], given["labels"]
    if isinstance(boxes, list) and isinstance(labels, list) and labels and isinstance(labels[0], list):
        longest = max([len(b) for b in boxes])
        boxes = [[*b, *[[0.0] * 4] * (longest - len(b))] for b in boxes]
        labels = [[*n, *[-1] * (longest - len(n))] for n in labels]
    boxes, labels = convert_to_tensor(boxes, "float32"), convert_to_tensor(labels)
    if boxes.ndim not in (2, 3) or labels.ndim not in (boxes.ndim - 1, boxes.ndim):
        raise ValueError(
            f"{type(layer).__name__}: bounding_boxes: expected boxes (boxes, 4) or (batch, boxes, 4) and a label "
            f"for each; got {signature_of(boxes)} and {signature_of(labels)}."
        )
    return {**given, "boxes": boxes, "labels": labels}
