"""What a picture of a recording shows: boxes, arrows and frames around them, without any layout.

A forward op and all that belongs to it stand in one row: the op, its weights, what updates them, and the ops
that compute its gradient. Renderers keep rows together, so that a training step reads downwards on the left
and upwards on the right.
"""

from __future__ import annotations

import dataclasses

__all__ = ["BACKWARD", "LANES", "Cluster", "Edge", "Graph", "Node"]

BACKWARD = ("backward", "backward 2", "backward 3")
"""The columns of ops that compute gradients: others than the first for more passes through the same ops."""

LANES = ("forward", "parameter", "update", *BACKWARD)  # the columns, from left to right


@dataclasses.dataclass
class Node:
    """A box.

    Attributes:
        id: unique in the graph.
        kind: `"op"`, `"scope"` (a closed scope), `"parameter"`, `"update"`, `"input"`, `"gradient"` (of the backward
            pass, which the picture leaves out) or `"group"`.
        title: its first line.
        lines: its other lines.
        phase: the phase of its ops, which gives the colour.
        lane: the column it stands in, one of `LANES`.
        row: nodes with the same row stand side by side.
        cluster: the id of the frame around it, or None.
        tooltip: more to know, in lines.
        ops: ids of the ops that it shows, folded ones too.
        heat: 0 to 1 when colours show a quantity.
        fill: the box's own colour, where it has one.
        link: where a click on it leads.
        scope: the id of the closed scope that it shows, or None.
        error: does it hold the op that failed?
        role: of what comes from outside: `"input"`, `"target"` or `"constant"`; `"terms"` of what makes terms of the
            loss from weights alone.
    """

    id: str
    kind: str
    title: str
    lines: list[str] = dataclasses.field(default_factory=list)
    phase: str = "forward"
    lane: str = "forward"
    row: str = ""
    cluster: str | None = None
    tooltip: str = ""
    ops: tuple[int, ...] = ()
    heat: float | None = None
    fill: str = ""
    link: str = ""
    scope: int | None = None
    error: bool = False
    role: str = ""


@dataclasses.dataclass
class Edge:
    """An arrow.

    `kind` is `"data"`, `"gradient"`, `"parameter"` (from a weight to the op that reads it), `"update"` (from an
    update to its weight) or `"link"` (from an op to the computation of its gradient: not a flow of data). `output` is
    which of several outputs of its tail it carries, where each has a way out of its own, else None. `operand` says
    which operand of its head it is, where the order matters: `"1"`, `"1, 3"`.
    """

    tail: str
    head: str
    kind: str
    label: str = ""
    tooltip: str = ""
    tensors: tuple[int, ...] = ()
    output: int | None = None
    operand: str = ""


@dataclasses.dataclass
class Cluster:
    """A frame around nodes and other frames."""

    id: str
    parent: str | None
    title: str
    subtitle: str = ""
    kind: str = "layer"
    tooltip: str = ""


@dataclasses.dataclass
class Graph:
    """All that a picture shows.

    Attributes:
        title, caption: what stands above.
        nodes, clusters: boxes and frames by id.
        edges: arrows.
        legend: colours and what they mean.
        theme: `"light"` or `"dark"`.
        splines: how Graphviz bends arrows, "" as it likes.
    """

    title: str = ""
    caption: str = ""
    legend: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    theme: str = "light"
    splines: str = ""
    nodes: dict[str, Node] = dataclasses.field(default_factory=dict)
    edges: list[Edge] = dataclasses.field(default_factory=list)
    clusters: dict[str, Cluster] = dataclasses.field(default_factory=dict)

    def around(self, cluster: str | None) -> list[str]:
        """A frame and those around it, the innermost first; none of None."""
        found = []
        while cluster is not None:
            found.append(cluster)
            cluster = self.clusters[cluster].parent
        return found

    def drop_empty_frames(self) -> None:
        """Leave out frames without a box, as that of a layer through which no gradient flows in a backward view."""
        used = {frame for node in self.nodes.values() for frame in self.around(node.cluster)}
        self.clusters = {id_: frame for id_, frame in self.clusters.items() if id_ in used}

    def level(self, cluster: Cluster) -> int:
        """How many frames are around a frame, itself counted."""
        return len(self.around(cluster.id))
