"""Places for the boxes of a graph: each frame is laid out as a small layered graph of rows and inner frames.

All rows are equally wide and have the same columns, so forward ops stand below each other, and so do weights,
updates and backward ops; but beside others, an op and its gradient stand near each other. Layers come from longest
paths, their order from `layer_order`, places in them from `alignment`. The title of a frame stands where no arrow that
enters the frame needs to pass.
"""

from __future__ import annotations

import collections
import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence

from viz.geometry.alignment import aligned
from viz.geometry.exits import rows_with_exits, widened, widths_with_labels
from viz.geometry.frame_titles import BESIDE, broken, free_place, room_for_levels
from viz.geometry.graph import BACKWARD, LANES, Cluster, Graph, Node
from viz.geometry.layer_order import Link, depths, in_order, passing
from viz.geometry.operand_marks import with_room_for_marks
from viz.geometry.places import APART, HEADER, PAD, SAME, TRACK, TRACKS, Layout, Rect, Title
from viz.geometry.text_sizes import BOLD, SMALL, TITLE, text_width
from viz.geometry.weight_branches import spans, weight_branches

__all__ = ["LID", "LINE", "Room", "arrange", "half_for_ends", "node_size"]

LINE = 14
_GAP_Y = 34
_BELOW = 20  # between a frame's title and its contents: room for the head of an arrow, and for a level piece
_LOPSIDED = 60  # a title that takes so much more room on one side of what is in its frame takes it there only
_OUTWARDS = 1e-3  # of a unit's width: where arrows pass boxes, only their order counts
_CORNERS = 6.0  # how far arrows keep from a box's corners
LID = 5  # half the height of the lid of a cylinder, as which weights are drawn


@dataclasses.dataclass
class Room:
    """More room above and below some rows and frames, by their ids."""

    above: dict[str, float] = dataclasses.field(default_factory=dict)
    below: dict[str, float] = dataclasses.field(default_factory=dict)


def node_size(node: Node) -> tuple[float, float]:
    """Width and height of a node's box."""
    lines = [line for line in node.lines if line]
    widths = [text_width(node.title, TITLE) * BOLD, *[text_width(line, SMALL) for line in lines]]
    lid = 2 * LID if node.kind == "parameter" else 0.0
    return _even(max(44.0, max(widths) + 22)), 12.0 + lid + LINE * (len(lines) + bool(node.title))


def half_for_ends(width: float) -> float:
    """How far from the middle of a box arrows may end."""
    return width / 2 - _CORNERS


def _most(room: Mapping[str, float], exits: Mapping[str, float], layer: Sequence[_Unit]) -> float:
    """The most room that a unit of a layer needs on one side."""
    return max([room.get(unit.id, 0.0) + exits.get(unit.id, 0.0) for unit in layer])


def _even(size: float) -> float:
    """At least so large, and its half a whole number, so that middles stand exactly below each other."""
    return 2.0 * math.ceil(size / 2)


@dataclasses.dataclass
class _Unit:
    """A row of nodes, or a frame, with what it holds at places of its own.

    An input that stands right before what reads it, in room that is left there, is `beside` that.
    """

    id: str
    nodes: list[Node] = dataclasses.field(default_factory=list)
    inside: Layout = dataclasses.field(default_factory=Layout)
    ids: list[str] = dataclasses.field(default_factory=list)
    w: float = 0.0
    h: float = 0.0
    first: bool = False
    aside: bool = False
    is_frame: bool = False
    beside: _Unit | None = None
    columns: dict[str, float] = dataclasses.field(default_factory=dict)

    def at(self, node: str) -> float:
        """How far right a box stands in it, or would stand in its column: 0 is left, 1 is right."""
        return self.columns.get(node, self.inside.nodes[node].middle[0]) / self.w

    def outwards(self, node: str) -> float:
        """The same, a little farther out for lower boxes: that is where arrows from above pass the upper ones."""
        x, down = self.at(node), self.inside.nodes[node].y / max(1.0, self.h)
        return x + _OUTWARDS * down * (1 if x > 0.5 else -1)


def _links(units: Sequence[_Unit], ends: Sequence[tuple[int, str, int, str]]) -> list[Link]:
    """Arrows between units, with where they meet them; of inputs that the same column reads, the order tells."""
    return [
        Link(a, b, units[a].at(tail), units[b].outwards(head) if units[a].first else units[b].at(head))
        for a, tail, b, head in ends
    ]


def _order(graph: Graph) -> dict[str, float]:
    """For each box its place in the order of the graph; what is given to boxes in a frame stands before those."""
    found: dict[str, float] = {node: i for i, node in enumerate(graph.nodes)}
    for edge in graph.edges:
        tail = graph.nodes[edge.tail]
        if tail.kind == "gradient" or (tail.kind == "input" and tail.cluster is not None):
            found[edge.tail] = min(found[edge.tail], found[edge.head] - 0.5)
    return found


def arrange(graph: Graph, room: Room | None = None, across: bool = False) -> Layout:
    """The layout of a graph, with more room where it is asked for.

    `across`: boxes and titles are as high as they are wide, for a drawing that is turned to lead from left to right.
    """
    return _Arranger(graph, room or Room(), across).layout


class _Arranger:
    def __init__(self, graph: Graph, room: Room, across: bool) -> None:
        self.graph, self.room, self.across = graph, room, across
        self.exits_above, self.exits_below = rows_with_exits(graph)
        self.beside = {} if across else widths_with_labels(graph)
        sizes = {node.id: node_size(node)[:: -1 if across else 1] for node in graph.nodes.values()}
        self.sizes = with_room_for_marks(graph, widened(graph, sizes, across), across)
        labels = [text_width(edge.label, SMALL) + 2 * BESIDE for edge in graph.edges] if across else []
        self.gap_y = max([_GAP_Y, *labels])  # across, labels stand between boxes, too
        self.order, self.branches = _order(graph), weight_branches(graph)
        self.before: set[str] = set()  # inputs that stand left of all else in the layer that reads them
        self.lanes = self._lanes()
        self.last_lane = self._last_lanes()
        self.layout, _ = self._contents(None)
        self._move_right()

    def _move_right(self) -> None:
        """Let the drawing begin at the left edge: inputs may stand left of everything else."""
        everything = self.layout.everything()
        left = min([rect.x for rect in everything], default=0.0) - PAD
        for rect in everything:
            rect.x, rect.y = rect.x - left, rect.y + PAD
        self.layout.width = max([rect.x + rect.w for rect in everything], default=0.0) + PAD
        self.layout.height += 2 * PAD

    def _lanes(self) -> dict[str, tuple[float, float]]:
        """Left edge and width of each column."""
        used = {node.lane for node in self.graph.nodes.values()}
        widths = {lane: 0.0 for lane in LANES if lane not in BACKWARD[1:] or lane in used}
        for node in self.graph.nodes.values():
            widths[node.lane] = max(widths[node.lane], self.sizes[node.id][0], self.beside.get(node.id, 0.0))
        self.spans = spans(self.graph, self.branches, {id_: w for id_, (w, _) in self.sizes.items()}, APART)
        left, right = LANES[0], BACKWARD[0]
        if widths[right] and self.spans:
            between = sum([width + APART for lane, width in widths.items() if width and lane not in (left, *BACKWARD)])
            room = (widths[left] + widths[right]) / 2 + APART + between
            widths["parameter"] += _even(
                max(0.0, max([span + 2 * beside for span, beside in self.spans.values()]) - room)
            )
        found, x = {}, 0.0
        for lane, width in widths.items():
            found[lane] = (x, width)
            x += width + APART if width else 0.0
        return found

    def _last_lanes(self) -> dict[str, int]:
        """For each frame, the last column that something in it stands in: those behind it need no room."""
        found = dict.fromkeys(self.graph.clusters, len(self.lanes) - 1 if self.spans else 0)
        for node in self.graph.nodes.values():
            for frame in self.graph.around(node.cluster):
                found[frame] = max(found[frame], LANES.index(node.lane))
        return found

    def _contents(self, frame: str | None) -> tuple[Layout, list[str]]:
        """What lies in a frame, from the top left corner of its contents, and the ids of its nodes."""
        units = self._units(frame)
        ends = self._ends(units)
        below = [*[Link(a, b) for a, _, b, _ in ends], *self._below(units, ends)]
        found = depths([unit.first for unit in units], below, waits=frame is None)
        for layer in {*found}:
            self._measure_rows([unit for unit, at in zip(units, found) if at == layer])
        links = list(dict.fromkeys(_links(units, ends)))
        order = [layer for layer in in_order(found, links) if layer]
        if self._make_room(units, order, links):
            links = _links(units, ends)
        made = self._stacked(units, order, links)
        if frame is not None:
            self._widen(made, passing(found, links))
        return made, [id_ for unit in units for id_ in unit.ids]

    def _ends(self, units: Sequence[_Unit]) -> list[tuple[int, str, int, str]]:
        """Arrows between units: the one that runs first, and the box in it, then the other one."""
        owner = {node: i for i, unit in enumerate(units) for node in unit.ids}
        found = []
        flows = ("data", "gradient")
        fed = {
            owner.get(e.head) for e in self.graph.edges if e.kind in flows and owner.get(e.tail) != owner.get(e.head)
        }
        nodes = self.graph.nodes
        for edge in self.graph.edges:
            if edge.kind not in (*flows, "parameter") or edge.tail not in owner or edge.head not in owner:
                continue
            (a, tail), (b, head) = sorted(((owner[edge.tail], edge.tail), (owner[edge.head], edge.head)))
            is_of_weights = edge.kind == "parameter" or nodes[edge.head].lane == "update"
            if a != b and (not is_of_weights or b not in fed):  # what reads nothing but weights stands below those
                found.append((a, tail, b, head))
        return found

    def _below(self, units: Sequence[_Unit], ends: Sequence[tuple[int, str, int, str]]) -> list[Link]:
        """What lets the rows of branches stand below each other, and below all else that their reader reads."""
        number, found = {unit.id: i for i, unit in enumerate(units)}, []
        for reader, branch in self.branches.items():
            rows = [number[row] for row in branch if row in number]
            others = {a for a, _, b, _ in ends if rows and b == number[reader] and not units[a].first} - {*rows}
            found += [Link(a, rows[0]) for a in sorted(others)]
            found += [Link(a, b) for a, b in itertools.pairwise(rows)]
        return found

    def _make_room(self, units: Sequence[_Unit], order: list[list[int]], links: Sequence[Link]) -> bool:
        """Let inputs stand right before the one thing that reads them, where that leaves them no place above it.

        What has something else on its left is moved to the right for that.
        """
        layer_of = {unit: layer for layer in order for unit in layer}
        made_room = False
        for layer in order:
            main = _main([units[i] for i in layer])
            for unit in [units[i] for i in layer if units[i].first and units[i] not in main]:
                readers = {link.lower for link in links if units[link.upper] is unit}
                others = {reader for reader in readers if not units[reader].aside} or readers
                if len(others) != 1:
                    continue
                (reader,) = others
                neighbours = _main([units[i] for i in layer_of[reader]])
                if len(readers) > 1 and len(neighbours) > 1:
                    continue  # its metrics may stand right of all of these
                if units[reader] in neighbours:
                    unit.beside = units[reader]
                    self.before.update(unit.ids if units[reader] is neighbours[0] else [])
                if units[reader] in neighbours[1:]:
                    made_room = True
                    for rect in units[reader].inside.everything():
                        rect.x += unit.w + APART
                    units[reader].w += unit.w + APART
        return made_room

    def _measure_rows(self, layer: list[_Unit]) -> None:
        """A row takes the room of all its columns, and its boxes stand in the middle of theirs."""
        main = _main(layer)
        for unit in layer:
            if unit.is_frame:
                continue
            if unit.id in self.spans:
                self._measure_branch(unit)
                continue
            columns = self._columns(unit, [other for other in main if other is not unit])
            unit.h, unit.w = max([self.sizes[node.id][1] for node in unit.nodes]), sum(max(columns.values()))
            for node in unit.nodes:
                (w, h), (left, lane) = self.sizes[node.id], columns[node.lane]
                unit.inside.nodes[node.id] = Rect(left + (lane - w) / 2, (unit.h - h) / 2, w, h)
            self._lift_state(unit)

    def _lift_state(self, unit: _Unit) -> None:
        """Let the state of an op, as of a Dropout's generator, stand above the line from the op to its gradient."""
        linked = any(edge.kind == "link" and edge.tail == unit.id for edge in self.graph.edges)
        between = [node.id for node in unit.nodes if node.lane == "parameter" and node.phase == "state"]
        if not linked or not between or self.across:
            return
        others = [rect for id_, rect in unit.inside.nodes.items() if id_ not in between]
        state, height = unit.inside.nodes[between[0]], max([rect.h for rect in others])
        lift = max(0.0, state.h + TRACK - height / 2)
        unit.h, state.y = height + lift, 0.0
        for rect in others:
            rect.y = lift + (height - rect.h) / 2

    def _columns(self, unit: _Unit, others: list[_Unit]) -> dict[str, tuple[float, float]]:
        """Left edge and width of each column that a row has room for."""
        if others and len(unit.nodes) == 1:
            return {unit.nodes[0].lane: (0.0, self.sizes[unit.nodes[0].id][0])}
        wide = any(other.is_frame or len(other.nodes) > 1 for other in others)
        if wide and {node.lane for node in unit.nodes} == {LANES[0], BACKWARD[0]}:
            left, right = self.lanes[LANES[0]][1], self.lanes[BACKWARD[0]][1]
            return {LANES[0]: (0.0, left), BACKWARD[0]: (left + 2 * APART, right)}
        last = self.last_lane.get(unit.nodes[0].cluster or "", len(LANES) - 1)
        return {lane: self.lanes[lane] for lane in LANES[: last + 1] if lane in self.lanes}

    def _measure_branch(self, unit: _Unit) -> None:
        """A row of a branch stands between the columns of forward and backward ops, where arrows pass it."""
        unit.h = max([self.sizes[node.id][1] for node in unit.nodes])
        span, beside = self.spans[unit.id]
        (left, width), (right, last) = self.lanes[LANES[0]], self.lanes[BACKWARD[0]]
        low, high = left + width / 2 + beside, right + last / 2 - beside
        x = low + round(max(0.0, high - low - span) / 2) if last else low
        unit.w = max(sum(max(self.lanes.values())), x + span)
        for node in sorted(unit.nodes, key=lambda node: LANES.index(node.lane)):
            w, h = self.sizes[node.id]
            unit.inside.nodes[node.id] = Rect(x, (unit.h - h) / 2, w, h)
            unit.columns[node.id] = self.lanes[node.lane][0] + self.lanes[node.lane][1] / 2
            x += w + APART

    def _units(self, frame: str | None) -> list[_Unit]:
        rows: dict[str, _Unit] = {}
        for node in self.graph.nodes.values():
            if node.cluster == frame:
                first = frame is None and (node.kind == "input" or self._says_what_it_reads(node))
                unit = rows.setdefault(node.row, _Unit(node.row, first=first, aside=_is_aside(node)))
                unit.nodes.append(node)
                unit.ids.append(node.id)
        frames = [self._frame(inner) for inner in self.graph.clusters.values() if inner.parent == frame]
        order = self.order
        units = sorted(
            [*rows.values(), *frames],
            key=lambda unit: (not unit.first, min([order[id_] for id_ in unit.ids], default=0)),
        )
        return self._branches_last(units)

    def _says_what_it_reads(self, node: Node) -> bool:
        """Does a box make terms of the loss from weights, and has no arrows for those? It stands by what reads it."""
        return node.role == "terms" and all(edge.head != node.id for edge in self.graph.edges)

    def _branches_last(self, units: list[_Unit]) -> list[_Unit]:
        """Units in the order in which they run, but for branches, which come right before their readers."""
        branching = {row: [unit for unit in units if unit.id in branch] for row, branch in self.branches.items()}
        return [each for unit in units if unit.id not in self.spans for each in [*branching.get(unit.id, ()), unit]]

    def _frame(self, cluster: Cluster) -> _Unit:
        inside, ids = self._contents(cluster.id)
        if self.across:  # its title stands on its left, which will be above
            title = self._title_across(cluster, inside)
            left = title.at.w + _BELOW if title.lines else PAD
            down = PAD + max(0.0, (title.at.h - inside.height) / 2)
            title.at.x, title.at.y = 4 - left, round((inside.height - title.at.h) / 2)
            inside.titles[cluster.id] = title
            return _framed(cluster.id, ids, inside, (left, PAD), (down, down))
        title = self._title(cluster, inside, set(ids))
        left = max(PAD, PAD - title.at.x)
        right = max(PAD, title.at.x + title.at.w - inside.width + PAD)
        if abs(left - right) < _LOPSIDED:
            left = right = max(left, right)  # what is in the middle stays there
        down = title.at.h + (_BELOW + room_for_levels(self.graph, ids, "data") if title.lines else PAD)
        below = PAD + room_for_levels(self.graph, ids, "gradient")
        title.at.y = 4 - down
        inside.titles[cluster.id] = title
        return _framed(cluster.id, ids, inside, (left, right), (down, below))

    def _title_across(self, cluster: Cluster, inside: Layout) -> Title:
        """A frame's title that is no longer than its contents, if it can be broken so."""
        titles = [Title(Rect(0, 0, *_title_size(*each)[::-1]), *each) for each in broken(cluster)]
        return next((title for title in titles if title.at.h <= inside.height), min(titles, key=lambda t: t.at.h))

    def _title(self, cluster: Cluster, inside: Layout, ids: set[str]) -> Title:
        """A frame's title, as near to the middle as arrows that enter or leave the frame let it stand."""
        first = min([self.order[id_] for id_ in ids], default=0)
        passing, entering = set(), collections.Counter[str]()
        for edge in self.graph.edges:
            if (edge.tail in ids) != (edge.head in ids):
                inner, outer = (edge.tail, edge.head) if edge.tail in ids else (edge.head, edge.tail)
                if self.graph.nodes[outer].kind == "input" or self.order[outer] < first:  # it comes from above
                    passing.add(inside.nodes[inner].middle[0])
                    beside = self.graph.nodes[outer].kind == "input" or outer == edge.head
                    entering[inner] += edge.kind == "data" and not beside
        for inner, count in entering.items():
            middle, reach = inside.nodes[inner].middle[0], min((count - 1) * APART, half_for_ends(self.sizes[inner][0]))
            passing |= {middle - reach, middle + reach} if count > 1 else set()
        found = None
        for lines, bold in broken(cluster):
            w, h = _title_size(lines, bold)
            found = Title(Rect(round(free_place(sorted(passing), w, inside.width)), 0, w, h), lines, bold)
            if -PAD / 2 <= found.at.x and found.at.x + w <= inside.width + PAD / 2:
                break
        assert found is not None
        return found

    def _widen(self, made: Layout, count: int) -> None:
        """Leave room beside the boxes of a frame for arrows that pass them."""
        side = TRACK * min(count + 1, TRACKS) if count else 0  # one more, as some pass only a part of a frame
        for rect in made.everything():
            rect.x += side
        made.width += 2 * side

    def _stacked(self, units: Sequence[_Unit], order: list[list[int]], links: Sequence[Link]) -> Layout:
        """Layers below each other."""
        made, layers = Layout(), [[units[i] for i in layer] for layer in order]
        main_of = [[i for i in layer if units[i] in _main([units[j] for j in layer])] for layer in order]
        lefts = aligned(main_of, [unit.w for unit in units], links, APART)
        made.width = max([lefts[i] + units[i].w for main in main_of for i in main], default=0.0)
        y, tops = 0.0, []
        for i, layer in enumerate(layers):
            height = max([unit.h for unit in layer])
            y += (self.gap_y if i else 0) + _most(self.room.above, self.exits_above, layer)
            y += max([self._lack(unit, height) for unit in units if unit.beside in layer], default=0.0)
            tops.append(y)
            for each in main_of[i]:
                made.add(units[each].inside, lefts[each], round(y + (height - units[each].h) / 2))
            y += height + _most(self.room.below, self.exits_below, layer)
        made.height = y
        middles = self._middles(made, layers)
        for layer, top in zip(layers, tops):
            self._put_aside(made, [unit for unit in layer if not unit.beside], top, middles)
        self._put_beside(made, [unit for layer in layers for unit in layer])
        self._lower_inputs(
            made, [unit for layer in layers for unit in layer if unit.first and unit not in _main(layer)]
        )
        return made

    def _middles(self, made: Layout, layers: Sequence[Sequence[_Unit]]) -> dict[str, float]:
        """For each box of the main part of layers, the middle of that."""
        found = dict[str, float]()
        for layer in layers:
            ids = [id_ for unit in _main(layer) for id_ in unit.ids]
            rects = [made.frames.get(unit.id) or made.nodes[id_] for unit in _main(layer) for id_ in unit.ids]
            ends = [x for rect in rects for x in (rect.x, rect.x + rect.w)]
            found |= dict.fromkeys(ids, (min(ends, default=0.0) + max(ends, default=0.0)) / 2)
        return found

    def _put_aside(self, made: Layout, layer: list[_Unit], y: float, middles: Mapping[str, float]) -> None:
        """Metrics that share a layer with others stand left of those, or right, where what they read is made.

        Inputs do too, where they are read.
        """
        main = _main(layer)
        placed = [made.nodes[id_] for unit in main for id_ in unit.ids]
        placed += [made.frames[unit.id] for unit in main if unit.id in made.frames]
        left = min([rect.x for rect in placed], default=0.0) - APART
        right = max([rect.x + rect.w for rect in placed], default=0.0) + APART
        middle, height = (left + right) / 2, max([unit.h for unit in layer])
        aside = [unit for unit in layer if unit not in main]
        for unit in [unit for unit in aside if unit.aside and self._is_made_right(made, unit.ids[0], middle)]:
            read = [made.nodes[tail] for tail in self._given_to(unit.ids[0]) if tail in made.nodes]
            ends = [rect.x + rect.w for rect in read]
            right = max([right, *[x + 2 * TRACK - unit.w / 2 for x in ends if x > right - APART]])
            made.add(unit.inside, right, round(y + (height - unit.h) / 2))
            right += unit.w + APART
        for unit in [unit for unit in aside if unit.aside and unit.ids[0] not in made.nodes]:
            given = [made.nodes[tail].x for tail in self._given_to(unit.ids[0]) if tail in made.nodes]
            left = min([left, *[x - 2 * TRACK + unit.w / 2 for x in given if x < left + APART]])
            made.add(unit.inside, left - unit.w, round(y + (height - unit.h) / 2))
            left -= unit.w + APART
        inputs = sorted([unit for unit in aside if unit.first], key=lambda unit: -self._read_at(made, unit.ids[0]))
        on_left = [unit for unit in inputs if self._read_at(made, unit.ids[0]) <= self._middle(unit, middle, middles)]
        for unit in on_left:
            made.add(unit.inside, left - unit.w, round(y + height - unit.h))
            left -= unit.w + APART
        for unit in [unit for unit in inputs[::-1] if unit not in on_left]:
            made.add(unit.inside, right, round(y + height - unit.h))
            right += unit.w + APART

    def _middle(self, unit: _Unit, otherwise: float, middles: Mapping[str, float]) -> float:
        """The middle of the layers that read an input, on average: left of it, the input stands on the left."""
        found = [middles[edge.head] for edge in self.graph.edges if edge.tail == unit.ids[0] and edge.head in middles]
        return sum(found) / len(found) + 2 * SAME if found else otherwise

    def _lack(self, unit: _Unit, height: float) -> float:
        """How far an input beside what reads it would reach above the layer, which is so high."""
        assert unit.beside is not None
        heads = self._heads(unit, unit.beside)
        down = (height - unit.beside.h) / 2 + min([unit.beside.inside.nodes[id_].y for id_ in heads])
        return max(0.0, unit.h + _BELOW - down)

    def _heads(self, unit: _Unit, reader: _Unit) -> list[str]:
        """The boxes that read an input in what stands below or beside it."""
        return [e.head for e in self.graph.edges if e.tail == unit.ids[0] and e.head in reader.inside.nodes]

    def _put_beside(self, made: Layout, units: list[_Unit]) -> None:
        """Put inputs into the room that was left for them, each left of what stands aside there already."""
        made_aside = [unit for unit in units if unit.beside or unit.first or unit.aside]
        for unit in [unit for unit in units if unit.beside]:
            assert unit.beside is not None
            reader = unit.beside
            frames = [made.frames[reader.id]] if reader.is_frame else [made.nodes[id_] for id_ in reader.ids]
            top = min([made.nodes[id_].y for id_ in self._heads(unit, reader)]) - _GAP_Y - unit.h
            asides = [made.nodes[other.ids[0]] for other in made_aside if other.ids[0] in made.nodes]
            level = [rect for rect in asides if rect.y < top + unit.h + _GAP_Y and top < rect.y + rect.h + _GAP_Y]
            left = min([rect.x for rect in frames]) - APART - unit.w
            for rect in sorted(level, key=lambda rect: -rect.x):
                if rect.x < left + unit.w + APART and left < rect.x + rect.w + APART:
                    left = rect.x - APART - unit.w
            made.add(unit.inside, left, top)

    def _given_to(self, metric: str) -> list[str]:
        """The inputs that a metric reads."""
        given = [edge.tail for edge in self.graph.edges if edge.head == metric]
        return [tail for tail in given if self.graph.nodes[tail].kind == "input"]

    def _is_made_right(self, made: Layout, metric: str, middle: float) -> bool:
        """Does a metric read what is made right of a place, and no input that stands left of the loss?"""
        return self._made_at(made, metric) > middle and self.before.isdisjoint(self._given_to(metric))

    def _made_at(self, made: Layout, metric: str) -> float:
        """Where that stands which makes what a metric reads, on average."""
        makers = [edge.tail for edge in self.graph.edges if edge.head == metric and edge.tail in made.nodes]
        makers = [maker for maker in makers if self.graph.nodes[maker].kind != "input"]
        return sum([made.nodes[each].middle[0] for each in makers]) / len(makers) if makers else -1e9

    def _lower_inputs(self, made: Layout, inputs: list[_Unit]) -> None:
        """Let inputs that stand aside come down to what reads them, as far as nothing is in the way."""
        for unit in inputs:
            box = made.nodes[unit.ids[0]]
            heads = [made.nodes[e.head] for e in self.graph.edges if e.tail == unit.ids[0] and e.head in made.nodes]
            lowest = min([head.y for head in heads], default=0.0) - _GAP_Y
            for rect in [*made.nodes.values(), *made.frames.values()]:
                if (
                    rect is not box
                    and rect.x - APART < box.x + box.w
                    and box.x < rect.x + rect.w + APART
                    and rect.y > box.y
                ):
                    lowest = min(lowest, rect.y - _GAP_Y)
            box.y = max(box.y, lowest - box.h)

    def _read_at(self, made: Layout, input_: str) -> float:
        """Where the readers of an input stand, on average."""
        readers = [edge.head for edge in self.graph.edges if edge.tail == input_ and edge.head in made.nodes]
        return sum([made.nodes[each].middle[0] for each in readers]) / len(readers) if readers else -1e9


def _framed(id_: str, ids: list[str], inside: Layout, sides: tuple[float, float], ends: tuple[float, float]) -> _Unit:
    """A frame with so much room left and right, and above and below, of what is in it."""
    made = _Unit(id_, [], Layout(), ids, sides[0] + inside.width + sides[1], ends[0] + inside.height + ends[1])
    made.is_frame = True
    made.inside.add(inside, sides[0], ends[0])
    made.inside.frames[id_] = Rect(0, 0, made.w, made.h)
    return made


def _title_size(lines: Sequence[str], bold: int) -> tuple[float, float]:
    widths = [text_width(line, 12) * BOLD if i < bold else text_width(line, 10) for i, line in enumerate(lines)]
    return _even(max(widths, default=0.0) + 6), HEADER * len(lines)


def _main(layer: Sequence[_Unit]) -> list[_Unit]:
    """What a layer is centred by: everything but inputs and metrics, unless there is nothing else."""
    main = [unit for unit in layer if not unit.first and not unit.aside]
    return main or [unit for unit in layer if not unit.beside] or list(layer)


def _is_aside(node: Node) -> bool:
    """Is it something that looks on: a metric?"""
    return node.kind == "scope" and node.phase == "metric" and node.cluster is None
