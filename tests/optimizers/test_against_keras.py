"""Every optimizer and schedule gives Keras' numbers; the fixture was made by tests/fixtures/make_optimizers.py."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import optimizers

FIXTURES = Path(__file__).parents[1] / "fixtures"
_spec = importlib.util.spec_from_file_location("make_optimizers", FIXTURES / "make_optimizers.py")
assert _spec is not None
assert _spec.loader is not None
made = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(made)


@pytest.fixture(scope="module")
def expected():
    with np.load(FIXTURES / "optimizers.npz") as stored:
        return dict(stored)


@pytest.mark.parametrize(("label", "name", "settings"), made.CASES, ids=[case[0] for case in made.CASES])
def test_twenty_steps_give_the_weights_of_keras(label, name, settings, expected, device):
    weights = [ef.Variable(a) for a in made.starts()]
    optimizer = getattr(optimizers, name)(**settings)
    for step, grads in enumerate(made.gradients()):
        optimizer.apply([ef.Tensor(g) for g in grads], weights)
        flat = np.concatenate([w.numpy().ravel() for w in weights])
        np.testing.assert_allclose(flat, expected[label][step], rtol=2e-4, atol=2e-6, err_msg=f"step {step}")


def test_schedule_free_steps_follow_the_paper(device):
    """Not compared with Keras, whose torch backend reads the momentum after changing it."""
    rate, beta, beta_2, epsilon, decay, warmup = 0.05, 0.9, 0.999, 1e-8, 0.1, 5
    weights = [ef.Variable(a) for a in made.starts()]
    optimizer = optimizers.ScheduleFreeAdamW(rate, warmup_steps=warmup, weight_decay=decay)
    points = [{"x": a.astype("float64"), "z": a.astype("float64"), "v": 0.0} for a in made.starts()]
    for t, grads in enumerate(made.gradients(), start=1):
        optimizer.apply([ef.Tensor(g) for g in grads], weights)
        for p, g, w in zip(points, grads, weights):
            y = ((1 - beta) * p["z"] + beta * p["x"]) * (1 - decay * rate)
            x = (y - (1 - beta) * p["z"]) / beta
            p["v"] = beta_2 * p["v"] + (1 - beta_2) * g.astype("float64") ** 2
            scaled = g / (np.sqrt(p["v"] / (1 - beta_2**t)) + epsilon)
            p["z"] = p["z"] - rate * min(1, t / warmup) * scaled
            p["x"] = (1 - 1 / t) * x + p["z"] / t
            np.testing.assert_allclose(w.numpy(), (1 - beta) * p["z"] + beta * p["x"], rtol=2e-4, atol=2e-6)


@pytest.mark.parametrize(("label", "name", "settings"), made.SCHEDULES, ids=[s[0] for s in made.SCHEDULES])
def test_schedules_give_the_rates_of_keras(label, name, settings, expected):
    schedule = getattr(optimizers.schedules, name)(**settings)
    rates = np.array([float(schedule(t)) for t in made.TIMES])
    np.testing.assert_allclose(rates, expected[label], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("name", "settings"), [(c[1], c[2]) for c in made.CASES], ids=[c[0] for c in made.CASES])
def test_a_config_makes_the_same_optimizer(name, settings):
    optimizer = getattr(optimizers, name)(**settings)
    again = optimizers.deserialize(optimizers.serialize(optimizer))
    assert type(again) is type(optimizer)
    assert again.get_config() == optimizer.get_config()
    kept = again.get_config()
    assert {k: kept[k] for k in settings} == pytest.approx(settings)


@pytest.mark.parametrize(("name", "settings"), [s[1:] for s in made.SCHEDULES], ids=[s[0] for s in made.SCHEDULES])
def test_a_config_makes_the_same_schedule(name, settings):
    schedule = getattr(optimizers.schedules, name)(**settings)
    again = optimizers.schedules.deserialize(optimizers.schedules.serialize(schedule))
    assert again.get_config() == schedule.get_config()
    assert [float(again(t)) for t in made.TIMES] == [float(schedule(t)) for t in made.TIMES]
