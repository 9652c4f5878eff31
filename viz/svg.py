"""SVG without Graphviz: the graph in our own layout."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from viz.graph import Cluster, Edge, Graph, Node
from viz.layout import HEADER, LINE, SMALL, TITLE, Layout, Rect, arrange, text_width
from viz.palette import FRAME, FRAMES, INK, LINES, MUTED, fill_and_line

__all__ = ["svg"]

_HEADING = 26
_FONTS = "DejaVu Sans,Verdana,Arial,sans-serif"


def svg(graph: Graph) -> str:
    """The picture of a graph as an SVG document, on white."""
    layout = arrange(graph)
    heading = [text for text in (graph.title, graph.caption) if text]
    sides = 18 * _side_arrows(graph, layout) + 12
    top = _HEADING * len(heading)
    width = max(layout.width, *[text_width(text, 15) + 24 for text in heading], 60) + 2 * sides
    left = (width - layout.width) / 2
    height = layout.height + top
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" font-family="{_FONTS}">',
        f"<title>{_text(graph.title)}</title>",
        f"<defs>{''.join(_marker(kind, color) for kind, color in LINES.items())}</defs>",
        '<rect width="100%" height="100%" fill="white"/>',
        *[_line(text, width / 2, 20 + 20 * i, 15 - 3 * i, INK, "middle") for i, text in enumerate(heading)],
        f'<g transform="translate({left:.1f} {top})">',
        *_frames(graph, layout),
        *_arrows(graph, layout),
        *[_box(node, layout.nodes[node.id]) for node in graph.nodes.values()],
        "</g></svg>",
    ]
    return "\n".join(lines) + "\n"


def _frames(graph: Graph, layout: Layout) -> Iterator[str]:
    """Frames from the outside in, so that inner ones lie on top."""
    levels: dict[str | None, int] = {None: 0}
    for cluster in graph.clusters.values():
        levels[cluster.id] = levels[cluster.parent] + 1
        yield _frame(cluster, layout.frames[cluster.id], levels[cluster.id])


def _frame(cluster: Cluster, at: Rect, level: int) -> str:
    fill = FRAMES[level % len(FRAMES)]
    parts = [f'<g class="cluster" id={quoteattr(cluster.id)}>{_tooltip(cluster.tooltip or cluster.title)}']
    parts.append(_rect(at, fill, FRAME, 10, 1.2))
    for i, text in enumerate([t for t in (cluster.title, cluster.subtitle) if t]):
        parts.append(
            _line(text, at.x + 12, at.y + HEADER * (i + 1), 12 - 2 * i, MUTED if i else INK, "start")
        )
    return "".join(parts) + "</g>"


def _box(node: Node, at: Rect) -> str:
    fill, line = fill_and_line(node)
    parts = [f'<g class="node" id={quoteattr(node.id)}>{_tooltip(node.tooltip or node.title)}']
    radius = {"parameter": at.h / 2, "update": 1, "input": 1}.get(node.kind, 7)
    parts.append(_rect(at, fill, line, min(radius, 18), 3 if node.error else 1.3))
    texts = [text for text in (node.title, *node.lines) if text]
    top = at.y + at.h / 2 - LINE * len(texts) / 2 + LINE * 0.75
    for i, text in enumerate(texts):
        size = TITLE if i == 0 and node.title else SMALL
        parts.append(_line(text, at.middle[0], top + LINE * i, size, INK, "middle"))
    return "".join(parts) + "</g>"


def _side_arrows(graph: Graph, layout: Layout) -> int:
    """How many arrows go around other boxes, at most a few of which get a way of their own."""
    crossing = [e for e in graph.edges if not _beside(graph, e) and _is_blocked(layout, e)]
    return min(len(crossing), 4)


def _arrows(graph: Graph, layout: Layout) -> Iterator[str]:
    ways = 0
    for edge in graph.edges:
        tail, head = layout.nodes[edge.tail], layout.nodes[edge.head]
        if _beside(graph, edge):
            path, label = _across(tail, head), None
        elif _is_blocked(layout, edge):
            path, label = _around(tail, head, edge.kind == "gradient", ways % 4)
            ways += 1
        else:
            path, label = _between(tail, head)
        yield _arrow(edge, path, label)


def _arrow(edge: Edge, path: str, label: tuple[float, float] | None) -> str:
    color = LINES[edge.kind]
    look = 'stroke-dasharray="4 3" stroke-width="1"' if edge.kind == "link" else 'stroke-width="1.4"'
    end = "" if edge.kind == "link" else f' marker-end="url(#{edge.kind})"'
    parts = [
        f'<g class="edge">{_tooltip(edge.tooltip)}<path d="{path}" fill="none" stroke="{color}" {look}{end}/>'
    ]
    if edge.label and label is not None:
        parts.append(_line(edge.label, *label, 9, MUTED, "start"))
    return "".join(parts) + "</g>"


def _beside(graph: Graph, edge: Edge) -> bool:
    return graph.nodes[edge.tail].row == graph.nodes[edge.head].row


def _is_blocked(layout: Layout, edge: Edge) -> bool:
    """Does another box lie on the straight way?"""
    tail, head = layout.nodes[edge.tail], layout.nodes[edge.head]
    (x1, y1), (x2, y2) = tail.middle, head.middle
    low, high = min(y1, y2), max(y1, y2)
    for id_, box in layout.nodes.items():
        if id_ not in (edge.tail, edge.head) and low < box.y + box.h / 2 < high:
            share = (box.y + box.h / 2 - y1) / (y2 - y1)
            if box.x - 4 < x1 + share * (x2 - x1) < box.x + box.w + 4:
                return True
    return False


def _across(tail: Rect, head: Rect) -> str:
    """A level line within a row."""
    y = head.middle[1]
    if tail.x > head.x:
        return f"M{tail.x:.1f} {y:.1f} L{head.x + head.w + 2:.1f} {y:.1f}"
    return f"M{tail.x + tail.w:.1f} {y:.1f} L{head.x - 2:.1f} {y:.1f}"


def _between(tail: Rect, head: Rect) -> tuple[str, tuple[float, float]]:
    """A curve from the bottom of the upper box to the top of the lower one, or the other way."""
    down = tail.y < head.y
    x1, x2 = tail.middle[0], head.middle[0]
    y1 = tail.y + tail.h if down else tail.y
    y2 = head.y - 2 if down else head.y + head.h + 2
    middle = (y1 + y2) / 2
    path = f"M{x1:.1f} {y1:.1f} C{x1:.1f} {middle:.1f} {x2:.1f} {middle:.1f} {x2:.1f} {y2:.1f}"
    return path, (x1 + 5, y1 + (14 if down else -8))


def _around(tail: Rect, head: Rect, right: bool, way: int) -> tuple[str, tuple[float, float]]:
    """A curve past the boxes in between, on the left for data and on the right for gradients."""
    out = 26 + 14 * way
    x1, x2 = (tail.x + tail.w, head.x + head.w + 2) if right else (tail.x, head.x - 2)
    x = max(x1, x2) + out if right else min(x1, x2) - out
    (_, y1), (_, y2) = tail.middle, head.middle
    return f"M{x1:.1f} {y1:.1f} C{x:.1f} {y1:.1f} {x:.1f} {y2:.1f} {x2:.1f} {y2:.1f}", (
        x1 + (4 if right else -60),
        y1 - 6,
    )


def _marker(kind: str, color: str) -> str:
    return (
        f'<marker id="{kind}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" markerHeight="6" '
        f'orient="auto-start-reverse"><path d="M0 0L8 4L0 8z" fill="{color}"/></marker>'
    )


def _rect(at: Rect, fill: str, line: str, radius: float, width: float) -> str:
    return (
        f'<rect x="{at.x:.1f}" y="{at.y:.1f}" width="{at.w:.1f}" height="{at.h:.1f}" rx="{radius:.1f}" '
        f'fill="{fill}" stroke="{line}" stroke-width="{width}"/>'
    )


def _line(text: str, x: float, y: float, size: float, color: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{color}" text-anchor="{anchor}">{_text(text)}</text>'


def _tooltip(text: str) -> str:
    return f"<title>{_text(text)}</title>" if text else ""


def _text(text: str) -> str:
    return escape(text)
