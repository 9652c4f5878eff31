"""Keras' `backend.image`: the functions of `eagerflow.ops.image`."""

from typing import Any

from eagerflow.keras_backend.backend.adapting import public_functions, tensor_of
from eagerflow.ops import image as ours
from eagerflow.ops.images.warp import homography

globals().update(public_functions(ours))


def compute_homography_matrix(start_points: Any, end_points: Any) -> Any:
    """The eight numbers that map each end point to its start point, for each image: (n, 8)."""
    start_points, end_points = tensor_of([start_points, end_points])
    return homography(start_points, start_points, end_points)
