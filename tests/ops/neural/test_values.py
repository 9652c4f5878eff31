"""The ops of networks and on images give Keras' numbers (see `tests/fixtures/make_ops_nn.py`)."""

from __future__ import annotations

from functools import reduce
from pathlib import Path

import numpy as np
import pytest

from eagerflow import ops
from eagerflow.core.tensor import Tensor
from tests.fixtures.cases.nn_cases import CASES


def stored():
    """Keras' answers by the names of the cases."""
    with np.load(Path(__file__).parents[2] / "fixtures" / "ops_nn.npz") as file:
        return {name: file[f"a{i}"] for i, name in enumerate(str(file["names"]).split("\n"))}


EXPECTED = stored()


def resolve(name):
    return reduce(getattr, name.split("."), ops)


@pytest.mark.parametrize(("number", "case"), list(enumerate(CASES)), ids=repr)
def test_values_are_those_of_keras(number, case, device):
    name = f"{number} {case!r}"
    found = resolve(case.op)(*case.inputs(), **case.settings)
    parts = found if isinstance(found, tuple) else (found,)
    for i, part in enumerate(parts):
        assert part.device == device
        np.testing.assert_allclose(part.numpy(), EXPECTED[f"{name}:{i}"], rtol=1e-5, atol=1e-5)
    assert f"{name}:{len(parts)}" not in EXPECTED


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_float32_gives_float32(case):
    inputs = [Tensor(x, "float32") if x.dtype.kind == "f" else Tensor(x) for x in case.inputs()]
    found = resolve(case.op)(*inputs, **case.settings)
    for part in found if isinstance(found, tuple) else (found,):
        assert part.dtype.kind in "iub" or part.dtype in ("float32", "complex64")


def test_every_op_of_these_namespaces_is_compared():
    others = {"elastic_transform", "sparsemax"}  # random; not Keras' (see nn_cases.py)
    covered = {case.op.removeprefix("image.") for case in CASES}
    assert {*ops.nn.__all__, *ops.image.__all__} - covered == others
