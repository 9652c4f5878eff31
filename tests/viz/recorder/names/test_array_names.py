"""What comes from outside is called as the variable of the user's code that holds it."""

from __future__ import annotations

import weakref

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers, ops
from tests.viz.recorder.names.inputs import net, run

real = ef.Tensor(np.ones((4, 3), "float32"))


noise = np.full((4, 3), 2.0, "float32")
batch = {"words": np.full((4, 3), 3.0, "float32")}


@pytest.mark.parametrize(
    ("call", "names"),
    [
        (lambda: net()(real, training=True), ["real"]),
        (lambda: net()(noise), ["noise"]),
        (lambda: net()(batch["words"]), ["words"]),
        (lambda: net()(ef.ops.convert_to_tensor(noise)), ["noise"]),
        (lambda: net()(noise.astype("float64")), ["noise"]),
        (lambda: net()(np.zeros((4, 3), "float32")), ["input"]),
        (lambda: ops.concatenate([real, noise], axis=0), ["noise", "real"]),
        (lambda: real - noise, ["noise", "real"]),
        (lambda: ops.sum(real, 0), ["real"]),
        (lambda: real * ops.exp(noise), ["noise", "real"]),
        (lambda: net()(real / 2), ["real"]),
        (lambda: net()(noise / 2), ["input"]),
    ],
)
def test_variables_and_keys_give_their_names(call, names):
    assert run(call) == names


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
    evaluated = {"given": ["x_held", "y_held"], "elsewhere": ["x_held", "y_held"], "split": ["x_train", "y_train"]}[way]
    assert [[t.called.get(i, "") for i in given] for given in steps] == [["x_train", "y_train"], evaluated]
    training = {node.title for node in t.draw(step=0).graph.nodes.values() if node.kind == "input"}
    assert training == {"x_train", "y_train (target)"}
    assert viz.load(t.save(tmp_path / "fit.efz")).called == t.called


def test_without_source_there_are_no_names():
    with viz.trace(source=False) as t:
        net()(real)
    assert t.called == {}


def results(recording):
    """The names of what ops made, in the order in which they made it."""
    return [recording.called.get(i, "") for op in recording.ops for i in op.outputs]


def test_one_result_has_a_name_where_a_gradient_is_asked_of_it():
    x = ef.Variable([1.0, 2.0])
    with viz.trace() as t, ef.GradientTape() as tape:
        y = ops.exp(x)
        loss = ops.sum(y)
        loss += 1.0
        tape.gradient(loss, x)
    assert [name for name in results(t) if name] == ["loss"]


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


def test_looking_for_names_keeps_no_array_alive_and_leaves_what_locals_gave():
    def step():
        x = np.ones((4, 3), "float32")
        gone = weakref.ref(x)
        mine = locals()
        net()(x)
        del x
        assert "x" in mine
        mine.clear()
        y = np.full((4, 3), 2.0, "float32")
        net()(y)
        return gone

    with viz.trace():
        assert step()() is None
