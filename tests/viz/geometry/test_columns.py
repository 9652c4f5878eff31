"""A picture that would be a long strip is drawn in columns, and everything that passes from one to the next is led."""

from __future__ import annotations

import itertools

import pytest

import eagerflow as ef
from eagerflow import layers
from tests.viz.picture.architectures import anew, conv, fitted, numbers
from viz.geometry.placement import place


def deep(count, name="deep"):
    """Convolutions one behind the other, of which no two are equal."""
    body = [conv(2 + n, activation="relu", name=f"conv_{n}") for n in range(count)]
    model = ef.Sequential([layers.Input((8, 8, 1)), *body], name=name)
    return fitted(model, numbers(2, 8, 8, 1), numbers(2, 8, 8, 1 + count))[0]


def drawn(count, **options):
    drawing = anew(lambda: deep(count))().draw(collapse_repeats=False, **options)
    return drawing, place(drawing.graph, drawing.rankdir)


def test_a_frame_that_is_cut_says_that_it_goes_on():
    drawing, placed = drawn(22)
    (frame,) = [id_ for id_, frame in drawing.graph.clusters.items() if frame.title == "deep"]
    assert next(title.lines[0] for title in placed.layout.titles_of(frame)) == "deep"
    assert {title.lines[0] for title in placed.layout.titles_of(frame)[1:]} == {"deep, continued"}
    assert f'id="{frame}_2"' in drawing.svg
    assert not any(pieces for id_, pieces in placed.layout.pieces.items() if id_ != frame)


def test_a_step_in_columns_reads_on_at_the_top():
    drawing, placed = drawn(22)
    boxes = placed.layout.nodes
    forward = [boxes[node.id] for node in drawing.graph.nodes.values() if node.lane == "forward" and node.kind == "op"]
    back = [(a, b) for a, b in itertools.pairwise(forward) if b.y < a.y]
    assert back
    assert all(b.x > a.x + a.w for a, b in back)


def with_skips(count):
    """Convolutions one behind the other, and what reads the last and four of the first."""
    x = start = layers.Input((8, 8, 1))
    made = []
    for n in range(count):
        x = conv(2 + n, activation="relu", name=f"conv_{n}")(x)
        made.append(x)
    model = ef.Model(start, layers.Concatenate()([*made[:4], x]), name="skipping")
    return fitted(model, numbers(2, 8, 8, 1), numbers(2, 8, 8, sum(range(2, 6)) + 1 + count))[0]


@pytest.mark.parametrize(("count", "is_cut"), [(13, False), (20, True)])
def test_where_many_arrows_pass_only_a_very_long_picture_is_cut(count, is_cut):
    drawing = anew(lambda: with_skips(count))().draw(view="forward", collapse_repeats=False, max_nodes=200, depth=9)
    placed = place(drawing.graph)
    assert placed.area.h > 2200 or is_cut
    assert bool(placed.layout.pieces) == is_cut
