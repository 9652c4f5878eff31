"""The lines that arrows may run along, and the cheapest way over them that enters no box.

Lines pass beside boxes, titles and frames and through the middles of boxes. A way is a path over the points
where lines meet: short, with few bends, crossing few other ways. Two ways share a line only where they share an
end, so that none can be taken for another; else they may cross, but not touch.
"""

from __future__ import annotations

import bisect
import heapq
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from viz.geometry.grid_lines import MARGIN, inside, lines_beside, near_lines
from viz.geometry.heuristic import BEND, Heuristic
from viz.geometry.places import OFF_TITLES, TRACK, Layout, Rect

__all__ = ["MANY_ARROWS", "MARGIN", "NEVER", "PUSHING", "Channels", "Ends", "PathQuery"]

MANY_ARROWS = 200  # of so many, there are fewer lines: see `lines_beside`
_CROSS = 250.0  # what a crossing costs, in length
_KIN_CROSS = _CROSS / 10  # and one of arrows that end at the same box
_BORDER = 6 * _CROSS  # and the border of a frame
_OUTSIDE = 0.8 * _CROSS  # and that of one that both ends are in: less than a crossing, there and back
# What running against an arrow's direction costs, of its length: one that passes its box and comes back to it looks
# as if it led elsewhere, which is worse than a crossing.
_AGAINST = 8.0
# What running closer than other lines beside a frame's border costs, of its length: it reads as one more border.
_BESIDE_BORDER = 0.3
PUSHING = 2 * _CROSS  # what it costs to be in the way of another who must move
NEVER = 1e15  # and of one who will not
# After so many states, and after twice as many again and again, what is left to go counts more: a good way will do.
_PATIENCE, _EAGER = 10_000, 2.0
_LONG = 20 * _PATIENCE  # states in all searches of a picture together, from where on they take seconds
_LITTLE = _PATIENCE // 10  # states of each search from then on
# Where a way turns off a line, another that runs along it so near the corner would look like its continuation.
_BEYOND = 3.5 * TRACK
_BEYOND_COST = 120.0
# How a way passes a point: 0 level, 1 upright; 3 and 4 close beside it; 2 and 5 around a corner, after a level and an
# upright piece.
_CORNER, _BESIDE = 2, 3

Ends = tuple[str, str, str]  # tail, head and kind of an arrow
Point = tuple[float, float]
_Step = tuple[int, int, float, int]  # the state that it leads to, its direction, its cost, and its piece: see costly
_Waiting = tuple[float, float, int]  # what a way by a state may cost, what the way to it has cost (negative), the state


class PathQuery(NamedTuple):
    """What a way is looked for.

    Attributes:
        arrow: the number of the arrow.
        starts: points where it may begin, each with the direction of the piece before it.
        targets: points where it may end, each with the direction of the piece behind it.
        own: the frames around its ends, whose borders cost nothing; for those around both, True.
        push: what it costs to be in the way of another.
        onwards: 1 if it leads down, -1 if up, and 0 if it leads anywhere.
    """

    arrow: int
    starts: dict[int, int]
    targets: dict[int, int]
    own: Mapping[str, bool]
    push: float
    onwards: int = 0

    def border_cost(self, frame: str) -> float:
        """What it costs to cross the border of a frame."""
        is_around_both = self.own.get(frame)
        return _BORDER if is_around_both is None else _OUTSIDE * is_around_both


class _Marks(NamedTuple):
    """What the way of an arrow takes.

    Attributes:
        way: its points.
        around: the directions of the pieces around it.
        turns: its points, each with the directions before and behind it.
        passed: points that it passes, or passes close by, and how.
        beyond: points close behind its corners.
        pieces: those that it runs along, or close beside, each with its direction.
    """

    way: Sequence[int]
    around: tuple[int, int]
    turns: list[tuple[int, int, int]]
    passed: list[tuple[int, int]]
    beyond: list[tuple[int, int]]
    pieces: list[tuple[int, int]]


class Channels:
    """The lines among boxes, titles and frames, and the ways that were found so far, by the numbers of arrows.

    Args:
        layout: where everything is.
        ends: tail, head and kind of each arrow.
        ports: points beside boxes, each with the boxes whose arrows may pass it.
    """

    def __init__(self, layout: Layout, ends: Sequence[Ends], ports: dict[Point, set[str]]) -> None:
        boxes, frames = list(layout.nodes.values()), list(layout.frames.values())
        titles = [title.at for title in layout.titles.values() if title.lines]
        self.ends = ends
        self.begin = _groups([(tail, kind) for tail, _, kind in ends])  # of each arrow, those that begin with it
        self.looked = 0  # how many states all searches looked at
        # For ways that lead up (-1), anywhere and down: the steps from each point, where they were asked for.
        self.steps: dict[int, dict[int, list[_Step]]] = {-1: {}, 0: {}, 1: {}}
        self.heuristics: dict[tuple[object, ...], Heuristic] = {}  # by whether ways lead up or down, and their targets
        self.marks: dict[int, _Marks] = {}  # what the way of each arrow takes
        self.xs, self.ys = lines_beside(boxes, titles, frames, ports, len(ends) > MANY_ARROWS)
        self.nx, self.ny = len(self.xs), len(self.ys)
        # For each level line and each upright one: how far it is, in points, to itself and those as good as on it.
        self.near = near_lines(self.ys, self.nx), near_lines(self.xs, 1)
        size = self.nx * self.ny
        self.best = [NEVER] * (2 * size)  # what ways to each state cost, while a search runs
        self.shut = (bytearray(size), bytearray(size))  # may the next point right of each, and below, not be gone to?
        self.close = (bytearray(size), bytearray(size))  # do such pieces run close beside a border?
        self.borders: tuple[dict[int, list[str]], ...] = ({}, {})  # frames whose borders are in between
        self.along: tuple[dict[int, list[int]], ...] = ({}, {})  # whose ways lead on to the right, and down
        self.beyond: dict[int, list[tuple[int, int]]] = {}  # whose ways turn off a line just before it, and the line's
        self.passed: dict[int, list[tuple[int, int]]] = {}  # whose ways pass each point, and how
        self.kept = {self.at(point): owners for point, owners in ports.items()}
        # May it cost something to pass a point, or a piece (twice its number, and its direction)? Soon looked up.
        self.busy, self.costly = bytearray(size), bytearray(2 * size)
        for at in self.kept:
            self.busy[at] = 1
        for box in boxes:
            self._shut(box, MARGIN)
        for title in titles:
            self._shut(title, OFF_TITLES)
        for id_, frame in layout.frames.items():
            self._add_borders(id_, frame)

    # ------------------------------------------------------------------ what is in the way

    def _shut(self, rect: Rect, by: float) -> None:
        """Let no piece touch the inside of a rectangle that is so much larger."""
        left, right, top, bottom = rect.x - by, rect.x + rect.w + by, rect.y - by, rect.y + rect.h + by
        columns, rows = inside(self.xs, left, right), inside(self.ys, top, bottom)
        before = max(bisect.bisect_right(self.xs, left) - 1, 0)
        for j in rows:
            for i in range(before, min(columns.stop, self.nx - 1)):
                self.shut[0][j * self.nx + i] = 1
        before = max(bisect.bisect_right(self.ys, top) - 1, 0)
        for i in columns:
            for j in range(before, min(rows.stop, self.ny - 1)):
                self.shut[1][j * self.nx + i] = 1

    def _add_borders(self, id_: str, frame: Rect) -> None:
        """Crossing a frame's border costs something; running along it isn't allowed."""
        right, bottom = frame.x + frame.w, frame.y + frame.h
        for x in (frame.x, right):
            self._note_close(1, inside(self.xs, x - MARGIN, x + MARGIN), inside(self.ys, frame.y, bottom))
            self._shut_lines(Rect(x, frame.y, 0, frame.h), 1)
            self._mark(id_, 0, bisect.bisect_right(self.xs, x) - 1, inside(self.ys, frame.y, bottom))
        for y in (frame.y, bottom):
            self._note_close(0, inside(self.ys, y - MARGIN, y + MARGIN), inside(self.xs, frame.x, right))
            self._shut_lines(Rect(frame.x, y, frame.w, 0), 0)
            self._mark(id_, 1, bisect.bisect_right(self.ys, y) - 1, inside(self.xs, frame.x, right))

    def _note_close(self, direction: int, lines: Iterable[int], along: Iterable[int]) -> None:
        """Note the pieces along some lines that run close beside a border."""
        for line, each in itertools.product(lines, along):
            self.close[direction][each * self.nx + line if direction else line * self.nx + each] = 1

    def _shut_lines(self, line: Rect, direction: int) -> None:
        columns = inside(self.xs, line.x - 4, line.x + line.w + 4)
        rows = inside(self.ys, line.y - 4, line.y + line.h + 4)
        if direction:  # pieces that begin before the line and reach it run along it, too
            rows = range(max(bisect.bisect_right(self.ys, line.y - 4) - 1, 0), rows.stop)
        else:
            columns = range(max(bisect.bisect_right(self.xs, line.x - 4) - 1, 0), columns.stop)
        for j in rows:
            for i in columns:
                self.shut[direction][j * self.nx + i] = 1

    def _mark(self, id_: str, direction: int, before: int, along: Iterable[int]) -> None:
        for each in along if before >= 0 else ():
            piece = each * self.nx + before if direction == 0 else before * self.nx + each
            self.borders[direction].setdefault(piece, []).append(id_)
            self.costly[2 * piece + direction] = 1

    # ------------------------------------------------------------------ ways

    def at(self, point: Point) -> int:
        """The number of a point on the lines."""
        i, j = bisect.bisect_left(self.xs, point[0] - 0.01), bisect.bisect_left(self.ys, point[1] - 0.01)
        return j * self.nx + i

    def point(self, at: int) -> Point:
        """Where the point of that number is."""
        return self.xs[at % self.nx], self.ys[at // self.nx]

    def search(self, query: PathQuery) -> list[int]:
        """The points of the cheapest way (A* over points and directions); none where there is no way."""
        best, before = self.best, dict[int, int]()  # by states: twice the point, and the direction
        waiting: list[_Waiting] = []  # with equal hope, the one that came farther first
        left_over, targets = self._heuristic(query.targets, query.onwards), query.targets
        for at, direction in query.starts.items():
            best[at * 2 + direction] = 0.0
            heapq.heappush(waiting, (left_over[at * 2 + direction], 0.0, at * 2 + direction))
        found, least = -1, float("inf")
        busy, costly, steps = self.busy, self.costly, self.steps[query.onwards]
        push, push_and_pop = heapq.heappush, heapq.heappushpop
        looked, eager, settled = 0, 1.0, set[int]()  # where a good way will do, no state is looked at again
        patience = _LITTLE if self.took_long else _PATIENCE
        first: _Waiting | None = None  # of the states just reached, that with most hope: it is often the next at once
        while first or waiting:
            guess, cost, state = push_and_pop(waiting, first) if first else heapq.heappop(waiting)
            first, cost = None, -cost
            if guess >= least or (found >= 0 and eager > 1):
                break
            looked += 1
            if looked == patience:  # the cheapest is among very many that cost little more, or there is none
                eager, patience = eager * _EAGER, patience * 2
                left_over = self._heuristic(targets, 0)  # so eager, going back is shunned enough
                waiting = [(eager * left_over[at] - so_far, so_far, at) for _, so_far, at in waiting]
                heapq.heapify(waiting)
            if cost > best[state] or state in settled:
                continue
            if eager > 1:
                settled.add(state)
            at, direction = state >> 1, state & 1
            if at in targets:
                end = cost + self._passing_cost(query, at, direction, targets[at])
                if end < least:
                    least, found = end, state
            ahead, aside = self._passing_costs(query, at, direction) if busy[at] else (0.0, BEND)
            came_from = before.get(state, -1) | 1  # going back there leads nowhere
            for reached, turn, length, piece in steps.get(at) or self._steps(at, query.onwards):
                so_far = cost + length + (ahead if turn == direction else aside)
                known = best[reached]
                if so_far >= known or reached | 1 == came_from:
                    continue
                if costly[piece]:
                    so_far += self._piece_cost(query, piece >> 1, turn, eager)
                    if so_far >= known:
                        continue
                left = left_over[reached]
                if so_far + left < least:
                    best[reached], before[reached] = so_far, state
                    new = (so_far + eager * left, -so_far, reached)
                    if first is None or new < first:
                        first, new = new, first
                    if new is not None:
                        push(waiting, new)
        self.looked += looked
        for state in (*before, *[at * 2 + direction for at, direction in query.starts.items()]):
            best[state] = NEVER
        return _way(before, found)

    def _heuristic(self, targets: dict[int, int], onwards: int) -> Heuristic:
        """What is left to go to some targets, which is asked for again and again."""
        key = onwards, *targets.items()
        if key not in self.heuristics:
            up, down = [1 + _AGAINST * (onwards == sign) for sign in (1, -1)]
            self.heuristics[key] = Heuristic(self.xs, self.ys, targets, up, down)
        return self.heuristics[key]

    def _steps(self, at: int, onwards: int) -> list[_Step]:
        """The states that may be gone to from a point, by a way that leads up (-1), anywhere (0) or down."""
        nx, found = self.nx, list[_Step]()
        i, j = at % nx, at // nx
        up, down = [1 + _AGAINST * (onwards == sign) for sign in (1, -1)]
        level, upright = self.close
        if i + 1 < nx and not self.shut[0][at]:
            far = self.xs[i + 1] - self.xs[i]
            found.append((2 * (at + 1), 0, far * (1 + _BESIDE_BORDER * level[at]), 2 * at))
        if i and not self.shut[0][at - 1]:
            far = self.xs[i] - self.xs[i - 1]
            found.append((2 * (at - 1), 0, far * (1 + _BESIDE_BORDER * level[at - 1]), 2 * (at - 1)))
        if j + 1 < self.ny and not self.shut[1][at]:
            far = self.ys[j + 1] - self.ys[j]
            found.append((2 * (at + nx) + 1, 1, far * (down + _BESIDE_BORDER * upright[at]), 2 * at + 1))
        if j and not self.shut[1][at - nx]:
            far = self.ys[j] - self.ys[j - 1]
            found.append((2 * (at - nx) + 1, 1, far * (up + _BESIDE_BORDER * upright[at - nx]), 2 * (at - nx) + 1))
        self.steps[onwards][at] = found
        return found

    def _piece_cost(self, query: PathQuery, piece: int, turn: int, eager: float = 1.0) -> float:
        """What going to the next point costs besides its length.

        `eager` is how much more than the way so far what is left counts: a foreign frame's border costs as much
        more, or each hurried way would lead straight through it.
        """
        cost = 0.0
        if piece in self.borders[turn]:
            cost += eager * sum([query.border_cost(frame) for frame in self.borders[turn][piece]])
        users = self.along[turn].get(piece)
        return cost if not users or self.begin[query.arrow].issuperset(users) else cost + query.push

    def _passing_costs(self, query: PathQuery, at: int, direction: int) -> tuple[float, float]:
        """What it costs to come to a point in one direction and to go straight on, and to turn."""
        return self._passing_cost(query, at, direction, direction), self._passing_cost(
            query, at, direction, 1 - direction
        )

    def _passing_cost(self, query: PathQuery, at: int, direction: int, turn: int) -> float:
        """What it costs to come to a point in one direction and leave it in another."""
        cost = 0.0 if direction == turn else BEND
        tail, head, _ = self.ends[query.arrow]
        if at in self.kept and self.kept[at].isdisjoint((tail, head)):
            return NEVER
        begin = self.begin[query.arrow]
        for other, how in self.passed.get(at, ()):
            across = direction == turn and how % _BESIDE == 1 - direction
            if other in begin:
                cost += _KIN_CROSS if across and how < _BESIDE else 0.0
            elif across:
                cost += _KIN_CROSS if self.ends[other][1] == head else _CROSS
            else:
                cost += query.push
        for other, along in self.beyond.get(at, ()):
            if along in (direction, turn) and other not in begin:
                cost += _BEYOND_COST
        return cost

    @property
    def took_long(self) -> bool:
        """Have all searches together looked at so many states that it takes seconds?"""
        return self.looked > _LONG

    def take(self, arrow: int, way: Sequence[int], first: int, last: int) -> None:
        """Note a way, so that others keep off it; `first` and `last` are the directions of the pieces around it."""
        marks = self._marks(arrow, way, first, last)
        for at, how in marks.passed:
            self.passed.setdefault(at, []).append((arrow, how))
            self.busy[at] = 1
        for at, along in marks.beyond:
            self.beyond.setdefault(at, []).append((arrow, along))
            self.busy[at] = 1
        for piece, turn in marks.pieces:
            self.along[turn].setdefault(piece, []).append(arrow)
            self.costly[2 * piece + turn] = 1

    def free(self, arrow: int, way: Sequence[int], first: int, last: int) -> None:
        """Take a way back."""
        marks, passed, beyond = self._marks(arrow, way, first, last), self.passed, self.beyond
        for at, how in marks.passed:
            passed[at].remove((arrow, how))
            self.busy[at] = bool(passed[at] or beyond.get(at)) or at in self.kept
        for at, along in marks.beyond:
            beyond[at].remove((arrow, along))
            self.busy[at] = bool(beyond[at] or passed.get(at)) or at in self.kept
        for piece, turn in marks.pieces:
            self.along[turn][piece].remove(arrow)
            self.costly[2 * piece + turn] = bool(self.along[turn][piece]) or piece in self.borders[turn]

    def met(self, arrow: int, way: Sequence[int], first: int, last: int) -> tuple[list[int], set[int]]:
        """The other ways that a way crosses, sharing no end with it, once for each time; and whose it touches."""
        crossed, touched = list[int](), set[int]()
        marks, begin, head = self._marks(arrow, way, first, last), self.begin[arrow], self.ends[arrow][1]
        for at, direction, turn in marks.turns:
            for other, how in self.passed.get(at, ()):
                if other not in begin and direction == turn and how % _BESIDE == 1 - direction:
                    crossed += [other] if self.ends[other][1] != head else []
                elif other not in begin:
                    touched.add(other)
        for piece, turn in marks.pieces:
            touched.update([user for user in self.along[turn].get(piece, ()) if user not in begin])
        return crossed, touched

    def _marks(self, arrow: int, way: Sequence[int], first: int, last: int) -> _Marks:
        """What a way takes; it is often asked for again while the arrow has it."""
        marks = self.marks.get(arrow)
        if marks is None or marks.way is not way or marks.around != (first, last):
            turns, pieces = [*_turns(way, first, last)], [*self._pieces(way)]
            marks = _Marks(way, (first, last), turns, [*self._passed(turns)], [*self._beyond(way, first, last)], pieces)
            self.marks[arrow] = marks
        return marks

    def _passed(self, turns: Iterable[tuple[int, int, int]]) -> Iterator[tuple[int, int]]:
        """The points that a way passes, or passes close by, and how."""
        for at, direction, turn in turns:
            if direction != turn:
                yield at, _CORNER + _BESIDE * direction
            else:
                for away in self._away(at, direction):
                    yield at + away, direction + (_BESIDE if away else 0)

    def _beyond(self, way: Sequence[int], first: int, last: int) -> Iterator[tuple[int, int]]:
        """Points close behind the corners of a way, on lines that it turns off there; with the lines' directions."""
        steps = [b - a for a, b in itertools.pairwise(way)]
        ends = [(way[0], -steps[0], first), (way[-1], steps[-1], last)] if steps else []
        corners = [(at, step) for at, step, along in ends if along != int(abs(step) != 1)]
        for at, onwards, turned in zip(way[1:], steps, steps[1:]):
            corners += [(at, onwards), (at, -turned)] if onwards != turned else []
        for at, step in corners:
            along, sign, k = int(abs(step) != 1), (1 if step > 0 else -1), 1
            lines, place = (self.ys, at // self.nx) if along else (self.xs, at % self.nx)
            while 0 <= place + sign * k < len(lines) and abs(lines[place + sign * k] - lines[place]) < _BEYOND:
                yield at + step * k, along
                k += 1

    def _pieces(self, way: Sequence[int]) -> Iterator[tuple[int, int]]:
        for a, b in itertools.pairwise(way):
            turn, begin = 0 if abs(a - b) == 1 else 1, min(a, b)
            for away in self._away(begin, turn):
                yield begin + away, turn

    def _away(self, at: int, direction: int) -> list[int]:
        """How many points it is to a point or piece itself, and to those beside it that would look like it."""
        return self.near[1][at % self.nx] if direction else self.near[0][at // self.nx]


def _way(before: dict[int, int], last: int) -> list[int]:
    """The points of the states that lead to the last one; none where that is -1."""
    way = []
    while last >= 0:
        way.append(last >> 1)
        last = before.get(last, -1)
    return way[::-1]


def _groups(keys: Sequence[tuple[str, str]]) -> list[set[int]]:
    """For each number, those with the same key."""
    found: dict[tuple[str, str], set[int]] = {}
    for i, key in enumerate(keys):
        found.setdefault(key, set()).add(i)
    return [found[key] for key in keys]


def _turns(way: Sequence[int], first: int, last: int) -> Iterator[tuple[int, int, int]]:
    """The points of a way, with the directions before and behind each."""
    turns = [first, *[0 if abs(a - b) == 1 else 1 for a, b in itertools.pairwise(way)], last]
    yield from zip(way, turns, turns[1:])
