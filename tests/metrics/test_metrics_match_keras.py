"""Every metric gives Keras' numbers; the fixture was made by tests/fixtures/make_losses.py."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from eagerflow import metrics

FIXTURES = Path(__file__).parents[1] / "fixtures"
_spec = importlib.util.spec_from_file_location("make_losses", FIXTURES / "make_losses.py")
assert _spec is not None
assert _spec.loader is not None
made = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(made)
CASES = [pytest.param(*case, id=case[0]) for case in made.METRICS]


@pytest.fixture(scope="module")
def expected():
    with np.load(FIXTURES / "losses.npz") as stored:
        return dict(stored)


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize(("label", "name", "settings", "kind"), CASES)
def test_two_batches_give_the_number_of_keras(label, name, settings, kind, weighted, expected, device):
    metric = getattr(metrics, name)(**settings)
    for seed in (0, 1):
        y_true, y_pred, weights = made.data(kind, seed)
        metric.update_state(y_true, y_pred, **({"sample_weight": weights} if weighted else {}))
    wanted = expected[label + ("_weighted" if weighted else "")]
    np.testing.assert_allclose(metric.result().numpy(), wanted, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize(("label", "name", "settings", "kind"), CASES)
def test_resetting_begins_anew(label, name, settings, kind):
    metric = getattr(metrics, name)(**settings)
    y_true, y_pred, _ = made.data(kind)
    first = metric(y_true, y_pred).numpy()
    metric.update_state(y_true, y_pred[::-1].copy())
    metric.reset_state()
    np.testing.assert_array_equal(metric(y_true, y_pred).numpy(), first)


@pytest.mark.parametrize(("label", "name", "settings", "kind"), CASES)
def test_a_config_makes_the_same_metric(label, name, settings, kind):
    metric = getattr(metrics, name)(**settings)
    again = metrics.deserialize(metrics.serialize(metric))
    assert type(again) is type(metric)
    assert again.get_config() == metric.get_config()
