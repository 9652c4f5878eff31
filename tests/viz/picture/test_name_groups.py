"""A model with very many layers is a picture of groups of them, not a single box."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers
from tests.viz.picture.architectures import fitted, numbers
from viz.picture.box_texts import CHAINS


def residual(name=lambda s, b, part: f"stage{s}_block{b}_{part}"):
    """4 stages of 4 blocks with 4 layers each; the first block of a stage is another one than the rest."""
    x = start = layers.Input((6,))
    for stage in range(4):
        for block in range(4):
            around = x
            kinds = ["tanh" if block == 0 else "relu", "sigmoid", "relu"]
            for i, kind in enumerate(kinds):
                x = layers.Dense(6 + (i < 2) * (stage + 1), activation=kind, name=name(stage, block, f"{i}_dense"))(x)
            x = layers.Add(name=name(stage, block, "add"))([x, around])
    return ef.Model(start, layers.Dense(2, name="predictions")(x), name="residual")


@pytest.fixture(scope="module")
def trained():
    model = residual()
    model.compile("sgd", "mse")
    with viz.trace() as t:
        model.fit(np.ones((4, 6)), np.ones((4, 2)), verbose=0)
    return t


def titles(graph):
    return [node.title for node in graph.nodes.values() if node.kind == "scope"]


def test_layers_are_grouped_by_the_words_that_their_names_begin_with(trained):
    graph = trained.draw(max_nodes=50, collapse_repeats=False).graph
    blocks = [f"stage{s}_block{b}" for s in range(4) for b in range(4)]
    assert titles(graph) == blocks
    assert "closed to groups of layers: at most 50 rows" in graph.caption
    assert {"residual", "predictions"} <= {frame.title for frame in graph.clusters.values()}
    shown = [op for node in graph.nodes.values() for op in node.ops]
    assert sorted(shown) == sorted({op.id for op in trained.ops if op.phase in ("forward", "backward", "update")})


def test_equal_groups_are_folded_where_groups_begin(trained):
    graph = trained.draw(max_nodes=30).graph
    assert titles(graph) == [f"stage{s}_block{b}" for s in range(4) for b in (0, 1)]
    folded = [frame.title for frame in graph.clusters.values() if "×3" in frame.title]
    assert folded == [f"stage{s}_block1 … stage{s}_block3  ×3" for s in range(4)]


def test_groups_say_how_many_layers_they_are(trained):
    def lines(**options):
        return [node.lines[0] for node in trained.draw(**options).graph.nodes.values() if node.kind == "scope"]

    assert lines(max_nodes=50, collapse_repeats=False) == ["4 layers"] * 16
    assert lines(max_nodes=12, collapse_repeats=False) == ["16 layers"] * 4
    assert lines(max_nodes=30) == ["4 layers", "4 layers each"] * 4


def test_the_longer_beginning_gives_way_where_it_makes_too_many_groups(trained):
    assert titles(trained.draw(max_nodes=12, collapse_repeats=False).graph) == [f"stage{s}" for s in range(4)]


def test_closed_groups_tell_how_many_parameters_are_in_them(trained):
    graph = trained.draw(max_nodes=50, collapse_repeats=False).graph
    said = {node.title: [line for line in node.lines if "parameter" in line] for node in graph.nodes.values()}
    counts = {"stage0_block0": 7 * 7 + 8 * 7 + 8 * 6, "stage3_block1": 7 * 10 + 11 * 10 + 11 * 6}
    assert {name: said[name] for name in counts} == {name: [f"{n} parameters"] for name, n in counts.items()}


def test_a_layer_that_is_called_again_counts_once():
    shared = layers.Dense(6, name="block_a_shared")
    given = x = ef.Input((6,))
    for i in range(8):
        x = layers.Dense(6, activation=("tanh", "relu")[i % 2], name=f"block_{'ab'[i // 4]}_{i}")(x)
        x = shared(x) if i < 4 else x
    model = ef.Model(given, x, name="calls")
    with viz.trace() as t:
        model(np.ones((2, 6)))
    said = {node.title: node.lines for node in t.draw(max_nodes=2, collapse_repeats=False).graph.nodes.values()}
    assert f"{5 * 42} parameters" in said["block_a"]


# ---------------------------------------------------------------------- chains

BLOCK = "Dense → LayerNormalization → tanh"


def stacked(blocks=9, branch=False):
    """Blocks of three layers, of which only the first has a kernel; `branch`: something else reads the second, too."""
    x = start = layers.Input((6,))
    for i in range(blocks):
        normed = layers.LayerNormalization()(layers.Dense(5 + i)(x))
        x = layers.Activation("tanh")(normed)
        x = layers.Add()([x, normed]) if branch else x
    return fitted(ef.Model(start, layers.Dense(2)(x), name="stacked"), numbers(4, 6), numbers(4, 2))[0]


@pytest.fixture(scope="module")
def chained():
    return stacked()


@pytest.mark.parametrize("view", ["both", "layers"])
def test_a_layer_and_what_only_scales_or_activates_behind_it_are_one_box(chained, view):
    graph = chained.draw(view=view, max_nodes=60).graph
    boxes = [node for node in graph.nodes.values() if node.kind == "scope"]
    assert [node.lines[0] for node in boxes] == [BLOCK] * 9 + ["Dense"]
    assert [node.lines[1] for node in boxes] == [f"→ 4×{5 + i} f32" for i in range(9)] + ["→ 4×2 f32"]
    assert boxes[0].lines[2] == "45 parameters"  # 6 · 5 + 5, and twice 5
    assert [line.split()[0] for line in boxes[0].tooltip.splitlines()] == ["layer"] * 3
    assert "closed to layers, activations and the like in the box before them" in graph.caption


def test_what_others_read_is_seen():
    boxes = [node.lines[0] for node in stacked(branch=True).draw(view="layers", max_nodes=60).graph.nodes.values()]
    assert "Dense → LayerNormalization" in boxes
    assert BLOCK not in boxes


def deep():
    x = start = layers.Input((8, 8, 4))
    for i in range(28):
        x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(4 + i, 3, padding="same")(x)))
    model = ef.Model(start, x)
    with viz.trace() as t, ef.GradientTape() as tape:
        loss = ef.ops.mean(model(np.ones((1, 8, 8, 4), "float32"), training=True))
    tape.gradient(loss, model.trainable_variables)
    return t


def test_a_picture_whose_layers_are_all_closed_has_no_more_boxes_than_the_usual_one():
    t = deep()
    usual, closed, opened = (t.draw(depth=depth).graph for depth in (None, 1, 9))
    assert CHAINS in usual.caption
    assert CHAINS in closed.caption
    assert len(closed.nodes) <= len(usual.nodes) < len(opened.nodes)
    assert CHAINS not in opened.caption
    assert CHAINS not in t.draw(depth=1, collapse_repeats=False).graph.caption
