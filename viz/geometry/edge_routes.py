"""Ways for the arrows of a laid-out graph: level and upright pieces that enter no box and no title."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Container
from typing import NamedTuple

from viz.geometry.channels import MARGIN, NEVER, PUSHING, Channels, Quest
from viz.geometry.exits import STUB, Exit, exits
from viz.geometry.graph import BACKWARD, Edge, Graph
from viz.geometry.layout import APART, half_for_ends
from viz.geometry.places import Layout, Rect
from viz.geometry.smoothing import smoothed

__all__ = ["Point", "Route", "Routes", "route"]

Point = tuple[float, float]
_Found = tuple[list[int], int, int]  # a way, and the directions of the pieces around it
_ROUND = 5.0  # the radius of bends
_ASIDE = 12.0  # beside the middle of a box, where arrows begin and end that run against the others
_ROUNDS = 2  # ways that cross others are looked for again so often
_CHAIN = 6  # so many ways are moved, one after the other, to rid a way of crossings
_DETOUR = 600.0  # how much longer each may become
_ROUND_ABOUT = 20.0  # ways that are so much longer than they could be are looked for again
_MOST_WEIGHED = 1_000_000  # points of ways that are weighed to leave out steps aside: from there on that takes seconds
_ROUNDED = 1e-6  # more than sums of lengths differ that are added up in another order
_STEP = 2.0  # from so much on, steps aside are looked for that may be left out
_MOST_SEARCHES = 400  # for both, in all
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
        crossings: how often ways cross.
        took_long: whether looking for them took seconds.
        looked: how much was looked at for them.
    """

    ways: list[Route]
    lost: list[int]
    crossings: int
    took_long: bool
    looked: int


def route(
    graph: Graph, layout: Layout, longest_first: bool = False, across: bool = False, turned: Container[Exit] = ()
) -> Routes:
    """A way for each arrow of `graph`; `across`: as in `arrange`; `turned`: as in `exits`."""
    return _Router(graph, layout, across, turned).run(longest_first)


class _Router:
    def __init__(self, graph: Graph, layout: Layout, across: bool, turned: Container[Exit]) -> None:
        self.graph, self.boxes = graph, layout.nodes
        aside = exits(graph, across, layout.nodes, turned)
        entries = _entries(graph, layout.nodes, aside)
        self.ports = [
            _ports(edge, graph, layout.nodes, aside, entries.get(i, [])) for i, edge in enumerate(graph.edges)
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
        self.taken = 0  # tells of all these ways whether they are the same as before: a search finds the same then
        self.searched: dict[tuple[object, ...], tuple[list[int], int]] = {}  # ways, and how much was looked at for them

    def run(self, longest_first: bool) -> Routes:
        """Shorter ways first, or last; then those that found no room, or cross others, once more.

        Where very many cross, as in a step of a CycleGAN, what they could win is little, and looking for it takes long.
        """
        order = sorted(range(len(self.graph.edges)), key=self._length, reverse=longest_first)
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
        if not self.channels.took_long:
            self._untangle(order)
            self._shorten(order)
        self._smooth(order)
        lost = [i for i in order if i not in self.found]
        crossings = sum([len(self._met(i)[0]) for i in self.found]) // 2
        for i in lost:
            self._look(i, pushing=True)  # on others, where there is no room beside them
        ways = [self._route(i) for i in range(len(order))]
        return Routes(ways, lost, crossings, self.channels.took_long, self.channels.looked)

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

    def _untangle(self, order: list[int]) -> None:
        """Let ways that cross others look for ones that cross nothing, or only what can move out of their way."""
        self.searches = 0
        for _ in range(_ROUNDS):
            changed = False
            for i in order:
                if i in self.found and self._met(i)[0] and self.searches < _MOST_SEARCHES:
                    changed |= self._move_chain(i)
            if not changed:
                break

    def _shorten(self, order: list[int]) -> None:
        """Let ways that go round about, for the sake of ways that have moved since, look for shorter ones."""
        for i in order:
            found = self.found.get(i)
            if found is None:
                continue
            length = self._cost(i)
            if length <= self.channels.least(*self._goals(i)) + _ROUND_ABOUT:
                continue
            crossed = len(self._met(i)[0])
            self.searches += 1
            if self.searches > _MOST_SEARCHES:
                break
            self._drop(i)
            if self._look(i) and len(self._met(i)[0]) <= crossed and self._cost(i) < length:
                continue
            if i in self.found:
                self._drop(i)
            self._take(i, found)
            self._go_first(i)

    def _smooth(self, order: list[int]) -> None:
        """Let ways leave out steps aside that are of no use any more.

        In a step of hundreds of long ways, as of three calls of a residual network, that could take minutes.
        """
        changed = True
        for _ in range(_ROUNDS):
            if not changed:
                break
            changed = False
            for i in order:
                if i not in self.found or self._cost(i) <= self.channels.least(*self._goals(i)) + _STEP:
                    continue
                if self.channels.weighed > _MOST_WEIGHED:
                    return
                way, first, last = found = self.found[i]
                crossed = len(self._met(i)[0])
                self._drop(i)
                quest = Quest(i, *self._goals(i), self.own[i], NEVER, onwards=self.onwards[i])
                self._take(i, (smoothed(self.channels, quest, way, first, last), first, last))
                if len(self._met(i)[0]) > crossed:
                    self._drop(i)
                    self._take(i, found)
                changed |= self.found[i][0] != way

    def _go_first(self, i: int) -> None:
        """Let a way that goes round about be looked for before those that end where it does; undone if nothing is won.

        A line that runs straight down to a box would else step aside for a shorter one that comes to it from the side.
        """
        kin = self.channels.ending_on(i, self.found[i][0])
        if not kin or len(kin) > _CHAIN or self.searches + len(kin) >= _MOST_SEARCHES:
            return
        moved = [i, *sorted(kin, key=self._length)]
        before = {j: self.found[j] for j in moved}
        crossed, length = self._crossed(moved), sum(map(self._cost, moved))
        for j in moved:
            self._drop(j)
        self.searches += len(moved)
        if self._look_for_all(moved, crossed, length):
            return
        for j in moved:
            if j in self.found:
                self._drop(j)
        for j, found in before.items():
            self._take(j, found)

    def _look_for_all(self, ways: list[int], crossed: int, length: float) -> bool:
        """Look for ways that cross no more than so often, and are shorter in all; no longer than there is hope."""
        least = [self.channels.least(*self._goals(i)) for i in ways]
        for n, i in enumerate(ways, 1):
            if not self._look(i) or self._crossed(ways[:n]) > crossed:
                return False
            if sum(map(self._cost, ways[:n])) + sum(least[n:]) >= length + _ROUNDED:
                return False
        return sum(map(self._cost, ways)) < length

    def _crossed(self, ways: list[int]) -> int:
        """How often ways cross others; those that cross each other count twice."""
        return sum([len(self._met(i)[0]) for i in ways])

    def _move_chain(self, first: int) -> bool:
        """Move a way off those that it crosses, those that it crosses then off it, ...; undone if nothing is won."""
        before, won = dict[int, _Found](), 0  # the ways as they were, and how many crossings are gone
        moving = [first]
        while moving and len(before) < _CHAIN:
            i = moving.pop(0)
            shunned = self._met(i)[0]
            if i in before or not shunned:
                continue
            before[i] = self.found[i]
            limit = self._cost(i) + _DETOUR
            self._drop(i)
            self.searches += 1
            if not self._look(i, limit=limit, shunned=frozenset(shunned)):
                break
            crossed = self._met(i)[0]
            won += len(shunned) - len(crossed)
            if won > 0:
                return True
            moving += dict.fromkeys(crossed)
        for i in before:
            if i in self.found:
                self._drop(i)
        for i, found in before.items():
            self._take(i, found)
        return False

    def _length(self, i: int) -> float:
        edge = self.graph.edges[i]
        (ax, ay), (bx, by) = self.boxes[edge.tail].middle, self.boxes[edge.head].middle
        return abs(ax - bx) + abs(ay - by)

    def _look(self, i: int, pushing: bool = False, limit: float = NEVER, shunned: frozenset[int] | None = None) -> bool:
        starts, targets = self._goals(i)
        push = PUSHING if pushing else NEVER
        quest = Quest(i, starts, targets, self.own[i], push, limit, shunned, self.onwards[i])
        asked = i, pushing, limit, shunned, self.channels.took_long, self.taken
        if asked in self.searched:  # what was tried in vain and undone is often tried again
            way, looked = self.searched[asked]
            self.channels.looked += looked
        else:
            looked = self.channels.looked
            way = self.channels.search(quest)
            self.searched[asked] = way, self.channels.looked - looked
        if way:
            self._take(i, (way, starts[way[0]], targets[way[-1]]))
        return bool(way)

    def _cost(self, i: int) -> float:
        """What the way that was found costs, crossings aside."""
        return self.channels.length(self.found[i][0], self.onwards[i])

    def _goals(self, i: int) -> tuple[dict[int, int], dict[int, int]]:
        """Where a way may begin and end, each with the direction of the piece beyond."""
        at = self.channels.at
        starts, targets = ({at(port.outside): port.upright for port in ports} for ports in self.ports[i])
        return starts, targets

    def _take(self, i: int, found: _Found) -> None:
        self.found[i] = found
        self.taken ^= hash((i, *found[0]))
        self.channels.take(i, *found)

    def _drop(self, i: int) -> None:
        found = self.found.pop(i)
        self.taken ^= hash((i, *found[0]))
        self.channels.free(i, *found)

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
    edge: Edge, graph: Graph, boxes: dict[str, Rect], aside: dict[Exit, float], entries: list[float]
) -> tuple[list[_Port], list[_Port]]:
    """Where an arrow may begin, and where it may end; `aside` and `entries`: see `exits` and `_entries`."""
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
        begin = [_beginning_port(edge, tail, out, aside)] if backward else _all_around(tail, head)
        return begin, [_port(head, back), *_aside(head, tail)]
    if down == (graph.nodes[edge.tail].lane not in BACKWARD):  # forward ops' arrows lead down, others' up
        return [_beginning_port(edge, tail, out, aside)], [_port(head, back, by) for by in entries or [0.0]]
    # One that begins where another ends would be taken for its continuation: they need places of their own.
    return [_port(tail, out, by) for by in (_ASIDE, -_ASIDE)], [_port(head, back, by) for by in (_ASIDE, -_ASIDE)]


def _beginning_port(edge: Edge, tail: Rect, side: str, aside: dict[Exit, float]) -> _Port:
    """The middle of a side, or where one of several outputs leaves it."""
    if edge.output is None:
        return _port(tail, side)
    by = aside[edge.tail, edge.output]
    return _port(tail, side, by, MARGIN if edge.kind == "gradient" and not by else STUB)


def _entries(graph: Graph, boxes: dict[str, Rect], aside: dict[Exit, float]) -> dict[int, list[float]]:
    """How far from the middle of the other box an arrow that carries one of several outputs may end, by its number.

    Straight on, if it is there; those of several that both boxes share in the order in which they begin.
    """
    together: dict[tuple[str, str], list[int]] = {}
    for i, edge in enumerate(graph.edges):
        if edge.output is not None and edge.kind == "data":
            together.setdefault((edge.tail, edge.head), []).append(i)
    found = {}
    for (tail, head), arrows in together.items():
        arrows.sort(key=lambda i: graph.edges[i].output or 0)
        most, away = half_for_ends(boxes[head].w), boxes[tail].middle[0] - boxes[head].middle[0]
        straight = [away + aside[tail, graph.edges[i].output or 0] for i in arrows]
        if len(arrows) == 1:
            found[arrows[0]] = [0.0, *[by for by in straight if 0 < abs(by) <= most]]
            continue
        apart, last = min(APART, 2 * most / (len(arrows) - 1)), len(arrows) - 1
        if max(map(abs, straight)) > most:
            straight = [(n - last / 2) * apart for n in range(len(arrows))]
        found |= {i: [by] for i, by in zip(arrows, straight)}
    return found


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
