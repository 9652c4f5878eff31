"""Boxes of weights name them all, say whose they are, and tell frozen ones from what is no weight."""

from __future__ import annotations

import re

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers, ops
from eagerflow.core import observe
from tests.viz.nets import Trainer, mlp
from viz.facts.schema import Record, TensorInfo
from viz.facts.selection import update_passes
from viz.geometry.layout import node_size
from viz.geometry.text_sizes import text_width
from viz.picture import box_texts


def frozen_base():
    base = ef.Sequential([layers.Dense(4, name="inside"), layers.BatchNormalization(name="norm")], name="base")
    base.trainable = False
    model = ef.Sequential([base, layers.Dense(1, name="head")], name="transfer")
    model.compile("sgd", "mse")
    with viz.trace() as t:
        model.train_on_batch(np.ones((2, 3), "float32"), np.ones((2, 1), "float32"))
    return t


def test_roles_tell_trained_frozen_and_other_variables_apart():
    found = {info.name: info.role for info in frozen_base().tensors if info.name and not info.version}
    assert {name.rsplit("/", 2)[-2:][0] + "/" + name.rsplit("/", 1)[-1]: role for name, role in found.items()} == {
        "inside/kernel": "frozen",
        "inside/bias": "frozen",
        "norm/gamma": "frozen",
        "norm/beta": "frozen",
        "norm/moving_mean": "state",
        "norm/moving_variance": "state",
        "head/kernel": "parameter",
        "head/bias": "parameter",
    }


def test_pictures_have_a_kind_for_them():
    t = frozen_base()
    drawing = t.draw()
    kinds = [node.phase for node in drawing.graph.nodes.values() if node.kind == "parameter"]
    assert kinds == ["frozen", "frozen", "parameter"]
    assert "frozen weight" in drawing.svg
    assert ">state<" not in drawing.svg


def test_the_summary_counts_them():
    assert "trained: 5 numbers, frozen: 24, other state: 8" in str(frozen_base().summary())


def test_a_variable_that_never_was_trained_is_not_frozen():
    assert not ef.Variable(1.0, trainable=False).frozen
    weight = ef.Variable(1.0)
    weight.trainable = False
    assert weight.frozen
    weight.trainable = True
    assert not weight.frozen


def test_what_no_optimizer_changes_has_a_line_of_its_own_beside_what_is_trained():
    model = ef.Sequential([ef.Input((8,)), layers.BatchNormalization(), layers.Dense(2)])
    model.compile("adam", "mse")
    with viz.trace() as t:
        model.train_on_batch(np.ones((4, 8), "float32"), np.ones((4, 2), "float32"))
    boxes = [(node.title, node.lines) for node in t.draw().graph.nodes.values() if node.kind == "parameter"]
    assert boxes == [
        ("gamma, beta", ["2 × 8 f32", "state: 2 × 8 f32", "128 B"]),
        ("kernel, bias", ["8×2 f32", "2 f32", "72 B"]),
    ]


def variables(*names, role="parameter"):
    return [TensorInfo(i, (4,), "float32", 16, role, name=name) for i, name in enumerate(names)]


def test_the_weights_of_both_directions_are_named_with_their_layers():
    both = layers.Bidirectional(layers.LSTM(4, name="lstm"))
    model = ef.Sequential([layers.Input((5, 3)), both])
    with viz.trace() as t:
        model(np.ones((2, 5, 3), "float32"))
    (box,) = [node for node in t.draw().graph.nodes.values() if node.kind == "parameter"]
    assert box.title == "kernel, recurrent_kernel, bias"
    assert box.lines[:2] == ["of forward_lstm, backward_lstm", "2 × 3×16 f32"]
    assert all(text_width(line, 11) < node_size(box)[0] for line in (box.title, *box.lines))


def weights(tensors):
    return box_texts.weights(Record(tensors=tensors), tensors)


def test_very_many_are_counted():
    _, lines = weights(variables(*[f"a/w{i}" for i in range(12)]))
    assert lines[7:9] == ["w7 4 f32", "and 4 more"]


class Policy(ef.Model):
    def __init__(self):
        super().__init__(name="policy")
        self.mean = layers.Dense(2)
        self.log_std = self.add_weight(shape=(2,), initializer="zeros", name="log_std")

    def call(self, inputs):
        return self.mean(inputs), self.log_std


def test_a_weight_that_code_outside_of_its_layer_reads_says_whose_it_is():
    policy = Policy()
    with viz.trace() as t:
        mean, log_std = policy(np.ones((4, 3), "float32"))
        ops.mean(mean * ops.exp(log_std))
    lines = {node.title: node.lines for node in t.draw().graph.nodes.values() if node.kind == "parameter"}
    assert lines["log_std"][0] == "of policy"
    assert lines["kernel, bias"][0] == "3×2 f32"


@pytest.fixture(scope="module")
def trained():
    trainer = Trainer(mlp("net", 2), ef.optimizers.Adam(0.01))
    trainer.step()
    with viz.trace() as t:
        trainer.step()
    return t


def costs(recording, **options):
    """What the boxes of updates say."""
    nodes = recording.draw(**options).graph.nodes.values()
    return [(node.lines[-1], node.tooltip) for node in nodes if node.kind == "update"]


def test_parts_of_a_pass_are_known_by_their_times(trained):
    (ran,) = update_passes(trained)
    assert [trained.ops[i].name for i in ran] == ["adam_update"] * 6


def test_boxes_of_single_weights_show_a_share(trained):
    found = costs(trained)
    assert len(found) == 3
    for text, tooltip in found:
        assert re.fullmatch(r"2 ops · .+ \(share\)", text)
        assert "in one pass: this is a share of its time" in tooltip


def test_the_box_of_the_whole_pass_shows_its_time(trained):
    ((text, tooltip),) = costs(trained, depth=0)
    assert re.fullmatch(r"6 ops · [^()]+", text)
    assert "in one pass" not in tooltip


def test_updates_that_were_measured_one_by_one_are_no_shares():
    weights = [ef.Variable([1.0, 2.0], name=name) for name in ("a", "b")]
    with viz.trace() as t, observe.scope("optimizer", "by hand"):
        for weight in weights:
            weight.assign_add(ef.ops.ones(2))
    assert [op.phase for op in t.ops if op.name == "assign_add"] == ["update", "update"]
    assert update_passes(t) == []


@pytest.fixture(scope="module")
def equal():
    """A training step of four equal layers between two others."""
    model = ef.Sequential([layers.Dense(6, name="first", activation="relu"), *[layers.Dense(6) for _ in range(4)]])
    model.add(layers.Dense(2, name="last"))
    model.compile("adam", "mse")
    x, y = np.ones((3, 5), "float32"), np.ones((3, 2), "float32")
    model.train_on_batch(x, y)
    with viz.trace() as recording:
        model.train_on_batch(x, y)
    return recording


def told(graph) -> dict[str, list[str]]:
    """For each frame of a layer, what it and the boxes in it say that is no shape."""
    found = {}
    for frame in graph.clusters.values():
        boxes = [node for node in graph.nodes.values() if node.cluster == frame.id]
        found[frame.title] = [frame.subtitle, *[node.lines[-1] for node in boxes]]
    return found


def test_all_numbers_of_a_folded_frame_are_said_to_be_together(equal):
    frames = told(equal.draw().graph)
    (title,) = [title for title in frames if "×4" in title]
    assert "168 parameters together" in frames[title][0]
    assert all(said.endswith(" together") for said in frames[title])
    assert any("672 B together" in said for said in frames[title])
    assert not any("together" in said for name in ("first", "last") for said in frames[name])
