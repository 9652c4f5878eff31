"""A picture that would be a long strip is drawn in columns, and everything that passes from one to the next is led."""

from __future__ import annotations

import itertools

import pytest

import eagerflow as ef
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


FORWARD = {"view": "forward"}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"view": "layers"},
        {**FORWARD, "rankdir": "LR"},
        {**FORWARD, "rankdir": "BT"},
        {**FORWARD, "rankdir": "RL"},
        {"rankdir": "BT"},
    ],
)
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


def test_a_step_in_columns_reads_on_at_the_top():
    drawing, placed = drawn(22)
    boxes = placed.layout.nodes
    forward = [boxes[node.id] for node in drawing.graph.nodes.values() if node.lane == "forward" and node.kind == "op"]
    back = [(a, b) for a, b in itertools.pairwise(forward) if b.y < a.y]
    assert back
    assert all(b.x > a.x + a.w for a, b in back)


def unet():
    x = start = layers.Input((16, 16, 1))
    skips = []
    for filters in (2, 4):
        x = conv(filters, activation="relu")(conv(filters, activation="relu")(x))
        skips.append(x)
        x = layers.MaxPooling2D()(x)
    x = conv(8, activation="relu")(conv(8, activation="relu")(x))
    for filters in (4, 2):
        x = layers.Concatenate()([layers.UpSampling2D()(x), skips.pop()])
        x = conv(filters, activation="relu")(conv(filters, activation="relu")(x))
    last = conv(1, 1, activation="sigmoid")(x)
    model = ef.Model(start, last, name="unet")
    return fitted(model, numbers(2, 16, 16, 1), numbers(2, 16, 16, 1) > 0, "binary_crossentropy")[0]


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
