"""Variables whose names nobody chose are called as what the user's code holds them in."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers, ops
from viz import page

x, y = np.ones((5, 3), "float32"), np.ones((5, 1), "float32")
w = ef.Variable(np.ones((3, 4), "float32"))


def made(*shape):
    return ef.Variable(np.ones(shape, "float32"))


def shown(call):
    with viz.trace() as t:
        call()
    return [t.shown(tensor.id) for tensor in t.tensors if tensor.role == "parameter"]


def dense(given, weight):
    return given @ weight


class Tanh:
    def __init__(self):
        self.w1, self.w2 = made(3, 4), made(4, 1)
        self.all = [self.w1, self.w2]

    def forward(self, given):
        return dense(ops.tanh(dense(given, self.w1)), self.w2)


def two_locals():
    first, second = made(3, 4), made(4, 1)
    return lambda: dense(dense(x, first), second)


def a_list():
    weights = [made(3, 4), made(4, 1)]

    def forward():
        found = x
        for each in weights:
            found = found @ each
        return found

    return forward


def a_dict():
    params = {"w": made(3, 4), "v": made(4, 1)}
    return lambda: dense(dense(x, params["w"]), params["v"])


@pytest.mark.parametrize(
    ("call", "names"),
    [
        (lambda: x @ w, ["w"]),
        (two_locals(), ["first", "second"]),
        (lambda net=Tanh(): net.forward(x), ["w1", "w2"]),  # noqa: B008
        (a_list(), ["weights[0]", "weights[1]"]),
        (a_dict(), ["params['w']", "params['v']"]),
    ],
)
def test_what_holds_a_variable_is_its_name(call, names):
    assert shown(call) == names


def test_a_name_that_was_chosen_stays_and_so_does_that_of_the_variable():
    kernel = ef.Variable(x.T, name="chosen")
    other = made(3, 4)
    assert shown(lambda: x @ kernel @ x @ other) == ["chosen", "other"]
    assert other.name.startswith("variable")


def test_what_is_not_sure_is_no_name():
    class Linear:
        def __init__(self, *shape):
            self.weight = made(*shape)

        def __call__(self, given):
            return given @ self.weight

    pair = [Linear(3, 4), Linear(4, 1)]
    assert all(name.startswith("variable_") for name in shown(lambda: pair[1](pair[0](x))))
    one = other = made(3, 4)  # two names for one
    assert shown(lambda: x @ one + x @ other)[0].startswith("variable_")


class Scaled(layers.Layer):
    def __init__(self):
        super().__init__(name="scaled")
        self.scale = ef.Variable(np.ones(3, "float32"))
        self.shift = self.add_weight(shape=(3,))

    def call(self, inputs):
        return inputs * self.scale + self.shift


def test_pictures_page_and_tables_show_it(tmp_path):
    model = ef.Sequential([Scaled(), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.train_on_batch(x, y)
    with viz.trace() as t:
        model.train_on_batch(x, y)
    for found in (t, viz.load(t.save(tmp_path / "scaled.efz"))):
        titles = {node.title for node in found.draw(collapse_repeats=False).graph.nodes.values()}
        assert {"scale", "scaled/shift"} <= {found.shown(each.id) for each in found.tensors if each.role == "parameter"}
        assert {"scale", "shift"} <= titles
        assert "scaled/shift" in str(found.top(n=50))
        assert "scaled/shift" in page.data(found)["texts"]


class Policy(ef.Model):
    def __init__(self):
        super().__init__(name="policy")
        self.mean, self.log_std = layers.Dense(2), ef.Variable(np.zeros(2, "float32"))

    def call(self, inputs):
        return self.mean(inputs), self.log_std


def test_a_weight_that_a_layer_gives_its_caller_has_the_layers_name_for_it():
    policy = Policy()
    with viz.trace() as t:
        mean, ls = policy(x)
        ops.mean(mean * ops.exp(ls))
    assert "log_std" in [node.title for node in t.draw().graph.nodes.values() if node.kind == "parameter"]
