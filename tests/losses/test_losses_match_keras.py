"""Every loss gives Keras' numbers; the fixture was made by tests/fixtures/make_losses.py."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import losses

FIXTURES = Path(__file__).parents[1] / "fixtures"
_spec = importlib.util.spec_from_file_location("make_losses", FIXTURES / "make_losses.py")
assert _spec is not None
assert _spec.loader is not None
made = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(made)
CASES = [pytest.param(*case, id=case[0]) for case in made.LOSSES]


@pytest.fixture(scope="module")
def expected():
    with np.load(FIXTURES / "losses.npz") as stored:
        return dict(stored)


@pytest.mark.parametrize(("label", "name", "settings", "kind"), CASES)
def test_the_value_is_that_of_keras(label, name, settings, kind, expected, device):
    y_true, y_pred, weights = made.data(kind)
    loss = getattr(losses, name)(**settings)
    np.testing.assert_allclose(loss(y_true, y_pred).numpy(), expected[label], rtol=2e-5, atol=1e-6)
    if label + "_weighted" in expected:
        weighted = loss(y_true, y_pred, weights).numpy()
        np.testing.assert_allclose(weighted, expected[label + "_weighted"], rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize(("label", "name", "settings", "kind"), CASES)
def test_a_config_makes_the_same_loss(label, name, settings, kind):
    loss = getattr(losses, name)(**settings)
    again = losses.deserialize(losses.serialize(loss))
    assert type(again) is type(loss)
    assert again.get_config() == loss.get_config()


@pytest.mark.parametrize(("label", "name", "settings", "kind"), CASES)
def test_gradients_are_right(label, name, settings, kind):
    """Against central differences, in float64."""
    y_true, y_pred, weights = made.data(kind)
    loss = getattr(losses, name)(**settings, dtype="float64")
    target = ef.Tensor(y_true.astype("float64") if y_true.dtype.kind == "f" else y_true)
    weigh = name not in ("Dice", "Tversky")
    given = weights.astype("float64") if weigh else None
    ef.check_grads(lambda p: loss(target, p, given), [y_pred])
