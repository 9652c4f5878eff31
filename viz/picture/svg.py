"""SVG without Graphviz: the graph in our own layout."""

from __future__ import annotations

from html import escape

from viz.geometry.edge_routes import Route
from viz.geometry.graph import Cluster, Edge, Graph, Node
from viz.geometry.layout import LID, LINE
from viz.geometry.operand_marks import Mark, marks
from viz.geometry.placement import place
from viz.geometry.places import Layout, Rect, Title
from viz.geometry.text_sizes import MARK, SMALL, TITLE, text_width
from viz.picture.legend import BESIDE, SWATCH, Sign, signs
from viz.picture.palette import Theme, fill_and_line, ink_on, theme_of
from viz.picture.svg_document import attribute, document

__all__ = ["svg"]

_HEADING = 26


def svg(graph: Graph, rankdir: str = "TB") -> str:
    """The picture of a graph as an SVG document; `rankdir` is the direction of the forward pass."""
    placed, theme = place(graph, rankdir), theme_of(graph)
    layout, ways = placed.layout, placed.ways
    heading = [text for text in (graph.title, graph.caption) if text]
    area = placed.area
    width = max([area.w, *[text_width(text, 15) + 24 for text in heading], 60])
    legend, legend_width, legend_height = signs(graph, theme, width - 24)
    width = max(width, legend_width + 24)
    below = _HEADING * len(heading)
    top = below + legend_height
    shift = (width - area.w) / 2 - area.x
    frames = [(cluster, graph.level(cluster)) for cluster in graph.clusters.values()]
    body = [
        f"<defs>{''.join(_marker(kind, color) for kind, color in theme.lines.items())}</defs>",
        *[_line(text, width / 2, 20 + 20 * i, 15 - 3 * i, theme.ink, "middle") for i, text in enumerate(heading)],
        *_legend(legend, theme, (width - legend_width) / 2, below),
        f'<g transform="translate({shift:.1f} {top - area.y:.1f})">',
        *[line for cluster, level in frames for line in _frames(cluster, layout, level, theme)],
        *[_arrow(edge, way, theme) for edge, way in zip(graph.edges, ways)],
        *[_title(title, theme) for cluster, _ in frames for title in layout.titles_of(cluster.id)],
        *[_box(node, layout.nodes[node.id], theme) for node in graph.nodes.values()],
        *[_mark(mark, graph.nodes[mark.node], theme) for mark in marks(graph, [way.corners for way in ways])],
        "</g>",
    ]
    return document(graph.title, width, area.h + top, theme, body)


def _legend(legend: list[Sign], theme: Theme, left: float, top: float) -> list[str]:
    """Small boxes of each colour, each with what it means."""
    parts = []
    for sign in legend:
        x, y = left + sign.x, top + sign.y
        if sign.fill:
            dashes = ' stroke-dasharray="3 2"' if sign.dashed else ""
            parts.append(_rect(Rect(x, y - 6, SWATCH, 12), sign.fill, sign.line, 2, 1, dashes))
        else:
            line = f'stroke="{sign.line}"' + (' stroke-dasharray="4 3"' if sign.dashed else ' stroke-width="1.4"')
            parts.append(f'<path d="M{x:.1f} {y:.1f} L{x + SWATCH:.1f} {y:.1f}" {line}/>')
        parts.append(_line(sign.text, x + SWATCH + BESIDE, y + 3.5, SMALL, theme.ink, "start"))
    return ['<g class="legend">', *parts, "</g>"] if parts else []


def _frames(cluster: Cluster, layout: Layout, level: int, theme: Theme) -> list[str]:
    """A frame, and what goes on of it in other columns."""
    pieces = [layout.frames[cluster.id], *[piece.at for piece in layout.pieces.get(cluster.id, ())]]
    ids = [cluster.id, *[f"{cluster.id}_{number}" for number in range(2, len(pieces) + 1)]]
    return [_frame(cluster, id_, at, level, theme) for id_, at in zip(ids, pieces)]


def _frame(cluster: Cluster, id_: str, at: Rect, level: int, theme: Theme) -> str:
    parts = [f'<g class="cluster" id={attribute(id_)}>{_tooltip(cluster.tooltip or cluster.title)}']
    return "".join([*parts, _rect(at, theme.frames[level % 2], theme.frame, 10, 1.2), "</g>"])


def _title(title: Title, theme: Theme) -> str:
    """The lines of a frame's title."""
    parts = []
    for text, y, size, bold in title.baselines():
        parts.append(_line(text, title.at.middle[0], y, size, theme.ink if bold else theme.muted, "middle", bold=bold))
    return "".join(['<g class="header">', *parts, "</g>"]) if parts else ""


def _box(node: Node, at: Rect, theme: Theme) -> str:
    fill, line = fill_and_line(node, theme)
    ink = ink_on(fill)
    parts = [f'<g class="node" id={attribute(node.id)}>{_tooltip(node.tooltip or node.title)}']
    width = 3.0 if node.error else 1.3
    if node.kind == "parameter":
        parts.append(_cylinder(at, fill, line, width))
    else:
        dashes = ' stroke-dasharray="5 3"' if node.kind in ("input", "gradient") else ""
        parts.append(_rect(at, fill, line, 7 if node.kind in ("op", "scope") else 1, width, dashes))
    texts = [text for text in (node.title, *node.lines) if text]
    middle = at.y + at.h / 2 + (LID if node.kind == "parameter" else 0)
    top = middle - LINE * len(texts) / 2 + LINE * 0.75
    for i, text in enumerate(texts):
        size = TITLE if i == 0 and node.title else SMALL
        parts.append(_line(text, at.middle[0], top + LINE * i, size, ink, "middle", bold=i == 0))
    inner = "".join(parts) + "</g>"
    return f"<a href={attribute(node.link)}>{inner}</a>" if node.link else inner


def _mark(mark: Mark, node: Node, theme: Theme) -> str:
    """Which operand of a box an arrow carries."""
    x, y = mark.at
    ink = ink_on(fill_and_line(node, theme)[0])
    return f'<g class="operand">{_line(mark.text, x, y + MARK * 0.36, MARK, ink, "middle")}</g>'


def _arrow(edge: Edge, way: Route, theme: Theme) -> str:
    color = theme.lines[edge.kind]
    look = 'stroke-dasharray="4 3" stroke-width="1"' if edge.kind == "link" else 'stroke-width="1.4"'
    end = "" if edge.kind == "link" else f' marker-end="url(#{edge.kind})"'
    parts = [f'<g class="edge">{_tooltip(edge.tooltip)}<path d="{way.path}" fill="none" stroke="{color}" {look}{end}/>']
    if edge.label and way.label is not None:
        parts.append(_line(edge.label, *way.label, 9, theme.muted, "start"))
    return "".join(parts) + "</g>"


def _marker(kind: str, color: str) -> str:
    return (
        f'<marker id="{kind}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" markerHeight="6" '
        f'orient="auto-start-reverse"><path d="M0 0L8 4L0 8z" fill="{color}"/></marker>'
    )


def _cylinder(at: Rect, fill: str, line: str, width: float) -> str:
    x, r, low = at.x, at.w / 2, at.y + at.h - LID
    lid = f"M{x:.1f} {at.y + LID:.1f} a{r:.1f} {LID} 0 0 1 {at.w:.1f} 0"
    sides = f"V{low:.1f} a{r:.1f} {LID} 0 0 1 -{at.w:.1f} 0 z"
    rim = f"M{x:.1f} {at.y + LID:.1f} a{r:.1f} {LID} 0 0 0 {at.w:.1f} 0"
    return f'<path d="{lid} {sides} {rim}" fill="{fill}" stroke="{line}" stroke-width="{width}"/>'


def _rect(at: Rect, fill: str, line: str, radius: float, width: float, more: str = "") -> str:
    return (
        f'<rect x="{at.x:.1f}" y="{at.y:.1f}" width="{at.w:.1f}" height="{at.h:.1f}" rx="{radius:.1f}" '
        f'fill="{fill}" stroke="{line}" stroke-width="{width}"{more}/>'
    )


def _line(text: str, x: float, y: float, size: float, color: str, anchor: str, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    look = f'font-size="{size}" fill="{color}" text-anchor="{anchor}"{weight}'
    return f'<text x="{x:.1f}" y="{y:.1f}" {look}>{escape(text)}</text>'


def _tooltip(text: str) -> str:
    return f"<title>{escape(text)}</title>" if text else ""
