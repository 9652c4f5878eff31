"""A very long picture in columns, as a long text is set: else it is a strip, of which a screen shows but a part.

What was laid out downwards is cut where few arrows pass, and each part stands on the right of the one before it. Arrows
that pass a cut go on below their column, up between the two, and into the next one; they cross nothing there. A frame
that is cut goes on as well, and says so.
"""

from __future__ import annotations

import bisect
import dataclasses
import itertools
import math
import operator
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from viz.facts import formatting
from viz.geometry.directions import ACROSS, Turning, each_rect
from viz.geometry.edge_routes import Point, Route
from viz.geometry.frame_titles import free_place
from viz.geometry.graph import Graph
from viz.geometry.places import HEADER, PAD, SAME, Layout, Piece, Rect, Title
from viz.geometry.text_sizes import LABEL, text_width

__all__ = ["in_columns"]

_ASPECT = 1.25  # how many times as wide as high a picture in columns is to be
_LONG = 2200.0  # pictures that are no longer fit two screens
_STRIP = 2 * _ASPECT  # and of longer ones, those that are no more than so many times as long as wide are no strips
_MOST_COLUMNS = 8
_MOST_CUT = 6  # arrows that pass a cut: more of them between columns are a maze
_FEW_TRACKS, _WORTH = 3, 0.25  # so few are always worth it, and one more where a picture is so much longer than that
_ASIDE = 0.4  # a cut may be so large a part of a column's length away from where it would make columns equal
_UNEVEN = 4.0  # so many arrows through a cut are as bad as a column that is as long again as the others, or empty
_SPLIT = 2.0  # and so many as bad as a frame that is cut, other than those around nearly all
_AROUND = 0.5  # of the length: what a frame has that is around nearly all
_OFF = 2 * SAME  # how far cuts keep off boxes, labels and level pieces
_ASCENT = 0.8 * LABEL  # of a label above its line
_BORDER = 5.0  # between the borders of frames that go on
_TRACK = 2 * _BORDER  # between arrows that pass between columns; around them there is `PAD`
_NAMES = (40, 24, 14)  # letters of the name of a frame that goes on


class _Cut(NamedTuple):
    """Where a picture is cut: how far down, and where lines pass there and which frames are around, innermost first."""

    at: float
    tracks: list[float]
    frames: list[str]


@dataclasses.dataclass
class _Column:
    """A part of a picture: from where to where it was, and how far it is moved."""

    begin: _Cut | None
    end: _Cut | None
    left: float = 0.0
    right: float = 0.0
    by_x: float = 0.0
    by_y: float = 0.0

    def moved(self, point: Point) -> Point:
        return point[0] + self.by_x, point[1] + self.by_y


def in_columns(graph: Graph, layout: Layout, ways: Sequence[Route], rankdir: str) -> tuple[Layout, list[Route]] | None:
    """A layout and ways over it in columns, or rows where it leads across; None for what is no long strip.

    Args:
        graph: what is drawn.
        layout: the places of boxes and frames.
        ways: those of the arrows, with their labels.
        rankdir: the direction of the forward pass.
    """
    across = rankdir in ACROSS
    length, width = (layout.width, layout.height) if across else (layout.height, layout.width)
    too_long = length / max(_LONG, _STRIP * width)
    if too_long <= 1:
        return None
    most = _FEW_TRACKS + (too_long - 1) / _WORTH
    return _Columns(graph, layout, ways, Turning(rankdir, length)).made(length, width, most)


class _Columns:
    """Works downwards: what leads across or upwards is turned back before, and turned again at the end."""

    def __init__(self, graph: Graph, layout: Layout, ways: Sequence[Route], turning: Turning) -> None:
        self.graph, self.rankdir, self.across = graph, turning.rankdir, turning.rankdir in ACROSS
        downwards = each_rect(layout, turning.back)
        self.nodes, self.frames, self.titles = downwards.nodes, downwards.frames, downwards.titles
        corners = [[turning.back(Rect(*corner, 0.0, 0.0)) for corner in way.corners] for way in ways]
        self.ways = [[(at.x, at.y) for at in each] for each in corners]
        places = [way.label and _label(graph, i, way.label) for i, way in enumerate(ways)]
        self.labels = [place and turning.back(place) for place in places]

    def made(self, length: float, width: float, most: float) -> tuple[Layout, list[Route]] | None:
        """All in columns; None where each cut is passed by more than so many arrows, or finds no place."""
        aspect = 1 / _ASPECT if self.across else _ASPECT
        wish = math.sqrt(aspect * length / width)
        counts = sorted(range(2, _MOST_COLUMNS + 1), key=lambda count: abs(math.log(count / wish)))
        places = self._places_to_cut(length)
        for count in counts[:2]:
            cuts = self._cuts(places, length, count)
            found = None if cuts is None or max([len(cut.tracks) for cut in cuts]) > most else self._moved(cuts)
            if found is not None:
                return found
        return None

    # ------------------------------------------------------------------ where to cut

    def _places_to_cut(self, length: float) -> list[_Cut]:
        """Where nothing but arrows and frames would be cut: the middles of the gaps between everything else."""
        taken = [*self.nodes.values(), *[label for label in self.labels if label], *self._title_rects(length)]
        spans = [(rect.y - _OFF, rect.y + rect.h + _OFF) for rect in taken]
        spans += [(y - _OFF, y + _OFF) for frame in self.frames.values() for y in (frame.y, frame.y + frame.h)]
        spans += [(a[1] - _OFF, a[1] + _OFF) for way in self.ways for a, b in itertools.pairwise(way) if a[1] == b[1]]
        found, end = [], 0.0
        for low, high in sorted(spans):
            if low > end and end:
                found.append(self._cut((low + end) / 2, length))
            end = max(end, high)
        return [cut for cut in found if len(cut.tracks) <= _MOST_CUT]

    def _title_rects(self, length: float = math.inf) -> list[Rect]:
        """Where titles are; across, that of a frame around nearly all may be cut, for it finds another place."""
        most = _AROUND * length if self.across else math.inf
        return [title.at for id_, title in self.titles.items() if title.lines and self.frames[id_].h <= most]

    def _cut(self, at: float, length: float) -> _Cut:
        tracks: list[float] = []
        for x in sorted([x for way in self.ways for x in _passing(way, at)]):
            if not tracks or x > tracks[-1] + SAME:
                tracks.append(x)
        around = [id_ for id_, frame in self.frames.items() if frame.y < at < frame.y + frame.h]
        return _Cut(at, tracks, sorted(around, key=lambda id_: self.frames[id_].h))

    def _cuts(self, places: list[_Cut], length: float, count: int) -> list[_Cut] | None:
        """The best places for so many columns, which are about equally long; None where one has no place."""
        part = length / count

        def flaws(cut: _Cut) -> float:
            return len(cut.tracks) + _SPLIT * sum([self.frames[id_].h < _AROUND * length for id_ in cut.frames])

        def uneven(begin: float, end: float) -> float:
            return _UNEVEN * abs(end - begin - part) / part

        first = operator.itemgetter(0)
        best: list[tuple[float, list[_Cut]]] = [(0.0, [])]  # for each last cut so far, the best before it
        for number in range(1, count):
            near = [cut for cut in places if abs(cut.at - number * part) <= _ASIDE * part]
            best = [
                min([(bad + flaws(cut) + uneven(_end(cuts), cut.at), [*cuts, cut]) for bad, cuts in best], key=first)
                for cut in near
            ]
            if not best:
                return None
        return min([(bad + uneven(_end(cuts), length), cuts) for bad, cuts in best], key=first)[1]

    # ------------------------------------------------------------------ what stands where then

    def _moved(self, cuts: list[_Cut]) -> tuple[Layout, list[Route]] | None:
        """All at its new place; None where the title of a frame would find none."""
        columns = [_Column(begin, end) for begin, end in zip([None, *cuts], [*cuts, None])]
        starts = [cut.at for cut in cuts]
        for column, (left, right) in zip(columns, self._sides(starts)):
            column.left, column.right = left, right
        for before, column in itertools.pairwise(columns):
            assert column.begin is not None
            between = 2 * PAD + _TRACK * (len(column.begin.tracks) - 1)
            column.by_x = before.right + before.by_x + between - column.left
            column.by_y = self._top(column.begin) - column.begin.at

        def moved(rect: Rect) -> Rect:
            column = columns[bisect.bisect(starts, rect.y + rect.h / 2)]
            return Rect(rect.x + column.by_x, rect.y + column.by_y, rect.w, rect.h)

        made = Layout({id_: moved(at) for id_, at in self.nodes.items()})
        made.titles = {id_: dataclasses.replace(title, at=moved(title.at)) for id_, title in self.titles.items()}
        for id_ in self.frames:
            first, *others = self._pieces(id_, columns)
            made.frames[id_] = first.at
            if others:
                made.pieces[id_] = others
                if self.across:
                    own = self.titles[id_].at
                    place = self._along(id_, columns[bisect.bisect(starts, self.frames[id_].y)], own.h)
                    if place is None:
                        return None
                    made.titles[id_].at = moved(Rect(own.x, place, own.w, own.h))
        ways = [[*self._led(way, columns, starts)] for way in self.ways]
        return self._turned(made, ways, [label and moved(label) for label in self.labels])

    def _sides(self, starts: list[float]) -> list[tuple[float, float]]:
        """How far each column reaches to the left and right."""
        ends = [[1e9, -1e9] for _ in range(len(starts) + 1)]

        def take(low: float, high: float, left: float, right: float) -> None:
            for i in range(bisect.bisect(starts, low), bisect.bisect(starts, high) + 1):
                ends[i] = [min(ends[i][0], left), max(ends[i][1], right)]

        rects = [*self.nodes.values(), *self.frames.values(), *self._title_rects(), *[x for x in self.labels if x]]
        for rect in rects:
            take(rect.y, rect.y + rect.h, rect.x, rect.x + rect.w)
        for way in self.ways:
            for (ax, ay), (bx, by) in itertools.pairwise(way):
                take(min(ay, by), max(ay, by), min(ax, bx), max(ax, bx))
        return [(left, right) for left, right in ends]

    def _header(self) -> float:
        """How much the title of a frame that goes on takes above its contents: across, it stands beside them."""
        return _BORDER if self.across else HEADER + _BORDER

    def _top(self, cut: _Cut) -> float:
        """How far down what is behind a cut begins: below the arrows that come from before it, and titles of frames."""
        return PAD + _TRACK * len(cut.tracks) + PAD + self._header() * len(cut.frames)

    def _says(self, frame: str) -> Iterator[str]:
        """That a frame goes on: with its name, with less of that, and without."""
        for most in _NAMES:
            yield f"{formatting.clean(self.graph.clusters[frame].title, most)}, continued"
        yield "continued"

    def _pieces(self, id_: str, columns: list[_Column]) -> list[Piece]:
        """What each column has of a frame."""
        frame, found = self.frames[id_], list[Piece]()
        for column in columns:
            low = -1e9 if column.begin is None else column.begin.at
            high = 1e9 if column.end is None else column.end.at
            if frame.y >= high or frame.y + frame.h <= low:
                continue
            top, bottom, title = frame.y, frame.y + frame.h, None
            if column.begin is not None and frame.y < low:
                place = column.begin.frames.index(id_)
                top = low - self._header() * (place + 1)
                title = self._title_of_piece(id_, column.begin, top, column)
            if column.end is not None and bottom > high:
                bottom = high + _BORDER * (1 + column.end.frames.index(id_))
            at = Rect(frame.x + column.by_x, top + column.by_y, frame.w, bottom - top)
            found.append(Piece(at, title))
        return found

    def _title_of_piece(self, id_: str, cut: _Cut, top: float, column: _Column) -> Title | None:
        """Says that a frame goes on, where no arrow passes; None where there is no room for it."""
        told = (self._title_in_words(text, id_, cut, top, column) for text in dict.fromkeys(self._says(id_)))
        return next((title for title in told if title is not None), None)

    def _title_in_words(self, text: str, id_: str, cut: _Cut, top: float, column: _Column) -> Title | None:
        frame, width = self.frames[id_], text_width(text, 10) + 6
        if self.across:  # beside the contents, where the frame's own title stands before
            y = self._along(id_, column, width)
            at = Rect(self.titles[id_].at.x + column.by_x, (y or 0.0) + column.by_y, HEADER, width)
            return None if y is None else Title(at, [text], bold=0)
        x = free_place([track - frame.x for track in cut.tracks], width, frame.w)
        if x < 0 or x + width > frame.w:
            return None
        return Title(Rect(frame.x + x + column.by_x, top + column.by_y + 2, width, HEADER), [text], bold=0)

    def _along(self, id_: str, column: _Column, length: float) -> float | None:
        """Where a title of a frame that leads across has room in a column, as near to the middle as arrows let it."""
        frame, title = self.frames[id_], self.titles[id_].at
        low = frame.y if column.begin is None else max(frame.y, column.begin.at)
        high = frame.y + frame.h if column.end is None else min(frame.y + frame.h, column.end.at)
        level = [piece for way in self.ways for piece in itertools.pairwise(way) if piece[0][1] == piece[1][1]]
        passing = [
            a[1]
            for a, b in level
            if low < a[1] < high and min(a[0], b[0]) < title.x + title.w and title.x < max(a[0], b[0])
        ]
        place = free_place(sorted([y - low for y in passing]), length, high - low)
        return low + place if place >= 0 and place + length <= high - low else None

    def _led(self, way: list[Point], columns: list[_Column], starts: list[float]) -> Iterator[Point]:
        """The corners of a way, and those with which it leads from column to column."""
        yield columns[bisect.bisect(starts, way[0][1])].moved(way[0])
        for a, b in itertools.pairwise(way):
            first, last = bisect.bisect(starts, a[1]), bisect.bisect(starts, b[1])
            step = 1 if last > first else -1
            for i in range(first, last, step):
                corners = self._between(columns[min(i, i + step)], columns[max(i, i + step)], a[0])
                yield from corners if step > 0 else corners[::-1]
            yield columns[last].moved(b)

    def _between(self, before: _Column, after: _Column, x: float) -> list[Point]:
        """The corners of a line from one column to the next: the farther right it begins, the nearer it keeps to both.

        So lines that lead from one to the other cross none of their kind.
        """
        cut = after.begin
        assert cut is not None
        count = len(cut.tracks)
        place = count - 1 - min(range(count), key=lambda i: abs(cut.tracks[i] - x))  # 0 is on the right
        low = cut.at + before.by_y + _BORDER * len(cut.frames) + PAD + _TRACK * place
        high = PAD + _TRACK * place
        gutter = before.right + before.by_x + PAD + _TRACK * place
        begin, end = before.moved((x, 0))[0], after.moved((x, 0))[0]
        return [(begin, low), (gutter, low), (gutter, high), (end, high)]

    def _turned(
        self, made: Layout, ways: list[list[Point]], labels: Sequence[Rect | None]
    ) -> tuple[Layout, list[Route]]:
        lowest = [rect.y + rect.h for rect in _with_pieces(made)] + [y for way in ways for _, y in way]
        turning = Turning(self.rankdir, max(lowest, default=0.0) + PAD)
        found = each_rect(made, turning.rect)
        found.width = max([rect.x + rect.w for rect in _with_pieces(found)], default=0.0) + PAD
        found.height = max([rect.y + rect.h for rect in _with_pieces(found)], default=0.0) + PAD
        routes = []
        for way, label in zip(ways, labels):
            at = label and turning.rect(label)
            place = None if at is None else (at.x, at.y + _ASCENT)
            routes.append(Route([turning.point(corner) for corner in way], place))
        return found, routes


def _with_pieces(layout: Layout) -> list[Rect]:
    return [*layout.everything(), *[piece.at for pieces in layout.pieces.values() for piece in pieces]]


def _end(cuts: Sequence[_Cut]) -> float:
    return cuts[-1].at if cuts else 0.0


def _label(graph: Graph, number: int, at: Point) -> Rect:
    return Rect(at[0], at[1] - _ASCENT, text_width(graph.edges[number].label, LABEL), 1.06 * LABEL)


def _passing(way: Sequence[Point], at: float) -> Iterator[float]:
    """Where a way passes a level line."""
    for (ax, ay), (_, by) in itertools.pairwise(way):
        if min(ay, by) < at < max(ay, by):
            yield ax
