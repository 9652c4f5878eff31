"""What the live page says of steps: the time inside of them, and means that hold enough batches."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow.core import observe
from tests.viz.livepage.watching import data, mlp
from viz.livepage.collector import Collector
from viz.livepage.mailbox import Mailbox
from viz.livepage.pace import Pace


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on when a test says so."""
    now = [100.0]
    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    return now


def points_of(train, **options):
    """The curves that a training drops off, and the last status."""
    box = Mailbox()
    collector = Collector(box, Pace(1e6, 0.01), **options)
    with observe.observing(collector):
        train()
    collector.close()
    points, latest = box.take()
    return points, latest["status"]


def slow_model(clock):
    """A model that takes 10 ms by the clock."""

    class Slow(ef.layers.Layer):
        def call(self, inputs):
            clock[0] += 0.010
            return inputs

    model = ef.Sequential([ef.Input((5,)), Slow(), ef.layers.Dense(3)])
    loss = ef.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, metrics=["accuracy"], run_eagerly=True)
    clock[0] = 100.0
    return model


def test_time_per_step_leaves_out_pauses_between_steps(clock):
    def wait(*_):
        clock[0] += 1.0

    pauses = [ef.callbacks.LambdaCallback(on_epoch_end=wait, on_train_batch_begin=wait)]
    x, y = data()
    points, status = points_of(
        lambda: slow_model(clock).fit(
            x, y, batch_size=16, epochs=3, verbose=0, validation_data=(x, y), callbacks=pauses
        )
    )
    assert [ms for _, ms in points["extra|step ms"]] == pytest.approx([10.0] * len(points["extra|step ms"]))
    assert status["step_ms"] == pytest.approx(10.0)
    assert status["rate"] < 1  # speed counts them
    assert status["whole_ms"] == pytest.approx(1010.0)  # of which a callback took a second


def test_what_a_step_takes_is_that_of_many_and_not_of_the_last_one(clock):
    def wait(*_):
        clock[0] += 1.0

    model, late = slow_model(clock), [0]
    layer = model.layers[0]

    def call(inputs):
        late[0] += 1
        clock[0] += 0.5 if late[0] % 16 == 0 else 0.010
        return inputs

    layer.call = call
    pauses = [ef.callbacks.LambdaCallback(on_train_batch_begin=wait)]
    _, status = points_of(lambda: model.fit(*data(), batch_size=16, epochs=8, verbose=0, callbacks=pauses))
    assert late[0] % 16 == 0
    assert status["step_ms"] == pytest.approx(10.0)
    assert status["whole_ms"] == pytest.approx(1010.0)


def own_loop(clock, models, steps):
    """Trains the models in turn, each with an optimizer of its own, after a pause of a second."""
    optimizers = [ef.optimizers.SGD(0.1) for _ in models]
    loss_of = ef.losses.SparseCategoricalCrossentropy(from_logits=True)
    x, y = data(16)

    def train():
        for _ in range(steps):
            for model, optimizer in zip(models, optimizers, strict=True):
                clock[0] += 1.0
                with ef.GradientTape() as tape:
                    loss = loss_of(y, model(x))
                optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)

    return train


def test_time_per_step_of_an_own_loop_begins_with_the_first_call(clock):
    points, _ = points_of(own_loop(clock, [slow_model(clock)], 6))
    found = [ms for _, ms in points["extra|step ms"]]
    assert len(found) >= 4  # not of a step that is recorded
    assert found == pytest.approx([10.0] * len(found))
    whole = [ms for _, ms in points["extra|whole step ms"]]  # as one measures it by hand
    assert whole == pytest.approx([1010.0] * len(whole))


def test_the_parts_of_a_step_with_two_optimizers_are_added_and_its_pauses_left_out(clock):
    models = [slow_model(clock), slow_model(clock)]
    points, status = points_of(own_loop(clock, models, 5))
    found = [ms for _, ms in points["extra|step ms"]]
    assert found == pytest.approx([10.0] + [20.0] * (len(found) - 1))
    assert status["params"] == sum(int(np.prod(w.shape)) for model in models for w in model.weights)


def test_an_own_loop_tells_samples_and_weights(clock):
    model, optimizer = mlp(), ef.optimizers.SGD(0.1)
    loss_of = ef.losses.SparseCategoricalCrossentropy(from_logits=True)
    x, y = data(32)

    def train():
        for _ in range(6):
            clock[0] += 0.5
            model(x[:7])  # a look at other data is no part of a step's batch
            with ef.GradientTape() as tape:
                loss = loss_of(y, model(x))
            optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)

    _, status = points_of(train)
    assert status["params"] == model.count_params()
    assert status["samples"] == pytest.approx(32 * status["rate"])


def test_a_running_mean_is_shown_once_it_holds_some_batches():
    x, y = data(64)
    points, _ = points_of(lambda: mlp().fit(x, y, batch_size=4, epochs=3, verbose=0))
    steps = [step for step, _ in points["batch|loss"]]
    first, second, third = range(1, 17), range(17, 33), range(33, 49)
    assert steps == [*first, *second[4:], *third[4:]]  # the first epoch as a whole: where training began
    assert [step for step, _ in points["batch|accuracy"]] == steps


def test_each_batch_is_shown_where_an_epoch_has_few():
    x, y = data(12)
    points, _ = points_of(lambda: mlp().fit(x, y, batch_size=4, epochs=4, verbose=0))
    assert [step for step, _ in points["batch|loss"]] == list(range(1, 13))
