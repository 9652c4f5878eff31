"""Above a picture stands the name of the model that ran, not of a part of it."""

from __future__ import annotations

import numpy as np

import eagerflow as ef
import viz
from eagerflow import layers, ops


def title(run):
    with viz.trace() as t:
        run()
    return t.draw().graph.title


def nested(name):
    base = ef.Sequential([ef.Input((4,)), layers.Dense(3, name="inside")], name="base")
    base.trainable = False
    given = ef.Input((4,))
    model = ef.Model(given, layers.Dense(1)(base(given)), name=name)
    model.compile("sgd", "mse")
    return model


def test_a_model_around_others_gives_its_name():
    x, y = np.ones((2, 4), "float32"), np.ones((2, 1), "float32")
    model = nested("frozen")
    assert title(lambda: model.train_on_batch(x, y)) == "frozen"
    assert title(lambda: model(x)) == "frozen"
    assert title(lambda: model.fit(x, y, verbose=0)) == "frozen"


def test_a_tower_that_runs_twice_is_a_part():
    tower = ef.Sequential([ef.Input((4,)), layers.Dense(3)], name="tower")
    left, right = ef.Input((4,)), ef.Input((4,))
    model = ef.Model([left, right], ops.abs(tower(left) - tower(right)), name="siamese")
    assert title(lambda: model([np.ones((2, 4)), np.ones((2, 4))])) == "siamese"


def test_models_beside_each_other_are_all_named():
    models = [ef.Sequential([layers.Dense(4)], name=name) for name in ("generator", "critic", "judge", "jury")]
    x = ops.ones((2, 4))
    assert title(lambda: models[1](models[0](models[0](x)))) == "generator, critic"
    assert title(lambda: [model(x) for model in models]) == "generator, critic, judge, …"
