"""Where an arrow says which operand of its box it carries: in the box, behind the arrow's head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from viz.geometry.graph import Graph

__all__ = ["MARK", "Mark", "marks", "with_room_for_marks"]

MARK = 7.5  # size of type
_MORE = 8.0  # so much higher boxes are that have marks: half of it above what they say
_BEHIND = 6.5  # from an arrow's head to the middle of its mark

_Size = tuple[float, ...]
_Point = tuple[float, float]


class Mark(NamedTuple):
    """What a box says of an arrow that ends there: the id of the box, the text and where its middle is."""

    node: str
    text: str
    at: _Point


def with_room_for_marks(graph: Graph, sizes: Mapping[str, _Size], across: bool = False) -> dict[str, _Size]:
    """The sizes of boxes, of which those that have marks are higher: wider, where a drawing is turned `across`.

    >>> from viz.geometry.graph import Edge
    >>> graph = Graph(edges=[Edge("a", "subtract", "data", operand="1"), Edge("b", "subtract", "data", operand="2")])
    >>> with_room_for_marks(graph, {"a": (30.0, 26.0), "subtract": (64.0, 26.0)})
    {'a': (30.0, 26.0), 'subtract': (64.0, 34.0)}
    """
    marked = {edge.head for edge in graph.edges if edge.operand}
    more = (_MORE, 0.0) if across else (0.0, _MORE)
    return {id_: (w + more[0], h + more[1]) if id_ in marked else (w, h) for id_, (w, h) in sizes.items()}


def marks(graph: Graph, ways: Sequence[Sequence[_Point]]) -> list[Mark]:
    """The marks of all arrows, whose `ways` are given by their corners; those of arrows that end at one place are one.

    >>> from viz.geometry.graph import Edge
    >>> graph = Graph(edges=[Edge("a", "subtract", "data", operand="1")])
    >>> marks(graph, [[(10.0, 0.0), (10.0, 20.0)]])
    [Mark(node='subtract', text='1', at=(10.0, 26.5))]
    """
    found: dict[tuple[str, _Point], list[str]] = {}
    for edge, way in zip(graph.edges, ways):
        if edge.operand:
            (a, b), (x, y) = way[-2:]
            aside, down = (x > a) - (x < a), (y > b) - (y < b)
            found.setdefault((edge.head, (x + _BEHIND * aside, y + _BEHIND * down)), []).append(edge.operand)
    return [Mark(node, ", ".join(sorted(texts)), at) for (node, at), texts in found.items()]
