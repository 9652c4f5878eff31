"""A picture that would be a long strip is drawn in columns, and everything that passes from one to the next is led."""

from __future__ import annotations

import itertools

import numpy as np
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


def test_a_narrow_piece_of_a_frame_says_with_fewer_letters_that_it_goes_on():
    ef.backend.clear_session()
    inputs = layers.Input((10,))
    x = layers.Embedding(50, 16)(inputs)
    for _ in range(2):
        attended = layers.MultiHeadAttention(2, 8)(x, x)
        x = layers.LayerNormalization()(layers.Add()([x, attended]))
        hidden = layers.Dense(16)(layers.Dense(32, activation="gelu")(x))
        x = layers.LayerNormalization()(layers.Add()([x, hidden]))
    answers = layers.Dense(2, activation="softmax")(layers.GlobalAveragePooling1D()(x))
    model = ef.Model(inputs, answers, name="transformer")
    model.compile("adam", "sparse_categorical_crossentropy")
    with viz.trace() as t:
        model.train_on_batch(np.ones((4, 10), "int32"), np.ones(4, "int64"))
    layout = place(t.draw(rankdir="LR").graph, "LR").layout
    pieces = [piece for found in layout.pieces.values() for piece in found]
    assert pieces
    assert all(piece.title is not None and piece.title.lines[0].endswith("continued") for piece in pieces)


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


@pytest.mark.parametrize(("rankdir", "axis"), [("BT", 1), ("RL", 0)])
def test_what_leads_up_or_to_the_left_goes_on_at_its_own_beginning(rankdir, axis):
    drawing, placed = drawn(22, view="forward", rankdir=rankdir)
    boxes = placed.layout.nodes
    forward = [boxes[node.id].middle for node in drawing.graph.nodes.values() if node.kind == "op"]
    back = [(a, b) for a, b in itertools.pairwise(forward) if b[axis] > a[axis]]
    assert 0 < len(back) < 6
    assert all(b[1 - axis] > a[1 - axis] for a, b in back)


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


def test_columns_are_about_equally_long_though_one_more_arrow_passes_a_cut():
    drawing = anew(unet)().draw(view="forward")
    boxes = place(drawing.graph).layout.nodes
    ops = [boxes[node.id] for node in drawing.graph.nodes.values() if node.kind in ("op", "scope")]
    starts = [0, *[i for i, (a, b) in enumerate(itertools.pairwise(ops), 1) if b.x > a.x + a.w and b.y < a.y]]
    columns = [ops[begin:end] for begin, end in zip(starts, [*starts[1:], len(ops)])]
    lengths = [max(box.y + box.h for box in column) - min(box.y for box in column) for column in columns]
    assert len(lengths) > 1
    assert max(lengths) < 1.5 * min(lengths)


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
