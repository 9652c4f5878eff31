"""Arrows that reach one box end side by side, so that its inputs can be counted: in Python and in the page."""

from __future__ import annotations

import itertools
import shutil

import pytest

import eagerflow as ef
import viz
from eagerflow import layers
from tests.viz.page.test_both_sides import SCENES, run
from tests.viz.page.test_page_geometry import PLACES
from viz.geometry.arrow_ends import part_ends
from viz.geometry.edge_routes import Route
from viz.geometry.graph import Edge, Graph, Node
from viz.geometry.placement import place
from viz.geometry.places import Layout, Rect

HEAD = Rect(150, 100, 100, 30)
BELOW = [(200.0, 70.0), (200.0, 100.0)]
LEFT, LEFT_FAR = [(30.0, 30.0), (30.0, 70.0)], [(-70.0, 30.0), (-70.0, 70.0)]
RIGHT = [(330.0, 30.0), (330.0, 62.0), (200.0, 62.0), (200.0, 100.0)]
STRAIGHT = [(200.0, 30.0), (200.0, 100.0)]


def by_python(ways, boxes):
    """The corners of arrows to `HEAD` when their ends are parted."""
    nodes = [f"tail{i}" for i in range(len(ways))] + ["head", *[f"box{i}" for i in range(len(boxes))]]
    graph = Graph(nodes={id_: Node(id_, "op", id_, row=id_) for id_ in nodes})
    graph.edges = [Edge(f"tail{i}", "head", "data") for i in range(len(ways))]
    tails = [Rect(way[0][0] - 25, way[0][1] - 30, 50, 30) for way in ways]
    layout = Layout(dict(zip(nodes, [*tails, HEAD, *boxes])))
    routes = [Route(way) for way in ways]
    part_ends(graph, layout, routes)
    return [[list(corner) for corner in route.corners] for route in routes]


def by_the_page(ways, boxes):
    if shutil.which("node") is None:
        pytest.skip("the scripts are run by node")
    program = """
    const nodes = new Map(given.boxes.map(([id, x, y, w, h]) => [id, {id, row: id, frame: null, x, y, w, h}])),
      edges = given.ways.map((corners, i) => ({tail: `tail${i}`, head: "head", kind: "data", corners}));
    const scene = {nodes, frames: new Map(), edges, grid: new Grid(nodes.values())};
    partEnds(scene, [], edges.map(() => new Set()), []);
    return edges.map((edge) => edge.corners);
    """
    tails = [(f"tail{i}", way[0][0] - 25, way[0][1] - 30, 50, 30) for i, way in enumerate(ways)]
    others = [(f"box{i}", box.x, box.y, box.w, box.h) for i, box in enumerate(boxes)]
    given = {"ways": ways, "boxes": [*tails, ("head", HEAD.x, HEAD.y, HEAD.w, HEAD.h), *others], "themes": {}}
    return run([*SCENES, *PLACES], program, given)


@pytest.fixture(params=[by_python, by_the_page])
def parted(request):
    return lambda ways, boxes=(): request.param([list(way) for way in ways], boxes)


def ends(ways):
    return [way[-1][0] for way in ways]


def test_ends_stand_in_the_order_in_which_arrows_come(parted):
    found = ends(parted([RIGHT, [*LEFT, *BELOW], STRAIGHT]))
    assert found[1] < found[2] == 200 < found[0]
    assert min(abs(a - b) for a, b in itertools.combinations(found, 2)) > 6


def test_without_a_straight_one_ends_stand_around_the_middle(parted):
    assert ends(parted([[*LEFT, *BELOW], RIGHT])) == [188, 212]


def test_level_pieces_that_lie_on_each_other_come_apart_without_crossing(parted):
    near, far = parted([[*LEFT, *BELOW], [*LEFT_FAR, *BELOW]])
    assert far[-1][0] < near[-1][0]  # what begins farther away runs below, and ends farther out
    assert near[-2][1] < far[-2][1]


def test_each_of_many_level_pieces_that_lie_on_each_other_has_one_of_its_own(parted):
    """There is a level for the last of them, too, if the first goes so far away that others find room behind it."""
    ways = [[(30.0 - 40 * k, 10.0), (30.0 - 40 * k, 70.0), *BELOW] for k in range(4)]
    found = parted(ways)
    assert len({way[-2][1] for way in found}) == 4
    assert ends(found) == sorted(ends(found), reverse=True)
    assert len({*ends(found)}) == 4


def test_what_comes_around_the_others_from_below_runs_above_them(parted):
    """Three that begin below the box go up beside it and end on it from above."""
    ways = [
        [(500.0, 300.0 + 50 * k), (500.0, 280.0 + 50 * k), (300.0 + 20 * k, 280.0 + 50 * k), (300.0 + 20 * k, 80.0)]
        for k in range(3)
    ]
    ways = [[*way, (200.0, 80.0), (200.0, 100.0)] for way in ways]
    found = parted(ways)
    levels = [way[-2][1] for way in found]
    assert levels == sorted(levels, reverse=True)
    assert len({*levels}) == 3


def test_no_level_piece_comes_to_lie_on_another_farther_off(parted):
    """Only last pieces are moved: one that came to lie on an earlier piece of another would look like that."""
    bent = [(688.0, 37.0), (688.0, 69.0), (224.0, 69.0), (224.0, 77.0), (200.0, 77.0), (200.0, 100.0)]
    long = [(1176.0, 37.0), (1176.0, 45.0), (974.0, 45.0), (974.0, 77.0), (200.0, 77.0), (200.0, 100.0)]
    first, second = parted([bent, long], [Rect(400, 88, 60, 30)])  # it can't come nearer to its own box
    assert first[1][1] == first[2][1] == 69
    assert 69 not in [y for _, y in second]


def test_a_single_arrow_stays(parted):
    assert parted([RIGHT]) == [[list(corner) for corner in RIGHT]]


def test_an_end_stays_where_a_box_would_be_in_the_way(parted):
    beside = Rect(212, 66, 20, 26)  # where the one from the right would come down; its level piece passes above
    high = [(330.0, 30.0), (330.0, 44.0), (200.0, 44.0), (200.0, 100.0)]
    free = ends(parted([STRAIGHT, high]))
    assert free[1] > free[0]
    assert ends(parted([STRAIGHT, high], [beside])) == [200, 200]


def test_ends_stand_on_one_side_of_the_middle_rather_than_close_to_each_other(parted):
    lower = [(430.0, 30.0), (430.0, 82.0), (200.0, 82.0), (200.0, 100.0)]
    beside = Rect(170, 60, 20, 30)  # left of the middle there is no room
    assert ends(parted([lower, RIGHT], [beside])) == [224, 200]


def test_arrows_end_as_one_where_a_box_is_too_narrow_for_them(parted):
    many = [
        [(30.0 - 60 * k, 10.0 - 8 * k), (30.0 - 60 * k, 80.0 - 8 * k), (200.0, 80.0 - 8 * k), BELOW[1]]
        for k in range(16)
    ]
    assert {*ends(parted(many))} == {200}


def averaging():
    """Four inputs, each with a layer of its own, and their average."""
    given = [layers.Input((6,)) for _ in range(4)]
    model = ef.Model(given, layers.Dense(1)(layers.Average()([layers.Dense(4, activation="relu")(x) for x in given])))
    model.compile("adam", "mse")
    x = [ef.ops.ones((8, 6)) for _ in given]
    with viz.trace() as t:
        model.train_on_batch(x, ef.ops.ones((8, 1)))
    return t


def growing():
    """A network of layers that each read all before them."""
    given = layers.Input((16, 16, 8))
    found = [given]
    for _ in range(4):
        x = layers.Concatenate()(found) if len(found) > 1 else given
        found.append(layers.Conv2D(4, 3, padding="same", activation="relu")(x))
    model = ef.Model(given, layers.Dense(10)(layers.GlobalAveragePooling2D()(layers.Concatenate()(found))))
    model.compile("adam", "mse")
    with viz.trace() as t:
        model.train_on_batch(ef.ops.ones((4, 16, 16, 8)), ef.ops.ones((4, 10)))
    return t


@pytest.mark.parametrize("took", [1_000, 10_000, 100_000])  # boxes are as wide as their times
@pytest.mark.parametrize("make", [averaging, growing])
def test_arrows_from_different_boxes_never_end_as_one_where_more_room_helps(make, took):
    recording = make()
    for op in recording.ops:
        op.end = op.start + took
    graph = recording.draw().graph
    found = {}
    for edge, way in zip(graph.edges, place(graph).ways, strict=True):
        found.setdefault((edge.head, way.corners[-1]), set()).add(edge.tail)
    assert [tails for tails in found.values() if len(tails) > 1] == []


def test_no_line_looks_like_the_continuation_of_another_on_its_lane():
    graph = growing().draw().graph
    drawn = list(zip(graph.edges, place(graph).ways, strict=True))
    close = []
    for (a, way), (b, other) in itertools.combinations(drawn, 2):
        for first, second in itertools.product(upright(way), upright(other)) if a.tail != b.tail else ():
            if first[0] == second[0] and -1 <= max(first[1], second[1]) - min(first[2], second[2]) < 16:
                close.append((a.tail, a.head, b.tail, b.head))
    assert close == []


def upright(way):
    """Where upright pieces of a way are that are no ends of arrows, and from where to where they lead."""
    inner = itertools.pairwise(way.corners[1:-1])
    return [(x, *sorted((top, bottom))) for (x, top), (other, bottom) in inner if x == other]


def concatenation():
    """Four branches from one box, put together in one."""
    x = start = layers.Input((8,))
    towers = [layers.Dense(n + 2, activation="relu")(layers.Dense(n + 2)(x)) for n in range(3)]
    together = layers.Concatenate(name="together")([*towers, layers.Dense(3)(x)])
    model = ef.Model(start, layers.Dense(2)(together))
    model.compile("sgd", "mse")
    with viz.trace() as t:
        model(ef.ops.ones((2, 8)))
    return t


@pytest.mark.parametrize("view", ["forward", "layers"])
@pytest.mark.parametrize("rankdir", ["TB", "LR", "BT"])
def test_the_inputs_of_a_concatenation_can_be_counted(view, rankdir):
    graph = concatenation().draw(view=view).graph
    found = place(graph, rankdir)
    last = {edge.head: [] for edge in graph.edges}
    for edge, way in zip(graph.edges, found.ways, strict=True):
        last[edge.head].append(way.corners[-1])
    (inputs,) = [each for each in last.values() if len(each) == 4]
    across = 1 if rankdir == "LR" else 0
    places = sorted([corner[across] for corner in inputs])
    assert min(b - a for a, b in itertools.pairwise(places)) > 6


SIDE = Rect(200, 100, 100, 46)


def reaching_the_side(*ways):
    """The corners of arrows that come from the left to the side of a box, when their ends are parted."""
    ids = [f"tail{i}" for i in range(len(ways))]
    graph = Graph(nodes={id_: Node(id_, "op", id_, row=id_) for id_ in [*ids, "head"]})
    graph.edges = [Edge(id_, "head", "parameter") for id_ in ids]
    tails = {id_: Rect(way[0][0] - 25, way[0][1] - 30, 50, 30) for id_, way in zip(ids, ways)}
    routes = [Route(list(way)) for way in ways]
    part_ends(graph, Layout(tails | {"head": SIDE}), routes)
    return [route.corners for route in routes]


def test_arrows_that_reach_the_side_of_a_box_end_there_one_above_the_other():
    above, below = [(50.0, 0.0), (50.0, 123.0), (200.0, 123.0)], [(90.0, 300.0), (90.0, 123.0), (200.0, 123.0)]
    first, second = reaching_the_side(above, below)
    assert first[-1][1] <= 123.0 - 3.5
    assert second[-1][1] >= first[-1][1] + 7.0
    for (_, turn), (x, end) in (first[-2:], second[-2:]):
        assert (turn, x) == (end, 200.0)
    assert [len(first), len(second)] == [3, 3]  # straight to their ends, without a jog before them


def test_a_single_arrow_to_a_side_stays():
    way = [(50.0, 0.0), (50.0, 123.0), (200.0, 123.0)]
    assert reaching_the_side(way) == [way]


def test_an_arrow_that_turns_aside_right_before_its_end_leads_there_from_farther_off():
    jog = [(50.0, 0.0), (50.0, 107.0), (191.0, 107.0), (191.0, 123.0), (200.0, 123.0)]
    other = [(90.0, 300.0), (90.0, 123.0), (200.0, 123.0)]
    first, _ = reaching_the_side(jog, other)
    assert len(first) == 3


def test_an_arrow_that_comes_around_its_box_still_ends_on_the_side_that_it_came_to():
    around = [(340.0, 0.0), (340.0, 92.0), (191.0, 92.0), (191.0, 123.0), (200.0, 123.0)]
    other = [(90.0, 300.0), (90.0, 123.0), (200.0, 123.0)]
    for way in reaching_the_side(around, other):
        assert way[-2][0] < way[-1][0] == 200.0
        assert not any(200.0 < x < 300.0 and 100.0 < y < 146.0 for x, y in way[:-1])


def test_arrows_that_end_side_by_side_come_along_lines_of_their_own(parted):
    """Of two that join and part again one couldn't tell which goes where."""
    upright = [(330.0, 300.0), (330.0, 140.0), (200.0, 140.0), (200.0, 130.0)]
    turning = [(500.0, 300.0), (500.0, 200.0), (330.0, 200.0), (330.0, 140.0), (200.0, 140.0), (200.0, 130.0)]
    first, second = parted([upright, turning])
    assert first[-1] != second[-1]
    assert {x for x, _ in first}.isdisjoint({x for x, _ in second})
    assert second[2][0] > 330


def test_an_arrow_leads_to_its_end_without_turning_aside_next_to_the_box(parted):
    """Moved apart, this one would end a little beside the line in which it comes down."""
    straight = [(200.0, 30.0), (200.0, 100.0)]
    aside = [(480.0, 20.0), (480.0, 40.0), (212.0, 40.0), (212.0, 80.0), (200.0, 80.0), (200.0, 100.0)]
    _, found = parted([straight, aside])
    assert [y for _, y in found] == [20, 40, 40, 100]
    assert found[-1][0] > 200
