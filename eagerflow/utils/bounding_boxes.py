"""Bounding boxes: formats, clipping, overlaps, and differences from anchors; Keras' `utils.bounding_boxes`."""

from __future__ import annotations

import math
from typing import Any, Literal

from eagerflow import ops
from eagerflow.base.config import epsilon
from eagerflow.base.errors import expect_one_of, signature_of
from eagerflow.base.typing import Boxes, BoxFormat
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.layers.preprocessing.images.bounding_boxes import (
    affine_transform,
    clip_to_image_size,
    convert_format,
    crop,
    pad,
)

__all__ = ["affine_transform", "clip_to_image_size", "compute_ciou", "compute_iou", "convert_format", "crop"]
__all__ += ["decode_deltas_to_boxes", "encode_box_to_deltas", "pad"]

_CENTERED = ("center_xywh", "center_yxhw")


def compute_iou(
    boxes1: Any,
    boxes2: Any,
    bounding_box_format: BoxFormat,
    use_masking: bool = False,
    mask_val: float = -1,
    image_shape: Any = None,
) -> Tensor:
    """Intersection over union (IoU) of all pairs of boxes: their common area, divided by the area of their union.

    Args:
        boxes1: (boxes, 4) or (batch, boxes, 4).
        boxes2: (boxes, 4) or (batch, boxes, 4).
        bounding_box_format: the format of all boxes; see `convert_format`.
        use_masking: whether pairs with a padded box (all numbers negative) get the value `mask_val`.
        mask_val: that value.
        image_shape: (height, width, channels), for relative formats.

    Returns:
        (boxes1, boxes2), or (batch, boxes1, boxes2) when either has a batch.

    Raises:
        ValueError: for another number of axes, or a relative format without `image_shape`.

    >>> boxes = [[0.0, 0.0, 2.0, 1.0], [5.0, 5.0, 6.0, 6.0]]
    >>> ef.utils.bounding_boxes.compute_iou([[0.0, 0.0, 2.0, 2.0]], boxes, "xyxy").round(4).tolist()
    [[0.5, 0.0]]
    """
    first = _corners("compute_iou", "boxes1", boxes1, bounding_box_format, image_shape, ranks=(2, 3))
    second = _corners("compute_iou", "boxes2", boxes2, bounding_box_format, image_shape, ranks=(2, 3))
    columns, rows = _split(first), [part.swapaxes(-1, -2) for part in _split(second)]
    common = _common(columns, rows)
    shares = common / (_area(columns) + _area(rows) - common + epsilon())
    if not use_masking:
        return shares
    absent = [boxes.max(axis=-1, keepdims=True) < 0 for boxes in (first, second)]
    masked: Tensor = ops.where(ops.logical_or(absent[0], absent[1].swapaxes(-1, -2)), float(mask_val), shares)
    return masked


def compute_ciou(boxes1: Any, boxes2: Any, bounding_box_format: BoxFormat, image_shape: Any = None) -> Tensor:
    """Complete IoU (CIoU) of pairs of boxes: the IoU, reduced for distant centers and other proportions.

    Args:
        boxes1: the first box of each pair, (..., 4).
        boxes2: the second box of each pair, of the same shape.
        bounding_box_format: the format of all boxes; see `convert_format`.
        image_shape: (height, width, channels), for relative formats.

    Raises:
        ValueError: for a relative format without `image_shape`.

    Source: Zheng et al., "Distance-IoU loss", 2019, https://arxiv.org/abs/1911.08287.

    >>> boxes, others = [[0.0, 0.0, 2.0, 2.0]] * 2, [[0.0, 0.0, 2.0, 2.0], [4.0, 0.0, 6.0, 2.0]]
    >>> ef.utils.bounding_boxes.compute_ciou(boxes, others, "xyxy").round(4)
    Tensor(2 float32, [ 1. , -0.4])
    """
    a = _split(_corners("compute_ciou", "boxes1", boxes1, bounding_box_format, image_shape))
    b = _split(_corners("compute_ciou", "boxes2", boxes2, bounding_box_format, image_shape))
    common = _common(a, b)
    iou = common / (_area(a) + _area(b) - common + epsilon())
    around = [ops.maximum(a[i + 2], b[i + 2]) - ops.minimum(a[i], b[i]) for i in (0, 1)]
    apart = [(a[i] + a[i + 2] - b[i] - b[i + 2]) / 2 for i in (0, 1)]
    distance = (apart[0] ** 2 + apart[1] ** 2) / (around[0] ** 2 + around[1] ** 2 + epsilon())
    angles = [ops.arctan((x2 - x1) / (y2 - y1 + epsilon())) for x1, y1, x2, y2 in (a, b)]
    shape = (angles[0] - angles[1]) ** 2 * (4 / math.pi**2)
    weight = shape / (shape - iou + 1 + epsilon())
    result: Tensor = (iou - distance - shape * weight)[..., 0]
    return result


def encode_box_to_deltas(
    anchors: Any,
    boxes: Any,
    anchor_format: BoxFormat,
    box_format: BoxFormat,
    encoding_format: Literal["center_xywh", "center_yxhw"] | str = "center_yxhw",
    variance: Any = None,
    image_shape: Any = None,
) -> Tensor:
    """Encodes boxes as differences to anchors: shifts relative to the anchor's size, and logarithms of size ratios.

    Args:
        anchors: (boxes, 4).
        boxes: (boxes, 4) or (batch, boxes, 4).
        anchor_format: the format of the anchors.
        box_format: the format of the boxes.
        encoding_format: `"center_xywh"` or `"center_yxhw"`: the order of the result.
        variance: four numbers that the differences are divided by; default: 1.
        image_shape: (height, width, channels), for relative formats.

    Raises:
        ValueError: for another encoding format or number of variances.

    >>> anchors, boxes = [[0.0, 0.0, 4.0, 2.0]], [[2.0, 1.0, 6.0, 3.0]]
    >>> ef.utils.bounding_boxes.encode_box_to_deltas(anchors, boxes, "xyxy", "xyxy", "center_xywh").tolist()
    [[0.5, 0.5, 0.0, 0.0]]
    """
    expect_one_of("encode_box_to_deltas", "encoding_format", encoding_format, _CENTERED)
    size = _size(image_shape)
    anchors = convert_format(anchors, anchor_format, encoding_format, *size)
    boxes = convert_format(boxes, box_format, encoding_format, *size)
    sizes = [ops.maximum(x[..., 2:], epsilon()) for x in (anchors, boxes)]
    moves = (boxes[..., :2] - anchors[..., :2]) / sizes[0]
    deltas: Tensor = ops.concatenate([moves, ops.log(sizes[1] / sizes[0])], axis=-1)
    return deltas if variance is None else deltas / _four("encode_box_to_deltas", variance)


def decode_deltas_to_boxes(
    anchors: Any,
    boxes_delta: Any,
    anchor_format: BoxFormat,
    box_format: BoxFormat,
    encoded_format: Literal["center_xywh", "center_yxhw"] | str = "center_yxhw",
    variance: Any = None,
    image_shape: Any = None,
) -> Boxes:
    """Decodes bounding boxes from their differences to anchors; the reverse of `encode_box_to_deltas`.

    Args:
        anchors: (boxes, 4), or a dict of such tensors for several levels.
        boxes_delta: the differences: (boxes, 4) or (batch, boxes, 4), or a dict of such tensors with the same keys.
        anchor_format: the format of the anchors.
        box_format: the format of the result.
        encoded_format: `"center_xywh"` or `"center_yxhw"`: the order of the differences.
        variance: four numbers that the differences are multiplied by; default: 1.
        image_shape: (height, width, channels), for relative formats.

    Raises:
        ValueError: for another encoded format or number of variances, or dicts of different keys.

    >>> anchors, deltas = [[0.0, 0.0, 4.0, 2.0]], [[0.5, 0.5, 0.0, 0.0]]
    >>> ef.utils.bounding_boxes.decode_deltas_to_boxes(anchors, deltas, "xyxy", "xyxy", "center_xywh").tolist()
    [[2.0, 1.0, 6.0, 3.0]]
    """
    expect_one_of("decode_deltas_to_boxes", "encoded_format", encoded_format, _CENTERED)
    if isinstance(anchors, dict) and isinstance(boxes_delta, dict):
        if anchors.keys() != boxes_delta.keys():
            raise ValueError(
                f"decode_deltas_to_boxes: anchors has the levels {list(anchors)}, boxes_delta {list(boxes_delta)}."
            )
        others = (anchor_format, box_format, encoded_format, variance, image_shape)
        return {k: decode_deltas_to_boxes(a, boxes_delta[k], *others) for k, a in anchors.items()}
    size = _size(image_shape)
    anchors = convert_format(anchors, anchor_format, encoded_format, *size)
    deltas = convert_to_tensor(boxes_delta)
    if variance is not None:
        deltas = deltas * _four("decode_deltas_to_boxes", variance)
    centers = anchors[..., :2] + deltas[..., :2] * anchors[..., 2:]
    boxes = ops.concatenate([centers, ops.exp(deltas[..., 2:]) * anchors[..., 2:]], axis=-1)
    return convert_format(boxes, encoded_format, box_format, *size)


def _corners(
    function: str, argument: str, boxes: Any, box_format: BoxFormat, image_shape: Any, ranks: tuple[int, ...] = ()
) -> Tensor:
    """Boxes as x1, y1, x2, y2 in pixels."""
    if str(box_format).startswith("rel") and image_shape is None:
        raise ValueError(f"{function}({box_format!r}): relative boxes need image_shape=(height, width, channels).")
    found: Tensor = convert_format(boxes, box_format, "xyxy", *_size(image_shape))
    if ranks and found.ndim not in ranks:
        raise ValueError(
            f"{function}({argument}): expected (boxes, 4) or (batch, boxes, 4); got {signature_of(found)}."
        )
    return found


def _size(image_shape: Any) -> tuple[Any, Any]:
    return (None, None) if image_shape is None else (image_shape[0], image_shape[1])


def _split(boxes: Tensor) -> list[Tensor]:
    """The four numbers, each with a last axis of length 1."""
    return [boxes[..., i : i + 1] for i in range(4)]


def _common(a: list[Tensor], b: list[Tensor]) -> Tensor:
    """The areas of the intersections."""
    sides = [ops.minimum(a[i + 2], b[i + 2]) - ops.maximum(a[i], b[i]) for i in (0, 1)]
    area: Tensor = ops.maximum(sides[0], 0) * ops.maximum(sides[1], 0)
    return area


def _area(corners: list[Tensor]) -> Tensor:
    x1, y1, x2, y2 = corners
    return (x2 - x1) * (y2 - y1)


def _four(function: str, variance: Any) -> Tensor:
    found = convert_to_tensor(variance, "float32")
    if found.shape[-1:] != (4,):
        raise ValueError(f"{function}(variance=...): expected 4 numbers; got {signature_of(found)}.")
    return found
