"""Lines of different arrows keep a distance where there is room, and none looks like the continuation of another."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import losses, ops
from tests.viz.picture.architectures import ALL, two_noises
from viz.geometry.placement import place

DISTANCE = 9.9


def tversky():
    y_true, y_pred = [ef.Tensor(np.full((1, 2), 0.5, "float32")) for _ in range(2)]
    with viz.trace() as t, ef.GradientTape() as tape:
        tape.watch(y_true)
        tape.watch(y_pred)
        tape.gradient(losses.Tversky()(y_true, y_pred), [y_true, y_pred])
    return t


def sums_so_far():
    x = ef.Tensor([1.0, 2.0, 3.0])
    with viz.trace(time=False, memory=False, source=False) as t, ef.GradientTape() as tape:
        tape.watch(x)
        tape.gradient(ops.associative_scan(ops.add, x), x)
    return t


def pieces(way):
    """The straight pieces of a way: whether upright, where, and from where to where."""
    for (ax, ay), (bx, by) in itertools.pairwise(way.corners):
        yield (ax == bx, *((ax, *sorted((ay, by))) if ax == bx else (ay, *sorted((ax, bx)))))


def pairs(recording):
    """Pieces of two arrows that have no end in common."""
    graph = recording.draw().graph
    drawn = [each for each in zip(graph.edges, place(graph).ways) if each[0].kind != "link"]
    for (a, way), (b, other) in itertools.combinations(drawn, 2):
        if a.tail != b.tail and a.head != b.head:
            yield from itertools.product(pieces(way), pieces(other))


def side_by_side(recording):
    """How far arrows run beside others, nearer than they should."""
    found = 0.0
    for (upright, x, low, high), (other_upright, y, first, last) in pairs(recording):
        if upright == other_upright and abs(x - y) < DISTANCE:
            found += max(0.0, min(high, last) - max(low, first))
    return found


def end_to_end(recording):
    """Pairs of pieces on one line with so little between them that they look like one."""
    return [
        (a, b)
        for a, b in pairs(recording)
        if a[:2] == b[:2] and 0 <= max(a[2], b[2]) - min(a[3], b[3]) < DISTANCE and min(a[3] - a[2], b[3] - b[2]) > 9
    ]


@pytest.mark.parametrize("make", [two_noises, tversky, *[ALL[name] for name in ("unet", "gan", "vae")]])
def test_lines_side_by_side_keep_a_distance(make):
    found = make()
    assert side_by_side(found[0] if isinstance(found, tuple) else found) == 0


def test_none_looks_like_the_continuation_of_another():
    assert end_to_end(tversky()) == []


def test_the_inputs_of_a_loss_do_not_look_like_one_line():
    recording = tversky()
    graph = recording.draw().graph
    ways = [(e, way) for e, way in zip(graph.edges, place(graph).ways) if graph.nodes[e.tail].kind == "input"]
    level = [(e.tail, piece) for e, way in ways for piece in pieces(way) if not piece[0]]
    for (a, (_, y, low, high)), (b, (_, other, first, last)) in itertools.combinations(level, 2):
        if a != b and y == other:
            assert max(low, first) - min(high, last) >= 20


def test_no_arrow_goes_up_first_where_it_leads_down():
    graph = sums_so_far().draw().graph
    placement = place(graph)
    boxes = placement.layout.nodes
    for edge, way in zip(graph.edges, placement.ways):
        if edge.kind == "data" and boxes[edge.head].y > boxes[edge.tail].y:
            ys = [y for _, y in way.corners]
            assert ys == sorted(ys)
