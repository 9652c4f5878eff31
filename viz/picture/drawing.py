"""`Drawing`: a picture that shows itself in notebooks and saves itself in any format."""

from __future__ import annotations

import functools
import os
import pathlib
import re
from typing import Any

from eagerflow.base.files import replacing
from viz.choices import FORMATS
from viz.facts.text_files import path_of
from viz.geometry.graph import Graph
from viz.picture.dot import dot
from viz.picture.notebook_theme import darkened, on_any_ground
from viz.picture.rendering.raster import converted
from viz.picture.svg import svg

__all__ = ["Drawing"]

_DIRECTIONS = ("TB", "BT", "LR", "RL")


_POINTS = 72  # in an inch: a unit of a picture is a point


class Drawing:
    """A picture of a recording, as `Recording.draw` returns it; notebooks show it.

    Args:
        graph: the boxes and arrows that it shows.
        rankdir: the direction of the forward pass: `"TB"`, `"BT"`, `"LR"` or `"RL"`.
        dpi: dots per inch of PNG files.

    Raises:
        ValueError: for another direction or a resolution that is not positive.

    >>> import eagerflow as ef
    >>> import viz
    >>> with viz.trace("hello") as t:
    ...     y = ef.ops.tanh(ef.ops.exp(ef.ops.ones((2, 3))))
    >>> drawing = t.draw()
    >>> drawing
    <Drawing 'hello': 3 boxes, 2 arrows; save(path) writes svg, png, pdf or dot>
    >>> drawing.save("hello.svg").name
    'hello.svg'
    """

    def __init__(self, graph: Graph, rankdir: str = "TB", dpi: int = 96) -> None:
        if rankdir not in _DIRECTIONS:
            raise ValueError(f"rankdir={rankdir!r}: expected one of {', '.join(map(repr, _DIRECTIONS))}")
        if not isinstance(dpi, (int, float)) or not 10 <= dpi <= 2400:
            raise ValueError(f"dpi={dpi!r}: expected 10 to 2400 dots per inch")
        self.graph = graph
        self.rankdir = rankdir
        self.dpi = dpi

    @property
    def source(self) -> str:
        """The picture in Graphviz' language (DOT).

        >>> import viz
        >>> with viz.trace("hello") as t:
        ...     y = ef.ops.tanh(ef.ops.exp(ef.ops.ones((2, 3))))
        >>> drawing = t.draw()
        >>> drawing.source.startswith("digraph")
        True
        """
        return dot(self.graph, self.rankdir)

    @functools.cached_property
    def svg(self) -> str:
        """The picture as SVG.

        >>> import viz
        >>> with viz.trace("hello") as t:
        ...     y = ef.ops.tanh(ef.ops.exp(ef.ops.ones((2, 3))))
        >>> drawing = t.draw()
        >>> "tanh" in drawing.svg
        True
        """
        return render(self.graph, "svg", self.rankdir).decode("utf-8")

    def save(self, path: str | os.PathLike[str]) -> pathlib.Path:
        """Writes the picture to a file, in the format of its ending.

        Args:
            path: the path of the file, which ends in `.svg`, `.png`, `.pdf` or `.dot`.

        Raises:
            ValueError: for another ending.
            RendererMissing: for PDF without CairoSVG; the message says how to get it.

        >>> import viz
        >>> with viz.trace("hello") as t:
        ...     y = ef.ops.tanh(ef.ops.exp(ef.ops.ones((2, 3))))
        >>> drawing = t.draw()
        >>> drawing.save("hello.dot").name
        'hello.dot'
        """
        target = path_of(path)
        kind = target.suffix.lower().lstrip(".")
        if kind not in FORMATS:
            endings = ", ".join([f".{each}" for each in FORMATS])
            raise ValueError(f"cannot draw to {os.fspath(path)!r}: the name must end in one of {endings}")
        content = self.svg.encode("utf-8") if kind == "svg" else render(self.graph, kind, self.rankdir, self.dpi)
        with replacing(target) as file:
            file.write(content)
        return target

    def to_string(self) -> str:
        """The picture in Graphviz' language (DOT), under the name of pydot's method.

        >>> import viz
        >>> with viz.trace("hello") as t:
        ...     y = ef.ops.tanh(ef.ops.exp(ef.ops.ones((2, 3))))
        >>> drawing = t.draw()
        >>> drawing.to_string() == drawing.source
        True
        """
        return self.source

    def create(self, prog: Any = None, format: str = "svg") -> bytes:
        """The content of a picture file as bytes, under the name of pydot's method.

        Args:
            prog: ignored; accepted for code that was written for pydot.
            format: `"svg"`, `"png"`, `"pdf"` or `"dot"`.

        Raises:
            ValueError: for another format.
            RendererMissing: for PDF without CairoSVG.

        >>> import viz
        >>> with viz.trace("hello") as t:
        ...     y = ef.ops.tanh(ef.ops.exp(ef.ops.ones((2, 3))))
        >>> drawing = t.draw()
        >>> drawing.create(format="svg")[:5]
        b'<?xml'
        """
        return render(self.graph, format, self.rankdir, self.dpi)

    def write_png(self, path: str | os.PathLike[str], prog: Any = None) -> bool:
        """Writes a PNG file, as pydot's method of this name does; see `save`.

        Args:
            path: the path of the file.
            prog: ignored; accepted for code that was written for pydot.

        >>> import viz
        >>> with viz.trace("hello") as t:
        ...     y = ef.ops.tanh(ef.ops.ones((2, 3)))
        >>> t.draw().write_png("hello.png")
        True
        """
        with replacing(path_of(path)) as file:
            file.write(self.create(format="png"))
        return True

    def to_graphviz(self) -> Any:
        """The picture as a `graphviz.Source`, which needs Graphviz' programs to render itself.

        Raises:
            ImportError: without that package.
        """
        try:
            import graphviz
        except ImportError:
            raise ImportError("to_graphviz() needs the graphviz package: pip install 'graphviz>=0.20'") from None
        return graphviz.Source(self.source)

    def _repr_svg_(self) -> str:
        return re.sub(r"^<\?xml[^>]*>\s*", "", self.svg)

    def _repr_html_(self) -> str:
        """The picture; in light colours it follows the notebook, and is dark where that is."""
        if self.graph.theme == "light":
            return on_any_ground(self.svg, render(darkened(self.graph), "svg", self.rankdir).decode("utf-8"))
        return on_any_ground(self.svg, self.svg)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self._repr_html_(), "image/svg+xml": self._repr_svg_(), "text/plain": repr(self)}

    def __repr__(self) -> str:
        boxes, arrows = len(self.graph.nodes), len(self.graph.edges)
        return f"<Drawing {self.graph.title!r}: {boxes} boxes, {arrows} arrows; save(path) writes svg, png, pdf or dot>"


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
