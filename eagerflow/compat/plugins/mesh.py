"""`from tensorboard.plugins.mesh import summary_v2 as mesh_summary`: points in space and surfaces, for the Mesh tab."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eagerflow.compat.tensorflow.summaries import summary

__all__ = ["mesh"]


def mesh(
    name: str,
    vertices: Any,
    faces: Any = None,
    colors: Any = None,
    config_dict: Mapping[str, Any] | None = None,
    step: Any = None,
    description: str | None = None,
) -> bool:
    """Write a mesh by the writer of `tf.summary`.

    Args:
        name: the tag.
        vertices: (number, points, 3): places.
        faces: (number, triangles, 3): which points they lie between.
        colors: (number, points, 3): red, green and blue from 0 to 255.
        config_dict: of camera, lights and material, as three.js has them.
        step: the step; default: that of the writer.
        description: accepted for TensorBoard's signature.

    Returns:
        Whether there was a writer.
    """
    return summary.written(
        name, step, lambda log, tag, at: log.add_mesh(tag, vertices, colors, faces, config_dict, global_step=at)
    )
