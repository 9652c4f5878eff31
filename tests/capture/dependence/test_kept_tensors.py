"""Tensors that a layer keeps of its last call: each replay leaves its own, and who reads one gets the right one."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers, ops

CALLS = 12


class Attending(layers.Layer):
    """Keeps its weights for whoever draws them."""

    def call(self, x):
        self.attention = ops.softmax(x)
        return self.attention * x


class Reading(layers.Layer):
    """Goes by what the last call has left, in some way."""

    def __init__(self, way):
        super().__init__()
        self.way, self.last = way, ef.Tensor(np.zeros((3, 3), "float32"))

    def call(self, x):
        given = self.way(self, x)
        self.last = ops.tanh(x)
        return given


class Raising(layers.Layer):
    def call(self, x):
        self.last = ops.tanh(x)
        return ops.cholesky(ops.eye(3) * ops.max(x))


def given(i, rows=3):
    return ef.Tensor(np.random.default_rng(i).normal(size=(rows, 3)).astype("float32"))


def test_each_replay_leaves_its_own():
    layer = Attending()
    step = ef.function(lambda x: layer(x))
    for i in range(CALLS):
        x = given(i, 3 if i % 5 else 2)
        np.testing.assert_array_equal(step(x).numpy(), (ops.softmax(x) * x).numpy())
        np.testing.assert_array_equal(layer.attention.numpy(), ops.softmax(x).numpy())
    assert step.why_eager is None
    assert step.replays >= 4


def test_in_fit_too():
    def trained(captured):
        ef.utils.set_random_seed(3)
        layer = Attending()
        model = ef.Sequential([ef.Input((3,)), layers.Dense(3), layer, layers.Dense(1)])
        model.compile("sgd", "mse", jit_compile=captured)
        found = model.fit(given(1, 40).numpy(), given(2, 40).numpy()[:, :1], batch_size=4, epochs=2, verbose=0)
        replays = sum(step.replays for step in model.captured_steps.values()) if captured else 0
        return found.history, layer.attention.numpy().tobytes(), replays

    *eager, _ = trained(False)
    *captured, replays = trained(True)
    assert eager == captured
    assert replays > 8


WAYS = {
    "its values": lambda self, x: x * float(ops.sum(self.last)),
    "its values in an op": lambda self, x: x + self.last,
    "its shape": lambda self, x: x * self.last.shape[0],
    "whether it is one that was there": lambda self, x: x * (2.0 if self.last is FIRST[0] else 3.0),
    "its data": lambda self, x: x * self.last.data[0, 0],
    "its text": lambda self, x: x * len(repr(self.last)),
    "what a copy holds": lambda self, x: x * np.asarray(self.last)[0, 0],
}
FIRST = [None]


@pytest.mark.filterwarnings("ignore:.* runs eagerly, not captured")
@pytest.mark.parametrize("name", WAYS)
def test_who_reads_the_one_of_the_last_call_gets_it(name):
    def found(captured):
        layer = Reading(WAYS[name])
        FIRST[0] = layer.last
        step, all_of_them = ef.function(lambda x: layer(x)) if captured else layer, []
        for i in range(CALLS):
            if i == 7:
                layer.last = FIRST[0]
            all_of_them.append(step(given(i, 3 if i < 9 or "op" in name else 2)).numpy().tobytes())
        return all_of_them

    assert found(True) == found(False)


@pytest.mark.filterwarnings("ignore:.* runs eagerly, not captured")
def test_where_an_op_raises_behind_it_the_one_of_that_call_is_there():
    layer = Raising()
    step = ef.function(lambda x: layer(x))
    for i in range(CALLS):
        x = given(i) if i < 8 else -ops.abs(given(i))
        if i < 8:
            step(ops.abs(x))
            continue
        with pytest.raises(np.linalg.LinAlgError):
            step(x)
        np.testing.assert_array_equal(layer.last.numpy(), ops.tanh(x).numpy())


@pytest.mark.filterwarnings("ignore:.* runs eagerly, not captured")
def test_what_is_kept_and_given_is_one_tensor():
    class Giving(layers.Layer):
        def call(self, x):
            self.last = ops.tanh(x)
            return self.last

    layer = Giving()
    step = ef.function(lambda x: layer(x))
    for i in range(8):
        assert step(given(i)) is layer.last


def test_a_layer_that_comes_to_keep_something_else_is_captured_again():
    layer = Attending()
    step = ef.function(lambda x: layer(x))
    for i in range(6):
        step(given(i))
    assert step.replays
    layer.attention = None
    np.testing.assert_array_equal(step(given(7)).numpy(), layer(given(7)).numpy())
    np.testing.assert_array_equal(layer.attention.numpy(), ops.softmax(given(7)).numpy())


@pytest.mark.parametrize("cut", [lambda x: x[:, 1:], lambda x: x[0], lambda x: x[..., None, ::2]])
def test_a_part_of_a_tensor_that_is_given_by_numbers_raises_for_no_values(cut):
    class Keeping(layers.Layer):
        def call(self, x):
            self.attention = cut(ops.softmax(x))
            return cut(x) * 2.0

    layer, x = Keeping(), ef.Tensor(np.ones((3, 4), "float32"))
    step = ef.function(lambda x: layer(x))
    for _ in range(6):
        step(x)
    assert step.replays, step.why_eager
