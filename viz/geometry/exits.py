"""Where the outputs of a box leave it that have ways of their own: side by side, in their order.

The label of each stands below the box, right of its line, where nothing else is; gradients leave boxes at their tops.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from viz.geometry.graph import Graph
from viz.geometry.places import APART, PAD, TRACK, Rect
from viz.geometry.text_sizes import SMALL, text_width

__all__ = ["STUB", "Exit", "exits", "rows_with_exits", "widened", "widths_with_labels"]

STUB = 3 * TRACK  # how far lines lead straight away from such a place: the labels stand there
_CLOSE = 2 * TRACK  # between gradients of a box that is wider than high, one above the other
_BESIDE = 1.5 * TRACK  # around labels that stand between lines

_Size = tuple[float, ...]
Exit = tuple[str, int]  # a box, and which of its outputs


def exits(graph: Graph, across: bool = False, boxes: Mapping[str, Rect] | None = None) -> dict[Exit, float]:
    """How far from the middle of its box each output leaves it, by the box and the output.

    Gradients leave it on the side of what they are for, and the nearest one in the middle, so that the way back through
    a network stays straight.

    Args:
        graph: whose outputs they are.
        across: the drawing leads from left to right in the end, where labels need no more room than lines.
        boxes: where the boxes are; without them gradients are as far aside as they may come to be.

    >>> from viz.geometry.graph import Edge
    >>> graph = Graph(edges=[Edge("split", "a", "data", output=0), Edge("split", "b", "data", output=1)])
    >>> exits(graph), exits(graph, across=True)
    ({('split', 0): -24.0, ('split', 1): 0.0}, {('split', 0): -12.0, ('split', 1): 12.0})
    """
    labels: dict[str, dict[int, str]] = {}
    found = _gradient_exits(graph, boxes, _CLOSE if across else APART)
    for edge in graph.edges:
        if edge.output is not None and (edge.tail, edge.output) not in found:
            labels.setdefault(edge.tail, {})[edge.output] = edge.label
    for tail, of_outputs in labels.items():
        outputs = sorted(of_outputs)
        if across:
            found |= {(tail, output): (i - (len(outputs) - 1) / 2) * APART for i, output in enumerate(outputs)}
            continue
        apart = [_apart(of_outputs[output]) for output in outputs]  # the last has its label on its right, too
        middle = sum(apart[: len(outputs) // 2]) + (apart[len(outputs) // 2] / 2 if len(outputs) % 2 else 0.0)
        found |= {(tail, output): sum(apart[:i]) - middle for i, output in enumerate(outputs)}
    return found


def _gradients_apart(graph: Graph) -> dict[Exit, list[int]]:
    """The gradients that have ways out of their own, each with the numbers of its arrows."""
    found: dict[Exit, list[int]] = {}
    for i, edge in enumerate(graph.edges):
        if edge.kind == "gradient" and edge.output is not None:
            found.setdefault((edge.tail, edge.output), []).append(i)
    return found


def _gradient_exits(graph: Graph, boxes: Mapping[str, Rect] | None, apart: float = APART) -> dict[Exit, float]:
    heads: dict[str, dict[int, list[str]]] = {}
    for (tail, output), edges in _gradients_apart(graph).items():
        heads.setdefault(tail, {})[output] = [graph.edges[i].head for i in edges]
    found: dict[Exit, float] = {}
    for tail, of_outputs in heads.items():
        if boxes is None:
            found |= {(tail, output): n * apart for n, output in enumerate(of_outputs)}
            continue
        nearest = {output: min([_far(boxes, tail, head) for head in to]) for output, to in of_outputs.items()}
        middle, *others = sorted(nearest, key=lambda output: tuple(map(abs, nearest[output])))
        found[tail, middle] = 0.0
        for side in (-1, 1):
            beside = [o for o in others if (nearest[o][0] < 0) == (side < 0)]
            beside.sort(key=lambda output: _outwards(nearest[output], boxes[tail]))
            found |= {(tail, output): side * n * apart for n, output in enumerate(beside, 1)}
    return found


def _far(boxes: Mapping[str, Rect], tail: str, head: str) -> tuple[float, float]:
    """How far right of a box, and how far below it, another one is."""
    (x, y), (a, b) = boxes[tail].middle, boxes[head].middle
    return a - x, b - y


def _outwards(away: tuple[float, float], tail: Rect) -> float:
    """Outermost is the nearest of boxes aside, to which ways turn, and the farthest of those that ways lead around."""
    return -abs(away[1]) if abs(away[0]) > tail.w / 2 else abs(away[1])


def _apart(label: str) -> float:
    """How far an output is from the next one, with room for its label before that; a whole number."""
    return max(APART, 2.0 * math.ceil((text_width(label, SMALL) + _BESIDE) / 2))


def rows_with_exits(graph: Graph) -> tuple[dict[str, float], dict[str, float]]:
    """More room above rows that several gradients leave, and below those that several outputs leave.

    >>> from viz.geometry.graph import Edge, Node
    >>> graph = Graph(nodes={"split": Node("split", "op", "split", row="split")})
    >>> graph.edges = [Edge("split", "a", "data", output=0), Edge("split", "b", "data", output=1)]
    >>> rows_with_exits(graph)
    ({}, {'split': 14.0})
    """
    above, below = dict[str, float](), dict[str, float]()
    for edge in graph.edges:
        if edge.output is not None:
            side, more = (above, TRACK) if edge.kind == "gradient" else (below, PAD)
            side[graph.nodes[edge.tail].row] = more
    return above, below


def widths_with_labels(graph: Graph) -> dict[str, float]:
    """How wide the columns of boxes are that gradients leave aside, so that their labels have room within frames."""
    found = dict[str, float]()
    edges = _gradients_apart(graph)
    for leaving, by in _gradient_exits(graph, None).items():
        label = text_width(graph.edges[edges[leaving][0]].label, SMALL) + _BESIDE if by else 0.0
        found[leaving[0]] = max(found.get(leaving[0], 0.0), 2.0 * math.ceil(by + label - PAD))
    return found


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
        found[tail] = max(width, 2.0 * math.ceil(abs(aside) + TRACK)), height
    return found
