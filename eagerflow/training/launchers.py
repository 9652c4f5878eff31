"""What the launcher of a process tells it about its world, read from the environment: nothing of MPI is loaded."""

from __future__ import annotations

import os
from typing import NamedTuple

__all__ = ["Told", "two_libraries", "told"]

# By launcher: the variables that hold the rank and the number of ranks. A batch script of Slurm has SLURM_PROCID and
# SLURM_NTASKS too, and is still alone: only steps, which srun starts, know SLURM_STEP_NUM_TASKS.
_VARIABLES = (
    ("mpiexec", "PMI_RANK", "PMI_SIZE"),  # MPICH's, Intel's and Microsoft's, and older Slurms
    ("Open MPI's mpirun", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    ("MVAPICH's mpirun", "MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE"),
    ("srun", "PMIX_RANK", "SLURM_STEP_NUM_TASKS"),
    ("srun", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS"),
)


class Told(NamedTuple):
    """What a launcher told: the number of this process, how many there are, and which launcher it was."""

    rank: int
    size: int
    by: str


def told() -> Told | None:
    """What the launcher told; None for a process that none started."""
    for by, rank, size in _VARIABLES:
        values = os.environ.get(rank, ""), os.environ.get(size, "")
        if all(value.isdecimal() for value in values):
            return Told(int(values[0]), int(values[1]), by)
    return None


def two_libraries(found: Told, size: int, library: str) -> str:
    """What to say where MPI found another world than the launcher made."""
    return (
        f"{found.by} started {found.size} processes, but MPI found {size}: this is what happens where the launcher "
        f"belongs to one MPI and mpi4py uses another one ({library}). Start with the launcher of that library, such "
        "as `python -m eagerflow launch -n 4 train.py`, which takes the mpiexec of this Python; or, on a cluster, "
        "install mpi4py for the MPI of the cluster and uninstall mpich. srun: choose the interface by --mpi=pmi2 or "
        "--mpi=pmix."
    )
