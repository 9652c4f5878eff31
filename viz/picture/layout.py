"""Places for the boxes of a graph: each frame is laid out as a small layered graph of rows and inner frames.

All rows are equally wide and have the same columns, so forward ops stand below each other, and so do weights,
updates and backward ops. Layers come from longest paths, their order from barycentre sweeps (Sugiyama, Tagawa
and Toda, 1981).
"""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Iterable, Sequence

from viz.picture.graph import LANES, Cluster, Edge, Graph, Node

__all__ = ["GAP_Y", "HEADER", "LID", "LINE", "PAD", "SMALL", "TITLE", "Layout", "Rect", "arrange", "header"]
__all__ += ["node_size", "text_width"]

TITLE, SMALL = 11, 9.5  # font sizes of a box's first and other lines
LINE = 14
HEADER = 18  # height of a line above a frame's contents
GAP_X, GAP_Y, PAD = 22, 34, 14
BOLD = 1.1  # how much wider bold text is
_BELOW = 16  # between a frame's title and its contents: room for the head of an arrow
LID = 5  # half the height of the lid of a cylinder, as which weights are drawn
_NARROW, _WIDE = set("iljtfrI.,:;'|!()[]/ \"·"), set("mwMWOQ@%→←∇×…")


@dataclasses.dataclass
class Rect:
    """A box: its left and top edge, width and height."""

    x: float
    y: float
    w: float
    h: float

    @property
    def middle(self) -> tuple[float, float]:
        """The centre."""
        return self.x + self.w / 2, self.y + self.h / 2


@dataclasses.dataclass
class Layout:
    """Where everything is: boxes by node id, frames by cluster id, and the size of the whole."""

    nodes: dict[str, Rect]
    frames: dict[str, Rect]
    width: float
    height: float


def text_width(text: str, size: float) -> float:
    """About how wide `text` is in DejaVu Sans."""
    return size * sum([_char_width(c) for c in text])


def _char_width(c: str) -> float:
    if c in _NARROW:
        return 0.36
    if c in _WIDE or c.isupper():
        return 0.8
    return 1.0 if unicodedata.east_asian_width(c) in "WF" else 0.6


def header(cluster: Cluster, frame: Rect) -> Rect:
    """The ground of a frame's title."""
    width = max(text_width(cluster.title, 12) * BOLD, text_width(cluster.subtitle, 10)) + 6
    height = HEADER * (bool(cluster.title) + bool(cluster.subtitle))
    return Rect(frame.middle[0] - width / 2, frame.y + 4, width, height)


def node_size(node: Node) -> tuple[float, float]:
    """Width and height of a node's box."""
    lines = [line for line in node.lines if line]
    widths = [text_width(node.title, TITLE) * BOLD, *[text_width(line, SMALL) for line in lines]]
    lid = 2 * LID if node.kind == "parameter" else 0.0
    return max(44.0, max(widths) + 22), 12.0 + lid + LINE * (len(lines) + bool(node.title))


@dataclasses.dataclass
class _Unit:
    """A row of nodes, or a frame with what it holds."""

    id: str
    nodes: list[Node]
    frame: str | None = None
    inner: list[list[_Unit]] = dataclasses.field(default_factory=list)
    w: float = 0.0
    h: float = 0.0
    first: bool = False
    aside: bool = False
    narrow: bool = False  # one box beside others: it needs no room for the other columns


def arrange(graph: Graph) -> Layout:
    """The layout of a graph."""
    return _Arranger(graph).layout


class _Arranger:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.sizes = {node.id: node_size(node) for node in graph.nodes.values()}
        self.lanes = self._lanes()
        self.layout = Layout({}, {}, 0, 0)
        layers = self._layers(None)
        width, height = _extent(layers)
        self._put(layers, 0, PAD, width)
        self._move_right(height + 2 * PAD)

    def _move_right(self, height: float) -> None:
        """Let the drawing begin at the left edge: inputs may stand left of everything else."""
        everything = [*self.layout.nodes.values(), *self.layout.frames.values()]
        left = min([rect.x for rect in everything], default=0.0) - PAD
        for rect in everything:
            rect.x -= left
        right = max([rect.x + rect.w for rect in everything], default=0.0)
        self.layout.width, self.layout.height = right + PAD, height

    def _lanes(self) -> dict[str, tuple[float, float]]:
        """Left edge and width of each column."""
        found, x = {}, 0.0
        for lane in LANES:
            width = max([self.sizes[n.id][0] for n in self.graph.nodes.values() if n.lane == lane], default=0.0)
            found[lane] = (x, width)
            x += width + GAP_X if width else 0.0
        return found

    def _layers(self, frame: str | None) -> list[list[_Unit]]:
        """What lies directly in a frame, in layers from the top."""
        units = self._units(frame)
        owner = {node: i for i, unit in enumerate(units) for node in self._all_nodes(unit)}
        links = _lifted(self.graph.edges, owner)
        depths = _depths(units, links)
        layers: list[list[int]] = [[] for _ in range(max(depths, default=-1) + 1)]
        for i, depth in enumerate(depths):
            layers[depth].append(i)
        _untangle(layers, links)
        found = [[units[i] for i in layer] for layer in layers if layer]
        for layer in found:
            self._narrow(layer)
        return found

    def _narrow(self, layer: list[_Unit]) -> None:
        for unit in layer if len(_main(layer)) > 1 else ():
            if unit.frame is None and len(unit.nodes) == 1:
                unit.narrow, unit.w = True, self.sizes[unit.nodes[0].id][0]

    def _units(self, frame: str | None) -> list[_Unit]:
        rows: dict[str, _Unit] = {}
        for node in self.graph.nodes.values():
            if node.cluster == frame:
                unit = _Unit(node.row, [], first=node.kind == "input", aside=_is_aside(node))
                rows.setdefault(node.row, unit).nodes.append(node)
        for row in rows.values():
            row.w = sum(max(self.lanes.values()))
            row.h = max([self.sizes[node.id][1] for node in row.nodes])
        frames = [self._frame(inner.id) for inner in self.graph.clusters.values() if inner.parent == frame]
        units = [*rows.values(), *frames]
        order = {node: i for i, node in enumerate(self.graph.nodes)}
        return sorted(units, key=lambda u: (not u.first, min([order[n] for n in self._all_nodes(u)], default=0)))

    def _frame(self, id_: str) -> _Unit:
        cluster, inner = self.graph.clusters[id_], self._layers(id_)
        w, h = _extent(inner)
        head = header(cluster, Rect(0, 0, 0, 0)).w
        above = header(cluster, Rect(0, 0, 0, 0)).h
        return _Unit(id_, [], id_, inner, max(w, head) + 2 * PAD, h + above + PAD + _BELOW)

    def _all_nodes(self, unit: _Unit) -> list[str]:
        inside = [node for layer in unit.inner for each in layer for node in self._all_nodes(each)]
        return [node.id for node in unit.nodes] + inside

    def _put(self, layers: list[list[_Unit]], x: float, y: float, width: float) -> None:
        """Give the units of all layers, centred over `width` from `x`, their places."""
        for layer in layers:
            main = _main(layer)
            left, height = x + (width - _row_width(main)) / 2, max([unit.h for unit in layer])
            for unit in main:
                self._put_unit(unit, left, y + (height - unit.h) / 2)
                left += unit.w + GAP_X
            self._put_aside([unit for unit in layer if unit not in main], layer, y)
            y += height + GAP_Y

    def _put_aside(self, units: list[_Unit], layer: list[_Unit], y: float) -> None:
        """Inputs that share a layer with frames or ops stand left of those, metrics right."""
        placed = [rect for unit in layer for rect in self._rects(unit)]
        left = min([rect.x for rect in placed], default=0.0) - GAP_X
        right = max([rect.x + rect.w for rect in placed], default=0.0) + GAP_X
        height = max([unit.h for unit in layer])
        for unit in units:
            w, h = self.sizes[unit.nodes[0].id]
            if unit.first:
                left -= w
                self.layout.nodes[unit.nodes[0].id] = Rect(left, y + height - h, w, h)
                left -= GAP_X
            else:
                self.layout.nodes[unit.nodes[0].id] = Rect(right, y + (height - h) / 2, w, h)
                right += w + GAP_X

    def _rects(self, unit: _Unit) -> list[Rect]:
        ids = [node.id for node in unit.nodes]
        found = [self.layout.nodes[id_] for id_ in ids if id_ in self.layout.nodes]
        return [*found, self.layout.frames[unit.frame]] if unit.frame in self.layout.frames else found

    def _put_unit(self, unit: _Unit, x: float, y: float) -> None:
        if unit.frame is not None:
            cluster = self.graph.clusters[unit.frame]
            above = header(cluster, Rect(0, 0, 0, 0)).h
            self.layout.frames[unit.frame] = Rect(x, y, unit.w, unit.h)
            self._put(unit.inner, x + PAD, y + above + _BELOW, unit.w - 2 * PAD)
            return
        for node in unit.nodes:
            w, h = self.sizes[node.id]
            left, lane = (0.0, w) if unit.narrow else self.lanes[node.lane]
            self.layout.nodes[node.id] = Rect(x + left + (lane - w) / 2, y + (unit.h - h) / 2, w, h)


def _main(layer: Sequence[_Unit]) -> list[_Unit]:
    """What a layer is centred by: everything but inputs and metrics, unless there is nothing else."""
    return [unit for unit in layer if not unit.first and not unit.aside] or list(layer)


def _is_aside(node: Node) -> bool:
    """Is it something that looks on: a metric?"""
    return node.kind == "scope" and node.phase == "metric" and node.cluster is None


def _row_width(units: Sequence[_Unit]) -> float:
    return sum([unit.w for unit in units]) + GAP_X * max(0, len(units) - 1)


def _extent(layers: Sequence[Sequence[_Unit]]) -> tuple[float, float]:
    """Width and height of layers on top of each other."""
    heights = [max([unit.h for unit in layer]) for layer in layers]
    width = max([_row_width(_main(layer)) for layer in layers], default=0.0)
    return width, sum(heights) + GAP_Y * max(0, len(layers) - 1)


def _lifted(edges: Iterable[Edge], owner: dict[str, int]) -> list[tuple[int, int]]:
    """Pairs of units that an arrow joins, the one that runs first ahead."""
    found: dict[tuple[int, int], None] = {}
    for edge in edges:
        if edge.kind in ("data", "gradient") and edge.tail in owner and edge.head in owner:
            a, b = sorted((owner[edge.tail], owner[edge.head]))
            if a != b:
                found[a, b] = None
    return list(found)


def _depths(units: list[_Unit], links: list[tuple[int, int]]) -> list[int]:
    """The layer of each unit: below all that it depends on; inputs right above what reads them."""
    depths = [0] * len(units)
    for a, b in sorted(links, key=lambda link: link[1]):
        depths[b] = max(depths[b], depths[a] + 1)
    for i, unit in enumerate(units):
        readers = [depths[b] for a, b in links if a == i]
        if unit.first and readers:
            depths[i] = min(readers) - 1
    return depths


def _untangle(layers: list[list[int]], links: list[tuple[int, int]]) -> None:
    """Order each layer by the mean position of its neighbours, down and up a few times."""
    above: dict[int, list[int]] = {}
    below: dict[int, list[int]] = {}
    for a, b in links:
        above.setdefault(b, []).append(a)
        below.setdefault(a, []).append(b)
    place = {unit: i for layer in layers for i, unit in enumerate(layer)}
    for neighbours, order in ((above, layers), (below, layers[::-1])) * 2:
        for layer in order:
            around = {u: [place[n] for n in neighbours.get(u, ())] or [place[u]] for u in layer}
            means = {u: sum(places) / len(places) for u, places in around.items()}
            layer.sort(key=means.__getitem__)
            place.update({unit: i for i, unit in enumerate(layer)})
