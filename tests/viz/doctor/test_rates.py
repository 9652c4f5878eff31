"""Learning rates that fell so far that nothing more is learnt, and those that fall as they should."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow.core.observe import observing
from viz.doctor import Watcher


def found(*callbacks, rate=0.01, epochs=12):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(32, 4)).astype("float32")
    model = ef.Sequential([ef.Input((4,)), ef.layers.Dense(8, "relu"), ef.layers.Dense(1)])
    model.compile(ef.optimizers.Adam(rate), "mse")
    with Watcher() as watcher:
        model.fit(x, x[:, :1], batch_size=8, epochs=epochs, verbose=0, callbacks=list(callbacks))
    return [finding for finding in watcher.findings if finding.rule == "lr_too_low.faded"]


def scheduled(rate_in):
    return ef.callbacks.LearningRateScheduler(lambda epoch: rate_in(epoch + 1))


def test_a_plateau_without_a_lowest_rate_is_found_where_it_was_asked_for():
    lowers = ef.callbacks.ReduceLROnPlateau("loss", patience=1, min_delta=10.0)
    (finding,) = found(lowers)
    assert finding.severity == "warning"
    assert finding.message == (
        "the learning rate falls from 0.01 to 1e-12 in the first 12 of 48 steps, as ReduceLROnPlateau lowers it, and "
        "stays there: hardly anything is learnt in the others"
    )
    assert "min_lr" in finding.fix


def test_a_schedule_that_has_ended_is_found():
    (finding,) = found(rate=ef.optimizers.schedules.PolynomialDecay(0.01, 16, 0.0))
    assert "falls from 0.01 to 0 in the first 16 of 48 steps" in finding.message


@pytest.mark.parametrize(
    "rate_in",
    [
        lambda epoch: 0.01 * 0.5**epoch,
        lambda epoch: 0.01 * max(0.0, 1 - epoch / 11),  # 0 in the last two epochs
        lambda epoch: 1e-9 if epoch < 5 else 0.01,  # it begins low
        lambda epoch: 1e-9 if epoch % 6 in (3, 4, 5) else 0.01,  # cycles
    ],
)
def test_rates_that_fall_as_they_should_are_not(rate_in):
    assert found(scheduled(rate_in)) == []


@pytest.mark.parametrize("bias", [0.0, -1.0])
def test_weights_that_begin_at_zero_are_not_told_to_move_too_far(bias):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(256, 4)).astype("float32")
    kernel, constant = ef.initializers.Zeros(), ef.initializers.Constant(bias)
    model = ef.Sequential([ef.layers.Dense(1, kernel_initializer=kernel, bias_initializer=constant)])
    model.compile(ef.optimizers.SGD(1e-4, momentum=0.9), "mse")
    with Watcher() as watcher:
        model.fit(x, 5 * x[:, :1], epochs=3, verbose=0)
    assert "lr_too_high" not in [finding.kind for finding in watcher.findings]


@pytest.mark.parametrize("renewed", [False, True])
def test_optimizers_made_anew_are_hinted_at_where_not_all_steps_are_watched(renewed):
    x = np.random.default_rng(0).normal(size=(32, 4)).astype("float32")
    model = ef.Sequential([ef.Input((4,)), ef.layers.Dense(2, "relu"), ef.layers.Dense(1)])
    watcher, steps = Watcher(), []
    watcher.counter = lambda: len(steps)
    counted = ef.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: steps.append(batch))
    model.compile("adam", "mse")
    for _epoch in range(8):
        if renewed:
            model.compile("adam", "mse")
        model.fit(x, x[:, :1], batch_size=8, verbose=0, callbacks=[counted])
        with observing(watcher):
            watcher.choose_thread()
            model.fit(x, x[:, :1], batch_size=16, verbose=0, callbacks=[counted])
        watcher.unseen += 4
    watcher.attach().detach()
    found = [f for f in watcher.findings if f.kind == "frozen"]
    assert [(f.rule, f.severity) for f in found] == [("frozen.optimizer", "info")] * renewed
