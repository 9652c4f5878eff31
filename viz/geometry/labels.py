"""Places for the labels of arrows: beside their lines, where nothing else is."""

from __future__ import annotations

import collections
import itertools
from collections.abc import Container, Iterator, Sequence
from typing import NamedTuple

from viz.geometry.edge_routes import Point, Route
from viz.geometry.graph import Graph
from viz.geometry.places import SAME, TRACK, Layout, Rect
from viz.geometry.text_sizes import LABEL, text_width

__all__ = ["place_labels"]

_ABOVE, _BELOW = 0.8 * LABEL, 0.26 * LABEL  # what letters take above and below their line
_WIDER = 1.06  # than a text is by its letters: digits and signs, of which labels are made, are wider than most
_OFF = 3.0  # how far labels keep off the borders of frames, and above and below lines: those look like rules under them
_OFF_OTHERS = 8.0, 5.0  # and how far above and below, and beside those of other arrows, to which they seem to belong
_OFF_LABELS = 2 * _OFF  # and above and below the labels of those
_CELL = 8 * TRACK
_STEP = 5.0  # places along a line are tried so far apart


class _Taken:
    """Where something is, so that neighbours are found quickly."""

    def __init__(self) -> None:
        self.cells: dict[tuple[int, int], list[tuple[Rect, int | None]]] = {}

    def add(self, rect: Rect, arrow: int | None = None) -> None:
        for cell in self._cells(rect):
            self.cells.setdefault(cell, []).append((rect, arrow))

    def has(self, rect: Rect, but: Container[int | None] = ()) -> bool:
        """Is something there, which isn't of these arrows?"""
        near = (each for cell in self._cells(rect) for each in self.cells.get(cell, ()))
        return any(arrow not in but and _meet(rect, other) for other, arrow in near)

    def _cells(self, rect: Rect) -> Iterator[tuple[int, int]]:
        for i in range(int(rect.x // _CELL), int((rect.x + rect.w) // _CELL) + 1):
            for j in range(int(rect.y // _CELL), int((rect.y + rect.h) // _CELL) + 1):
                yield i, j


class _Free(NamedTuple):
    """Where labels may not be, and where they are worse."""

    taken: _Taken
    lines: _Taken
    others: _Taken


def _meet(a: Rect, b: Rect) -> bool:
    return a.x < b.x + b.w and b.x < a.x + a.w and a.y < b.y + b.h and b.y < a.y + a.h


def place_labels(graph: Graph, layout: Layout, ways: Sequence[Route]) -> list[int]:
    """Give ways the places of their labels; tells for which arrows there was no room.

    Labels keep off the lines and labels of other arrows, to which they would seem to belong. Arrows within a row have
    none: what they carry is as large as the weight beside them. Of several that leave a box with the same label the
    first has it. Where several with other labels begin as one line, a label stands behind the place where its own arrow
    leaves them, if there is room.
    """
    free = _Free(_obstacles(layout, ways), _around_lines(ways, _OFF), _around_lines(ways, *_OFF_OTHERS))
    leaving = _by_tail(graph)
    lost, said = [], set()
    for i, (edge, way) in enumerate(zip(graph.edges, ways)):
        way.label = None
        key = edge.tail, edge.kind, edge.label
        if not edge.label or key in said or graph.nodes[edge.tail].row == graph.nodes[edge.head].row:
            continue
        width = _WIDER * text_width(edge.label, LABEL)
        beside = leaving[edge.tail, edge.kind]
        others = [ways[other].corners for other in beside if graph.edges[other].label != edge.label]
        same = {other for other in beside if graph.edges[other].label == edge.label}  # it is the label of all of them
        way.label = _place(same, way.corners, width, free, others) if others else None
        way.label = way.label or _place(same, way.corners, width, free)
        if way.label is None:
            lost.append(i)
        else:
            area = _area(*way.label, width)
            free.taken.add(area)
            free.others.add(Rect(area.x, area.y - _OFF_LABELS, area.w, area.h + 2 * _OFF_LABELS), i)
            said.add(key)
    unsaid = collections.Counter([(graph.edges[i].tail, graph.edges[i].kind, graph.edges[i].label) for i in lost])
    return [i for i in lost if (graph.edges[i].tail, graph.edges[i].kind, graph.edges[i].label) in unsaid - _all(said)]


def _place(
    same: Container[int | None],
    corners: Sequence[Point],
    width: float,
    free: _Free,
    others: Sequence[Sequence[Point]] = (),
) -> Point | None:
    """The best place for the label of the `same` arrows where nothing else is, and no other line lies on its own.

    It may be close to another line rather than have no place; None where there is none.
    """
    worse: dict[bool, Point] = {}  # the first place beside another line, and along one
    for at, place in _places(corners, width):
        here = _area(*place, width)
        if any(_lies_on(at, other) for other in others) or free.taken.has(here):
            continue
        along = free.lines.has(here)
        if not along and not free.others.has(here, but=same):
            return place
        worse.setdefault(along, place)
    return worse.get(False, worse.get(True))


def _by_tail(graph: Graph) -> dict[tuple[str, str], list[int]]:
    """The arrows of each kind that leave a box."""
    found: dict[tuple[str, str], list[int]] = {}
    for i, edge in enumerate(graph.edges):
        found.setdefault((edge.tail, edge.kind), []).append(i)
    return found


def _lies_on(point: Point, corners: Sequence[Point]) -> bool:
    x, y = point
    return any(
        min(ax, bx) - SAME <= x <= max(ax, bx) + SAME and min(ay, by) - SAME <= y <= max(ay, by) + SAME
        for (ax, ay), (bx, by) in itertools.pairwise(corners)
    )


def _area(x: float, y: float, width: float) -> Rect:
    """What a label takes that begins at a place."""
    return Rect(x - 1, y - _ABOVE - 0.5, width + 4, _ABOVE + _BELOW + 1)


def _all(keys: set[tuple[str, str, str]]) -> collections.Counter[tuple[str, str, str]]:
    return collections.Counter(dict.fromkeys(keys, 10**6))


def _obstacles(layout: Layout, ways: Sequence[Route]) -> _Taken:
    taken = _Taken()
    for rect in [*layout.nodes.values(), *[title.at for title in layout.titles.values()]]:
        taken.add(Rect(rect.x - 1, rect.y - 1, rect.w + 2, rect.h + 2))
    for frame in layout.frames.values():
        for x in (frame.x, frame.x + frame.w):
            taken.add(Rect(x - _OFF, frame.y, 2 * _OFF, frame.h))
        for y in (frame.y, frame.y + frame.h):
            taken.add(Rect(frame.x, y - _OFF, frame.w, 2 * _OFF))
    for way in ways:
        for (ax, ay), (bx, by) in zip(way.corners, way.corners[1:]):
            taken.add(Rect(min(ax, bx) - 1, min(ay, by) - 1, abs(ax - bx) + 2, abs(ay - by) + 2))
        (ax, ay), (bx, by) = way.corners[-2:]
        head = 6.0  # the arrow's head is wider than its line
        taken.add(Rect(bx - 4, by if by < ay else by - head, 8, head) if ax == bx else Rect(bx - 3, by - 4, 6, 8))
    return taken


def _around_lines(ways: Sequence[Route], above: float, beside: float = 0.0) -> _Taken:
    """Where a label would lie close above or below a line, or beside it."""
    around = _Taken()
    for i, way in enumerate(ways):
        for (ax, ay), (bx, by) in zip(way.corners, way.corners[1:]):
            if ay == by:
                around.add(Rect(min(ax, bx), ay - above, abs(ax - bx), 2 * above), i)
            elif beside:
                around.add(Rect(ax - beside, min(ay, by), 2 * beside, abs(ay - by)), i)
    return around


def _places(corners: Sequence[Point], width: float) -> Iterator[tuple[Point, Point]]:
    """Points of a line, and where a label may begin there, the best first: near the tail, right of the line."""
    for (ax, ay), (bx, by) in itertools.pairwise(corners):
        length = abs(ax - bx) + abs(ay - by)
        steps = max(1, int(length // _STEP))
        for step in range(steps + 1):
            t = step / steps
            x, y = ax + (bx - ax) * t, ay + (by - ay) * t
            if ax == bx:
                baseline = y + (_ABOVE - _BELOW) / 2
                yield (x, y), (x + 4, baseline)
                yield (x, y), (x - 4 - width, baseline)
            else:
                for left in (x - width / 2, x, x - width):
                    yield (x, y), (left, y - 2 - _BELOW)
                    yield (x, y), (left, y + 2 + _ABOVE)
