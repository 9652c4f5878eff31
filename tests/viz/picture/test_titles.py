"""Above a picture stands the name of the model that ran, not of a part of it; frames name what is folded in them."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers, ops
from viz import page


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


class Turns(ef.Model):
    """One of two layers, by the sign of the mean."""

    def __init__(self):
        super().__init__()
        self.of_each = [layers.Dense(4, kernel_initializer=ef.initializers.Identity(-1.0), name=n) for n in ("a", "b")]

    def call(self, x):
        for _ in range(4):
            x = self.of_each[float(ops.mean(x)) > 0](x)
        return ops.while_loop(lambda v: ops.sum(ops.abs(v)) < 100, lambda v: (v * 2,), (x,))[0]


def test_frames_name_all_layers_that_take_turns_and_the_loop():
    model = Turns()
    with viz.trace() as t:
        model(np.ones((2, 4), "float32"))
    titles = [frame.title for frame in t.draw().graph.clusters.values()]
    assert titles[1:] == ["b, a  ×4", "b, a", "while_loop  ×4"]
    assert [node.title for node in t.draw(view="layers").graph.nodes.values() if node.kind == "scope"] == ["b, a"]
    written = page.data(t)
    ((_, view),) = written["views"]
    assert {"b, a  ×4", "b, a", "while_loop  ×4"} <= {written["texts"][i] for i in view["tree"]["blocks"]["title"]}


@pytest.mark.parametrize("depth", [0, 9])
def test_what_wraps_the_function_of_a_loss_or_metric_is_not_named(depth):
    """Nobody wrote `LossFunctionWrapper`: the title is the function's name, and says it all."""
    model = ef.Sequential([ef.Input((4,)), layers.Dense(3)])
    model.compile("sgd", "huber", metrics=["mse"])
    with viz.trace() as t:
        model.train_on_batch(np.ones((2, 4), "float32"), np.ones((2, 3), "float32"))
    graph = t.draw(depth=depth).graph
    said = [(frame.title, frame.subtitle) for frame in graph.clusters.values()]
    said += [(node.title, "  ".join(node.lines)) for node in graph.nodes.values()]
    assert [title for title, _ in said if "huber" in title]
    assert [each for each in said if "Wrapper" in each[1]] == []


def test_rounds_with_a_layer_say_which_of_its_calls_they_are():
    """A frame called after the calls in it, with a frame of one of them inside, says the same name thrice."""
    net, x = ef.Sequential([ef.Input((4,)), layers.Dense(4, name="inner")], name="net"), np.ones((2, 4), "float32")
    with viz.trace() as t:
        y = ops.tanh(net(x))
        for _ in range(4):
            y = net(y) + x
    titles = [frame.title for frame in t.draw().graph.clusters.values()]
    assert titles == ["net", "inner", "round with net  ×4", "net (calls 2–5)", "inner (calls 2–5)"]


class Doubled(ef.Model):
    def __init__(self):
        super().__init__()
        self.inner = layers.Dense(2)

    def call(self, x):
        return self.inner(self.inner(x))


def test_a_picture_of_a_model_of_ones_own_class_says_which():
    x = np.ones((3, 2), "float32")
    m = Doubled()  # which tells less than the class
    assert title(lambda: m(x)) == "doubled"
    critic = Doubled()
    assert title(lambda: critic(x)) == "critic (Doubled)"
    doubled = Doubled()
    assert title(lambda: doubled(x)) == "doubled"
