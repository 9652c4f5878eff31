"""Arrays from outside that the code calls the same: one given twice is one box, and different ones are told apart."""

from __future__ import annotations

import numpy as np

import eagerflow as ef
import viz
from eagerflow import ops
from tests.viz.recorder.names.inputs import called, net, run


def rows(seed):
    return np.random.default_rng(seed).normal(size=(4, 3)).astype("float32")


def test_an_array_that_two_models_are_given_is_one_box():
    x, teacher, student = rows(0), net(), net()
    with viz.trace() as t:
        soft = teacher(x)
        ops.mean((student(x) - soft) ** 2)
    assert called(t) == ["x"]
    given = [scope.inputs for scope in t.scopes if scope.kind == "model"]
    assert given[0] == given[1]


def test_an_array_that_was_written_to_between_both_is_two_boxes():
    x, model = rows(0), net()

    def step():
        first = model(x)
        x[1, 2] += 1e-3
        return first + model(x)

    assert run(step) == ["x", "x"]


def test_equal_arrays_of_a_loop_or_of_other_names_stay_apart():
    model, x = net(), rows(0)
    y = x.copy()
    y[0, 0] += 1.0
    assert run(lambda: model(x) + model(y)) == ["x", "y"]

    def rounds():
        total = 0.0
        for batch in (x, y):
            total = total + ops.sum(model(batch))

    assert run(rounds) == ["batch", "batch"]


def test_an_array_that_each_step_is_given_is_one_of_each_step():
    x, model = rows(0), net()
    model.compile("sgd", "mse")
    y = np.zeros((4, 2), "float32")
    with viz.trace() as t:
        for _ in range(2):
            model.train_on_batch(x, y)
    given = [t.scopes[step.scope].inputs for step in t.steps]
    assert len(given) == 2
    assert set(given[0]).isdisjoint(given[1])


def with_input(name):
    return ef.Sequential([ef.layers.Input((3,), name=name), ef.layers.Dense(2)])


def test_an_array_for_which_two_models_have_names_is_one_box_called_as_in_the_code():
    first, second, z = with_input("left"), with_input("right"), rows(0)
    with viz.trace() as t:
        ops.mean(first(z) - second(z))
    assert called(t) == ["z"]
    critic, state = with_input("state"), rows(1)
    with viz.trace() as t:
        ops.mean(critic(state) - net()(state))
    assert called(t) == ["state"]


def test_labels_that_a_loss_and_a_metric_are_given_are_one_box():
    loss, metric, model = ef.losses.MeanSquaredError(), ef.metrics.MeanAbsoluteError(), net()
    x, labels = rows(0), np.ones((4, 2), "float32")
    with viz.trace() as t:
        answers = model(x)
        loss(labels, answers)
        metric.update_state(labels, answers)
    assert called(t) == ["labels (target)", "x"]
