"""Optimizers of one name say what they train, wherever a recording names them."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers, ops


def dense(name, width=2):
    return ef.Sequential([layers.Input((2,)), layers.Dense(width)], name=name)


def recorded(*trained):
    """A step in which each optimizer changes its own models, all for one loss."""
    x = np.ones((4, 2), "float32")
    models = [model for _, mine in trained for model in mine]
    with viz.trace() as t:
        with ef.GradientTape(persistent=True) as tape:
            loss = sum(ops.mean(model(x) ** 2) for model in models)
        for optimizer, mine in trained:
            weights = [w for model in mine for w in model.trainable_variables]
            optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
    return t


def names(recording):
    return [scope.name for scope in recording.scopes if scope.kind == "optimizer"]


@pytest.fixture
def adams():
    return ef.optimizers.Adam(), ef.optimizers.Adam()


def test_two_of_one_name_are_told_apart_by_what_they_train(adams):
    t = recorded((adams[0], [dense("generator")]), (adams[1], [dense("critic")]))
    assert names(t) == ["adam of generator", "adam of critic"]
    assert "adam of critic (Adam)" in t.summary()
    assert {"adam of generator", "adam of critic"} <= {node.title for node in t.draw().graph.nodes.values()}


def test_models_whose_names_nobody_chose_are_called_as_the_code_keeps_them(adams):
    maker, critic = dense(None), dense(None)
    x = np.ones((4, 2), "float32")
    with viz.trace() as t:
        with ef.GradientTape() as tape:
            loss = ops.mean(critic(maker(x)))
        weights = [*maker.trainable_variables, *critic.trainable_variables]
        gradients = tape.gradient(loss, weights)
        adams[0].apply(gradients[:2], weights[:2])
        adams[1].apply(gradients[2:], weights[2:])
    assert names(t) == ["adam of maker", "adam of critic"]


def test_optimizers_of_parts_of_one_model_name_the_layers(adams):
    given = layers.Input((2,))
    model = ef.Model(given, layers.Dense(2, name="head")(layers.Dense(3, name="body")(given)), name="whole")
    with viz.trace() as t:
        with ef.GradientTape() as tape:
            loss = ops.mean(model(np.ones((4, 2), "float32")))
        weights = model.trainable_variables
        gradients = tape.gradient(loss, weights)
        for adam, own in zip(adams, (slice(0, 2), slice(2, 4))):
            adam.apply(gradients[own], weights[own])
    assert names(t) == ["adam of body", "adam of head"]
