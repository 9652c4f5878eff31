"""Ranks of one machine don't take each other's processors."""

from __future__ import annotations

import os

import pytest

import eagerflow as ef
from eagerflow.distribution.processors import divide_processors, fair
from eagerflow.distribution.runtime.current import world
from eagerflow.kernels.machine.blas import blas_threads, set_blas_threads
from eagerflow.kernels.machine.cpus import usable_cpus
from eagerflow.kernels.machine.threads import share_processors

VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "EAGERFLOW_NUM_THREADS")


def divided(said: int | None, variables: dict[str, str]) -> tuple[int, int, int]:
    """The share of this rank, and the threads of our kernels and of products."""
    before = {name: os.environ.pop(name, None) for name in VARIABLES}, blas_threads()
    os.environ.update(variables)
    try:
        set_blas_threads(usable_cpus())
        ef.set_num_threads(said)
        return divide_processors(world.communicator), ef.get_num_threads(), blas_threads()
    finally:
        for name, value in before[0].items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        set_blas_threads(before[1])
        share_processors(usable_cpus())
        ef.set_num_threads(None)


@pytest.mark.parametrize("n", [2, 4])
def test_ranks_divide_the_processors_of_their_machine(ranks, n):
    shard = max(1, usable_cpus() // n)
    assert ranks(n, divided, None, {}) == [(shard, shard, shard)] * n


def test_what_the_user_says_about_threads_counts_more(ranks):
    cpus = usable_cpus()
    said = ranks(2, divided, 3, {"OMP_NUM_THREADS": str(cpus)})
    assert [(ours, blas) for _, ours, blas in said] == [(3, cpus)] * 2
    by_variable = ranks(2, divided, None, {"EAGERFLOW_NUM_THREADS": "5"})
    assert [ours for _, ours, _ in by_variable] == [5, 5]


def test_ranks_that_a_launcher_has_bound_keep_what_they_were_given():
    assert fair(2, [[0, 1], [2, 3], [4, 5]]) == 2
    assert fair(1, [[0], [1]]) == 1
    assert fair(16, [list(range(16))] * 3) == 5
