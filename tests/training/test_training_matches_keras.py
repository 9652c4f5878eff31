"""Small models train as they do in Keras; the fixture was made by tests/fixtures/make_training.py."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import eagerflow as ef

FIXTURES = Path(__file__).parents[1] / "fixtures"
_spec = importlib.util.spec_from_file_location("make_training", FIXTURES / "make_training.py")
assert _spec is not None
assert _spec.loader is not None
made = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(made)


@pytest.fixture(scope="module")
def expected():
    with np.load(FIXTURES / "training.npz") as stored:
        return dict(stored)


@pytest.mark.parametrize("case", made.CASES, ids=[case[0] for case in made.CASES])
def test_history_and_weights_are_those_of_keras(case, expected, device):
    label = case[0]
    history, weights, evaluated = made.trained(ef, *case[1:])
    wanted = {key.partition("/")[2]: values for key, values in expected.items() if key.startswith(f"{label}/")}
    assert set(history) == set(wanted)
    for name, values in wanted.items():
        np.testing.assert_allclose(history[name], values, rtol=1e-4, atol=1e-5, err_msg=name)
    np.testing.assert_allclose(weights, expected[f"{label} weights"], rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(evaluated, expected[f"{label} evaluated"], rtol=1e-4, atol=1e-5)
