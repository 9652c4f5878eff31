"""From a graph to a picture: SVG of our own, PNG and PDF made of it, or text in Graphviz' language."""

from __future__ import annotations

from viz.choices import FORMATS
from viz.geometry.graph import Graph
from viz.picture.dot import dot
from viz.picture.rendering.raster import converted
from viz.picture.svg import svg

__all__ = ["FORMATS", "render"]

_POINTS = 72  # in an inch: a unit of a picture is a point


def render(graph: Graph, kind: str, rankdir: str = "TB", dpi: int = 96) -> bytes:
    """The picture of `graph` as the content of a file.

    Args:
        graph: what to draw.
        kind: `"svg"`, `"png"`, `"pdf"` or `"dot"`.
        rankdir: the direction of the forward pass.
        dpi: dots per inch, for PNG.

    Raises:
        ValueError: for another kind.
        RendererMissing: when nothing here can make it; says what would help.
    """
    if kind not in FORMATS:
        raise ValueError(f"cannot draw {kind!r}: expected one of {', '.join(map(repr, FORMATS))}")
    if kind == "dot":
        return dot(graph, rankdir).encode("utf-8")
    drawn = svg(graph, rankdir)
    return drawn.encode("utf-8") if kind == "svg" else converted(drawn, kind, dpi / _POINTS)
