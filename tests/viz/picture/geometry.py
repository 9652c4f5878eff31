"""What is wrong with a drawing, read from its SVG: arrows through boxes, texts on each other, crossings.

`faults` looks at what was drawn and trusts nothing that the code which laid it out says of it.
"""

from __future__ import annotations

import collections
import itertools
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple
from xml.etree import ElementTree

from viz.geometry.graph import Graph
from viz.geometry.text_sizes import text_width
from viz.picture.dot import dot

SVG = "{http://www.w3.org/2000/svg}"
Point = tuple[float, float]
Piece = tuple[Point, Point]


class Box(NamedTuple):
    """An upright rectangle."""

    left: float
    top: float
    right: float
    bottom: float

    def grown(self, by: float) -> Box:
        return Box(self.left - by, self.top - by, self.right + by, self.bottom + by)

    def meets(self, other: Box) -> bool:
        beside = self.right <= other.left or other.right <= self.left
        return not beside and self.top < other.bottom and other.top < self.bottom

    def within(self, other: Box) -> bool:
        inside = other.left <= self.left and self.right <= other.right
        return inside and other.top <= self.top and self.bottom <= other.bottom


class Arrow(NamedTuple):
    """A line, as the ends of its straight pieces, and its label."""

    tail: str
    head: str
    points: list[Point]
    label: str
    at: Box | None

    @property
    def pieces(self) -> list[Piece]:
        return list(zip(self.points, self.points[1:]))


class Picture(NamedTuple):
    """All that stands somewhere."""

    size: Box
    boxes: dict[str, Box]
    frames: dict[str, Box]  # of one that goes on in other columns, `f_2` and so on are the pieces there
    inside: dict[str, set[str]]  # the frames around each box, and their pieces
    titles: list[Box]
    arrows: list[Arrow]


def curve(points: Sequence[Point], steps: int = 12) -> list[Point]:
    """Bézier curves (a start, and three points for each) as points along them."""
    found = [points[0]]
    for i in range(0, len(points) - 3, 3):
        a, b, c, d = points[i : i + 4]
        for j in range(1, steps + 1):
            t, s = j / steps, 1 - j / steps
            shares = s**3, 3 * s * s * t, 3 * s * t * t, t**3
            found.append(tuple([sum(share * p[k] for share, p in zip(shares, (a, b, c, d))) for k in (0, 1)]))
    return found


def path_points(text: str) -> list[Point]:
    """The points along a path of `M`, `L` and `C`."""
    found: list[Point] = []
    for letter, numbers in re.findall(r"([MLC])([^MLC]*)", text):
        values = [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", numbers)]
        given = list(zip(values[::2], values[1::2]))
        found += given if letter in "ML" else curve([found[-1], *given])[1:]
    return found


def text_box(element: Any) -> Box:
    size, x, y = (float(element.get(name)) for name in ("font-size", "x", "y"))
    width = text_width(element.text or "", size) * (1.1 if element.get("font-weight") else 1.0)
    left = x - width / 2 if element.get("text-anchor") == "middle" else x
    return Box(left, y - 0.76 * size, left + width, y + 0.24 * size)


def _rect(element: Any) -> Box:
    x, y, w, h = (float(element.get(name)) for name in ("x", "y", "width", "height"))
    return Box(x, y, x + w, y + h)


def _cylinder(d: str) -> Box:
    x, top, w = (float(re.search(each, d)[1]) for each in (r"M(-?[\d.]+)", r"M-?[\d.]+ (-?[\d.]+)", r"0 0 1 ([\d.]+)"))
    bottom = float(re.search(r"V(-?[\d.]+)", d)[1])
    return Box(x, top - 5, x + w, bottom + 5)


def _texts(group: Any) -> list[Any]:
    return [each for each in group.iter(f"{SVG}text") if each.text]


def picture(text: str, graph: Graph) -> Picture:
    """What our own SVG of `graph` shows."""
    root = ElementTree.fromstring(text.encode())
    groups = collections.defaultdict(list)
    for each in root.iter(f"{SVG}g"):
        groups[each.get("class")].append(each)
    boxes = {}
    for each in groups["node"]:
        rect = each.find(f"{SVG}rect")
        boxes[each.get("id")] = _cylinder(each.find(f"{SVG}path").get("d")) if rect is None else _rect(rect)
    frames = {each.get("id"): _rect(each.find(f"{SVG}rect")) for each in groups["cluster"]}
    titles = [text_box(each) for group in groups["header"] for each in _texts(group)]
    arrows = []
    for edge, group in zip(graph.edges, groups["edge"], strict=True):
        written = _texts(group)
        points = path_points(group.find(f"{SVG}path").get("d"))
        beside = graph.nodes[edge.tail].row == graph.nodes[edge.head].row  # these tell their shape by the weight there
        at = text_box(written[0]) if written else None
        arrows.append(Arrow(edge.tail, edge.head, points, "" if beside else edge.label, at))
    inside = {}
    for id_, node in graph.nodes.items():
        around = set(_around(graph, node.cluster))
        inside[id_] = {frame for frame in frames if _whole(frame) in around}
    size = Box(*[float(each) for each in root.get("viewBox").split()])
    moved = re.search(r"translate\((-?[\d.]+) (-?[\d.]+)\)", text)
    x, y = (float(each) for each in moved.groups()) if moved else (0.0, 0.0)
    return Picture(Box(-x, -y, size.right - x, size.bottom - y), boxes, frames, inside, titles, arrows)


def _whole(frame: str) -> str:
    """The frame that one of a drawing is a piece of."""
    return re.sub(r"^(frame\d+)_\d+$", r"\1", frame)


def _around(graph: Graph, frame: str | None) -> Iterator[str]:
    while frame is not None:
        yield frame
        frame = graph.clusters[frame].parent


def _underlines(arrow: Arrow, title: Box, by: float = 6.0) -> bool:
    """Does a level piece run so close below a line of a title that it looks like a part of that?"""
    level = [piece for piece in arrow.pieces if piece[0][1] == piece[1][1]]
    return enters(level, title._replace(top=title.bottom, bottom=title.bottom + by))


def enters(pieces: Iterable[Piece], box: Box) -> bool:
    """Do straight pieces touch the inside of a box?"""
    return any(_cuts(piece, box) for piece in pieces)


def _cuts(piece: Piece, box: Box) -> bool:
    """Liang and Barsky's clipping."""
    (x1, y1), (x2, y2) = piece
    low, high = 0.0, 1.0
    for start, step, least, most in ((x1, x2 - x1, box.left, box.right), (y1, y2 - y1, box.top, box.bottom)):
        if step == 0:
            if not least < start < most:
                return False
            continue
        a, b = sorted(((least - start) / step, (most - start) / step))
        low, high = max(low, a), min(high, b)
        if low >= high:
            return False
    return True


def _crossing(a: Piece, b: Piece) -> bool:
    (ax, ay), (bx, by) = a
    (cx, cy), (dx, dy) = b

    def side(px: float, py: float, qx: float, qy: float, rx: float, ry: float) -> float:
        return (qx - px) * (ry - py) - (qy - py) * (rx - px)

    first = side(ax, ay, bx, by, cx, cy) * side(ax, ay, bx, by, dx, dy)
    return first < 0 and side(cx, cy, dx, dy, ax, ay) * side(cx, cy, dx, dy, bx, by) < 0


def crossings(arrows: Sequence[Arrow]) -> int:
    """How often lines that share no end cross each other; lines that share one are one where they begin or end."""
    count = 0
    arrows = [arrow._replace(points=_corners(arrow.points)) for arrow in arrows]
    bounds = [_bounds(arrow.points) for arrow in arrows]
    for i, a in enumerate(arrows):
        for j in range(i):
            b = arrows[j]
            if {a.tail, a.head} & {b.tail, b.head} or not bounds[i].meets(bounds[j]):
                continue
            near = [piece for piece in b.pieces if _bounds(piece).grown(0.1).meets(bounds[i])]
            count += sum(_crossing(mine, other) for mine in a.pieces for other in near)
    return count


def beside_borders(drawn: Picture, near: float = 7.5) -> float:
    """How far lines run so near beside the border of a frame that they look like one more."""
    total = 0.0
    pieces = [piece for arrow in drawn.arrows for piece in itertools.pairwise(_corners(arrow.points))]
    for frame, (a, b) in itertools.product(drawn.frames.values(), pieces):
        spans, along = ((frame.left, frame.right), (frame.top, frame.bottom)), int(abs(a[0] - b[0]) < 0.01)
        if min([abs(a[1 - along] - border) for border in spans[1 - along]]) < near:
            low, high = sorted((a[along], b[along]))
            total += max(0.0, min(high, spans[along][1]) - max(low, spans[along][0]))
    return total


def _corners(points: Sequence[Point]) -> list[Point]:
    """Points without those inside straight pieces: a crossing right there would be none of either piece."""
    found = list(points[:1])
    for i, here in enumerate(points[1:-1], 1):
        before, after = found[-1], points[i + 1]
        if not any(abs(before[k] - here[k]) < 0.01 and abs(here[k] - after[k]) < 0.01 for k in (0, 1)):
            found.append(here)
    return [*found, points[-1]]


def _bounds(points: Sequence[Point]) -> Box:
    xs, ys = zip(*points)
    return Box(min(xs), min(ys) - 0.01, max(xs) + 0.01, max(ys) + 0.01)


def together(arrows: Sequence[Arrow], length: float = 6.0) -> int:
    """How many pairs of lines that share no end lie on each other for a while."""
    count = 0
    straight = [[_upright(piece) for piece in arrow.pieces if _upright(piece)] for arrow in arrows]
    for i, a in enumerate(arrows):
        for j in range(i):
            if {a.tail, a.head} & {arrows[j].tail, arrows[j].head}:
                continue
            shared: dict[Any, float] = collections.defaultdict(float)
            for level, low, high, place in straight[i]:
                for other_level, other_low, other_high, other in straight[j]:
                    if level == other_level and abs(place - other) < 2:
                        shared[level, round(place)] += max(0.0, min(high, other_high) - max(low, other_low))
            count += any(each >= length for each in shared.values())
    return count


def joined(arrows: Sequence[Arrow], length: float = 30.0) -> int:
    """How many pairs of lines from different boxes to one lie on each other so long that they look like one."""
    count = 0
    for group in ([a for a in arrows if a.head == head] for head in {arrow.head for arrow in arrows}):
        firsts = [Arrow(f"{a.tail} {i}", f"{i}", a.points, "", None) for i, a in enumerate(group)]
        same = [
            (a, b) for i, a in enumerate(firsts) for j, b in enumerate(firsts[:i]) if group[i].tail != group[j].tail
        ]
        count += sum(together(pair, length) for pair in same)
    return count


def _upright(piece: Piece) -> tuple[bool, float, float, float] | None:
    """Is it level, from where to where, and at which place; None for slanted pieces."""
    (x1, y1), (x2, y2) = piece
    if abs(y1 - y2) < 0.6:
        return True, min(x1, x2), max(x1, x2), y1
    return (False, min(y1, y2), max(y1, y2), x1) if abs(x1 - x2) < 0.6 else None


def faults(seen: Picture, crossed: bool = True) -> collections.Counter[str]:
    """How much of each kind is wrong; `crossed`: crossings too, which take long to count among very many arrows."""
    found = collections.Counter[str]()
    seen = seen._replace(arrows=[arrow._replace(points=_corners(arrow.points)) for arrow in seen.arrows])
    labels = [(i, arrow.at) for i, arrow in enumerate(seen.arrows) if arrow.at is not None]
    for arrow in seen.arrows:
        ends = {arrow.tail, arrow.head}
        bounds = _bounds(arrow.points)
        for id_, box in seen.boxes.items():
            inner = box.grown(-2 if id_ in ends else -0.5)
            found["through boxes"] += bounds.meets(inner) and enters(arrow.pieces, inner)
        found["through titles"] += sum(bounds.meets(t) and enters(arrow.pieces, t) for t in seen.titles)
        found["under titles"] += sum(_underlines(arrow, title) for title in seen.titles)
        around = seen.inside[arrow.tail] | seen.inside[arrow.head]
        for id_, frame in seen.frames.items():
            inner = frame.grown(-1)
            found["through frames"] += id_ not in around and bounds.meets(inner) and enters(arrow.pieces, inner)
        found["outside"] += not bounds.within(seen.size.grown(0.5))
        if arrow.label and arrow.at is None:
            same = [a for a in seen.arrows if a.tail == arrow.tail and a.label == arrow.label and a.at]
            found["labels missing"] += not same
    for i, at in labels:
        found["labels on boxes"] += sum(at.meets(box) for box in seen.boxes.values())
        found["labels on titles"] += sum(at.meets(box) for box in seen.titles)
        found["labels on labels"] += sum(at.meets(other) for j, other in labels if j < i)
        found["labels on borders"] += sum(at.meets(f) and not at.within(f) for f in seen.frames.values())
        found["labels on lines"] += sum(enters(arrow.pieces, at.grown(-0.5)) for arrow in seen.arrows)
        found["outside"] += not at.within(seen.size)
    for at in seen.titles:
        found["titles on boxes"] += sum(at.meets(box) for box in seen.boxes.values())
        found["titles on borders"] += sum(at.meets(f) and not at.within(f) for f in seen.frames.values())
    for id_, box in seen.boxes.items():
        pieces = collections.defaultdict(list)
        for frame, at in seen.frames.items():
            pieces[_whole(frame), frame in seen.inside[id_]].append(at)
        for (_, is_inside), found_at in pieces.items():
            met = [at for at in found_at if box.meets(at)]
            found["frames through boxes"] += len(met) != is_inside or any(not box.within(at) for at in met)
    frames = list(seen.frames.values())
    for i, at in enumerate(frames):
        found["frames through frames"] += sum(
            at.meets(other) and not at.within(other) and not other.within(at) for other in frames[:i]
        )
    found["crossings"] = crossings(seen.arrows) if crossed else 0
    found["lines on lines"] = together(seen.arrows)
    found["lines joined"] = joined(seen.arrows)
    return collections.Counter({name: int(count) for name, count in found.items()})


def crossings_by_graphviz(graph: Graph, plain: bool = False) -> int:
    """Crossings in the layout that Graphviz makes of a graph: of our text, or of only its boxes, frames and arrows.

    An arrow that touches a box which is neither of its ends crosses, unseen, what leaves that box there; it counts.
    """
    laid = json.loads(_laid_out(_plain(graph) if plain else dot(graph)))
    names = {each["_gvid"]: each["name"] for each in laid["objects"]}
    boxes = {each["name"]: _laid_box(each) for each in laid["objects"] if each["name"] in graph.nodes}
    arrows = []
    for each in laid.get("edges", ()):
        if each.get("style") == "invis":
            continue
        numbers = [p for p in each["pos"].split() if p[0] not in "es"]
        ends = [p[2:] for p in each["pos"].split() if p[0] in "es"]
        points = [tuple(map(float, p.split(","))) for p in numbers]
        line = curve(points)
        if ends:
            tip = tuple(map(float, ends[0].split(",")))
            line = [tip, *line] if each["pos"].startswith("s") else [*line, tip]
        arrows.append(Arrow(names[each["tail"]], names[each["head"]], line, "", None))
    touched = sum(
        enters(arrow.pieces, box)
        for arrow in arrows
        for name, box in boxes.items()
        if name not in (arrow.tail, arrow.head)
    )
    return crossings(arrows) + touched


# Ends without giving back what Graphviz holds, for in some runs it crashes in that.
_LAYS_OUT = """
import os, sys
from pygraphviz import AGraph, graphviz
graph, context = AGraph(string=sys.stdin.buffer.read().decode("utf-8")), graphviz.gvContextWithBuiltins()
if graphviz.gvLayout(context, graph.handle, b"dot"):
    os._exit(1)
failed, drawn = graphviz.gvRenderData(context, graph.handle, b"json")
sys.stdout.buffer.write(bytes(drawn))
sys.stdout.flush()
os._exit(failed)
"""


def _laid_out(text: str) -> bytes:
    """What Graphviz makes of a graph in its language, as JSON."""
    command = [sys.executable, "-P", "-c", _LAYS_OUT]
    return subprocess.run(command, input=text.encode(), capture_output=True, timeout=600, check=True).stdout


def _laid_box(found: dict[str, Any]) -> Box:
    """A box as Graphviz tells it: its middle in points, its size in inches."""
    x, y = (float(number) for number in found["pos"].split(","))
    w, h = (36 * float(found[name]) for name in ("width", "height"))
    return Box(x - w, y - h, x + w, y + h).grown(0.5)  # half the thickness of its line


def _plain(graph: Graph) -> str:
    text = dot(graph)
    kept = [line for line in text.splitlines() if "rank=same" not in line and "style=invis" not in line]
    return "\n".join(kept).replace("newrank", "_newrank")
