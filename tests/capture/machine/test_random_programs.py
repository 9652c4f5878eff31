"""Random programs whose small instructions are machine code: the bits of eager runs."""

from __future__ import annotations

import warnings

import pytest

from eagerflow.capture.machine import runs
from tests.capture.test_random_programs import GROUPS, PAIRS, answers


@pytest.fixture(autouse=True)
def eager_to_write(monkeypatch):
    """Single calls are written, too."""
    monkeypatch.setattr(runs, "_LEAST", 1)


def check(pairs):
    written = 0
    for program, _ in pairs:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            captured, run = answers(program, captures=True)
        assert captured == answers(program, captures=False)[0], program
        for state in run._states.values():
            needed = state.program.needed if state.program is not None else []
            found = [each for each in needed if isinstance(each, runs.MachineRun)]
            assert all(each.is_right is not False for each in found), program
            written += len(found)
    assert written > len(pairs) / 4


def test_some_programs_have_the_bits_of_eager_runs():
    check(PAIRS[::40])


@pytest.mark.slow
@pytest.mark.parametrize("group", range(0, GROUPS, 3))
def test_stored_programs_have_the_bits_of_eager_runs(group):
    check(PAIRS[group::GROUPS])
