"""`tf.image`: boxes that detectors find, and which of them to keep."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow import ops
from eagerflow.core.tensor import Tensor

__all__ = ["non_max_suppression"]


def non_max_suppression(
    boxes: Any,
    scores: Any,
    max_output_size: Any,
    iou_threshold: float = 0.5,
    score_threshold: float = float("-inf"),
    name: str | None = None,
) -> Tensor:
    """The numbers of the best boxes, of which no two overlap by more than `iou_threshold`.

    `boxes` has two opposite corners of each, `y1, x1, y2, x2`. Boxes that score `score_threshold` or less are dropped.

    >>> boxes = [[0.0, 0.0, 1.0, 1.0], [0.0, 0.1, 1.0, 1.1], [0.0, 2.0, 1.0, 3.0]]
    >>> non_max_suppression(boxes, [0.9, 0.8, 0.3], 10).tolist()
    [0, 2]
    """
    corners = ops.convert_to_tensor(boxes).numpy().reshape(-1, 2, 2)
    points = ops.convert_to_tensor(scores).numpy()
    low, high = corners.min(1), corners.max(1)
    areas = (high - low).prod(1)
    left = [i for i in numpy.argsort(-points, kind="stable") if points[i] > score_threshold]
    kept: list[int] = []
    while left and len(kept) < int(max_output_size):
        best, rest = left[0], numpy.array(left[1:], int)
        kept.append(int(best))
        both = (numpy.minimum(high[best], high[rest]) - numpy.maximum(low[best], low[rest])).clip(0).prod(1)
        union = areas[best] + areas[rest] - both
        left = rest[both <= iou_threshold * union].tolist()
    return ops.convert_to_tensor(numpy.array(kept, "int32"))
