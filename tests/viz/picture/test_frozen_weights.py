"""Weights that were frozen are told from what is no weight, such as moving averages."""

from __future__ import annotations

import numpy as np

import eagerflow as ef
import viz
from eagerflow import layers


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
    assert "frozen weights" in drawing.svg
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
