"""Bounding boxes: overlaps and differences from anchors, with the numbers of Keras 3.15."""

from __future__ import annotations

import numpy as np
import pytest

from eagerflow.utils import bounding_boxes

A = np.array(
    [[[0, 0, 10, 20], [5, 5, 15, 10], [-1, -1, -1, -1]], [[2, 3, 9, 8], [0, 0, 4, 4], [1, 1, 2, 7]]], "float32"
)
B = np.array([[1, 2, 8, 16], [4, 4, 12, 12]], "float32")
IMAGE = (20, 40, 3)
VARIANCE = [0.1, 0.1, 0.2, 0.2]
DELTAS = [
    [[0.71429, 0.71429, 1.78337, 1.78337], [-0.625, 2.5, -2.35002, 1.11572]],
    [[-2.5, 1.42857, -5.1481, 0.0], [-7.5, -7.5, -3.46574, -3.46574]],
]


def close(found, expected):
    np.testing.assert_allclose(np.asarray(found), expected, atol=1e-5)


def test_shares_of_what_pairs_have_in_common():
    expected = [[[0.49, 0.22222], [0.11278, 0.44304], [0, 0]], [[0.29126, 0.25316], [0.05556, 0], [0.05051, 0]]]
    close(bounding_boxes.compute_iou(A, B, "xyxy"), expected)
    close(bounding_boxes.compute_iou(B, A, "xyxy"), np.swapaxes(expected, 1, 2))
    masked = bounding_boxes.compute_iou(A[0], B, "xyxy", use_masking=True, mask_val=-2)
    close(masked, [[0.49, 0.22222], [0.11278, 0.44304], [-2, -2]])
    relative = bounding_boxes.compute_iou(B / 20, B[::-1] / 20, "rel_xyxy", image_shape=IMAGE)
    close(relative, [[0.24615, 1], [1, 0.24615]])


def test_complete_overlaps_count_distance_and_shape():
    close(bounding_boxes.compute_ciou(A[1, :2], B, "xywh"), [0.35215, -0.25])
    close(bounding_boxes.compute_ciou(B, B, "xyxy"), [1, 1])


def test_differences_from_anchors_there_and_back():
    deltas = bounding_boxes.encode_box_to_deltas(B, A[:, :2], "xyxy", "xyxy", variance=VARIANCE)
    close(deltas, DELTAS)
    boxes = bounding_boxes.decode_deltas_to_boxes(B, deltas, "xyxy", "xyxy", variance=VARIANCE)
    close(boxes, A[:, :2])
    levels = bounding_boxes.decode_deltas_to_boxes({0: B}, {0: deltas}, "xyxy", "xyxy", variance=VARIANCE)
    close(levels[0], A[:, :2])
    relative = bounding_boxes.encode_box_to_deltas(
        B / 20, A[0, :2], "rel_xyxy", "xyxy", "center_xywh", image_shape=IMAGE
    )
    close(relative, [[-0.28571, 0.07143, -0.33647, 0.35667], [-0.375, -0.0625, -0.47, -0.47]])


def test_what_is_refused():
    with pytest.raises(ValueError, match=r"relative boxes need image_shape"):
        bounding_boxes.compute_iou(B, B, "rel_xyxy")
    with pytest.raises(ValueError, match=r"boxes2\): expected \(boxes, 4\) or \(batch, boxes, 4\); got float32\[4\]"):
        bounding_boxes.compute_iou(B, B[0], "xyxy")
    with pytest.raises(ValueError, match=r"encoding_format='xyxy'\): expected one of 'center_xywh', 'center_yxhw'"):
        bounding_boxes.encode_box_to_deltas(B, B, "xyxy", "xyxy", "xyxy")
    with pytest.raises(ValueError, match=r"variance=...\): expected 4 numbers; got float32\[1\]"):
        bounding_boxes.decode_deltas_to_boxes(B, B, "xyxy", "xyxy", variance=[1.0])
    with pytest.raises(ValueError, match=r"levels \[0\], boxes_delta \[1\]"):
        bounding_boxes.decode_deltas_to_boxes({0: B}, {1: B}, "xyxy", "xyxy")
