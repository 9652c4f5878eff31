"""How often arrows would cross if they were straight: soon told, and about as often as the ways that are found then."""

from __future__ import annotations

from viz.geometry.graph import Edge, Graph
from viz.geometry.places import Layout

__all__ = ["straight_crossings"]

_Point = tuple[float, float]


def straight_crossings(graph: Graph, layout: Layout) -> int:
    """How many pairs of arrows cross that share no box, each a line from its tail to its head."""
    rows = {id_: node.row for id_, node in graph.nodes.items()}
    lines = [(edge.tail, edge.head, *_line(edge, layout)) for edge in graph.edges if rows[edge.tail] != rows[edge.head]]
    count = 0
    for i, (tail, head, a, b) in enumerate(lines):
        for other, another, c, d in lines[:i]:
            if tail not in (other, another) and head not in (other, another):
                count += _turn(a, b, c) * _turn(a, b, d) < 0 and _turn(c, d, a) * _turn(c, d, b) < 0
    return count


def _line(edge: Edge, layout: Layout) -> tuple[_Point, _Point]:
    """From the middle of a side of one box to that of the other."""
    tail, head = layout.nodes[edge.tail], layout.nodes[edge.head]
    (ax, ay), (bx, by) = tail.middle, head.middle
    if head.y >= tail.y + tail.h:
        ay, by = tail.y + tail.h, head.y
    elif tail.y >= head.y + head.h:
        ay, by = tail.y, head.y + head.h
    return (ax, ay), (bx, by)


def _turn(a: _Point, b: _Point, c: _Point) -> float:
    """Does the way from one point by another to a third turn left (above 0) or right?"""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
