"""What the launcher of a process tells it about its world, read from the environment: nothing of MPI is loaded."""

from __future__ import annotations

import os
from typing import NamedTuple

__all__ = ["Told", "told"]

# By launcher: the variables that hold the rank and the number of ranks.
_VARIABLES = (
    ("PMI_RANK", "PMI_SIZE"),  # MPICH's and Intel's mpiexec, older Slurms
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),  # Open MPI
    ("PMIX_RANK", "SLURM_NTASKS"),
    ("SLURM_PROCID", "SLURM_NTASKS"),
)


class Told(NamedTuple):
    """What a launcher told: the number of this process, and how many there are."""

    rank: int
    size: int


def told() -> Told | None:
    """What the launcher told; None for a process that none started."""
    for rank, size in _VARIABLES:
        values = os.environ.get(rank, ""), os.environ.get(size, "")
        if all(value.isdecimal() for value in values):
            return Told(int(values[0]), int(values[1]))
    return None
