"""How a process finds the others: `initialize`, and what it is among them."""

from __future__ import annotations

from typing import Any

from eagerflow.core import random
from eagerflow.world.communicator import Alone, Communicator
from eagerflow.world.current import world
from eagerflow.world.environment import told
from eagerflow.world.mpi import Mpi

__all__ = ["initialize", "joined", "local_rank", "rank", "size"]


def initialize(job_addresses: Any = None, num_processes: int | None = None, process_id: int | None = None) -> None:
    """Join the ranks that were started together; `DataParallel` does it where a script doesn't.

    Rank 0's random seed becomes that of all.

    Args:
        job_addresses: accepted for Keras' signature: the launcher knows the machines.
        num_processes: how many ranks there are, checked against what the launcher says.
        process_id: the number of this one, checked likewise.

    Raises:
        ValueError: where the arguments contradict the launcher.
        ImportError: where a launcher started several ranks, and mpi4py or MPI is missing.
    """
    communicator = joined()
    for name, value, found in (
        ("num_processes", num_processes, communicator.size),
        ("process_id", process_id, communicator.rank),
    ):
        if value is not None and value != found:
            raise ValueError(f"initialize({name}={value!r}): the launcher says {found}. Leave it out.")


def joined() -> Communicator:
    """The communicator of all ranks; joins them at the first call."""
    if world.communicator is None:
        found = told()
        world.communicator = Alone() if found is None or found.size == 1 else Mpi()
        random.set_state(world.communicator.broadcast_object(random.get_state()))
    return world.communicator


def rank() -> int:
    """The number of this process among all, from 0."""
    return joined().rank


def size() -> int:
    """How many processes train together.

    >>> size()
    1
    """
    return joined().size


def local_rank() -> int:
    """The number of this process among those of its machine, from 0."""
    return joined().local_rank
