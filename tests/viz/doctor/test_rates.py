"""Learning rates that fell so far that nothing more is learnt, and those that fall as they should."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from viz.doctor import Watcher

FADED = {f"lr_too_low.{way}" for way in ("compounds", "faded", "plateau", "schedule")}


def found(*callbacks, rate=0.01, epochs=12):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(32, 4)).astype("float32")
    model = ef.Sequential([ef.Input((4,)), ef.layers.Dense(8, "relu"), ef.layers.Dense(1)])
    model.compile(ef.optimizers.Adam(rate), "mse")
    with Watcher() as watcher:
        model.fit(x, x[:, :1], batch_size=8, epochs=epochs, verbose=0, callbacks=list(callbacks))
    return [finding for finding in watcher.findings if finding.rule in FADED]


def scheduled(rate_in):
    return ef.callbacks.LearningRateScheduler(lambda epoch: rate_in(epoch + 1))


def test_a_plateau_without_a_lowest_rate_is_found_where_it_was_asked_for():
    lowers = ef.callbacks.ReduceLROnPlateau("loss", patience=1, min_delta=10.0)
    (finding,) = found(lowers)
    assert finding.severity == "warning"
    assert finding.message == (
        "the learning rate, which ReduceLROnPlateau lowers, was 0.01, and since epoch 7 it is 1e-08 or less: such "
        "updates are too small to change weights, so nothing more is learnt"
    )
    assert "min_lr" in finding.fix


def test_a_schedule_that_has_ended_is_found():
    (finding,) = found(rate=ef.optimizers.schedules.PolynomialDecay(0.01, 16, 0.0))
    assert "was 0.01," in finding.message
    assert "since epoch 4 it is 0: such updates" in finding.message


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


def test_a_schedule_that_ends_within_the_first_epoch_is_found():
    (finding,) = found(rate=ef.optimizers.schedules.ExponentialDecay(0.01, 1, 0.001), epochs=4)
    assert "was 0.01, and since epoch 1" in finding.message
