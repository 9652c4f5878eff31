"""A graph in Graphviz' language: plain labels on everything, names quoted, rows side by side."""

from __future__ import annotations

from collections.abc import Iterator

from viz.graph import LANES, Edge, Graph, Node
from viz.palette import FRAME, FRAMES, INK, LINES, MUTED, fill_and_line

__all__ = ["FONT", "dot"]

FONT = "DejaVu Sans"
_SHAPES = {"parameter": "cylinder", "input": "parallelogram"}
_STYLES = {"scope": "filled,rounded", "op": "filled,rounded", "update": "filled"}


def dot(graph: Graph, rankdir: str = "TB") -> str:
    """The text of `graph` in the DOT language.

    Args:
        graph: what to draw.
        rankdir: the direction of the forward pass: `"TB"`, `"BT"`, `"LR"` or `"RL"`.
    """
    ink = {"fontname": FONT, "fontcolor": INK}
    heading = "\n".join([text for text in (graph.title, graph.caption) if text])
    page = {
        "rankdir": rankdir, "newrank": "true", "bgcolor": "white", "pad": "0.25", "nodesep": "0.22", "ranksep": "0.3",
        "label": heading, "labelloc": "t", "fontsize": "15", "tooltip": graph.title or " ", **ink,
    }  # fmt: skip
    node = {
        "fontsize": "11",
        "penwidth": "1.3",
        "margin": "0.13,0.06",
        "height": "0.3",
        "label": "\\N",
        **ink,
    }
    edge = {"fontname": FONT, "fontsize": "9", "fontcolor": MUTED, "arrowsize": "0.7", "penwidth": "1.4"}
    lines = [f"  {kind} {_listed(given)};" for kind, given in (("graph", page), ("edge", edge))]
    lines.insert(1, f"  node {_listed(node)};".replace('"\\\\N"', '"\\N"'))
    lines += _contents(graph, None, 1)
    lines += _rows(graph)
    lines += [f"  {_arrow(graph, edge)};" for edge in graph.edges]
    return "\n".join(["digraph {", *lines, "}", ""])


def _contents(graph: Graph, frame: str | None, level: int) -> Iterator[str]:
    """The nodes and frames directly within a frame."""
    indent = "  " * level
    for node in graph.nodes.values():
        if node.cluster == frame:
            yield f"{indent}{_quoted(node.id)} {_listed(_look(node))};"
    for inner in graph.clusters.values():
        if inner.parent == frame:
            look = {
                "label": "\n".join([t for t in (inner.title, inner.subtitle) if t]) or " ",
                "labeljust": "l", "fontsize": "12", "style": "filled,rounded", "color": FRAME, "penwidth": "1.2",
                "fillcolor": FRAMES[level % len(FRAMES)], "margin": "10", "tooltip": inner.tooltip or inner.title or " ",
                "id": inner.id,
            }  # fmt: skip
            yield f"{indent}subgraph {_quoted('cluster_' + inner.id)} {{"
            yield f"{indent}  graph {_listed(look)};"
            yield from _contents(graph, inner.id, level + 1)
            yield f"{indent}}}"


def _look(node: Node) -> dict[str, str]:
    fill, line = fill_and_line(node)
    look = {"label": "\n".join([text for text in (node.title, *node.lines) if text]) or " ", "id": node.id}
    look |= {"shape": _SHAPES.get(node.kind, "box"), "style": _STYLES.get(node.kind, "filled")}
    look |= {"fillcolor": fill, "color": line, "tooltip": node.tooltip or node.title or " "}
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
    look = {"color": LINES[edge.kind], "tooltip": edge.tooltip or " ", "label": "" if beside else edge.label}
    if edge.kind == "link":
        look |= {"style": "dashed", "arrowhead": "none", "constraint": "false", "penwidth": "1"}
    elif edge.kind in ("parameter", "update") and not beside:
        look["constraint"] = "false"
    if edge.kind in ("gradient", "parameter", "update"):
        look["dir"] = "back"
        tail, head = head, tail
    look["edgetooltip"] = look["labeltooltip"] = look["tooltip"]
    return f"{_quoted(tail.id)} -> {_quoted(head.id)} {_listed(look)}"


def _listed(attributes: dict[str, str]) -> str:
    return f"[{', '.join([f'{name}={_quoted(value)}' for name, value in attributes.items()])}]"


def _quoted(text: str) -> str:
    """A DOT string that shows exactly `text`: nothing in it is an escape, an entity or HTML."""
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("&", "&amp;"), ("\n", "\\n")):
        text = text.replace(plain, escaped)
    return f'"{text}"'
