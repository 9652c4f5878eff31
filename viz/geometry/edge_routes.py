"""Ways for the arrows of a laid-out graph: level and upright pieces that enter no box and no title."""

from __future__ import annotations

import dataclasses
import math
from typing import NamedTuple

from viz.geometry.channels import MARGIN, NEVER, PUSHING, Channels, PathQuery
from viz.geometry.exits import STUB, Exit, exits
from viz.geometry.graph import BACKWARD, Edge, Graph
from viz.geometry.layout import half_for_ends
from viz.geometry.places import APART, SAME, TRACK, Layout, Rect

__all__ = ["Point", "Route", "Routes", "route"]

Point = tuple[float, float]
_Begin = tuple[str, int | None]  # a box, and which of its outputs
_Away = tuple[float, float, list[int]]  # how far above or below a box, and right of it, some arrows begin
_Found = tuple[list[int], int, int]  # a way, and the directions of the pieces around it
_ROUND = 5.0  # the radius of bends
_ASIDE = 1.5 * TRACK  # beside the middle of a box, where arrows begin and end that run against the others
_ROUNDS = 2  # ways that cross others are looked for again so often
_STRAIGHT = 2 * SAME  # what begins no farther from the middle of the box where it ends leads there straight
_GOES_ON = 400.0  # so near to a box, what turns off there would seem to lead to another below it
_BELOW_LABEL = 2 * TRACK  # how far straight on an arrow leads at first that has a label, for which there is room then
_PUSHES = 6  # how many ways are moved, for each that found no room


@dataclasses.dataclass
class Route:
    """Where an arrow goes: its corners, ends included, and where its label begins."""

    corners: list[Point]
    label: Point | None = None

    @property
    def points(self) -> list[Point]:
        """A start, and three more points for each of the Bézier curves: straight pieces and round bends."""
        corners, found = self.corners, [self.corners[0]]
        for i in range(1, len(corners)):
            a, b = corners[i - 1], corners[i]
            end = b if i == len(corners) - 1 else _towards(b, a, self._radius(i))
            found += _straight(found[-1], end)
            if i < len(corners) - 1:
                found += [b, b, _towards(b, corners[i + 1], self._radius(i))]
        return found

    def _radius(self, i: int) -> float:
        a, b, c = self.corners[i - 1 : i + 2]
        return min(_ROUND, (abs(a[0] - b[0]) + abs(a[1] - b[1])) / 2, (abs(c[0] - b[0]) + abs(c[1] - b[1])) / 2)

    @property
    def path(self) -> str:
        """As the `d` attribute of an SVG path."""
        (x, y), *rest = self.points
        return f"M{x:.1f} {y:.1f} C" + " ".join([f"{x:.1f} {y:.1f}" for x, y in rest])


def _straight(a: Point, b: Point) -> list[Point]:
    """The three further points of a straight line."""
    return [(a[0] + (b[0] - a[0]) * s, a[1] + (b[1] - a[1]) * s) for s in (1 / 3, 2 / 3, 1)]


def _towards(a: Point, b: Point, by: float) -> Point:
    length = abs(b[0] - a[0]) + abs(b[1] - a[1]) or 1.0
    return a[0] + (b[0] - a[0]) * by / length, a[1] + (b[1] - a[1]) * by / length


@dataclasses.dataclass
class _Port:
    """Where an arrow may leave or reach a box: on its border, and on the lines beside."""

    border: Point
    outside: Point
    upright: int  # is the piece between the two?

    @property
    def before(self) -> list[Point]:
        """The points between the two that lines beside a box pass."""
        (x, border), (_, y) = self.border, self.outside
        steps = range(1, int(abs(y - border) // MARGIN)) if self.upright else ()
        return [(x, border + math.copysign(k * MARGIN, y - border)) for k in steps]


class Routes(NamedTuple):
    """What `route` found.

    Attributes:
        ways: one for each arrow, in order, without labels.
        lost: the arrows that found none; their ways lie on others, or lead around everything.
        took_long: whether looking for them took seconds.
    """

    ways: list[Route]
    lost: list[int]
    took_long: bool


def route(graph: Graph, layout: Layout, across: bool = False) -> Routes:
    """A way for each arrow of `graph`; `across`: as in `arrange`."""
    return _Router(graph, layout, across).run()


class _Router:
    def __init__(self, graph: Graph, layout: Layout, across: bool) -> None:
        self.graph, self.boxes = graph, layout.nodes
        aside = exits(graph, across, layout.nodes)
        entries = _entries(graph, layout.nodes, aside)
        self.ports = [
            _ports(edge, graph, layout.nodes, aside, entries.get(i, 0.0), across) for i, edge in enumerate(graph.edges)
        ]
        self.onwards = [_onwards(edge, layout.nodes) for edge in graph.edges]
        owners: dict[Point, set[str]] = {}
        ends = [(_beginning(edge), edge.head, edge.kind) for edge in graph.edges]
        for (tail, head, _), (tails, heads) in zip(ends, self.ports):
            for port in tails:
                owners.setdefault(port.outside, set()).add(tail)
                owners |= {point: set() for point in port.before if point not in owners}  # none turns off there
            for port in heads:
                owners.setdefault(port.outside, set()).add(head)
        self.channels = Channels(layout, ends, owners)
        self.own = [_frames_of(graph, edge) for edge in graph.edges]
        self.found: dict[int, _Found] = {}

    def run(self) -> Routes:
        """Shorter ways first; then those that found no room, or cross others, once more.

        Where very many cross, as in a step of a CycleGAN, what they could win is little, and looking for it takes long.
        """
        order = sorted(range(len(self.graph.edges)), key=self._length)
        for i in order:
            self._look(i)
        self._push([i for i in order if i not in self.found])
        for _ in range(_ROUNDS):
            before = self.found.copy()
            for i in order:
                if i in self.found and self._met(i)[0]:
                    self._drop(i)
                    self._look(i)
            self._push([i for i in order if i not in self.found])
            if before == self.found or self.channels.took_long:
                break
        lost = [i for i in order if i not in self.found]
        for i in lost:
            self._look(i, pushing=True)  # on others, where there is no room beside them
        ways = [self._route(i) for i in range(len(order))]
        return Routes(ways, lost, self.channels.took_long)

    def _push(self, lost: list[int]) -> None:
        """Let those that found no room push others away, who look for other ways."""
        for _ in range(_PUSHES * len(lost)):
            if not lost:
                break
            i = lost.pop(0)
            if self._look(i, pushing=True):
                for other in sorted(self._met(i)[1]):
                    self._drop(other)
                    if not self._look(other):
                        lost.append(other)

    def _length(self, i: int) -> float:
        edge = self.graph.edges[i]
        (ax, ay), (bx, by) = self.boxes[edge.tail].middle, self.boxes[edge.head].middle
        return abs(ax - bx) + abs(ay - by)

    def _look(self, i: int, pushing: bool = False) -> bool:
        starts, targets = self._goals(i)
        query = PathQuery(i, starts, targets, self.own[i], PUSHING if pushing else NEVER, self.onwards[i])
        way = self.channels.search(query)
        if way:
            self.found[i] = way, starts[way[0]], targets[way[-1]]
            self.channels.take(i, *self.found[i])
        return bool(way)

    def _goals(self, i: int) -> tuple[dict[int, int], dict[int, int]]:
        """Where a way may begin and end, each with the direction of the piece beyond."""
        at = self.channels.at
        starts, targets = ({at(port.outside): port.upright for port in ports} for ports in self.ports[i])
        return starts, targets

    def _drop(self, i: int) -> None:
        self.channels.free(i, *self.found.pop(i))

    def _met(self, i: int) -> tuple[list[int], set[int]]:
        return self.channels.met(i, *self.found[i])

    def _route(self, i: int) -> Route:
        if i not in self.found:
            return self._outside(i)
        points = [self.channels.point(at) for at in self.found[i][0]]
        tails, heads = self.ports[i]
        points = [
            next(port.border for port in tails if port.outside == points[0]),
            *points,
            next(port.border for port in heads if port.outside == points[-1]),
        ]
        corners = [points[0]]
        for before, here, after in zip(points, points[1:], points[2:]):
            if not _in_line(before, here, after) and here != corners[-1]:
                corners.append(here)
        return Route([*corners, points[-1]])

    def _outside(self, i: int) -> Route:
        """A way beside everything, whatever is between: a slanted line through it all would look like a scratch."""
        x, (tails, heads) = self.channels.xs[0], self.ports[i]
        begin, end = tails[0], heads[0]
        return Route([begin.border, begin.outside, (x, begin.outside[1]), (x, end.outside[1]), end.outside, end.border])


def _frames_of(graph: Graph, edge: Edge) -> dict[str, bool]:
    """The frames around the ends of an arrow, each with whether it is around both."""
    of_tail, of_head = (graph.around(graph.nodes[end].cluster) for end in (edge.tail, edge.head))
    return {frame: frame in of_tail and frame in of_head for frame in (*of_tail, *of_head)}


def _in_line(a: Point, b: Point, c: Point) -> bool:
    return abs(a[0] - b[0]) + abs(b[0] - c[0]) < 0.02 or abs(a[1] - b[1]) + abs(b[1] - c[1]) < 0.02


def _onwards(edge: Edge, boxes: dict[str, Rect]) -> int:
    """Does an arrow lead down (1), or up (-1)? Those of updates, and between neighbours, do neither (0)."""
    tail, head = boxes[edge.tail], boxes[edge.head]
    if edge.kind not in ("data", "gradient", "parameter"):
        return 0
    return 1 if head.y >= tail.y + tail.h else -1 if tail.y >= head.y + head.h else 0


def _beginning(edge: Edge) -> str:
    """What an arrow leaves: a box, or one of its outputs, whose lines are no other's."""
    return edge.tail if edge.output is None else f"{edge.tail}[{edge.output}]"


def _ports(
    edge: Edge, graph: Graph, boxes: dict[str, Rect], aside: dict[Exit, float], entry: float, across: bool
) -> tuple[list[_Port], list[_Port]]:
    """Where an arrow may begin, and where it may end; `aside` and `entry`: see `exits` and `_entries`."""
    tail, head = boxes[edge.tail], boxes[edge.head]
    if graph.nodes[edge.tail].row == graph.nodes[edge.head].row:
        if not _something_between(graph, boxes, edge):
            out, back = ("left", "right") if tail.x > head.x else ("right", "left")
            lifted = edge.kind == "parameter" and tail.middle[1] < head.y  # see `_lift_state` of layouts
            return [_port(tail, out)], [_port(head, back)] if not lifted else _aside(head, tail)[:1]
        return _aside(tail, head), _aside(head, tail)
    if edge.kind not in ("data", "gradient"):
        reached = _all_around(head, tail)  # but from below, where what a box makes leaves it
        return _all_around(tail, head), reached[:3] if edge.kind == "parameter" else reached
    down = head.y >= tail.y + tail.h
    if not down and tail.y < head.y + head.h:
        return _all_around(tail, head), _all_around(head, tail)
    out, back = ("bottom", "top") if down else ("top", "bottom")
    if graph.nodes[edge.head].lane == "update" and not down:  # its bottom may be behind what else goes to it
        backward = graph.nodes[edge.tail].lane in BACKWARD  # in the middle of forward ops' tops others end
        begin = [_beginning_port(edge, tail, out, aside, across)] if backward else _all_around(tail, head)
        return begin, [_port(head, back), *_aside(head, tail)]
    if down == (graph.nodes[edge.tail].lane not in BACKWARD):  # forward ops' arrows lead down, others' up
        return [_beginning_port(edge, tail, out, aside, across)], [_port(head, back, entry)]
    # One that begins where another ends would be taken for its continuation: they need places of their own.
    return [_port(tail, out, by) for by in (_ASIDE, -_ASIDE)], [_port(head, back, by) for by in (_ASIDE, -_ASIDE)]


def _beginning_port(edge: Edge, tail: Rect, side: str, aside: dict[Exit, float], across: bool) -> _Port:
    """The middle of a side, or where one of several outputs leaves it."""
    if edge.output is None:
        return _port(tail, side, away=_BELOW_LABEL if edge.label and not across else MARGIN)
    by = aside[edge.tail, edge.output]
    return _port(tail, side, by, MARGIN if edge.kind == "gradient" and not by else STUB)


def _entries(graph: Graph, boxes: dict[str, Rect], aside: dict[Exit, float]) -> dict[int, float]:
    """How far from the middle of a box each arrow ends there, by its number, so that its inputs can be counted.

    From the left to the right: what comes from the left, from right above or below, and from the right; of one side,
    what comes along next to the box is outermost. One that begins right above the middle leads there straight.
    """
    together: dict[tuple[str, str, bool], dict[_Begin, list[int]]] = {}
    for i, edge in enumerate(graph.edges):
        if edge.kind in ("data", "gradient"):
            from_above = boxes[edge.tail].middle[1] < boxes[edge.head].middle[1]
            ends = together.setdefault((edge.head, edge.kind, from_above), {})
            ends.setdefault((edge.tail, edge.output), []).append(i)
    found: dict[int, float] = {}
    for (head, kind, from_above), arrows in together.items():
        (x, y), half = boxes[head].middle, boxes[head].w / 2
        begins = list[_Away]()
        for (tail, output), numbers in arrows.items():
            away = boxes[tail].middle[0] - x + (0.0 if output is None else aside[tail, output])
            begins.append((abs(boxes[tail].middle[1] - y), away, numbers))
        turns = sorted([(_turn(each, begins, half, kind), abs(each[1]), each[2]) for each in begins])
        last = len(turns) - 1
        least, middle = min([(away + half * abs(side), n) for n, ((side, _), away, _) in enumerate(turns)])
        centre = middle if least < _STRAIGHT else last / 2
        if centre in range(last + 1) and least >= _STRAIGHT and _under_another(boxes, head, from_above):
            centre += 0.5 if turns[int(centre)][0][0] < 0 else -0.5
        apart = min(APART, half_for_ends(boxes[head].w) / max(centre, last - centre, 1.0))
        for n, (*_, numbers) in enumerate(turns):
            found |= dict.fromkeys(numbers, (n - centre) * apart)
    return found


def _under_another(boxes: dict[str, Rect], head: str, from_above: bool) -> bool:
    """Does another box stand right above the middle of a box, or below? What leaves it would seem to go on here."""
    box = boxes[head]
    near = [each for each in boxes.values() if abs(each.middle[0] - box.middle[0]) < _ASIDE and each is not box]
    gaps = [box.y - each.y - each.h if from_above else each.y - box.y - box.h for each in near]
    return any(0 < gap < _GOES_ON for gap in gaps)


def _turn(begin: _Away, others: list[_Away], half: float, kind: str) -> tuple[int, float]:
    """The turn of an arrow among others that end at the same side of a box, half of whose width is given.

    One that begins behind another leads around that: data on the left, gradients on the right.
    """
    far, away, _ = begin
    if abs(away) < half and any(other[0] < far and abs(away - other[1]) < _ASIDE for other in others):
        return (-1, far) if kind == "data" else (1, -far)
    return (0, away) if abs(away) < half else (-1, far) if away < 0 else (1, -far)


def _something_between(graph: Graph, boxes: dict[str, Rect], edge: Edge) -> bool:
    """Does another box of the row stand between the ends of an arrow, and not above its line?"""
    low, high = sorted((boxes[edge.tail].x, boxes[edge.head].x))
    _, y = boxes[edge.head].middle
    row = [boxes[node.id] for node in graph.nodes.values() if node.row == graph.nodes[edge.tail].row]
    return any(low < box.x < high and box.y + box.h > y for box in row)


def _aside(box: Rect, other: Rect) -> list[_Port]:
    """Above and below a box, beside the middle."""
    by = _ASIDE if other.x > box.x else -_ASIDE
    return [_port(box, side, by) for side in ("top", "bottom")]


def _all_around(box: Rect, other: Rect) -> list[_Port]:
    """All sides of a box; above and below beside the middle, which is for what runs through."""
    return [_port(box, "left"), _port(box, "right"), *_aside(box, other)]


def _port(box: Rect, side: str, by: float = 0.0, away: float = MARGIN) -> _Port:
    x, y = box.middle
    if side in ("left", "right"):
        edge, beyond = (box.x, -MARGIN) if side == "left" else (box.x + box.w, MARGIN)
        return _Port((edge, y), (edge + beyond, y), 0)
    edge, beyond = (box.y, -away) if side == "top" else (box.y + box.h, away)
    return _Port((x + by, edge), (x + by, edge + beyond), 1)
