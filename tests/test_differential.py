"""Random programs give PyTorch's values and gradients; `make differential` runs new ones, these are stored.

The fixture: python -m tools.differential --seed 100000 --programs 260 --store tests/fixtures/differential.npz
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tools.differential import compare, programs, stored, with_eagerflow
from tools.differential.ops_numpy import OPS

PAIRS = stored.read(Path(__file__).parent / "fixtures" / "differential.npz")
GROUPS = 13


@pytest.mark.parametrize("group", range(GROUPS))
def test_stored_programs_give_what_pytorch_gave(group):
    for program, expected in PAIRS[group::GROUPS]:
        with np.errstate(all="ignore"):
            found = with_eagerflow.run(program)
        assert len(found) == len(expected)
        for ours, theirs in zip(found, expected, strict=True):
            assert ours.shape == theirs.shape
            scale = max(1.0, np.abs(theirs).max(initial=0))
            np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-8 * scale, err_msg=str(program))


def test_the_stored_programs_use_every_op_and_way():
    used = {step[0] for program, _ in PAIRS for step in program["steps"]}
    assert used == {*OPS, "assign"}
    assert {program["mode"] for program, _ in PAIRS} == set(programs.MODES)
    assert any(0 in given["shape"] for program, _ in PAIRS for given in program["inputs"])


def test_a_seed_makes_the_same_program():
    assert programs.random_program(5) == programs.random_program(5)
    assert programs.random_program(5) != programs.random_program(6)


def test_a_difference_shrinks_to_the_op_that_makes_it(monkeypatch):
    right = dict(with_eagerflow.OPS)
    program = next(p for p, _ in PAIRS if len(p["steps"]) > 8 and any(s[0] == "tanh" for s in p["steps"]))

    def wrong(program):
        return with_eagerflow.run(program)

    def plain(program):
        with monkeypatch.context() as patch:
            patch.setitem(with_eagerflow.OPS, "tanh", lambda x: x * 0.5)
            return with_eagerflow.run(program)

    def fails(program):
        return compare.difference(program, plain, wrong) is not None

    with np.errstate(all="ignore"):
        if not fails(program):
            program = {**program, "outputs": [len(program["inputs"]) + [s[0] for s in program["steps"]].index("tanh")]}
        small = compare.shrunk(program, fails)
    assert [step[0] for step in small["steps"]] == ["tanh"]
    assert dict(with_eagerflow.OPS) == right
