"""A picture that would be a long strip is drawn in columns, and everything that passes from one to the next is led."""

from __future__ import annotations

import itertools

import pytest

import eagerflow as ef
import viz
from eagerflow import layers
from tests.viz.picture.architectures import anew, conv, fitted, numbers
from tests.viz.picture.geometry import crossings, faults, picture
from viz.geometry.placement import place


def deep(count, name="deep"):
    """Convolutions one behind the other, of which no two are equal."""
    body = [conv(2 + n, activation="relu", name=f"conv_{n}") for n in range(count)]
    model = ef.Sequential([layers.Input((8, 8, 1)), *body], name=name)
    return fitted(model, numbers(2, 8, 8, 1), numbers(2, 8, 8, 1 + count))[0]


def drawn(count, **options):
    drawing = anew(lambda: deep(count))().draw(collapse_repeats=False, **options)
    return drawing, place(drawing.graph, drawing.rankdir)


@pytest.mark.parametrize("options", [{}, {"view": "layers"}, {"view": "forward", "rankdir": "LR"}])
def test_a_strip_becomes_columns_in_which_nothing_is_wrong(options):
    drawing, placed = drawn(22, **options)
    assert 0.4 < placed.area.w / placed.area.h < 2.5
    seen = picture(drawing.svg, drawing.graph)
    assert {name: count for name, count in faults(seen).items() if count} == {}
    assert crossings(seen.arrows) == 0


def test_a_frame_that_is_cut_says_that_it_goes_on():
    drawing, placed = drawn(22)
    (frame,) = [id_ for id_, frame in drawing.graph.clusters.items() if frame.title == "deep"]
    assert next(title.lines[0] for title in placed.layout.titles_of(frame)) == "deep"
    assert {title.lines[0] for title in placed.layout.titles_of(frame)[1:]} == {"deep, continued"}
    assert f'id="{frame}_2"' in drawing.svg
    assert not any(pieces for id_, pieces in placed.layout.pieces.items() if id_ != frame)


def test_what_fits_on_two_screens_stays_whole():
    drawing, placed = drawn(5)
    assert not placed.layout.pieces
    assert "continued" not in drawing.svg


def test_a_thread_of_two_screens_is_drawn_in_columns_too():
    model = ef.Sequential([layers.Input((4,)), *[layers.Dense(4) for _ in range(23)]], name="thread")
    drawing = viz.model_to_dot(model, show_shapes=True)
    area = place(drawing.graph).area
    assert area.h < 1.5 * area.w
    short = ef.Sequential([layers.Input((4,)), *[layers.Dense(4) for _ in range(9)]])
    area = place(viz.model_to_dot(short, show_shapes=True).graph).area
    assert area.h > 3 * area.w


def test_a_step_in_columns_reads_on_at_the_top():
    drawing, placed = drawn(22)
    boxes = placed.layout.nodes
    forward = [boxes[node.id] for node in drawing.graph.nodes.values() if node.lane == "forward" and node.kind == "op"]
    back = [(a, b) for a, b in itertools.pairwise(forward) if b.y < a.y]
    assert back
    assert all(b.x > a.x + a.w for a, b in back)
