"""Where the outputs of a box leave it that have ways of their own: side by side, in their order.

The label of each stands below the box, right of its line, where nothing else is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from viz.geometry.graph import Graph
from viz.geometry.text_sizes import text_width

__all__ = ["STUB", "Exit", "exits", "rows_with_exits", "widened"]

STUB = 24.0  # how far lines lead straight away from such a place: the labels stand there
_MORE = 14.0  # room below a row with such places

_APART = 24.0  # between two outputs
_LABEL, _BESIDE = 9.5, 12.0  # the size of labels that stand between lines, and what is around them
_CORNERS = 8.0  # how far they keep from a box's corners

_Size = tuple[float, ...]
Exit = tuple[str, int]  # a box, and which of its outputs


def exits(graph: Graph, across: bool = False) -> dict[Exit, float]:
    """How far from the middle of its box each output leaves it, by the box and the output.

    `across`: the drawing leads from left to right in the end, where labels need no more room than lines.

    >>> from viz.geometry.graph import Edge
    >>> graph = Graph(edges=[Edge("split", "a", "data", output=0), Edge("split", "b", "data", output=1)])
    >>> exits(graph), exits(graph, across=True)
    ({('split', 0): -24.0, ('split', 1): 0.0}, {('split', 0): -12.0, ('split', 1): 12.0})
    """
    labels: dict[str, dict[int, str]] = {}
    for edge in graph.edges:
        if edge.output is not None:
            labels.setdefault(edge.tail, {})[edge.output] = edge.label
    found = {}
    for tail, of_outputs in labels.items():
        apart = _APART if across else _apart(list(of_outputs.values()))
        count = len(of_outputs) - (1 if across else 0)  # the last has its label on its right, too
        for i, output in enumerate(sorted(of_outputs)):
            found[tail, output] = (i - count / 2) * apart
    return found


def _apart(labels: list[str]) -> float:
    """How far the outputs are from each other, with room for the label of each before the next; a whole number."""
    return max([_APART, *[2.0 * math.ceil((text_width(label, _LABEL) + _BESIDE) / 2) for label in labels]])


def rows_with_exits(graph: Graph) -> dict[str, float]:
    """The rows from which several outputs lead, each with more room below it."""
    return {graph.nodes[edge.tail].row: _MORE for edge in graph.edges if edge.output is not None}


def widened(graph: Graph, sizes: Mapping[str, _Size], across: bool) -> dict[str, _Size]:
    """The sizes of boxes, of which those that outputs leave side by side are as wide as that needs.

    >>> from viz.geometry.graph import Edge
    >>> graph = Graph(edges=[Edge("split", "a", "data", output=0), Edge("split", "b", "data", output=1)])
    >>> widened(graph, {"split": (30.0, 26.0), "a": (30.0, 26.0)}, across=False)
    {'split': (64.0, 26.0), 'a': (30.0, 26.0)}
    """
    found = dict(sizes)
    for (tail, _), aside in exits(graph, across).items():
        width, height = found[tail]
        found[tail] = max(width, 2.0 * math.ceil(abs(aside) + _CORNERS)), height
    return found
