"""What a model is given has the names that the user gave its inputs."""

from __future__ import annotations

import numpy as np

import eagerflow as ef
import viz
from eagerflow import layers


def two_towers(as_dict=False, names=("left", "right")):
    encoder = ef.Sequential([layers.Input((4,), name="inner"), layers.Dense(3)])
    left, right = [layers.Input((4,), name=name) for name in names]
    inputs = {"right": right, "left": left} if as_dict else [left, right]
    return ef.Model(inputs, layers.subtract([encoder(left), encoder(right)]))


def boxes(recording):
    return {node.title: node.lines[0] for node in recording.draw().graph.nodes.values() if node.kind == "input"}


def test_boxes_have_the_names_of_the_outermost_model_in_its_order():
    model = two_towers()
    with viz.trace() as t:
        model([np.ones((2, 4), "float32"), np.zeros((5, 4), "float32")[:2]])
    assert [t.tensors[i].name for i in t.scopes[0].inputs] == ["left", "right"]
    assert set(boxes(t)) == {"left", "right"}


def test_a_dict_gives_its_keys_whatever_the_order(tmp_path):
    model = two_towers(as_dict=True)
    model.compile("sgd", "mse")
    data = {"left": np.full((8, 4), 2.0), "right": np.ones((8, 4))}
    with viz.trace(stats="basic") as t:
        model.fit(data, np.ones((8, 3)), verbose=0)
    loaded = viz.load(t.save(tmp_path / "towers.efz"))
    given = {info.name: info.stats.mean for info in loaded.tensors if info.role == "input"}
    assert (given["left"], given["right"]) == (2.0, 1.0)
    assert set(boxes(loaded)) == {"left", "right", "target"}


class Own(ef.Model):
    def __init__(self):
        super().__init__()
        self.out = layers.Dense(1)

    def call(self, data):
        return self.out(data["words"]) + self.out(data["marks"])


def test_keys_name_the_inputs_of_a_model_with_a_call_of_its_own():
    with viz.trace() as t:
        Own()({"words": np.ones((2, 3), "float32"), "marks": np.zeros((2, 3), "float32")})
    assert set(boxes(t)) == {"words", "marks"}


def test_numbers_that_were_made_up_tell_several_inputs_apart_if_nothing_else_does():
    model = two_towers(names=(None, None))
    given = [np.ones((2, 4), "float32"), np.zeros((2, 4), "float32")]
    with viz.trace() as t:
        model(given)
    first, second = model.input_names
    assert set(boxes(t)) == {first, second}
    assert first.startswith("input_layer")
    left, right = given
    with viz.trace() as t:
        model([left, right])
    assert set(boxes(t)) == {"left", "right"}


class Secretive(Own):
    @property
    def input_names(self):
        raise RuntimeError("nobody may ask")

    def call(self, data):
        return self.out(data)


def test_a_property_that_raises_breaks_no_run():
    with viz.trace() as t:
        Secretive()(np.ones((2, 3), "float32"))
    assert set(boxes(t)) == {"data"}


def test_losses_metrics_and_targets_are_called_after_their_output():
    given = layers.Input((4,))
    hidden = layers.Dense(3)(given)
    heads = {"main": layers.Dense(2, "softmax")(hidden), "aux": layers.Dense(1)(hidden)}
    model = ef.Model(given, heads)
    model.compile("sgd", {"main": "sparse_categorical_crossentropy", "aux": "mse"}, metrics={"main": ["accuracy"]})
    with viz.trace() as t:
        model.train_on_batch(np.ones((2, 4), "float32"), {"main": np.array([0, 1]), "aux": np.ones((2, 1), "float32")})
    assert {scope.name for scope in t.scopes if scope.kind == "loss"} == {
        "main_sparse_categorical_crossentropy",
        "aux_mean_squared_error",
    }
    assert {"main_accuracy"} <= {scope.name for scope in t.scopes if scope.kind == "metric"}
    assert {"main target", "aux target"} <= set(boxes(t))
