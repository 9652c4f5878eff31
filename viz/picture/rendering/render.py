"""From a graph to a picture.

Where nothing else is asked for, SVG is written by ourselves, PNG is made of it by resvg, and PDF is drawn by Graphviz
from the same layout, so all formats show the same picture, in every direction. A Graphviz chosen by `set_engine` or the
environment variable `EAGERFLOW_DOT` does the layout too.

Engines: `builtin` (ourselves: SVG and PNG), `pygraphviz` (Graphviz inside its wheel, in a process of its own) and `dot`
(Graphviz on the PATH, through the `graphviz` package).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

from viz.boundary import boundary
from viz.choices import FORMATS
from viz.geometry.graph import Graph
from viz.picture.dot import FONT, dot, placed
from viz.picture.rendering.font import ensure_font
from viz.picture.rendering.resvg import RESVG, ResvgFailed, png_of
from viz.picture.svg import svg
from viz.shell.statuses import Impossible

__all__ = ["ENGINES", "FORMATS", "RendererMissing", "drawn_apart", "graphviz_source", "render", "set_engine"]

_FALLBACKS = f"{FONT},Verdana,Arial,sans-serif"  # Verdana is as wide as DejaVu Sans
_POINTS = 72  # in an inch: a unit of a picture is a point, as it is for Graphviz
_chosen: list[str] = []


class RendererMissing(Impossible, RuntimeError):
    """Raised when no program on this machine can make a picture in the requested format.

    >>> import eagerflow as ef
    >>> import viz
    >>> with viz.trace("hello") as t:
    ...     y = ef.ops.tanh(ef.ops.exp(ef.ops.ones((2, 3))))
    >>> drawing = t.draw()
    >>> viz.set_engine("builtin")  # which writes SVG and PNG
    >>> try:
    ...     drawing.save("hello.pdf")
    ... except viz.RendererMissing as error:
    ...     print(str(error)[:29])
    cannot write PDF: no Graphviz
    >>> viz.set_engine(None)
    """


class _Unavailable(Exception):
    """This engine isn't there, or can't make this format."""


@boundary
def set_engine(name: str | None) -> None:
    """Chooses the program that renders pictures from now on, in all threads.

    Args:
        name: `"builtin"`, `"pygraphviz"` or `"dot"`; None for the first that works (or the environment
            variable `EAGERFLOW_DOT`).

    Raises:
        ValueError: for another name.

    >>> import viz
    >>> viz.set_engine("builtin")  # never Graphviz
    >>> viz.set_engine(None)  # PDF by Graphviz, where it is installed
    """
    if name is not None and name not in ENGINES:
        raise ValueError(f"viz.set_engine({name!r}): expected one of {', '.join(map(repr, ENGINES))}, or None")
    _chosen[:] = [] if name is None else [name]


def render(graph: Graph, kind: str, rankdir: str = "TB", dpi: int = 96) -> bytes:
    """The picture of `graph` as the content of a file.

    Args:
        graph: what to draw.
        kind: `"svg"`, `"png"`, `"pdf"` or `"dot"`.
        rankdir: the direction of the forward pass.
        dpi: dots per inch, for PNG.

    Raises:
        ValueError: for another kind.
        RendererMissing: when no engine can make it; says what was tried and what would help.
    """
    if kind not in FORMATS:
        raise ValueError(f"cannot draw {kind!r}: expected one of {', '.join(map(repr, FORMATS))}")
    if kind == "dot":
        return dot(graph, rankdir).encode("utf-8")
    names, own_layout = _candidates()
    tried = []
    for name in names:
        try:
            return _finished(ENGINES[name](_Job(graph, kind, rankdir, dpi, own_layout)), kind)
        except _Unavailable as reason:
            tried.append(f"{name} ({reason})")
    resvg = f"pip install '{RESVG}', or " if kind == "png" and "builtin" in names else ""
    raise RendererMissing(
        f"cannot write {kind.upper()}: no Graphviz here. Tried: {'; '.join(tried)}. "
        f"Fix: {resvg}pip install 'pygraphviz>=2.0.4' ('eagerflow[graphviz]' brings it), or install Graphviz (apt "
        "install graphviz, brew install graphviz); or write .svg or .dot, which need nothing."
    )


def _candidates() -> tuple[list[str], bool]:
    """The engines to try, and whether they get our layout."""
    chosen = _chosen[0] if _chosen else os.environ.get("EAGERFLOW_DOT", "")
    if chosen and chosen not in ENGINES:
        raise ValueError(f"EAGERFLOW_DOT={chosen!r}: expected one of {', '.join(map(repr, ENGINES))}")
    return ([chosen], False) if chosen else (list(ENGINES), True)


class _Job(NamedTuple):
    """What an engine is to make."""

    graph: Graph
    kind: str
    rankdir: str
    dpi: int
    own_layout: bool

    @property
    def text(self) -> str:
        """The graph in Graphviz' language."""
        text = placed(self.graph, self.rankdir) if self.own_layout else dot(self.graph, self.rankdir, legend=True)
        return text.replace("graph [", f'graph [dpi="{self.dpi}", ', 1) if self.kind == "png" else text


# What the other process runs: the graph from its input, the picture to its output. It ends without giving back what
# Graphviz holds, for in some runs Graphviz crashes in that.
_DRAWS = """
import os, sys
from pygraphviz import AGraph, graphviz
kind, layout = (word.encode() for word in sys.argv[1:])
graph, context = AGraph(string=sys.stdin.buffer.read().decode("utf-8")), graphviz.gvContextWithBuiltins()
if graphviz.gvLayout(context, graph.handle, layout):
    os._exit(1)
failed, drawn = graphviz.gvRenderData(context, graph.handle, kind)
if not failed:
    sys.stdout.buffer.write(bytes(drawn))
    sys.stdout.flush()
os._exit(1 if failed else 0)
"""


def _pygraphviz(job: _Job) -> bytes:
    """Graphviz inside its wheel, in a process of its own: a crash there isn't one of the user's program."""
    try:
        import pygraphviz  # noqa: F401 - whether it is there
    except ImportError as error:
        raise _Unavailable(f"cannot be imported: {error}") from None
    ensure_font()
    return drawn_apart(job.text, job.kind, "nop2" if job.own_layout else "dot")


def drawn_apart(text: str, kind: str, layout: str) -> bytes:
    """What pygraphviz makes of a graph in Graphviz' language, in a process of its own.

    Args:
        text: the graph.
        kind: `"svg"`, `"json"` and so on.
        layout: `"dot"`, or `"nop2"` for a graph whose places are known.
    """
    command = [sys.executable, "-P", "-c", _DRAWS, kind, layout]
    for _ in range(2):
        done = subprocess.run(command, input=text.encode("utf-8"), capture_output=True, timeout=600, check=False)
        if not done.returncode and done.stdout:
            return done.stdout
    raise _Unavailable(f"ended with code {done.returncode}")


def _dot_command(job: _Job) -> bytes:
    """The `dot` program."""
    if shutil.which("dot") is None:
        raise _Unavailable("not on the PATH")
    graphviz = _graphviz()
    if graphviz is None:
        raise _Unavailable("the graphviz package cannot be imported")
    ensure_font()
    how = {"engine": "neato", "neato_no_op": 2} if job.own_layout else {"engine": "dot"}
    try:
        return bytes(graphviz.Source(job.text).pipe(format=job.kind, quiet=True, **how))
    except (graphviz.ExecutableNotFound, graphviz.CalledProcessError) as error:
        raise _Unavailable(str(error).splitlines()[0]) from None


def _graphviz() -> Any:
    """The graphviz package, or None."""
    try:
        import graphviz
    except ImportError:
        return None
    return graphviz


def graphviz_source(text: str) -> Any:
    """A `graphviz.Source`.

    Raises:
        ImportError: without the graphviz package.
    """
    graphviz = _graphviz()
    if graphviz is None:
        raise ImportError("to_graphviz() needs the graphviz package: pip install 'graphviz>=0.20'")
    return graphviz.Source(text)


def _builtin(job: _Job) -> bytes:
    """Ourselves."""
    if job.kind == "pdf":
        raise _Unavailable("writes SVG and PNG only")
    drawn = svg(job.graph, job.rankdir)
    if job.kind == "svg":
        return drawn.encode("utf-8")
    try:
        return png_of(drawn, job.dpi / _POINTS)
    except ResvgFailed as reason:
        raise _Unavailable(f"resvg {reason}") from None


ENGINES: dict[str, Callable[[_Job], bytes]] = {"builtin": _builtin, "pygraphviz": _pygraphviz, "dot": _dot_command}


def _finished(drawn: bytes, kind: str) -> bytes:
    """The engine's output; in SVG the font gets stand-ins for machines that don't have it."""
    if kind != "svg":
        return drawn
    text = drawn.decode("utf-8")
    text = '<?xml version="1.0" encoding="UTF-8"?>\n' + text[text.index("<svg") :]
    return text.replace(f'font-family="{FONT}"', f'font-family="{_FALLBACKS}"').encode("utf-8")
