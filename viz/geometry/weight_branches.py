"""Rows that compute something from weights alone, for one op that reads it: a kernel reshaped, a part of a bias.

They would stand beside what runs through the network, each as wide as that. They stand above their reader instead,
each below the other, between the arrows that lead down to it and those that lead up from its gradient.
"""

from __future__ import annotations

from collections.abc import Mapping

from viz.geometry.graph import Graph
from viz.geometry.places import APART, TRACK, TRACKS

__all__ = ["spans", "weight_branches"]


def weight_branches(graph: Graph) -> dict[str, list[str]]:
    """The rows that read a branch, each with the rows of the branch, in the order in which they run.

    A row has branches only if it reads something else, too.

    >>> from viz.geometry.graph import Edge, Node
    >>> graph = Graph(nodes={id_: Node(id_, "op", id_, row=id_) for id_ in ["x", "reshape", "matmul"]})
    >>> graph.nodes["kernel"] = Node("kernel", "parameter", "kernel", lane="parameter", row="reshape")
    >>> graph.edges = [Edge("kernel", "reshape", "parameter"), Edge("reshape", "matmul", "data")]
    >>> weight_branches(graph)
    {}
    >>> graph.edges += [Edge("x", "matmul", "data")]
    >>> weight_branches(graph)
    {'matmul': ['reshape']}
    """
    forward = {id_: node for id_, node in graph.nodes.items() if node.lane == "forward"}
    order = {row: i for i, row in enumerate(dict.fromkeys([node.row for node in forward.values()]))}
    inputs = {node.row for node in forward.values() if node.kind == "input"}
    read: dict[str, set[str]] = {row: set() for row in order}
    readers: dict[str, set[str]] = {row: set() for row in order}
    of_weights = set()
    for edge in graph.edges:
        if edge.head in forward and edge.kind == "parameter":
            of_weights.add(forward[edge.head].row)
        if edge.head in forward and edge.tail in forward and edge.kind == "data":
            tail, head = forward[edge.tail].row, forward[edge.head].row
            read[head].add(tail)
            readers[tail].add(head)
    branches = set[str]()
    for row in order:
        if row in of_weights and row not in inputs and read[row] <= branches:
            branches.add(row)
    frame_of = {node.row: node.cluster for node in forward.values()}
    first: dict[str, str] = {}  # the first op that reads a branch, at last
    for row in sorted(branches, key=lambda row: -order[row]):
        last = {first.get(reader, reader) for reader in readers[row]}
        if last and all(
            each not in branches and read[each] - branches and frame_of[each] == frame_of[row] for each in last
        ):
            first[row] = min(last, key=lambda each: order[each])
    found: dict[str, list[str]] = {}
    for row in sorted(first, key=lambda row: order[row]):
        found.setdefault(first[row], []).append(row)
    return found


def spans(
    graph: Graph, branches: Mapping[str, list[str]], widths: Mapping[str, float], gap: float
) -> dict[str, tuple[float, float]]:
    """How wide each row of a branch is, and how much room arrows need on each side of it.

    Args:
        graph: whose rows they are.
        branches: the rows that read them, each with the rows of the branch.
        widths: of the boxes.
        gap: between them.
    """
    boxes: dict[str, list[float]] = {}
    for node in graph.nodes.values():
        boxes.setdefault(node.row, []).append(widths[node.id])
    return {
        row: (sum(boxes[row]) + gap * (len(boxes[row]) - 1), APART + TRACK * min(len(branch), TRACKS))
        for branch in branches.values()
        for row in branch
    }
