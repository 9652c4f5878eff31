"""Ways for the arrows of a laid-out graph, as Bézier curves that keep off other boxes where they can."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence

from viz.picture.graph import Edge, Graph
from viz.picture.layout import GAP_Y, PAD, Layout, Rect, text_width

__all__ = ["Route", "extent", "route"]

Point = tuple[float, float]
_NECK = 14.0  # boxes of a row differ in height by so much on each side
_STEP, _STEPS = 14, 24  # ways around are tried this far apart, and so many


@dataclasses.dataclass
class Route:
    """Where an arrow goes: a start and three more points for each curve, and where its label begins."""

    points: list[Point]
    label: Point | None = None

    @property
    def path(self) -> str:
        """As the `d` attribute of an SVG path."""
        (x, y), *rest = self.points
        return f"M{x:.1f} {y:.1f} C" + " ".join([f"{x:.1f} {y:.1f}" for x, y in rest])


def route(graph: Graph, layout: Layout) -> list[Route]:
    """A way for each arrow of `graph`, in order."""
    router = _Router(layout)
    ways = [router.way(edge, graph.nodes[edge.tail].row == graph.nodes[edge.head].row) for edge in graph.edges]
    _keep_labels_apart(graph.edges, ways)
    return ways


def _keep_labels_apart(edges: Sequence[Edge], ways: Sequence[Route]) -> None:
    """Move labels that would lie on others along their arrows; one that says the same there is left out."""
    lines: dict[int, list[tuple[str, Rect]]] = {}  # labels by their height, to find neighbours quickly
    for edge, way in zip(edges, ways):
        for _ in range(3):
            if not edge.label or way.label is None:
                break
            x, y = way.label
            here = Rect(x, y - 9, text_width(edge.label, 9), 10)
            near = [each for i in (-1, 0, 1) for each in lines.get(int(y // 12) + i, ())]
            met = next((text for text, there in near if _meet(here, there)), None)
            if met is None:
                lines.setdefault(int(y // 12), []).append((edge.label, here))
                break
            upwards = way.points[-1][1] < way.points[0][1]
            way.label = None if met == edge.label else (x, y - 11 if upwards else y + 11)


def extent(layout: Layout, ways: Sequence[Route], graph: Graph) -> tuple[float, float]:
    """The left and right edge of the drawing, with arrows and their labels."""
    xs = [x for way in ways for x, _ in way.points]
    ends = [way.label[0] + text_width(edge.label, 9) for way, edge in zip(ways, graph.edges) if way.label]
    return min([0.0, *[x - PAD for x in xs]]), max([layout.width, *[x + PAD for x in (*xs, *ends)]])


class _Router:
    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.taken: set[int] = set()  # ways around, so that two don't lie on each other

    def way(self, edge: Edge, beside: bool) -> Route:
        tail, head = self.layout.nodes[edge.tail], self.layout.nodes[edge.head]
        if beside:
            return _across(tail, head)
        others = [box for id_, box in self.layout.nodes.items() if id_ not in (edge.tail, edge.head)]
        for found, needed in _between(tail, head, edge.kind == "gradient"):
            if not any(_meet(area, box) for area in needed for box in others):
                return found
        return self._around(tail, head, others, right=edge.kind == "gradient")

    def _around(self, tail: Rect, head: Rect, others: list[Rect], right: bool) -> Route:
        """Past everything in between, on the left for data and on the right for gradients."""
        low, high = sorted((tail.middle[1], head.middle[1]))
        edge = max(tail.x + tail.w, head.x + head.w) if right else min(tail.x, head.x)
        x = edge
        for i in range(1, _STEPS):
            x = edge + _STEP * (i + 1) * (1 if right else -1)
            strip = Rect(x - 4, low, 8, high - low)
            if round(x / _STEP) not in self.taken and not any(_meet(strip, box) for box in others):
                break
        self.taken.add(round(x / _STEP))
        return _loop(tail, head, x, right)


def _meet(a: Rect, b: Rect) -> bool:
    return a.x < b.x + b.w and b.x < a.x + a.w and a.y < b.y + b.h and b.y < a.y + a.h


def _straight(a: Point, b: Point) -> list[Point]:
    """The three further points of a straight line."""
    return [(a[0] + (b[0] - a[0]) * s, a[1] + (b[1] - a[1]) * s) for s in (1 / 3, 2 / 3, 1)]


def _swing(a: Point, b: Point) -> list[Point]:
    """The three further points of a curve that leaves and arrives vertically."""
    middle = (a[1] + b[1]) / 2
    return [(a[0], middle), (b[0], middle), b]


def _across(tail: Rect, head: Rect) -> Route:
    """A level line within a row."""
    y = head.middle[1]
    leftwards = tail.x > head.x
    start = (tail.x if leftwards else tail.x + tail.w, y)
    return Route([start, *_straight(start, (head.x + head.w if leftwards else head.x, y))])


def _between(tail: Rect, head: Rect, turn_late: bool) -> Iterator[tuple[Route, list[Rect]]]:
    """Ways from one box to another above or below it, each with the areas that must be free."""
    down = tail.y < head.y
    a = (tail.middle[0], tail.y + tail.h if down else tail.y)
    b = (head.middle[0], head.y if down else head.y + head.h)
    label = (a[0] + 5, a[1] + (13 if down else -7))
    if abs(a[0] - b[0]) < 2:
        yield Route([a, *_straight(a, b)], label), [_area([a, b])]
        return
    turn = min(GAP_Y, abs(b[1] - a[1])) * (1 if down else -1)
    early, late = (b[0], a[1] + turn), (a[0], b[1] - turn)
    if abs(b[1] - a[1]) <= 2 * GAP_Y:
        yield Route([a, *_swing(a, b)], label), [_area([a, b], _NECK)]
    ways = [
        (Route([a, *_swing(a, early), *_straight(early, b)], label), [_area([a, early], _NECK), _area([early, b])]),
        (Route([a, *_straight(a, late), *_swing(late, b)], label), [_area([a, late]), _area([late, b], _NECK)]),
    ]
    yield from reversed(ways) if turn_late else ways


def _area(points: Iterable[Point], neck: float = 1.0) -> Rect:
    """What a part of a way covers, but for its ends, which are vertical."""
    xs, ys = zip(*points)
    neck = min(neck, (max(ys) - min(ys)) / 2.3)
    return Rect(min(xs) - 3, min(ys) + neck, max(xs) - min(xs) + 6, max(ys) - min(ys) - 2 * neck)


def _loop(tail: Rect, head: Rect, x: float, right: bool) -> Route:
    """Out to `x`, along, and back."""
    start = (tail.x + tail.w if right else tail.x, tail.middle[1])
    end = (head.x + head.w if right else head.x, head.middle[1])
    bend = min(24.0, abs(end[1] - start[1]) / 2) * (1 if end[1] > start[1] else -1)
    out, back = (x, start[1] + bend), (x, end[1] - bend)
    points = [start, (x, start[1]), (x, start[1]), out, *_straight(out, back), (x, end[1]), (x, end[1]), end]
    return Route(points, (x + 4, out[1] + (8 if bend > 0 else -2)))
