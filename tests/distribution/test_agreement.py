"""Ranks that differ in what must be equal all say so, in the same words."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import distribution
from eagerflow.distribution import joining
from eagerflow.distribution.runtime.agreement import DisagreementError, agree, same_values
from eagerflow.distribution.runtime.communicator import Communicator
from eagerflow.distribution.runtime.current import world
from eagerflow.training.launchers import Told, told, two_libraries

LAUNCHERS = """
    PMI_RANK PMI_SIZE PMIX_RANK OMPI_COMM_WORLD_RANK OMPI_COMM_WORLD_SIZE MV2_COMM_WORLD_RANK MV2_COMM_WORLD_SIZE
    SLURM_PROCID SLURM_NTASKS SLURM_STEP_NUM_TASKS
    """.split()


@pytest.fixture
def started(monkeypatch):
    """`started(PMI_RANK="1", ...)`: the environment of a launcher, and nothing else of the kind."""

    def start(**variables: str) -> None:
        for name in LAUNCHERS:
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return start


def disagreeing(kernels: list[str], more: bool) -> str:
    description = {"optimizer": "Adam", "dense_1/kernel": kernels[distribution.rank()]}
    if more and distribution.rank() == 1:
        description["dense_2/kernel"] = "(3, 3) float32"
    try:
        agree(world.communicator, description)
    except DisagreementError as error:
        return str(error)
    return "agreed"


def test_ranks_that_agree_go_on(ranks):
    assert ranks(3, disagreeing, ["(128, 10)"] * 3, False) == ["agreed"] * 3


def test_all_ranks_name_the_first_difference_with_both_values(ranks):
    found = ranks(3, disagreeing, ["(128, 12)", "(128, 12)", "(128, 10)"], False)
    assert len(set(found)) == 1
    assert "dense_1/kernel differs: rank 2 (host " in found[0]
    assert found[0].endswith("): (128, 10), ranks 0, 1: (128, 12).")


def test_what_only_one_rank_has_is_a_difference(ranks):
    found = ranks(2, disagreeing, ["(1,)", "(1,)"], True)
    assert len(set(found)) == 1
    assert "dense_2/kernel differs: rank 1" in found[0]
    assert "rank 0 (host " in found[0]
    assert "): nothing." in found[0]


def other_values() -> tuple[list[str], list[list[float]], list[str]]:
    variables = [ef.Variable([1.0, 2.0], name="same"), ef.Variable([0.5 + distribution.rank(), 1.0], name="other")]
    variables.append(ef.Variable(float(distribution.rank()), name="scalar"))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        changed = same_values(world.communicator, variables)
    return changed, [np.ravel(v.numpy()).tolist() for v in variables], [str(w.message) for w in caught]


def test_other_values_become_those_of_rank_0_and_one_line_says_so(ranks):
    found = ranks(3, other_values)
    assert [(changed, values) for changed, values, _ in found] == [
        (["other", "scalar"], [[1.0, 2.0], [0.5, 1.0], [0.0]])
    ] * 3
    assert [len(lines) for _, _, lines in found] == [1, 0, 0]
    assert "weights of ranks 1, 2 had other values than those of rank 0 (2 of 3, the first is other)" in found[0][2][0]


def contradicting(name: str, values: list) -> str:
    try:
        distribution.initialize(**{name: values[distribution.rank()]})
    except ValueError as error:
        return str(error)
    return "fits"


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("num_processes", [2, 2], "fits"),
        ("process_id", [0, 1], "fits"),
        ("job_addresses", ["a:1,b:2", ["a", "b"]], "fits"),
        ("job_addresses", ["a:1", None], "fits"),
        ("num_processes", [2, 3], "initialize(num_processes=3): there are 2 processes."),
        ("process_id", [1, 1], "initialize(process_id=1): this process is rank 0."),
        ("job_addresses", [None, "a,b,c"], "initialize(job_addresses='a,b,c'): there are 2 processes."),
    ],
)
def test_arguments_of_initialize_are_checked_for_all_ranks(ranks, name, values, said):
    first, second = ranks(2, contradicting, name, values)
    assert first == second
    assert first.startswith(said)


def test_initialize_reads_the_variables_of_keras(monkeypatch):
    monkeypatch.setattr(world, "communicator", Communicator())
    monkeypatch.setenv("KERAS_DISTRIBUTION_NUM_PROCESSES", "4")
    with pytest.raises(ValueError, match=r"num_processes=4\): there is 1 process\. .* launch -n 4"):
        distribution.initialize()
    distribution.initialize(num_processes=1)
    monkeypatch.setenv("KERAS_DISTRIBUTION_NUM_PROCESSES", "four")
    with pytest.raises(ValueError, match=r"num_processes='four'.*: expected a whole number"):
        distribution.initialize()


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, None),
        ({"PMI_RANK": "1", "PMI_SIZE": "4"}, Told(1, 4, "mpiexec")),
        ({"OMPI_COMM_WORLD_RANK": "2", "OMPI_COMM_WORLD_SIZE": "3"}, Told(2, 3, "Open MPI's mpirun")),
        ({"PMIX_RANK": "0", "SLURM_STEP_NUM_TASKS": "2"}, Told(0, 2, "srun")),
        ({"SLURM_PROCID": "5", "SLURM_STEP_NUM_TASKS": "8", "SLURM_NTASKS": "16"}, Told(5, 8, "srun")),
        ({"SLURM_PROCID": "0", "SLURM_NTASKS": "16"}, None),  # the batch script itself
        ({"PMI_RANK": "x", "PMI_SIZE": "4"}, None),
    ],
)
def test_the_launcher_is_known_by_its_variables(started, variables, expected):
    started(**variables)
    assert told() == expected


def test_a_world_of_another_size_is_explained(started, monkeypatch):
    class Lonely:
        size = 1

        class engine:
            @staticmethod
            def Get_library_version() -> str:
                return "MPICH Version: 5.0\0"

    started(PMI_RANK="1", PMI_SIZE="4")
    monkeypatch.setattr(joining, "Mpi", Lonely)
    monkeypatch.setattr(world, "communicator", None)
    with pytest.raises(RuntimeError, match=r"mpiexec started 4 processes, but MPI found 1.*\(MPICH Version: 5.0\)"):
        distribution.rank()
    assert "--mpi=pmix" in two_libraries(Told(0, 2, "srun"), 1, "Open MPI")


def another_version() -> str:
    before, world.communicator = world.communicator, None
    versions, environment_told = joining.__version__, joining.told
    try:
        joining.__version__ = "9.9" if before.rank == 1 else versions
        joining.told = lambda: Told(before.rank, before.size, "mpiexec")
        joining.Mpi = lambda: before
        distribution.rank()
    except DisagreementError as error:
        return str(error)
    finally:
        world.communicator, joining.__version__, joining.told = before, versions, environment_told
        joining.Mpi = type(before)
    return "agreed"


def test_another_version_on_one_rank_is_an_error_on_all(ranks):
    found = ranks(3, another_version)
    assert len(set(found)) == 1
    assert "the version of eagerflow differs: rank 1 (host " in found[0]
    assert "): 9.9, ranks 0, 2: " in found[0]
