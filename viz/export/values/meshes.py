"""Points in space and surfaces between them, for the Mesh tab."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy

from viz.export.event_protos import protos

__all__ = ["summary"]

_KINDS = {1: "VERTEX", 2: "FACE", 3: "COLOR"}  # TensorBoard's numbers and names
_COMPONENTS = 7  # the field that tells which of them there are, which tensorboardX doesn't write


def summary(tag: str, vertices: Any, colors: Any, faces: Any, config: Mapping[str, Any] | None) -> Any:
    """The `Summary` of a mesh.

    Args:
        tag: the name under which TensorBoard shows it.
        vertices: (number, points, 3), or (points, 3) of a single one; the others, too.
        colors: from 0 to 255, or None.
        faces: numbers of points, or None.
        config: of camera, lights and material.

    Raises:
        ValueError: for another shape, or points that there aren't.
    """
    points = _checked(tag, "vertices", vertices)
    shades, corners = (None if x is None else _checked(tag, n, x) for n, x in (("colors", colors), ("faces", faces)))
    if shades is not None and shades.shape != points.shape:
        raise ValueError(f"add_mesh({tag!r}): vertices of shape {points.shape}, but colors of {shades.shape}")
    if corners is not None and (corners.min(initial=0) < 0 or corners.max(initial=0) >= points.shape[1]):
        raise ValueError(f"add_mesh({tag!r}): faces name points beyond the {points.shape[1]} vertices")
    made = protos().summaries.mesh(tag, points, shades, corners, dict(config or {}))
    kinds = [kind for kind, given in zip(_KINDS, (points, corners, shades)) if given is not None]
    mask = sum([1 << kind for kind in kinds])
    for kind, value in zip(kinds, made.value, strict=True):
        value.tag = f"{tag}_{_KINDS[kind]}"
        about = value.metadata.plugin_data
        about.content += bytes([_COMPONENTS << 3, mask])  # a field of protobuf's: its number, its kind (0), its value
    return made


def _checked(tag: str, name: str, given: Any) -> numpy.ndarray:
    found = numpy.asarray(given)
    found = found[numpy.newaxis] if found.ndim == 2 else found
    if found.ndim != 3 or found.shape[-1] != 3:
        raise ValueError(f"add_mesh({tag!r}): expected {name} of shape (number, n, 3); got {numpy.shape(given)}")
    return found
