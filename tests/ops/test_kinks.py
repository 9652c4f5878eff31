"""Where a rule has to choose (kinks, ties, ends of domains), it chooses as Keras does on all of its backends."""

from __future__ import annotations

from functools import reduce
from pathlib import Path

import numpy as np
import pytest

import eagerflow as ef
from tests.fixtures.cases.kink_cases import CASES

FIXTURES = Path(__file__).parents[1] / "fixtures"

OPEN = -12345.0  # the backends differ


def _stored():
    with np.load(FIXTURES / "kinks.npz") as file:
        names = str(file["names"]).split("\n")
        return {name.rpartition("|")[2]: (name, file[f"a{i}"]) for i, name in enumerate(names)}


STORED = _stored()


def _answers(case):
    place = reduce(getattr, case.name.split("."), ef)
    arrays = [ef.Tensor(a, a.dtype.name) for a in case.inputs()]
    if case.name.startswith("layers."):
        call = place(**case.settings, dtype="float64")
    else:
        call = lambda *xs: place(*xs, **case.settings)  # noqa: E731
    asked = [arrays[i] for i in case.wrt]
    with ef.GradientTape() as tape, np.errstate(all="ignore"):
        tape.watch(asked)
        out = call(*arrays)
        out = out[0] if case.name == "ops.top_k" else out
        found = tape.gradient(out, asked, unconnected_gradients="zero")
    return [out, *found]


@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda n: f"{n}-{CASES[n].name}")
def test_rules_at_kinks_are_those_of_keras(number):
    for part, found in enumerate(_answers(CASES[number])):
        name, expected = STORED.get(f"{number}:{part}", (None, None))
        if expected is None:
            continue
        assert name.startswith(repr(CASES[number])), "kinks.npz is of other cases: run make_kinks.py"
        agreed = expected != OPEN
        np.testing.assert_allclose(found.numpy()[agreed], expected[agreed], rtol=1e-5, atol=1e-9, err_msg=name)
