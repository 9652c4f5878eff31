"""What comes from outside is called as in the code that it is given to."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers, ops
from tests.viz.recorder.names.inputs import called, net, run

real = ef.Tensor(np.ones((4, 3), "float32"))


class Held:
    noise = np.ones((4, 3), "float32")


@pytest.mark.parametrize(
    ("call", "names"),
    [
        (lambda: net()(real, training=True), ["real"]),
        (lambda: net()(Held.noise), ["noise"]),
        (lambda: net()({"words": real}["words"]), ["words"]),
        (lambda: net()(ef.ops.convert_to_tensor(Held.noise)), ["noise"]),
        (lambda: net()(Held.noise.astype("float32")), ["noise"]),
        (lambda: net()(Held.noise[:2]), ["noise"]),
        (lambda: net()(np.ones((4, 3), "float32")), ["input"]),
        (lambda: net()(np.ones_like(real)), ["ones_like(real)"]),
        (lambda: ops.concatenate([real, Held.noise], axis=0), ["noise", "real"]),
        (lambda: real - Held.noise, ["noise", "real"]),
        (lambda: ops.sum(real, 0), ["real"]),
        (lambda: real * ops.exp(Held.noise), ["noise", "real"]),
    ],
)
def test_variables_attributes_and_keys_give_their_names(call, names):
    assert run(call) == names


def test_the_call_is_found_where_it_stands_on_several_lines():
    model = net()
    with viz.trace() as t:
        model(real, training=True).sum()
    assert called(t) == ["real"]


def test_a_function_calls_what_it_is_given_by_its_own_name():
    def step(batch):
        return net()(batch)

    assert run(lambda: step(real)) == ["batch"]


@pytest.mark.parametrize("way", ["given", "elsewhere", "split"])
def test_fit_gives_the_names_of_its_data_and_of_what_it_evaluates_on_the_way(tmp_path, way):
    x_train, y_train, x_held, y_held = (np.ones((4, width), "float32") for width in (3, 2, 3, 2))
    model = net()
    model.compile("sgd", "mse")
    with viz.trace() as t:
        if way == "given":
            model.fit(x_train, y=y_train, verbose=0, batch_size=4, validation_data=(x_held, y_held))
        elif way == "elsewhere":
            held = x_held, y_held
            model.fit(x_train, y=y_train, verbose=0, batch_size=4, validation_data=held)
        else:
            model.fit(x_train, y=y_train, verbose=0, batch_size=3, validation_split=0.25)
    steps = [t.scopes[step.scope].inputs for step in t.steps]
    evaluated = {"given": ["x_held", "y_held"], "elsewhere": ["", ""], "split": ["x_train", "y_train"]}[way]
    assert [[t.called.get(i, "") for i in given] for given in steps] == [["x_train", "y_train"], evaluated]
    training = {node.title for node in t.draw(step=0).graph.nodes.values() if node.kind == "input"}
    assert training == {"x_train", "y_train (target)"}
    assert viz.load(t.save(tmp_path / "fit.efz")).called == t.called


def test_the_name_that_an_input_has_comes_first():
    model = ef.Model(start := layers.Input((3,), name="image"), layers.Dense(2)(start))
    assert run(lambda: model(real)) == ["image"]


def test_names_tell_no_rounds_of_a_loop_apart():
    critic = net(1)
    games = [np.ones((4, 3), "float32") for _ in range(6)]
    with viz.trace() as t:
        found = [critic(now) + critic(then) for now, then in zip(games[::2], games[1::2], strict=True)]
        ops.stack(found)
    titles = [frame.title for frame in t.draw().graph.clusters.values()]
    assert any("×3" in title for title in titles), titles


def test_without_source_there_are_no_names():
    with viz.trace(source=False) as t:
        net()(real)
    assert t.called == {}


def test_what_is_computed_of_named_arrays_is_called_as_it_was_written():
    done, pixels, rows = np.zeros(3, "float32"), np.ones((2, 3), "float32"), {"x": np.ones((2, 3), "float32")}
    best, model = ef.Tensor([1.0, 2.0, 3.0]), ef.Sequential([ef.layers.Dense(1)])
    model(pixels)
    with viz.trace() as t:
        0.5 * (1 - done) * best
        model(pixels / 255.0)
        model(np.abs(pixels) / 2)  # calls may hold anything
        model(-rows["x"])
    assert called(t) == ["-rows['x']", "0.5 * (1 - done)", "best", "input", "pixels / 255.0"]


def results(recording):
    """The names of what ops made, in the order in which they made it."""
    return [recording.called.get(i, "") for op in recording.ops for i in op.outputs]


def test_several_results_have_the_names_that_they_are_assigned_to():
    with viz.trace() as t:
        first, _, last = ops.split(Held.noise, 3, axis=1)
        parts = ops.split(Held.noise, 3, axis=1)
        [a, b, c] = ops.split(parts[0], [1, 2])
    del first, last, a, b, c
    assert results(t) == ["first", "", "last", "", "", "", "a", "b", "c"]


def test_one_result_has_a_name_where_a_gradient_is_asked_of_it():
    x = ef.Variable([1.0, 2.0])
    with viz.trace() as t, ef.GradientTape() as tape:
        y = ops.exp(x)
        loss = ops.sum(y)
        loss += 1.0
        tape.gradient(loss, x)
    assert [name for name in results(t) if name] == ["loss", "loss"]


def test_results_of_a_layer_have_the_names_of_its_call():
    class Two(layers.Layer):
        def call(self, x):
            return x * 2, x + 1

    with viz.trace() as t:
        doubled, more = Two()(real)
        sequence, state, carry = layers.LSTM(2, return_sequences=True, return_state=True)(np.ones((1, 4, 3), "float32"))
    assert results(t)[:2] == ["doubled", "more"]
    assert [t.called.get(i) for i in t.scopes[-1].outputs] == ["sequence", "state", "carry"]
    del doubled, more, sequence, state, carry


def test_parts_of_arrays_are_called_as_they_were_written_and_so_is_what_was_filled():
    series, cell = np.ones((4, 5, 3), "float32"), ef.Sequential([layers.Dense(2)])
    cell(np.ones((4, 5), "float32"))
    with viz.trace() as t:
        state, n = ops.zeros((4, 2)), 1
        cell(ops.concatenate([state, series[:, n]], axis=1))
    assert called(t) == ["series[:, n]", "state"]


def test_what_a_part_is_taken_of_has_its_name():
    mask = ef.Tensor(np.ones((4, 5), "float32"))
    with viz.trace() as t:
        mask[..., None] * 2.0
    assert called(t) == ["mask"]


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: real * ops.convert_to_tensor([1.0, 2.0, -3.0]), "[1.0, 2.0, -3.0]"),
        (lambda: ops.matmul(real, ef.Tensor([[1.0], [2.0], [3.0]])), "[[1.0], [2.0], [3.0]]"),
        (lambda: ops.matmul(real, [[1.0], [2.0], [3.0]]), "real"),  # whose numbers are settings
        (lambda: ops.reshape(real, (3, 4)), "real"),
        (lambda: ops.take(real, [0, 2], axis=1), "real"),
        (lambda: ops.add(real, np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]] * 2)), "input"),
        (lambda: ops.add(real, ef.Tensor([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6], [0.7, 0.8, 0.9], [1.0, 2.0, 3.0]])), "…"),
    ],
)
def test_numbers_that_were_written_as_such_are_told(call, name):
    assert any(name in each for each in run(call))


def test_what_is_drawn_at_random_is_called_as_the_code_keeps_it_with_the_op_below():
    def step(shape):
        noise = ef.random.normal(shape)
        kept = layers.GaussianNoise(0.5)(noise, training=True)  # which draws numbers of its own
        return kept + 2 * ef.random.uniform(shape)

    with viz.trace() as t:
        step((4, 3))
    boxes = [(node.title, node.lines[0]) for node in t.draw().graph.nodes.values()]
    assert ("noise", "random_normal") in boxes
    titles = [title for title, _ in boxes]
    assert titles.count("random_normal") == titles.count("random_uniform") == 1
