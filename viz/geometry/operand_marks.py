"""Where an arrow says which operand of its box it carries: in the box, behind the arrow's head."""

from __future__ import annotations

import collections
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from viz.geometry.graph import Graph
from viz.geometry.places import TRACK
from viz.geometry.text_sizes import MARK, text_width

__all__ = ["Mark", "marks", "with_room_for_marks"]

_MORE = TRACK  # so much higher boxes are that have marks: half of it above what they say
_BEHIND = 6.5  # from an arrow's head to the middle of its mark
_OFF = 3.0  # how far a mark that is wide keeps off the head of a level arrow
_PAD = 2 * _OFF  # what boxes have beside their lines that a mark may take
_APART = 22.0  # from one mark to the next on a short side, at least

_Size = tuple[float, ...]
_Point = tuple[float, float]


class Mark(NamedTuple):
    """What a box says of an arrow that ends there: the id of the box, the text and where its middle is."""

    node: str
    text: str
    at: _Point


def with_room_for_marks(graph: Graph, sizes: Mapping[str, _Size], across: bool = False) -> dict[str, _Size]:
    """The sizes of boxes, of which those that have marks are higher: wider, where a drawing is turned `across`.

    There, a box has its arrows on a short side, and is at least so wide that their marks stand apart.

    >>> from viz.geometry.graph import Edge
    >>> graph = Graph(edges=[Edge("a", "subtract", "data", operand="1"), Edge("b", "subtract", "data", operand="2")])
    >>> with_room_for_marks(graph, {"a": (30.0, 26.0), "subtract": (64.0, 26.0)})
    {'a': (30.0, 26.0), 'subtract': (64.0, 34.0)}
    """
    widest: dict[str, float] = {}
    counts: collections.Counter[str] = collections.Counter()
    for edge in graph.edges:
        if edge.operand:
            widest[edge.head] = max(widest.get(edge.head, 0.0), text_width(edge.operand, MARK))
            counts[edge.head] += across

    def more(id_: str) -> tuple[float, float]:
        return (max(_MORE, 2.0 * math.ceil(widest[id_] - _PAD)), 0.0) if across else (0.0, _MORE)

    added = {id_: more(id_) if id_ in widest else (0.0, 0.0) for id_ in sizes}
    return {id_: (max(w + added[id_][0], _APART * counts[id_]), h + added[id_][1]) for id_, (w, h) in sizes.items()}


def marks(graph: Graph, ways: Sequence[Sequence[_Point]]) -> list[Mark]:
    """The marks of all arrows, whose `ways` are given by their corners; those of arrows that end at one place are one.

    >>> from viz.geometry.graph import Edge
    >>> graph = Graph(edges=[Edge("a", "subtract", "data", operand="1")])
    >>> marks(graph, [[(10.0, 0.0), (10.0, 20.0)]])
    [Mark(node='subtract', text='1', at=(10.0, 26.5))]
    """
    found: dict[tuple[str, _Point, _Point], list[str]] = {}
    for edge, way in zip(graph.edges, ways):
        if edge.operand:
            (a, b), (x, y) = way[-2:]
            towards = (x > a) - (x < a), (y > b) - (y < b)
            found.setdefault((edge.head, (x, y), towards), []).append(edge.operand)
    made = []
    for (node, (x, y), (aside, down)), texts in found.items():
        text = ", ".join(sorted(texts))
        behind = max(_BEHIND, _OFF + text_width(text, MARK) / 2)
        made.append(Mark(node, text, (x + behind * aside, y + _BEHIND * down)))
    return made
