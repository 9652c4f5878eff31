"""Layers and models whose names nobody chose are called as what the user's code keeps them in."""

from __future__ import annotations

import numpy as np

import eagerflow as ef
import viz
from eagerflow import layers, ops
from viz.cli import main

x = np.ones((4, 3), "float32")


def net(**given):
    return ef.Sequential([layers.Input((3,)), layers.Dense(3)], **given)


def drawn(recording):
    return recording.draw(collapse_repeats=False).graph


def titles(recording):
    return {frame.title for frame in drawn(recording).clusters.values()}


class Towers(ef.Model):
    def __init__(self):
        super().__init__()
        self.img = layers.Dense(3)
        self.steps = [layers.Dense(3), layers.Dense(3)]
        self.named = layers.Dense(3, name="chosen")

    def call(self, inputs):
        found = self.img(inputs)
        for step in self.steps:
            found = step(found)
        return self.named(found)


def test_variables_that_the_code_calls_are_names():
    q, target, chosen = net(), net(), net(name="chosen")
    nets = {"a": net()}
    with viz.trace() as t:
        ops.mean(q(x) - target(x) + chosen(x) + nets["a"](x))
    assert {scope.called for scope in t.scopes if scope.kind == "model"} == {"q", "target", "", "nets['a']"}
    assert titles(t) >= {"q", "target", "chosen", "nets['a']"}


def judged(critic, given):
    return critic(given)


def test_a_function_that_is_given_several_models_calls_them_as_its_caller_does():
    first, second = net(), net()
    with viz.trace() as t:
        judged(first, x) + judged(second, x)
    assert [scope.called for scope in t.scopes if scope.kind == "model"] == ["first", "second"]


def test_what_is_not_sure_is_no_name():
    pair = [net(), net()]
    with viz.trace() as t:
        for critic in pair:  # one name for two
            critic(x)
        layer = net()
        layer(x)  # which says nothing
    assert [scope.called for scope in t.scopes if scope.kind == "model"] == [""] * 3


def test_a_plain_model_is_called_model_or_net_where_the_code_says_no_more():
    model, network = net(), Towers()
    with viz.trace() as t:
        model(x)
        network(x)  # a class of one's own has a name that tells more
    assert [scope.shown for scope in t.scopes if scope.kind == "model"] == ["model", network.name]


def test_the_names_of_weights_have_the_layers_as_they_are_shown(tmp_path, capsys):
    critic = net()
    critic.compile("adam", "mse")
    critic.train_on_batch(x, x)
    with viz.trace() as t:
        critic.train_on_batch(x, x)
    dense = critic.layers[0].name
    kernel = next(info.id for info in t.tensors if info.role == "parameter" and info.name.endswith("kernel"))
    assert t.shown(kernel) == f"critic/{dense}/kernel"
    assert t.shown(kernel, layers=False) == t.tensors[kernel].name == f"{critic.name}/{dense}/kernel"
    path = str(t.save(tmp_path / "critic.efz"))
    for command in ("top", "memory"):
        main([command, path])
        assert f"critic/{dense}/kernel" in capsys.readouterr().out


def test_tables_call_layers_as_pictures_do(tmp_path, capsys):
    towers = Towers()
    with viz.trace() as t:
        towers(x)
    assert "img (Dense)" in str(t.summary())
    assert "towers/img" in str(t.top())
    assert "towers/steps[1]" in str(t.top(by="layer"))
    assert [op.name for op in t.find(layer="img")] == [op.name for op in t.find(layer=towers.img.name)] == ["dense"]
    main(["show", str(t.save(tmp_path / "towers.efz"))])
    assert "img (Dense)" in capsys.readouterr().out
