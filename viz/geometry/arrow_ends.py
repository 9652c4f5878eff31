"""Arrows that reach a box from the same side end beside each other, so that its inputs can be counted.

Ways are found as if all ended in the middle of the box. Here the last pieces of them are moved apart, in the order in
which they come: from the left, straight, from the right; and of one side, what comes along next to the box goes
farthest out, so that none crosses another. A way stays where it is if it would meet something else in its new place.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Collection, Sequence
from typing import NamedTuple

from viz.geometry.channels import MARGIN
from viz.geometry.edge_routes import Point, Route
from viz.geometry.graph import Graph
from viz.geometry.layout import APART, half_for_ends
from viz.geometry.places import OFF_TITLES, Layout, Rect, Title

__all__ = ["part_ends"]

_LEAST_APART = 7.0  # between arrows that end side by side; with less room they end as one
_LEVEL, _LEVELS = 8.0, 3  # how far level pieces are moved apart, and how often that is tried
_NEXT = 10.0  # from the level piece next to a box to the box
_CLEAR = 6.0  # how far moved pieces keep off boxes
_NEAR = 7.0  # lines nearer than this would look like one
_TOUCH = 4.0  # how far lines go on at least behind a crossing
_GOES_ON = 60.0  # so far behind a line's turn, an end at the same place would be taken for its continuation
_BENDS = 10.0  # the least between two bends
_JOG = 24.0  # what turns aside no farther before it ends might as well come from there

_Corners = list[Point]


def part_ends(graph: Graph, layout: Layout, ways: Sequence[Route], lost: Collection[int] = ()) -> list[int]:
    """Move the last pieces of ways apart that end at the same place; those that are `lost` have no such pieces.

    Returns:
        The arrows that still share their last pieces with one from another box, as there was no room: all but one.

    >>> from viz.geometry.graph import Edge, Node
    >>> graph = Graph(nodes={id_: Node(id_, "op", id_, row=id_) for id_ in "abc"})
    >>> graph.edges = [Edge("a", "c", "data"), Edge("b", "c", "data")]
    >>> layout = Layout({"a": Rect(0, 0, 60, 30), "b": Rect(200, 0, 60, 30), "c": Rect(100, 80, 60, 30)})
    >>> ways = [Route([(30, 30), (30, 55), (130, 55), (130, 80)]), Route([(230, 30), (230, 55), (130, 55), (130, 80)])]
    >>> part_ends(graph, layout, ways)
    []
    >>> [way.corners[-1] for way in ways]
    [(118.0, 80), (142.0, 80)]
    """
    joined = _part(graph, layout, ways, lost)
    over = [Route([(y, x) for x, y in way.corners]) for way in ways]  # as if the picture were turned over its diagonal
    _part(graph, _turned_over(layout), over, lost)
    for way, other in zip(ways, over):
        way.corners = [(x, y) for y, x in other.corners]
    return joined


def _turned_over(layout: Layout) -> Layout:
    """A layout with what leads down in it leading right, and the other way round."""

    def over(rect: Rect) -> Rect:
        return Rect(rect.y, rect.x, rect.h, rect.w)

    titles = {id_: Title(over(title.at), title.lines) for id_, title in layout.titles.items()}
    nodes, frames = ({id_: over(rect) for id_, rect in of.items()} for of in (layout.nodes, layout.frames))
    return Layout(nodes, frames, titles, layout.height, layout.width)


def _part(graph: Graph, layout: Layout, ways: Sequence[Route], lost: Collection[int]) -> list[int]:
    """Move the ends of those arrows apart that come from above or below; gives those that still share them."""
    together: dict[tuple[str, Point], list[int]] = {}
    for i, (edge, way) in enumerate(zip(graph.edges, ways)):
        if i not in lost and way.corners[-1][0] == way.corners[-2][0]:
            together.setdefault((edge.head, way.corners[-1]), []).append(i)
    parting = _Parting(graph, layout, ways)
    for (head, _), arrows in together.items():
        if len(arrows) > 1:
            parting.part(layout.nodes[head], arrows)
    for arrows in together.values():
        for i in arrows if len(arrows) > 1 else ():
            parting.straighten(i)
        for i, j in itertools.permutations(arrows, 2):
            parting.part_before(i, j)
    for (head, _), arrows in together.items():
        for i in arrows:
            parting.part_from_line(layout.nodes[head], i)
    return [i for arrows in together.values() for i in parting.joined(arrows)]


class _Parting:
    def __init__(self, graph: Graph, layout: Layout, ways: Sequence[Route]) -> None:
        self.edges, self.layout, self.ways = graph.edges, layout, ways
        self.titles = [title.at for title in layout.titles.values() if title.lines]
        self.bounds = [_around(way.corners) for way in ways]
        self.own = [
            {around for end in (edge.tail, edge.head) for around in graph.around(graph.nodes[end].cluster)}
            for edge in graph.edges
        ]

    def part(self, box: Rect, arrows: list[int]) -> None:
        """Part the ends of arrows that reach a box at the same place."""
        self._part_levels(arrows)
        bundles = self._bundles(arrows)
        if len(bundles) < 2:
            return
        self._lower(bundles)
        middle = self.ways[arrows[0]].corners[-1][0]
        straight = next((n for n, bundle in enumerate(bundles) if not self._side(bundle[0])), None)
        last = len(bundles) - 1
        centres = [last / 2, last, 0] if straight is None else [straight]  # the one that ends in the middle
        tried = [(apart, c) for c in centres for apart in self._distances(box, max(c, last - c))]
        for apart, centre in sorted(tried, key=lambda each: -each[0]):
            moved = {
                i: self._ending_at(i, middle + (n - centre) * apart) for n, each in enumerate(bundles) for i in each
            }
            if self._fit(moved):
                self._move(moved)
                return
        self._part_one_by_one(box, middle, bundles)

    def straighten(self, i: int) -> None:
        """Let an arrow that turns aside next to its box, to end beside another, lead there from farther off."""
        corners = self.ways[i].corners
        if len(corners) < 5:
            return
        (before, _), (turn, level), _, (_, last), (x, end) = corners[-5:]
        moved = {i: [*corners[:-4], (x, level), (x, end)]}
        is_beside = abs(x - turn) <= _JOG and before != x and (before < turn) == (before < x)
        from_there = (level - end) * (last - end) > 0  # or it comes around the box, from its other side
        if is_beside and from_there and self._fit(moved):
            self._move(moved)

    def part_before(self, i: int, other: int) -> None:
        """Move an arrow's line aside where it lies on another's that ends beside it: they join and part again."""
        corners, others = self.ways[i].corners, self.ways[other].corners
        is_one = self.edges[i].tail == self.edges[other].tail or corners[-1] == others[-1]
        if len(corners) < 5 or is_one or not _shared(corners, others):
            return
        (begin, _), (turn, above), (_, below), (x, _) = corners[-5:-1]
        for by in (math.copysign(k * _LEVEL, begin - turn) for k in range(1, _LEVELS + 1)):
            to = turn + by
            moved = [*corners[:-4], (to, above), (to, below), *corners[-2:]]
            is_long = abs(begin - turn) >= abs(by) + _BENDS and abs(x - to) >= _BENDS
            if is_long and not _shared(moved, others) and self._fit({i: moved}):
                self._move({i: moved})
                return

    def part_from_line(self, box: Rect, i: int) -> None:
        """Move an end aside that would be taken for the continuation of another arrow, which turned off before it."""
        corners = self.ways[i].corners
        if len(corners) < 4 or not self._continues(i, corners):
            return
        at, y = corners[-1]
        others = [
            way.corners[-1][0]
            for j, way in enumerate(self.ways)
            if j != i and self.edges[j].head == self.edges[i].head and way.corners[-1][1] == y
        ]
        side = self._side(i) or 1
        for by in (k * each for each in (APART, (APART + _LEAST_APART) / 2, _LEAST_APART) for k in (side, -side)):
            to = at + by
            within = abs(to - box.middle[0]) <= half_for_ends(box.w) and abs(to - corners[-3][0]) >= _BENDS
            moved = {i: self._ending_at(i, to)}
            if not within or any(abs(to - other) < _LEAST_APART for other in others):
                continue
            if not self._continues(i, moved[i]) and self._fit(moved):
                self._move(moved)
                return

    def _continues(self, i: int, corners: _Corners) -> bool:
        """Does an arrow end where another without a common end would lead, if it hadn't turned off?"""
        (_, begin), (x, end) = corners[-2:]
        low, high = min(begin, end), max(begin, end)
        for j, edge in enumerate(self.edges):
            if {edge.tail, edge.head} & {self.edges[i].tail, self.edges[i].head}:
                continue
            for piece in _pieces(self.ways[j].corners)[:-1]:
                far = low - piece.high if begin < end else piece.low - high
                if not piece.upright or abs(piece.place - x) >= _TOUCH or not -1 < far < _GOES_ON:
                    continue
                between = _Piece(True, x, min(piece.high, high), max(piece.low, low))
                if not any(_enters(between, other, 1.0) for other in self.layout.nodes.values()):
                    return True
        return False

    def joined(self, arrows: list[int]) -> list[int]:
        """The arrows that come along the same level piece as one from another box or output."""
        found = []
        for bundle in self._bundles(arrows):
            sources = [(self.edges[i].tail, self.edges[i].output) for i in bundle]
            found += [i for n, i in enumerate(bundle) if sources[n] not in sources[:n]][1:]
        return found

    def _part_one_by_one(self, box: Rect, middle: float, bundles: list[list[int]]) -> None:
        """Let those from the left end left of the middle, and those from the right right of it, as far as they can."""
        for side in (-1, 1):
            beside = [bundle for bundle in bundles if self._side(bundle[0]) == side][::side]
            for n, bundle in reversed([*enumerate(beside, 1)]):
                for apart in self._distances(box, len(beside)):
                    moved = {i: self._ending_at(i, middle + side * n * apart) for i in bundle}
                    if self._fit(moved):
                        self._move(moved)
                        break

    def _distances(self, box: Rect, most: float) -> list[float]:
        """How far ends may be from each other if there are so many on one side of the middle, the best first."""
        widest = min(APART, half_for_ends(box.w) / max(most, 0.5))
        return [
            apart for apart in (widest, (widest + _LEAST_APART) / 2, _LEAST_APART) if _LEAST_APART <= apart <= widest
        ]

    def _side(self, i: int) -> int:
        """Does an arrow come from the left (-1), straight (0), or from the right (1)?"""
        corners = self.ways[i].corners
        return 0 if len(corners) == 2 else -1 if corners[-3][0] < corners[-1][0] else 1

    def _distance(self, i: int) -> float:
        """How far from the box an arrow's last level piece is."""
        corners = self.ways[i].corners
        return abs(corners[-1][1] - corners[-2][1])

    def _bundles(self, arrows: list[int]) -> list[list[int]]:
        """Arrows from the left to the right, those together whose last level pieces lie on each other."""
        found: dict[tuple[int, float], list[int]] = {}
        for i in arrows:
            found.setdefault((self._side(i), self._distance(i)), []).append(i)
        return [found[key] for key in sorted(found, key=lambda key: (key[0], -key[0] * key[1]))]

    # ------------------------------------------------------------------ level pieces

    def _part_levels(self, arrows: list[int]) -> None:
        """Move level pieces apart that lie on each other: first those that begin next to the box, away from it."""
        for side in (-1, 1):
            beside = sorted([i for i in arrows if self._side(i) == side], key=self._reach)
            for n, i in enumerate(beside):
                others = [j for j in beside[n + 1 :] if self._distance(j) == self._distance(i)]
                if not others or self._move_level(i, beside, self._comes_from_afar(i), len(others)):
                    continue
                if not self._move_levels(beside[: n + 1], len(others)):
                    self._part_from_last(others, beside)

    def _move_levels(self, nearer: list[int], others: int) -> bool:
        """Move the last level piece of the last of some arrows away, and with it those that run behind it."""
        behind = [i for i in nearer if self._distance(i) >= self._distance(nearer[-1])]
        moved = {i: self._at_level(i, self._distance(i) + others * _LEVEL) for i in behind}
        if len(moved) == 1 or not all(moved.values()) or not self._fit(moved):
            return False
        self._move(moved)
        return True

    def _part_from_last(self, others: list[int], beside: list[int]) -> None:
        """Move those away that begin far from the box, which come around the others, or the last of them to the box."""
        if not self._move_level(others[-1], beside, away=False):
            for n in range(len(others), 0, -1):
                if not self._move_level(others[n - 1], beside, True, n):
                    return

    def _comes_from_afar(self, i: int) -> bool:
        """Does an arrow turn towards its box, before it runs level?"""
        corners = self.ways[i].corners
        if len(corners) < 4:
            return False
        level, before = corners[-2][1] - corners[-1][1], corners[-4][1] - corners[-1][1]
        return abs(before) > abs(level) and before * level > 0

    def _reach(self, i: int) -> float:
        corners = self.ways[i].corners
        return abs(corners[-3][0] - corners[-1][0])

    def _move_level(self, i: int, beside: list[int], away: bool, others: int = 1) -> bool:
        """Move an arrow's last level piece away from the box, or to it, if nothing is in the way.

        So far, if that may be, that there is a level left for each of so many others.
        """
        level = self._distance(i)
        steps = dict.fromkeys([others, *range(1, _LEVELS + 1)])
        return self._set_level([i], beside, [level + k * (_LEVEL if away else -_LEVEL) for k in steps])

    def _lower(self, bundles: list[list[int]]) -> None:
        """Let level pieces run next to the box, so that there is room for labels behind them."""
        for side in (-1, 1):
            beside = [bundle for bundle in bundles if self._side(bundle[0]) == side]
            everything = [i for bundle in beside for i in bundle]
            for bundle in sorted(beside, key=lambda bundle: self._distance(bundle[0])):
                distances = [_NEXT + k * _LEVEL for k in range(len(beside))]
                here = self._distance(bundle[0])
                self._set_level(bundle, everything, [distance for distance in distances if distance < here])

    def _set_level(self, bundle: list[int], beside: list[int], distances: list[float]) -> bool:
        """Let the last level pieces of a bundle run at one of some distances from the box, if nothing is in the way."""
        taken = [self._distance(j) for j in beside if j not in bundle]
        for distance in distances:
            moved = {i: self._at_level(i, distance) for i in bundle}
            fits = all(abs(distance - other) >= _NEAR for other in taken)
            if fits and all(moved.values()) and self._fit(moved):
                self._move(moved)
                return True
        return False

    def _at_level(self, i: int, distance: float) -> _Corners:
        """An arrow's corners with the last level piece elsewhere; none if it leads nowhere then."""
        corners = self.ways[i].corners
        if len(corners) < 4:
            return []
        (_, before), (turn, level), (middle, _), (_, end) = corners[-4:]
        y = end + math.copysign(distance, level - end)
        if distance < MARGIN or abs(y - before) < MARGIN or (y > before) != (level > before):
            return []
        return [*corners[:-3], (turn, y), (middle, y), corners[-1]]

    # ------------------------------------------------------------------ ends

    def _ending_at(self, i: int, x: float) -> _Corners:
        corners = self.ways[i].corners
        return [*corners[:-2], (x, corners[-2][1]), (x, corners[-1][1])] if len(corners) > 2 else corners

    def _move(self, moved: dict[int, _Corners]) -> None:
        for i, corners in moved.items():
            self.ways[i].corners = corners
            self.bounds[i] = _around(corners)

    def _fit(self, moved: dict[int, _Corners]) -> bool:
        """Would ways keep off everything in their new places, and cross nothing that they don't cross now?"""
        for i, corners in moved.items():
            if not self._is_free(i, corners):
                return False
            near = _around(corners[-4:], _NEAR)
            for j, bounds in enumerate(self.bounds):
                concerned = j != i and (j in moved or _meet(near, bounds))
                if concerned and not self._keeps_off(i, j, corners, moved.get(j, self.ways[j].corners)):
                    return False
        return True

    def _is_free(self, i: int, corners: _Corners) -> bool:
        """Do the last pieces of a way keep off boxes, titles, and the borders of frames?"""
        edge, pieces = self.edges[i], _pieces(corners[-4:])
        for id_, box in self.layout.nodes.items():
            first, last = int(id_ == edge.tail and len(corners) <= 4), len(pieces) - (id_ == edge.head)
            if any(_enters(piece, box, _CLEAR) for piece in pieces[first:last]):
                return False
        if any(_enters(piece, title, OFF_TITLES) for piece in pieces for title in self.titles):
            return False
        before = _pieces(self.ways[i].corners[-4:])
        for id_, frame in self.layout.frames.items():
            if any(_runs_along(piece, frame) for piece in pieces):
                return False
            foreign = id_ not in self.own[i] and any(_enters(piece, frame) for piece in pieces)
            if foreign and not any(_enters(piece, frame) for piece in before):
                return False
        return True

    def _keeps_off(self, i: int, j: int, corners: _Corners, others: _Corners) -> bool:
        a, b = self.edges[i], self.edges[j]
        kin = a.tail == b.tail or a.head == b.head
        now = _met(_pieces(corners[-4:]), _pieces(others), kin)
        before = _met(_pieces(self.ways[i].corners[-4:]), _pieces(self.ways[j].corners), kin)
        if not all(map(operator.le, now, before)):
            return False
        # Two that come from different boxes mustn't lie on each other farther off than they did.
        return a.tail == b.tail or _shared(corners, others) <= _shared(self.ways[i].corners, self.ways[j].corners)


class _Piece(NamedTuple):
    """A straight piece of a way: is it upright, where is it, and from where to where does it lead?"""

    upright: bool
    place: float
    low: float
    high: float


def _pieces(corners: _Corners) -> list[_Piece]:
    found = []
    for (ax, ay), (bx, by) in itertools.pairwise(corners):
        if ax == bx:
            found.append(_Piece(True, ax, min(ay, by), max(ay, by)))
        elif ay == by:
            found.append(_Piece(False, ay, min(ax, bx), max(ax, bx)))
    return found


def _met(pieces: list[_Piece], others: list[_Piece], kin: bool) -> tuple[int, float, float]:
    """How often pieces cross others, how closely they touch any, and how far they run beside it.

    Arrows that share an end may lie on each other.
    """
    crossed, touched, along = 0, 0.0, 0.0
    slack = 0.01 if kin else _TOUCH
    for (upright, x, low, high), (other_upright, y, other_low, other_high) in itertools.product(pieces, others):
        if upright == other_upright:
            if abs(x - y) < _NEAR and (x != y or not kin) and low < other_high + slack and other_low < high + slack:
                touched = max(touched, _NEAR - abs(x - y))
                along = max(along, min(high, other_high) - max(low, other_low))
        elif low + slack < y < high - slack and other_low + slack < x < other_high - slack:
            crossed += 1
        elif not kin and low - slack < y < high + slack and other_low - slack < x < other_high + slack:
            touched = max(touched, 1.0)
    return crossed, touched, along


def _shared(corners: _Corners, others: _Corners) -> float:
    """How far two ways lie on each other before their last pieces, which are parted in the end."""
    pairs = [*itertools.product(_pieces(corners[-4:]), _pieces(others))][:-1]
    return sum([max(0.0, min(a.high, b.high) - max(a.low, b.low)) for a, b in pairs if a[:2] == b[:2]])


def _enters(piece: _Piece, rect: Rect, off: float = 0.0) -> bool:
    """Does a piece come into a rectangle, or nearer to it than it should?"""
    (a, b), (c, d) = _spans(piece, rect)
    return a - off < piece.place < b + off and piece.low < d + off and c - off < piece.high


def _runs_along(piece: _Piece, frame: Rect) -> bool:
    (a, b), (c, d) = _spans(piece, frame)
    return (
        min(abs(piece.place - a), abs(piece.place - b)) < _TOUCH and piece.low < d + _TOUCH and c - _TOUCH < piece.high
    )


def _spans(piece: _Piece, rect: Rect) -> tuple[tuple[float, float], tuple[float, float]]:
    """From where to where a rectangle reaches, across a piece and along it."""
    level, upright = (rect.x, rect.x + rect.w), (rect.y, rect.y + rect.h)
    return (level, upright) if piece.upright else (upright, level)


def _around(corners: _Corners, off: float = 0.0) -> Rect:
    xs, ys = zip(*corners)
    return Rect(min(xs) - off, min(ys) - off, max(xs) - min(xs) + 2 * off, max(ys) - min(ys) + 2 * off)


def _meet(a: Rect, b: Rect) -> bool:
    return a.x <= b.x + b.w and b.x <= a.x + a.w and a.y <= b.y + b.h and b.y <= a.y + a.h
