"""Where everything in a picture is: boxes, the ways of arrows, and labels; with more room where it was too narrow."""

from __future__ import annotations

import copy
import dataclasses
import functools
import itertools
import re
import threading
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from viz.geometry.arrow_ends import part_ends
from viz.geometry.columns import in_columns
from viz.geometry.directions import ACROSS, turned
from viz.geometry.edge_routes import Point, Route, route
from viz.geometry.exits import Exit, gradients_apart
from viz.geometry.graph import Graph, Node
from viz.geometry.labels import SIZE, place_labels
from viz.geometry.layout import PAD, Room, arrange
from viz.geometry.places import Layout, Rect
from viz.geometry.straight_lines import straight_crossings
from viz.geometry.text_sizes import text_width

__all__ = ["Placement", "place"]

_ATTEMPTS, _LONG_ATTEMPTS = 4, 2  # to find room for all arrows and labels; fewer where an attempt takes seconds
_MOST_FLAWS, _FLAWLESS = (10**9, 0, 0, 0), (0, 0, 0)
_VERY_LONG = 500_000  # so much looked at for the ways of one attempt: that alone takes seconds, and ten the next
_FEW = 0.02  # so large a part of the labels may be left out where many arrows take seconds
_VARIANTS, _MOST_EDGES = 6, 150  # so many orders of boxes are tried where arrows cross; none where there are more
_ROUTED, _ARRANGED = 240, 900  # so many arrows, in all, get ways for that; and to choose those orders, straight lines
_MOST_COMPARED = 400  # arrows of a picture for which that is done
_MANY = 8  # straight lines of the usual order that cross before others are compared with it, and tried first
_LOOKED = 240_000  # so much is looked at, at most, to try other orders, which takes seconds
_MOST_TURNED = 40  # arrows of a picture whose ways are looked for in the other order, too: that takes as long again
_IN_VAIN = 2  # orders that are tried one after the other without finding fewer flaws: the next seldom has fewer
_MOST_KNOWN = 8  # placements that are kept
_known: dict[tuple[Any, ...], Placement] = {}
_lock = threading.Lock()
_THROUGH = 3  # so many crossings an arrow through a foreign frame is as bad as: its way crosses two borders
_SWAPPED = 2  # so many crossings the second of two layers of one kind on the left of the first one is as bad as
_CALL = re.compile(r" \(calls? \d+.*\)$")
_BEND = 40.0  # so much wider or higher a picture may be for a bend less
_MORE = 15.0  # room for one more label, or two more arrows
_Flaws = tuple[int, int, int, int]  # what is missing or wrong otherwise, calls out of order, bends and size


class _Order(NamedTuple):
    """How boxes are arranged: see `arrange`."""

    variant: int
    straight: bool
    by_givers: bool
    exact: bool = False


class _Ways(NamedTuple):
    """How ways are looked for: see `route`."""

    longest_first: bool = False
    turned: frozenset[Exit] = frozenset()


_WAYS = _Ways()
_USUAL = _Order(0, True, False)
_OTHERS = [_Order(0, True, True), _Order(0, False, False), *[_Order(i, True, True) for i in range(1, 8)]]
_OTHERS += [_Order(1, True, False), _Order(2, True, False), *[_Order(i, False, True) for i in range(3)]]


@dataclasses.dataclass
class Placement:
    """Places of boxes, frames and titles, the way of each arrow with its label, and the area that all takes."""

    layout: Layout
    ways: list[Route]
    area: Rect


def place(graph: Graph, rankdir: str = "TB") -> Placement:
    """A place for everything that a picture shows; the same for the same graph, so that it is looked for once.

    `rankdir` is the direction of the forward pass: `"TB"`, `"BT"`, `"LR"` or `"RL"`.

    A picture is often wanted twice, as SVG and PNG, or light and dark.
    """
    key = rankdir, _shape(graph)
    with _lock:
        found = _known.pop(key, None)
    if found is None:
        found = _best(graph, rankdir)
        cut = in_columns(graph, found.layout, found.ways, rankdir)
        if cut is not None:
            found = Placement(*cut, _area(graph, *cut))
    with _lock:
        _known[key] = found
        while len(_known) > _MOST_KNOWN:
            del _known[next(iter(_known))]
    return copy.deepcopy(found)


def _shape(graph: Graph) -> tuple[Any, ...]:
    """All that a placement depends on."""
    nodes = [(n.id, n.kind, n.title, tuple(n.lines), n.phase, n.lane, n.row, n.cluster) for n in graph.nodes.values()]
    frames = [(c.id, c.parent, c.title, c.subtitle, c.kind) for c in graph.clusters.values()]
    edges = [(e.tail, e.head, e.kind, e.label, e.output, e.operand) for e in graph.edges]
    return tuple(nodes), tuple(frames), tuple(edges)


def _best(graph: Graph, rankdir: str) -> Placement:
    """The placement with the fewest flaws of some: of the usual order, and of others where arrows cross."""
    across, count = rankdir in ACROSS, len(graph.edges)
    arranged = functools.cache(functools.partial(_arranged, graph, across=across))
    first = arranged(_USUAL)
    crossed = straight_crossings(graph, first) if count <= _MOST_COMPARED else 0
    orders = _orders(graph, first, arranged) if crossed > _MANY else [_USUAL]
    best, least, took_long, looked = _placed(graph, arranged(orders[0]), orders[0], rankdir)
    if not took_long and looked <= _LOOKED and (turned := _on_wrong_side(graph, best, across)):
        ways = _Ways(turned=turned)
        found, flaws, took_long, more = _placed(graph, arranged(orders[0]), orders[0], rankdir, ways, least)
        looked += more
        if flaws <= least:
            best, least = found, flaws
    if took_long or looked > _LOOKED or count > _MOST_EDGES:
        return best
    if least[:3] == _FLAWLESS:
        return _straightened(graph, best, least, orders[0], rankdir)
    tries = [(order, _WAYS) for order in (orders if len(orders) > 1 else _orders(graph, first, arranged))]
    if apart := gradients_apart(graph):
        tries.insert(0, (orders[0], _Ways(turned=frozenset(apart))))
    if count <= _MOST_TURNED:
        tries.append((_USUAL, _Ways(longest_first=True)))
    chosen, in_vain = orders[0], 0
    for order, ways in tries:
        if order == orders[0] and ways == _WAYS:
            continue
        found, flaws, took_long, more = _placed(graph, arranged(order), order, rankdir, ways, least)
        looked += more
        in_vain = 0 if flaws[:3] < least[:3] else in_vain + 1
        if flaws < least:
            best, least, chosen = found, flaws, order
        if least[:3] == _FLAWLESS or in_vain == _IN_VAIN:
            break
        if took_long or looked + more > _LOOKED:  # the next one would take as long
            return best
    return _straightened(graph, best, least, chosen, rankdir)


def _straightened(graph: Graph, best: Placement, least: _Flaws, order: _Order, rankdir: str) -> Placement:
    """A placement, or that of the same order in which of boxes that push each other one has its place, if it is better.

    Else all of them stand a little aside, and the arrows of all have a jog.
    """
    order = order._replace(exact=True)
    layout = _arranged(graph, order, rankdir in ACROSS)
    if _places(layout) == _places(best.layout):
        return best
    found, flaws, *_ = _placed(graph, layout, order, rankdir, _WAYS, least)
    return found if flaws < least else best


def _on_wrong_side(graph: Graph, found: Placement, across: bool) -> frozenset[Exit]:
    """The gradients that leave a box on one side of its middle, and pass to the other."""
    axis, wrong = 1 if across else 0, set()
    for (tail, output), edges in gradients_apart(graph).items():
        middle = found.layout.nodes[tail].middle[axis]
        for way in [found.ways[i] for i in edges]:
            begin = way.corners[0][axis]
            onwards = next((corner[axis] - begin for corner in way.corners if corner[axis] != begin), 0.0)
            if onwards * (begin - middle) < 0:
                wrong.add((tail, output))
    return frozenset(wrong)


def _arranged(graph: Graph, order: _Order, across: bool, room: Room | None = None) -> Layout:
    return arrange(graph, room, order.variant, across, order.straight, order.by_givers, order.exact)


def _orders(graph: Graph, first: Layout, arranged: Callable[[_Order], Layout]) -> list[_Order]:
    """Orders to try, the usual one too, and layouts where branches share the room: those with few flaws.

    Of those that cross as often, first that in which more calls of one layer stand in the order they run in.
    """
    count, known = len(graph.edges), [_places(first)]
    found = [(_straight_flaws(graph, first), _calls_out_of_order(graph, first), 0, _USUAL)]
    for number, order in enumerate(_OTHERS[: _ARRANGED // count], 1):
        layout = arranged(order)
        if (places := _places(layout)) not in known:
            known.append(places)
            found.append((_straight_flaws(graph, layout), _calls_out_of_order(graph, layout), number, order))
    return [order for *_, order in sorted(found)[: 1 + max(1, min(_VARIANTS, _ROUTED // count))]]


def _straight_flaws(graph: Graph, layout: Layout) -> int:
    """What is wrong with an order as far as it can be told without ways for the arrows: see `_placed`."""
    return straight_crossings(graph, layout) + _SWAPPED * _out_of_order(graph, layout)


def _places(layout: Layout) -> dict[str, tuple[float, float]]:
    return {id_: rect.middle for id_, rect in layout.nodes.items()}


def _placed(
    graph: Graph, layout: Layout, order: _Order, rankdir: str, how: _Ways = _WAYS, known: _Flaws = _MOST_FLAWS
) -> tuple[Placement, _Flaws, bool, int]:
    """A way for each arrow; how many arrows and labels found none, and how often arrows cross or can't be told apart.

    An arrow through a foreign frame counts as some that cross, and so do numbered layers in another order than they run
    in. Calls of one layer in another order count where all else is equal. And whether it took long, and how much was
    looked at.

    Where arrows from different boxes end as one, more room is tried as long as that helps, and unless another order,
    whose flaws are `known`, would be better all the same.
    """
    room, looked, best, least, before = Room(), 0, None, _MOST_FLAWS, len(graph.edges)
    for attempt in range(_ATTEMPTS):
        if attempt:
            layout = _arranged(graph, order, rankdir in ACROSS, room)
        ways, lost, crossings, took_long, more = route(graph, layout, how.longest_first, rankdir in ACROSS, how.turned)
        looked += more
        joined = part_ends(graph, layout, ways, lost)
        from_above = [i for i in joined if ways[i].corners[-2][1] < ways[i].corners[-1][1]]
        through = _THROUGH * _through_frames(graph, layout, ways)
        drawn, ways = turned(layout, ways, rankdir)
        missing = {*lost, *place_labels(graph, drawn, ways)}
        flawed = crossings + len(joined) + through + _SWAPPED * _out_of_order(graph, layout)
        area = _area(graph, drawn, ways)
        size = sum([len(way.corners) - 2 for way in ways]) + round((area.w + area.h) / _BEND)
        flaws = len(missing), flawed, _calls_out_of_order(graph, layout), size
        if best is None or flaws < least:
            best, least = Placement(drawn, ways, area), flaws
        few = not lost and len(missing) <= _FEW * len(ways) and len(ways) > _MOST_EDGES
        enough = few or (not lost and more > _VERY_LONG) or attempt + 1 >= _LONG_ATTEMPTS
        if took_long and enough:
            break
        in_vain = len(joined) >= before or took_long or (len(missing), flawed - len(joined)) >= known[:2]
        if not missing and (not joined or in_vain):
            break
        before = len(joined)
        for i in missing:
            _make_room(graph, layout, room, i)
        for i in joined:
            _add_room(room.above if i in from_above else room.below, graph.nodes[graph.edges[i].head])
    assert best is not None
    return best, least, took_long, looked


def _through_frames(graph: Graph, layout: Layout, ways: list[Route]) -> int:
    """How often an arrow leads through a frame that neither of its boxes is in."""
    count = 0
    for edge, way in zip(graph.edges, ways):
        own = {*graph.around(graph.nodes[edge.tail].cluster), *graph.around(graph.nodes[edge.head].cluster)}
        foreign = [frame for id_, frame in layout.frames.items() if id_ not in own]
        count += sum([any(_enters(a, b, frame) for a, b in itertools.pairwise(way.corners)) for frame in foreign])
    return count


def _out_of_order(graph: Graph, layout: Layout) -> int:
    """How many pairs of frames side by side, of one name but for their numbers, stand otherwise than they run."""
    named: dict[tuple[str | None, str], list[Rect]] = {}
    for cluster in graph.clusters.values():
        if (name := cluster.title.rstrip("0123456789")) != cluster.title:
            named.setdefault((cluster.parent, name), []).append(layout.frames[cluster.id])
    return _turned_round(named.values())


def _calls_out_of_order(graph: Graph, layout: Layout) -> int:
    """How many pairs of calls of one layer side by side stand otherwise than they run."""
    calls: dict[tuple[str | None, str], list[Rect]] = {}
    for cluster in graph.clusters.values():
        calls.setdefault((cluster.parent, _CALL.sub("", cluster.title)), []).append(layout.frames[cluster.id])
    for node in graph.nodes.values():
        if node.kind == "scope":
            calls.setdefault((node.cluster, _CALL.sub("", node.title)), []).append(layout.nodes[node.id])
    return _turned_round(calls.values())


def _turned_round(several: Iterable[list[Rect]]) -> int:
    """How many pairs of those side by side stand in another order than that in which they are given."""
    pairs = [pair for boxes in several for pair in itertools.combinations(boxes, 2)]
    return sum([a.x > b.x and a.y < b.y + b.h and b.y < a.y + a.h for a, b in pairs])


def _enters(a: Point, b: Point, frame: Rect) -> bool:
    """Does a level or upright line come into a frame?"""
    (left, right), (top, bottom) = sorted((a[0], b[0])), sorted((a[1], b[1]))
    return left < frame.x + frame.w and frame.x < right and top < frame.y + frame.h and frame.y < bottom


def _area(graph: Graph, layout: Layout, ways: list[Route]) -> Rect:
    """What boxes, arrows and labels take, with a margin."""
    points = [point for way in ways for point in way.corners]
    points += [way.label for way in ways if way.label]
    ends = [way.label[0] + text_width(edge.label, SIZE) for way, edge in zip(ways, graph.edges) if way.label]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    left, right = min([0.0, *[x - PAD for x in xs]]), max([layout.width, *[x + PAD for x in (*xs, *ends)]])
    top, bottom = min([0.0, *[y - PAD for y in ys]]), max([layout.height, *[y + PAD for y in ys]])
    return Rect(left, top, right - left, bottom - top)


def _make_room(graph: Graph, layout: Layout, room: Room, number: int) -> None:
    """More room where an arrow leaves its box, and where it ends."""
    edge = graph.edges[number]
    tail, head = graph.nodes[edge.tail], graph.nodes[edge.head]
    down = layout.nodes[edge.tail].y < layout.nodes[edge.head].y
    _add_room(room.below if down else room.above, tail)
    _add_room(room.above if down else room.below, head)


def _add_room(side: dict[str, float], node: Node) -> None:
    """More room above or below a row, where an arrow ends there."""
    side[node.row] = side.get(node.row, 0.0) + _MORE
