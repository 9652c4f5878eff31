"""Everything on Keras' `Model`, with Keras' numbers; the fixture was made by tests/fixtures/make_model_features.py."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import eagerflow as ef

FIXTURES = Path(__file__).parents[1] / "fixtures"
_spec = importlib.util.spec_from_file_location("make_model_features", FIXTURES / "make_model_features.py")
assert _spec is not None
assert _spec.loader is not None
made = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(made)


@pytest.fixture(scope="module")
def expected():
    with np.load(FIXTURES / "model_features.npz") as stored:
        return dict(stored)


def test_the_fixture_holds_every_case(expected):
    assert {key.partition("|")[0] for key in expected} == set(made.CASES)


@pytest.mark.filterwarnings("ignore:No gradient for")
@pytest.mark.parametrize("name", made.CASES)
def test_it_is_as_in_keras(name, expected):
    found = made.CASES[name](ef)
    wanted = {k.partition("|")[2]: v for k, v in expected.items() if k.partition("|")[0] == name}
    assert set(found) == set(wanted)
    for key, value in wanted.items():
        if value.dtype.kind == "U":
            assert np.array(found[key]).tolist() == value.tolist(), key
        else:
            np.testing.assert_allclose(found[key], value, rtol=1e-4, atol=1e-5, err_msg=key)
