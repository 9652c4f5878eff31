"""Random programs, captured: what they give, and what they leave in variables, has the bits of eager runs."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import eagerflow as ef
from tools.differential import programs, stored, with_eagerflow

PAIRS = stored.read(Path(__file__).parents[1] / "fixtures" / "differential.npz")
GROUPS = 6


def inputs_of(program: programs.Program, seed: int) -> list[np.ndarray]:
    """The program's own inputs, or others of their shapes."""
    own = [np.array(i["values"], "float64").reshape(i["shape"]) for i in program["inputs"]]
    rng = np.random.default_rng(seed)
    return own if not seed else [rng.normal(size=x.shape).round(3) for x in own]


def step_of(program: programs.Program) -> tuple[Any, list[ef.Variable]]:
    """The program as a step of the inputs that are no variables, and those that are."""
    kinds = [i["variable"] for i in program["inputs"]]
    variables = [ef.Variable(x) for x, kind in zip(inputs_of(program, 0), kinds, strict=True) if kind]

    def step(*given):
        own, others = list(variables), list(given)
        values = [own.pop(0) if kind else others.pop(0) for kind in kinds]
        if program["mode"] == "second":
            with ef.GradientTape() as outer:
                outputs, (found,) = with_eagerflow._once(program, values, variables, persistent=False)
                total = sum([with_eagerflow._weighed(g) for g in found if g is not None], ef.Tensor(0.0, "float64"))
            return outputs, found, outer.gradient(total, variables)
        return with_eagerflow._once(program, values, variables, program["mode"] == "persistent")

    return step, variables


def answers(program: programs.Program, captures: bool) -> tuple[list[Any], Any]:
    """The bytes of all that five calls give and leave, and the function."""
    step, variables = step_of(program)
    run = ef.function(step, verify_every=0) if captures else step
    found = []
    for seed in range(5):
        values = inputs_of(program, seed)
        own = [x for x, i in zip(values, program["inputs"], strict=True) if i["variable"]]
        for variable, x in zip(variables, own, strict=True):
            variable.assign(x)
        given = [ef.Tensor(x) for x, i in zip(values, program["inputs"], strict=True) if not i["variable"]]
        with np.errstate(all="ignore"):
            given_back = ef.tree.flatten(run(*given))
        found += [None if x is None else x.numpy().tobytes() for x in (*given_back, *variables)]
    return found, run


def check(pairs):
    replayed = 0
    for program, _ in pairs:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            captured, run = answers(program, captures=True)
        assert captured == answers(program, captures=False)[0], program
        replayed += run.replays > 0
    assert replayed > 0.7 * len(pairs)


def test_some_programs_have_the_bits_of_eager_runs():
    check(PAIRS[::20])


@pytest.mark.slow
@pytest.mark.parametrize("group", range(GROUPS))
def test_stored_programs_have_the_bits_of_eager_runs(group):
    check(PAIRS[group::GROUPS])
