"""From a graph to a picture: through Graphviz where there is one, by our own layout for SVG elsewhere.

Engines, in the order in which they are tried: `pygraphviz` (brings Graphviz in its wheel), `dot` (Graphviz
on the PATH, through the `graphviz` package), `builtin` (SVG only, needs nothing).
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import threading
from collections.abc import Callable
from typing import Any

from viz.dot import FONT, dot
from viz.fonts import ensure_font
from viz.graph import Graph
from viz.svg import svg

__all__ = ["ENGINES", "FORMATS", "RendererMissing", "render", "set_engine"]

FORMATS = ("svg", "png", "pdf", "dot")
_FALLBACKS = f"{FONT},Verdana,Arial,sans-serif"  # Verdana is as wide as DejaVu Sans
_lock = threading.Lock()  # Graphviz' library serves one thread at a time
_chosen: list[str] = []


class RendererMissing(RuntimeError):  # noqa: N818  (it names what is missing)
    """No engine here can make the format that was asked for."""


class _Unavailable(Exception):  # noqa: N818
    """This engine isn't there, or can't make this format."""


def set_engine(name: str | None) -> None:
    """Choose what renders pictures from here on, in all threads.

    Args:
        name: `"pygraphviz"`, `"dot"` or `"builtin"`; None for the first that works (or the environment
            variable `EAGERFLOW_DOT`).

    Raises:
        ValueError: for another name.
    """
    if name is not None and name not in ENGINES:
        raise ValueError(
            f"viz.set_engine({name!r}): expected one of {', '.join(map(repr, ENGINES))}, or None"
        )
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
    tried = []
    for name in _candidates():
        try:
            return ENGINES[name](graph, kind, rankdir, dpi)
        except _Unavailable as reason:
            tried.append(f"{name} ({reason})")
    raise RendererMissing(
        f"cannot write {kind.upper()}: no Graphviz here. Tried: {'; '.join(tried)}. Fix: pip install pygraphviz, "
        "or install Graphviz (apt install graphviz, brew install graphviz); or write .svg or .dot, which need nothing."
    )


def _candidates() -> list[str]:
    chosen = _chosen or [os.environ.get("EAGERFLOW_DOT", "")]
    if not chosen[0]:
        return list(ENGINES)
    if chosen[0] not in ENGINES:
        raise ValueError(f"EAGERFLOW_DOT={chosen[0]!r}: expected one of {', '.join(map(repr, ENGINES))}")
    return chosen


def _pygraphviz(graph: Graph, kind: str, rankdir: str, dpi: int) -> bytes:
    """Graphviz inside this process."""
    try:
        import pygraphviz
    except ImportError as error:
        raise _Unavailable(f"cannot be imported: {error}") from None
    ensure_font()
    with _lock, contextlib.redirect_stderr(io.StringIO()):  # it warns about large graphs by print
        drawn = pygraphviz.AGraph(string=_page(graph, kind, rankdir, dpi)).draw(format=kind, prog="dot")
    return _finished(drawn, kind)


def _dot_command(graph: Graph, kind: str, rankdir: str, dpi: int) -> bytes:
    """The `dot` program."""
    if shutil.which("dot") is None:
        raise _Unavailable("not on the PATH")
    try:
        import graphviz
    except ImportError as error:
        raise _Unavailable(f"the graphviz package cannot be imported: {error}") from None
    ensure_font()
    try:
        drawn = graphviz.Source(_page(graph, kind, rankdir, dpi)).pipe(format=kind, quiet=True)
    except (graphviz.ExecutableNotFound, graphviz.CalledProcessError) as error:
        raise _Unavailable(str(error).splitlines()[0]) from None
    return _finished(drawn, kind)


def _builtin(graph: Graph, kind: str, rankdir: str, dpi: int) -> bytes:
    """Our own layout."""
    if kind != "svg":
        raise _Unavailable("writes SVG only")
    return svg(graph).encode("utf-8")


ENGINES: dict[str, Callable[[Graph, str, str, int], bytes]] = {
    "pygraphviz": _pygraphviz,
    "dot": _dot_command,
    "builtin": _builtin,
}


def _page(graph: Graph, kind: str, rankdir: str, dpi: int) -> str:
    text = dot(graph, rankdir)
    return text.replace("graph [", f'graph [dpi="{dpi}", ', 1) if kind == "png" else text


def _finished(drawn: Any, kind: str) -> bytes:
    """The engine's output; in SVG the font gets stand-ins for machines that don't have it."""
    if kind != "svg":
        return bytes(drawn)
    text = bytes(drawn).decode("utf-8")
    text = re.sub(r"^.*?(?=<svg)", '<?xml version="1.0" encoding="UTF-8"?>\n', text, count=1, flags=re.DOTALL)
    return text.replace(f'font-family="{FONT}"', f'font-family="{_FALLBACKS}"').encode("utf-8")
