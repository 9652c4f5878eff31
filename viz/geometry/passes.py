"""Columns for several passes that compute gradients of the same ops: one for each, beside each other."""

from __future__ import annotations

import collections
import itertools
from collections.abc import Mapping

from viz.geometry.graph import BACKWARD, Graph, Node

__all__ = ["part_passes"]


def part_passes(graph: Graph, pass_of: Mapping[str, int]) -> dict[str, str]:
    """Give boxes of backward ops their lanes, those of passes whose gradients are applied first.

    Within each outermost frame, as few columns are used as the rows need in it.

    Args:
        graph: whose boxes they are.
        pass_of: the number of the pass of each of these boxes, by its id.

    Returns:
        For each box that others stand left of in its row, the nearest of them.
    """
    nodes = graph.nodes
    applied = {e.tail for e in graph.edges if nodes[e.head].lane == "update" and nodes[e.head].row == nodes[e.tail].row}
    outermost = dict[str, list[Node]]()
    for node in [nodes[id_] for id_ in pass_of if id_ in nodes]:
        outermost.setdefault((graph.around(node.cluster) or [""])[-1], []).append(node)
    nearest = dict[str, str]()
    for made in outermost.values():
        nearest |= _part(made, pass_of, applied)
    return nearest


def _part(made: list[Node], pass_of: Mapping[str, int], applied: set[str]) -> dict[str, str]:
    """The same for the boxes in one outermost frame."""
    rows, nearest = dict[str, list[Node]](), dict[str, str]()
    for node in made:
        rows.setdefault(node.row, []).append(node)
    counts = collections.Counter([pass_of[node.id] for node in made if node.id in applied])
    columns = dict[int, int]()
    for number in sorted({pass_of[node.id] for node in made}, key=lambda each: (-counts[each], each)):
        others = [{pass_of[node.id] for node in row} for row in rows.values()]
        taken = {columns.get(each) for row in others if number in row for each in row}
        columns[number] = next(i for i in itertools.count() if i not in taken)
    for node in made:
        node.lane = BACKWARD[min(columns[pass_of[node.id]], len(BACKWARD) - 1)]
    for row in rows.values():
        row.sort(key=lambda node: columns[pass_of[node.id]])
        nearest |= {node.id: before.id for before, node in itertools.pairwise(row)}
    return nearest
