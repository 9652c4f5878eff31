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


@pytest.mark.parametrize(("label", "name", "settings"), made.SCHEDULES, ids=[s[0] for s in made.SCHEDULES])
def test_schedules_give_the_rates_of_keras(label, name, settings, expected):
    schedule = getattr(optimizers.schedules, name)(**settings)
    rates = np.array([float(schedule(t)) for t in made.TIMES])
    np.testing.assert_allclose(rates, expected[label], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "settings"), [(c[1], c[2]) for c in made.CASES], ids=[c[0] for c in made.CASES]
)
def test_a_config_makes_the_same_optimizer(name, settings):
    optimizer = getattr(optimizers, name)(**settings)
    again = optimizers.deserialize(optimizers.serialize(optimizer))
    assert type(again) is type(optimizer)
    assert again.get_config() == optimizer.get_config()
    assert settings.items() - _rounded(again.get_config()).items() == set()


def _rounded(config):
    return {k: round(v, 6) if isinstance(v, float) else v for k, v in config.items()}


@pytest.mark.parametrize(
    ("name", "settings"), [s[1:] for s in made.SCHEDULES], ids=[s[0] for s in made.SCHEDULES]
)
def test_a_config_makes_the_same_schedule(name, settings):
    schedule = getattr(optimizers.schedules, name)(**settings)
    again = optimizers.schedules.deserialize(optimizers.schedules.serialize(schedule))
    assert again.get_config() == schedule.get_config()
    assert [float(again(t)) for t in made.TIMES] == [float(schedule(t)) for t in made.TIMES]
