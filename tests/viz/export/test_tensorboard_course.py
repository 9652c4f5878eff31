"""The course of a recorded training in TensorBoard's charts: searches, evaluations, names and learning rates."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz

pytest.importorskip("tensorboard")

from tests.viz.export.test_tensorboard_graph import curves, fitted, read


def test_what_training_reported_stands_in_the_charts(tmp_path):
    t, history = fitted()
    t.to_tensorboard(tmp_path)
    found = curves(tmp_path)
    assert set(found) == {"epoch_loss", "epoch_mae", "epoch_learning_rate", "batch_loss", "batch_mae"}
    assert found["epoch_loss"] == [(0, pytest.approx(history["loss"][0])), (1, pytest.approx(history["loss"][1]))]
    assert [step for step, _ in found["batch_loss"]] == [1, 2, 3, 4, 5, 6]  # in a row over both epochs
    aside = curves(tmp_path / "validation")
    assert aside["epoch_loss"] == [(i, pytest.approx(loss)) for i, loss in enumerate(history["val_loss"])]
    times = [event.wall_time for event in read(tmp_path).Scalars("batch_loss")]
    assert times == sorted(times)
    assert times[0] < times[-1]


def test_sizes_of_gradients_and_weights_have_charts_where_they_were_measured(tmp_path):
    t, _ = fitted(stats="basic")
    t.to_tensorboard(tmp_path)
    found = curves(tmp_path)
    flow = {row.name: row for row in t.grad_flow(step=1).rows}
    for name, row in flow.items():
        assert dict(found[f"gradient_norm/{name}"])[2] == pytest.approx(row.gradient, rel=1e-5)
        assert dict(found[f"weight_norm/{name}"])[2] == pytest.approx(row.weight, rel=1e-5)
        steps = [step for step, _ in found[f"gradient_norm/{name}"]]
        assert steps == [step for step, _ in found["batch_loss"]]  # what is evaluated between is not counted
    assert len(flow) == 4


def test_losses_of_a_loop_have_their_names_and_evaluations_a_run_of_their_own(tmp_path):
    w = ef.Variable([1.0, 2.0])
    sgd = ef.optimizers.SGD(0.1)
    with viz.trace() as t:
        for _ in range(3):
            with ef.GradientTape() as tape:
                distance = ef.ops.sum(w * w)
            sgd.apply_gradients([(tape.gradient(distance, w), w)])
    t.to_tensorboard(tmp_path / "loop")
    assert [step for step, _ in curves(tmp_path / "loop")["distance"]] == [0, 1, 2]
    model = ef.Sequential([ef.layers.Dense(1)])
    model.compile("sgd", "mse")
    with viz.trace() as t:
        model.evaluate(np.ones((8, 2), "float32"), np.ones((8, 1), "float32"), batch_size=4, verbose=0)
    t.to_tensorboard(tmp_path / "tested")
    assert [step for step, _ in curves(tmp_path / "tested" / "validation")["evaluation_loss"]] == [1, 2]


def trained(**options):
    """A model, its data, and a recording of what a test does with it."""
    ef.utils.set_random_seed(1)
    model = ef.Sequential([ef.layers.Dense(1, name="out")], name="net")
    model.compile("sgd", "mse")
    return model, np.ones((12, 2), "float32"), np.ones((12, 1), "float32"), viz.trace(**options)


def steps_of(found, tag):
    return [step for step, _ in found[tag]]


def test_the_loss_of_train_on_batch_has_a_chart_and_each_model_its_own(tmp_path):
    model, x, y, tracer = trained()
    with tracer as t:
        losses = [model.train_on_batch(x, y) for _ in range(2)]
    assert [(log.kind, log.step, log.values["loss"]) for log in t.logs] == [("step", i, losses[i]) for i in (0, 1)]
    t.to_tensorboard(tmp_path / "one")
    assert curves(tmp_path / "one")["batch_loss"] == [(i + 1, pytest.approx(loss)) for i, loss in enumerate(losses)]
    critic = ef.Sequential([ef.layers.Dense(1)])
    critic.compile("sgd", "mse")
    with viz.trace() as t:
        for _ in range(2):
            critic.train_on_batch(x, y)
            model.train_on_batch(x, y)
    t.to_tensorboard(tmp_path / "two")
    found = curves(tmp_path / "two")
    assert steps_of(found, "batch_loss (critic)") == [1, 3]
    assert steps_of(found, "batch_loss (net)") == [2, 4]


def test_a_second_fit_goes_on_where_the_first_one_ended(tmp_path):
    model, x, y, tracer = trained(stats="basic")
    with tracer as t:
        model.fit(x, y, epochs=2, batch_size=6, verbose=0)
        model.fit(x, y, epochs=3, initial_epoch=2, batch_size=6, verbose=0)
        evaluated = model.evaluate(x, y, verbose=0)
        model.fit(x, y, epochs=1, batch_size=4, verbose=0, validation_data=(x, y))
    t.to_tensorboard(tmp_path)
    found, aside = curves(tmp_path), curves(tmp_path / "validation")
    assert steps_of(found, "epoch_loss") == [0, 1, 2, 3]
    assert steps_of(found, "batch_loss") == [*range(1, 10)] == steps_of(found, "gradient_norm/net/out/kernel")
    assert aside["evaluation_loss_vs_iterations"][0] == (6, pytest.approx(evaluated))
    assert steps_of(aside, "epoch_loss") == [3]


def own_loop(model, x, y, rate):
    optimizer = ef.optimizers.SGD(rate)
    for _ in range(3):
        with ef.GradientTape() as tape:
            loss = ef.ops.mean(ef.ops.square(model(x) - y))
        optimizer.apply_gradients(zip(tape.gradient(loss, model.weights), model.weights))


def test_an_epoch_has_its_learning_rate(tmp_path):
    model, x, y, tracer = trained()
    schedule = ef.callbacks.LearningRateScheduler(lambda epoch: [0.1, 0.01][epoch])
    with tracer as t:
        model.fit(x, y, epochs=2, verbose=0, callbacks=schedule, validation_data=(x, y))
    t.to_tensorboard(tmp_path)
    assert curves(tmp_path)["epoch_learning_rate"] == [(0, pytest.approx(0.1)), (1, pytest.approx(0.01))]
    assert "epoch_learning_rate" not in curves(tmp_path / "validation")


def test_recordings_without_times_have_their_epochs(tmp_path):
    model, x, y, tracer = trained(time=False)
    with tracer as t:
        model.fit(x, y, epochs=2, verbose=0)
        model.train_on_batch(x, y)
    t.to_tensorboard(tmp_path)
    found = curves(tmp_path)
    assert steps_of(found, "epoch_loss") == [0, 1]
    assert steps_of(found, "batch_loss") == [1, 2, 3]


def test_of_chosen_steps_batches_have_the_numbers_of_the_whole_run(tmp_path):
    model, x, y, _ = trained()
    with viz.trace(stats="basic", steps=(5, 6, 8, 12)) as t:
        model.fit(x, y, batch_size=2, epochs=2, verbose=0, validation_data=(x[:2], y[:2]))  # steps 6 and 13 evaluate
        model.train_on_batch(x, y)
    assert [(step.number, step.trained) for step in t.steps] == [(5, 5), (6, 6), (8, 7), (12, 11)]
    t.save(tmp_path / "some.efz")
    viz.load(tmp_path / "some.efz").to_tensorboard(tmp_path / "logs")
    found = curves(tmp_path / "logs")
    assert steps_of(found, "batch_loss") == [6, 8, 12] == steps_of(found, "gradient_norm/net/out/kernel")
    with viz.trace(steps=(1, 2)) as t:
        model.train_on_batch(x, y)
        model.train_on_batch(x, y)
        model.test_on_batch(x, y)
    t.to_tensorboard(tmp_path / "tested")
    assert steps_of(curves(tmp_path / "tested"), "batch_loss") == [2]
    assert steps_of(curves(tmp_path / "tested" / "validation"), "evaluation_loss_vs_iterations") == [2]


def test_batches_that_are_tested_one_after_the_other_are_one_point(tmp_path):
    model, x, y, tracer = trained()
    expected = []
    with tracer as t:
        for _ in range(2):
            model.train_on_batch(x, y)
            first, second = model.test_on_batch(2 * x[:8], y[:8]), model.test_on_batch(x[:4], y[:4])
            expected.append((len(expected) + 1, pytest.approx((8 * first + 4 * second) / 12)))
    t.to_tensorboard(tmp_path)
    assert curves(tmp_path / "validation")["evaluation_loss_vs_iterations"] == expected


def test_of_chosen_steps_each_fit_goes_on_behind_the_one_before(tmp_path):
    model, x, y, _ = trained()
    with viz.trace(stats="basic", steps=(1, 3, 9, 11, 17)) as t:
        for _ in range(3):
            model.fit(x, y, batch_size=2, verbose=0, validation_data=(x[:2], y[:2]))  # 6 batches and one of validation
            model.set_weights(model.get_weights())
    t.to_tensorboard(tmp_path)
    found = curves(tmp_path)
    assert steps_of(found, "batch_loss") == [2, 4, 7, 9, 13] == steps_of(found, "gradient_norm/net/out/kernel")


def test_weights_of_another_model_keep_their_names(tmp_path):
    _, x, y, tracer = trained(stats="basic")
    with tracer as t:
        for name in ("first", "second"):
            own_loop(ef.Sequential([ef.layers.Dense(1, name="out")], name=name), x, y, 0.1)
    t.to_tensorboard(tmp_path)
    assert "gradient_norm/second/out/kernel" in curves(tmp_path)
