"""Where everything in a picture is: boxes, the ways of arrows, and labels; with more room where it was too narrow."""

from __future__ import annotations

import copy
import dataclasses
import itertools
import threading
from typing import Any

from viz.geometry.channels import MANY_ARROWS
from viz.geometry.columns import in_columns
from viz.geometry.directions import ACROSS, turned
from viz.geometry.edge_routes import Point, Route, route
from viz.geometry.graph import Graph, Node
from viz.geometry.labels import place_labels
from viz.geometry.layout import Room, arrange
from viz.geometry.places import PAD, Layout, Rect
from viz.geometry.text_sizes import LABEL, text_width

__all__ = ["Placement", "place"]

_ATTEMPTS = 4  # to find room for all arrows and labels
_FEW = 0.02  # so large a part of the labels may be left out where there are many arrows
_MORE = 15.0  # room for one more label, or two more arrows
_MOST_KNOWN = 8  # placements that are kept
_known: dict[tuple[Any, ...], Placement] = {}
_lock = threading.Lock()


@dataclasses.dataclass
class Placement:
    """Places of boxes, frames and titles, the way of each arrow with its label, and the area that all takes."""

    layout: Layout
    ways: list[Route]
    area: Rect


def place(graph: Graph, rankdir: str = "TB") -> Placement:
    """A place for everything that a picture shows; the same for the same graph, so that it is looked for once.

    `rankdir` is the direction of the forward pass: `"TB"`, `"BT"`, `"LR"` or `"RL"`.

    A picture is often wanted twice, as SVG and PNG, or light and dark.
    """
    key = rankdir, _shape(graph)
    with _lock:
        found = _known.pop(key, None)
    if found is None:
        found = _placed(graph, rankdir)
        cut = in_columns(graph, found.layout, found.ways, rankdir)
        if cut is not None:
            found = Placement(*cut, _area(graph, *cut))
    with _lock:
        _known[key] = found
        while len(_known) > _MOST_KNOWN:
            del _known[next(iter(_known))]
    return copy.deepcopy(found)


def _shape(graph: Graph) -> tuple[Any, ...]:
    """All that a placement depends on."""
    nodes = [(n.id, n.kind, n.title, tuple(n.lines), n.phase, n.lane, n.row, n.cluster) for n in graph.nodes.values()]
    frames = [(c.id, c.parent, c.title, c.subtitle, c.kind) for c in graph.clusters.values()]
    edges = [(e.tail, e.head, e.kind, e.label, e.output, e.operand) for e in graph.edges]
    return tuple(nodes), tuple(frames), tuple(edges)


def _placed(graph: Graph, rankdir: str) -> Placement:
    """A way for each arrow; more room is tried while arrows or labels find none, or lead through a foreign frame."""
    room, best, least = Room(), None, (len(graph.edges) + 1, 0)
    for _ in range(_ATTEMPTS):
        layout = arrange(graph, room, rankdir in ACROSS)
        ways, lost, took_long = route(graph, layout, rankdir in ACROSS)
        drawn, ways_turned = turned(layout, ways, rankdir)
        missing = {*lost, *place_labels(graph, drawn, ways_turned)}
        through = _through_frames(graph, layout, ways)
        flaws = len(missing), len(through)
        if best is None or flaws < least:
            best, least = Placement(drawn, ways_turned, _area(graph, drawn, ways_turned)), flaws
        few = not lost and len(missing) <= _FEW * len(ways) and len(ways) > MANY_ARROWS
        if took_long or few or not (missing or through):
            break
        for i in missing:
            _make_room(graph, layout, room, i)
        for frame in through:
            for side in (room.above, room.below):
                side[frame] = side.get(frame, 0.0) + _MORE
    assert best is not None
    return best


def _through_frames(graph: Graph, layout: Layout, ways: list[Route]) -> set[str]:
    """The frames that an arrow leads through which neither begins nor ends there."""
    found = set()
    for edge, way in zip(graph.edges, ways):
        own = {*graph.around(graph.nodes[edge.tail].cluster), *graph.around(graph.nodes[edge.head].cluster)}
        pieces = [*itertools.pairwise(way.corners)]
        foreign = [(id_, frame) for id_, frame in layout.frames.items() if id_ not in own]
        found |= {id_ for id_, frame in foreign if any(_enters(a, b, frame) for a, b in pieces)}
    return found


def _enters(a: Point, b: Point, frame: Rect) -> bool:
    """Does a level or upright line come into a frame?"""
    (left, right), (top, bottom) = sorted((a[0], b[0])), sorted((a[1], b[1]))
    return left < frame.x + frame.w and frame.x < right and top < frame.y + frame.h and frame.y < bottom


def _area(graph: Graph, layout: Layout, ways: list[Route]) -> Rect:
    """What boxes, arrows and labels take, with a margin."""
    points = [point for way in ways for point in way.corners]
    points += [way.label for way in ways if way.label]
    ends = [way.label[0] + text_width(edge.label, LABEL) for way, edge in zip(ways, graph.edges) if way.label]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    left, right = min([0.0, *[x - PAD for x in xs]]), max([layout.width, *[x + PAD for x in (*xs, *ends)]])
    top, bottom = min([0.0, *[y - PAD for y in ys]]), max([layout.height, *[y + PAD for y in ys]])
    return Rect(left, top, right - left, bottom - top)


def _make_room(graph: Graph, layout: Layout, room: Room, number: int) -> None:
    """More room where an arrow leaves its box, and where it ends."""
    edge = graph.edges[number]
    tail, head = graph.nodes[edge.tail], graph.nodes[edge.head]
    down = layout.nodes[edge.tail].y < layout.nodes[edge.head].y
    _add_room(room.below if down else room.above, tail)
    _add_room(room.above if down else room.below, head)


def _add_room(side: dict[str, float], node: Node) -> None:
    """More room above or below a row, where an arrow ends there."""
    side[node.row] = side.get(node.row, 0.0) + _MORE
