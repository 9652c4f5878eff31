"""A graph in Graphviz' language: plain labels on everything, names quoted, rows side by side."""

from __future__ import annotations

from collections.abc import Iterator

from viz.geometry.graph import LANES, Cluster, Edge, Graph, Node
from viz.picture.palette import fill_and_line, ink_on, theme_of

__all__ = ["FONT", "dot"]

FONT = "DejaVu Sans"
_SHAPES = {"parameter": "cylinder"}
_STYLES = {"scope": "filled,rounded", "op": "filled,rounded", "update": "filled"}
_STYLES |= dict.fromkeys(["input", "gradient"], "filled,dashed")


def dot(graph: Graph, rankdir: str = "TB") -> str:
    """The text of `graph` in the DOT language, for Graphviz to lay out; no label has markup, which few programs read.

    Args:
        graph: what to draw.
        rankdir: the direction of the forward pass: `"TB"`, `"BT"`, `"LR"` or `"RL"`.
    """
    lines = _defaults(graph, rankdir)
    lines += _contents(graph, None, 1)
    lines += _rows(graph)
    lines += [f"  {_arrow(graph, edge)};" for edge in graph.edges]
    return "\n".join(["digraph {", *lines, "}", ""])


def _defaults(graph: Graph, rankdir: str) -> list[str]:
    """What holds for the whole picture, all nodes and all arrows."""
    ink = {"fontname": FONT, "fontcolor": theme_of(graph).ink}
    heading = "\n".join([text for text in (graph.title, graph.caption) if text])
    if graph.legend:
        heading += "\n" + "  ·  ".join([text for _, text in graph.legend])
    page = {"bgcolor": theme_of(graph).page, "pad": "0.2", "label": heading, "fontsize": "14"}
    page |= {"tooltip": graph.title or " ", "rankdir": rankdir, "newrank": "true", "nodesep": "0.22"}
    page |= {"ranksep": "0.3", "labelloc": "t"} | ({"splines": graph.splines} if graph.splines else {})
    node = {"fontsize": "11", "penwidth": "1.3", "margin": "0.13,0.06", "height": "0.3"}
    edge = {
        "fontname": FONT,
        "fontsize": "9",
        "fontcolor": theme_of(graph).muted,
        "arrowsize": "0.7",
        "penwidth": "1.4",
    }
    return [f"  graph {_listed(page | ink)};", f"  node {_listed(node | ink)};", f"  edge {_listed(edge)};"]


def _contents(graph: Graph, frame: str | None, level: int) -> Iterator[str]:
    """The nodes and frames directly within a frame."""
    indent = "  " * level
    for node in graph.nodes.values():
        if node.cluster == frame:
            yield f"{indent}{_quoted(node.id)} {_listed(_look(node, graph))};"
    for inner in graph.clusters.values():
        if inner.parent == frame:
            yield f"{indent}subgraph {_quoted('cluster_' + inner.id)} {{"
            yield f"{indent}  graph {_listed(_frame(graph, inner, level))};"
            yield from _contents(graph, inner.id, level + 1)
            yield f"{indent}}}"


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
    """A DOT string that shows exactly `text`: nothing in it is an escape, an entity or HTML."""
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("&", "&amp;"), ("\n", "\\n")):
        text = text.replace(plain, escaped)
    return f'"{text}"'
