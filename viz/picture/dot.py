"""A graph in Graphviz' language: plain labels on everything, names quoted, rows side by side."""

from __future__ import annotations

import html
import itertools
import math
from collections.abc import Callable, Iterator

from viz.geometry.graph import LANES, Cluster, Edge, Graph, Node
from viz.geometry.layout import LINE, SMALL, TITLE
from viz.geometry.operand_marks import MARK, marks
from viz.geometry.placement import place
from viz.geometry.places import HEADER, Title
from viz.geometry.text_sizes import text_width
from viz.picture.legend import BESIDE, SWATCH, Sign, signs
from viz.picture.palette import Theme, fill_and_line, ink_on, theme_of

__all__ = ["FONT", "dot", "placed"]

FONT = "DejaVu Sans"
_UNSEEN = {"label": "", "shape": "point", "style": "invis", "width": "0.001", "height": "0.001"}
_HEAD = 6.0  # length of an arrow's head
_TALL = f'<font point-size="{LINE / 1.2:.1f}"> </font>'  # what makes a line as high as in SVG
_SHAPES = {"parameter": "cylinder"}
_STYLES = {"scope": "filled,rounded", "op": "filled,rounded", "update": "filled"}
_STYLES |= dict.fromkeys(["input", "gradient"], "filled,dashed")


def dot(graph: Graph, rankdir: str = "TB", legend: bool = False) -> str:
    """The text of `graph` in the DOT language, for Graphviz to lay out.

    Args:
        graph: what to draw.
        rankdir: the direction of the forward pass: `"TB"`, `"BT"`, `"LR"` or `"RL"`.
        legend: explain the colours, in Graphviz' markup; else no label has markup, which not every program reads.
    """
    page = {"rankdir": rankdir, "newrank": "true", "nodesep": "0.22", "ranksep": "0.3", "labelloc": "t"}
    page |= {"splines": graph.splines} if graph.splines else {}
    page |= {"label": heading} if legend and (heading := _heading(graph)) else {}
    lines = _defaults(graph, page, {"margin": "0.13,0.06", "height": "0.3"})
    lines += _contents(graph, None, 1, {}, {})
    lines += _rows(graph)
    lines += [f"  {_arrow(graph, edge)};" for edge in graph.edges]
    return "\n".join(["digraph {", *lines, "}", ""])


def placed(graph: Graph, rankdir: str = "TB") -> str:
    """The text of `graph` with everything in its place in our own layout, for Graphviz' `nop2` to draw."""
    found = place(graph, rankdir)
    layout, ways = found.layout, found.ways
    area, theme = found.area, theme_of(graph)
    width = max([area.w, *[text_width(text, 14) + 24 for text in (graph.title, graph.caption)]])
    legend, legend_width, legend_height = signs(graph, theme, width - 24)
    width = max(width, legend_width + 24)
    left, top = (width - area.w) / 2 - area.x, area.h + legend_height + 44.0

    def at(x: float, y: float) -> str:  # Graphviz counts from the bottom, in points: one for each of our units
        return f"{x + left:.1f},{area.y + area.h - y:.1f}"

    heading = {"outputorder": "edgesfirst", "bb": f"0,0,{width:.1f},{top:.1f}"}
    lines = _defaults(graph, heading | {"label": ""}, {"fixedsize": "true", "fontsize": f"{SMALL:g}"})
    nodes = {
        id_: {"pos": at(*box.middle), "width": f"{box.w / 72:.3f}", "height": f"{box.h / 72:.3f}"}
        for id_, box in layout.nodes.items()
    }
    for node in graph.nodes.values():
        nodes[node.id]["label"] = _in_bold(node)
    frames = {
        id_: {"bb": f"{at(box.x, box.y + box.h)},{at(box.x + box.w, box.y)}", "label": " "}
        for id_, box in layout.frames.items()
    }
    for id_, pieces in layout.pieces.items():
        for number, box in enumerate([piece.at for piece in pieces], 2):
            frames[f"{id_}_{number}"] = {"bb": f"{at(box.x, box.y + box.h)},{at(box.x + box.w, box.y)}", "label": " "}
    corners = [(area.x, area.y), (area.x + area.w, area.y + area.h)] if layout.pieces else []
    lines += [f"  {_quoted(f'corner_{i}')} {_listed(_UNSEEN | {'pos': at(*each)})};" for i, each in enumerate(corners)]
    lines += _contents(graph, None, 1, nodes, frames)
    for edge, way in zip(graph.edges, ways):
        points = _shortened(way.points) if edge.kind != "link" else way.points
        look = {"color": theme.lines[edge.kind], "pos": " ".join([at(*point) for point in points])}
        if edge.kind == "link":
            look |= {"style": "dashed", "arrowhead": "none", "penwidth": "1"}
        else:
            look["pos"] = f"e,{at(*way.points[-1])} {look['pos']}"
        if edge.label and way.label is not None:
            x, y = way.label
            look |= {"label": edge.label, "lp": at(x + 2 + text_width(edge.label, 9) / 2, y - 3)}
        lines.append(f"  {_quoted(edge.tail)} -> {_quoted(edge.head)} {_listed(look)};")
    lines += _headed(graph, width / 2, top)
    lines += _legend(legend, theme, (width - legend_width) / 2, area.h + legend_height)
    for cluster in graph.clusters.values():
        for number, title in enumerate(layout.titles_of(cluster.id)):
            lines += _title(graph, cluster, title, at, f"{cluster.id}_{number}" if number else cluster.id)
    for i, mark in enumerate(marks(graph, [way.corners for way in ways])):
        ink = ink_on(fill_and_line(graph.nodes[mark.node], theme)[0])
        look = {"label": mark.text, "shape": "plaintext", "fontsize": f"{MARK:g}", "fontcolor": ink, "width": "0.2"}
        lines.append(f"  {_quoted(f'operand_{i}')} {_listed(look | {'height': '0.1', 'pos': at(*mark.at)})};")
    return "\n".join(["digraph {", *lines, "}", ""])


def _headed(graph: Graph, middle: float, top: float) -> Iterator[str]:
    """The picture's title and caption, as boxes without lines."""
    for i, text in enumerate([text for text in (graph.title, graph.caption) if text]):
        look = {"label": text, "shape": "plaintext", "fontsize": f"{14 - 3 * i}", "height": "0.25"}
        look |= {"width": f"{text_width(text, 14) / 72:.3f}", "pos": f"{middle:.1f},{top - 12 - 20 * i:.1f}"}
        yield f"  {_quoted(f'heading_{i}')} {_listed(look)};"


def _in_bold(node: Node) -> str:
    """What stands in a box: its title in bold, as in SVG; in a cylinder below the lid."""
    lines = [f'<font point-size="{TITLE:g}"><b>{html.escape(node.title)}</b></font>'] if node.title else []
    lines += [f"{_TALL}{html.escape(text)}{_TALL}" for text in node.lines if text]
    return _Markup("<br/>".join([*([" "] if node.kind == "parameter" else []), *lines])) if lines else " "


def _legend(legend: list[Sign], theme: Theme, left: float, top: float) -> Iterator[str]:
    """A box for each colour, or a dashed line, and what it means."""
    for i, sign in enumerate(legend):
        x, y = left + sign.x, top - sign.y
        name, width = f"legend_{i}", text_width(sign.text, SMALL)
        look = {"label": sign.text, "shape": "plaintext", "fontsize": f"{SMALL:g}", "fontcolor": theme.ink}
        look |= {"pos": f"{x + SWATCH + BESIDE + width / 2:.1f},{y:.1f}", "width": f"{width / 72:.3f}", "height": "0.2"}
        yield f"  {_quoted(f'meaning_{i}')} {_listed(look)};"
        if sign.fill:
            box = {"label": "", "shape": "box", "width": f"{SWATCH / 72:.3f}", "height": "0.167", "penwidth": "1"}
            box |= {"pos": f"{x + SWATCH / 2:.1f},{y:.1f}", "color": sign.line, "fillcolor": sign.fill}
            yield f"  {_quoted(name)} {_listed(box | {'style': 'filled,dashed' if sign.dashed else 'filled'})};"
        else:
            yield from _sample(name, x, y, sign)


def _sample(name: str, x: float, y: float, sign: Sign) -> Iterator[str]:
    """A short line. Graphviz draws it as an edge, between two points that aren't seen."""
    ends = [_quoted(f"{name}_{side}") for side in ("from", "to")]
    for end, at in zip(ends, (x, x + SWATCH)):
        yield f"  {end} {_listed(_UNSEEN | {'pos': f'{at:.1f},{y:.1f}'})};"
    way = " ".join([f"{x + SWATCH * part:.1f},{y:.1f}" for part in (0, 1 / 3, 2 / 3, 1)])
    look = {"color": sign.line, "style": "dashed" if sign.dashed else "solid", "arrowhead": "none"}
    look |= {"penwidth": "1", "pos": way}
    yield f"  {' -> '.join(ends)} {_listed(look)};"


def _title(graph: Graph, cluster: Cluster, title: Title, at: Callable[[float, float], str], name: str) -> Iterator[str]:
    """A frame's title as boxes without lines, one for each line of it, which are called after `name`."""
    theme = theme_of(graph)
    for i, (text, _, size, bold) in enumerate(title.baselines()):
        look = {"label": text, "shape": "plaintext", "fontsize": f"{size:g}", "tooltip": cluster.title or " "}
        look |= {"fontname": f"{FONT} Bold" if bold else FONT, "width": f"{title.at.w / 72:.3f}"}
        look |= {"fontcolor": theme.ink if bold else theme.muted, "height": f"{HEADER / 72:.3f}"}
        look["pos"] = at(title.at.middle[0], title.at.y + HEADER * (i + 0.5))
        yield f"  {_quoted(f'title_{name}_{i}')} {_listed(look)};"


def _shortened(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The curve without its last bit, where the arrow's head is."""
    (x1, y1), (x2, y2) = points[-2:]
    length = math.hypot(x2 - x1, y2 - y1) or 1.0
    return [*points[:-1], (x2 - (x2 - x1) / length * _HEAD, y2 - (y2 - y1) / length * _HEAD)]


def _defaults(graph: Graph, page: dict[str, str], node: dict[str, str]) -> list[str]:
    """What holds for the whole picture, all nodes and all arrows."""
    ink = {"fontname": FONT, "fontcolor": theme_of(graph).ink}
    heading = "\n".join([text for text in (graph.title, graph.caption) if text])
    if graph.legend and "bb" not in page:  # where there are no places for the colours themselves
        heading += "\n" + "  ·  ".join([text for _, text in graph.legend])
    page = {
        "bgcolor": theme_of(graph).page,
        "pad": "0.2",
        "label": heading,
        "fontsize": "14",
        "tooltip": graph.title or " ",
    } | page
    edge = {
        "fontname": FONT,
        "fontsize": "9",
        "fontcolor": theme_of(graph).muted,
        "arrowsize": "0.7",
        "penwidth": "1.4",
    }
    return [
        f"  graph {_listed(page | ink)};",
        f"  node {_listed({'fontsize': '11', 'penwidth': '1.3', **node, **ink})};",
        f"  edge {_listed(edge)};",
    ]


def _heading(graph: Graph) -> str:
    """Title, caption and legend, for Graphviz' own layout: a table, since only labels have a place there."""
    legend, *_ = signs(graph, theme_of(graph), math.inf)
    texts = [html.escape(text) for text in (graph.title, graph.caption) if text]
    cells = []
    for sign in legend:
        size = f'fixedsize="true" width="{SWATCH:.0f}" height="12"'
        box = f'<td {size} border="1" bgcolor="{sign.fill}" color="{sign.line}"></td>'
        dashes = "- - " if sign.dashed else "—— "
        cells.append(box if sign.fill else f'<td><font color="{sign.line}">{dashes}</font></td>')
        cells.append(f'<td><font point-size="10">{html.escape(sign.text)}  </font></td>')
    row = f'<table border="0" cellborder="0" cellspacing="3" cellpadding="0"><tr>{"".join(cells)}</tr></table>'
    rows = "".join([f"<tr><td>{text}</td></tr>" for text in [*texts, *([row] if cells else [])]])
    return _Markup(f'<table border="0" cellborder="0">{rows}</table>' if rows else "")


class _Markup(str):
    """A label in Graphviz' markup, which is written as it is."""


def _contents(
    graph: Graph, frame: str | None, level: int, nodes: dict[str, dict[str, str]], frames: dict[str, dict[str, str]]
) -> Iterator[str]:
    """The nodes and frames directly within a frame, with what is given for each besides."""
    indent = "  " * level
    for node in graph.nodes.values():
        if node.cluster == frame:
            yield f"{indent}{_quoted(node.id)} {_listed(_look(node, graph) | nodes.get(node.id, {}))};"
    for inner in graph.clusters.values():
        if inner.parent == frame:
            yield f"{indent}subgraph {_quoted('cluster_' + inner.id)} {{"
            yield f"{indent}  graph {_listed(_frame(graph, inner, level) | frames.get(inner.id, {}))};"
            if f"{inner.id}_2" in frames:  # before what stands in them, for they are drawn in this order
                yield from _pieces(graph, inner, level + 1, frames)
            yield from _contents(graph, inner.id, level + 1, nodes, frames)
            yield f"{indent}}}"


def _pieces(graph: Graph, cluster: Cluster, level: int, frames: dict[str, dict[str, str]]) -> Iterator[str]:
    """What goes on of a frame in other columns, as frames of the same look that hold nothing."""
    for number in itertools.count(2):
        id_ = f"{cluster.id}_{number}"
        if id_ not in frames:
            break
        look = _frame(graph, cluster, level - 1) | frames[id_] | {"id": id_}
        yield f"{'  ' * level}subgraph {_quoted('cluster_' + id_)} {{ graph {_listed(look)}; }}"


def _frame(graph: Graph, cluster: Cluster, level: int) -> dict[str, str]:
    theme = theme_of(graph)
    label = "\n".join([text for text in (cluster.title, cluster.subtitle) if text])
    look = {"label": label or " ", "fontsize": "11", "margin": "10", "id": cluster.id}
    look |= {"style": "filled,rounded", "color": theme.frame, "fillcolor": theme.frames[level % 2], "penwidth": "1.2"}
    return look | {"tooltip": cluster.tooltip or cluster.title or " "}


def _look(node: Node, graph: Graph) -> dict[str, str]:
    fill, line = fill_and_line(node, theme_of(graph))
    look = {"label": "\n".join([text for text in (node.title, *node.lines) if text]) or " ", "id": node.id}
    look |= {"shape": _SHAPES.get(node.kind, "box"), "style": _STYLES.get(node.kind, "filled")}
    look |= {"fillcolor": fill, "color": line, "fontcolor": ink_on(fill), "tooltip": node.tooltip or node.title or " "}
    if node.link:
        look |= {"URL": node.link, "target": "_blank"}
    if node.error:
        look["penwidth"] = "3"
    return look


def _rows(graph: Graph) -> Iterator[str]:
    rows: dict[str, list[Node]] = {}
    for node in graph.nodes.values():
        rows.setdefault(node.row, []).append(node)
    for nodes in rows.values():
        if len(nodes) > 1:
            nodes.sort(key=lambda node: LANES.index(node.lane))
            yield f"  {{ rank=same; {'; '.join([_quoted(node.id) for node in nodes])} }}"
            chain = " -> ".join([_quoted(node.id) for node in nodes])
            yield f"  {chain} [style=invis, weight=0];"


def _arrow(graph: Graph, edge: Edge) -> str:
    """An arrow. What flows against the forward pass is written the other way round, so that it doesn't rank."""
    tail, head = graph.nodes[edge.tail], graph.nodes[edge.head]
    beside = tail.row == head.row
    look = {
        "color": theme_of(graph).lines[edge.kind],
        "tooltip": edge.tooltip or " ",
        "label": "" if beside else edge.label,
    }
    if edge.kind == "link":
        look |= {"style": "dashed", "arrowhead": "none", "weight": "0", "penwidth": "1"}
    elif edge.kind in ("parameter", "update") and not beside:
        look["constraint"] = "false"
    elif not beside:
        look["weight"] = "1" if "input" in (tail.kind, head.kind) else "20"  # keeps the columns straight
    if edge.kind in ("gradient", "parameter", "update"):
        look["dir"] = "back"
        tail, head = head, tail
    if edge.operand:
        look |= {"headlabel" if tail.id == edge.tail else "taillabel": edge.operand}
    look["edgetooltip"] = look["labeltooltip"] = look["tooltip"]
    return f"{_quoted(tail.id)} -> {_quoted(head.id)} {_listed(look)}"


def _listed(attributes: dict[str, str]) -> str:
    return f"[{', '.join([f'{name}={_quoted(value)}' for name, value in attributes.items()])}]"


def _quoted(text: str) -> str:
    """A DOT string that shows exactly `text`: nothing in it is an escape, an entity or HTML, unless it is markup."""
    if isinstance(text, _Markup):
        return f"<{text}>"
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("&", "&amp;"), ("\n", "\\n")):
        text = text.replace(plain, escaped)
    return f'"{text}"'
