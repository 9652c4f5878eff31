"""How a process finds the others: `initialize`, and what it is among them."""

from __future__ import annotations

import faulthandler
import os
import platform
import sys
from collections.abc import Sequence
from typing import Any

import numpy

from eagerflow._version import __version__
from eagerflow.core import random
from eagerflow.core.device import default_device, list_devices, set_default_device
from eagerflow.distribution.processors import divide_processors
from eagerflow.distribution.runtime.agreement import agree
from eagerflow.distribution.runtime.communicator import Communicator
from eagerflow.distribution.runtime.current import world
from eagerflow.distribution.runtime.faults import install, set_timeout, status
from eagerflow.distribution.runtime.mpi import Mpi
from eagerflow.training.launchers import Told, told, two_libraries

__all__ = ["initialize", "joined", "local_rank", "rank", "size"]

_LEAST = 30.0  # seconds in which ranks may start, whatever the timeout


def initialize(
    job_addresses: str | Sequence[str] | None = None, num_processes: int | None = None, process_id: int | None = None
) -> None:
    """Connects the ranks that a launcher such as `mpirun` started. `DataParallel` does it where a script doesn't.

    All ranks get rank 0's random seed. The number of ranks and their addresses come from the launcher; the arguments
    are only checked against it. Arguments that are left out are taken from `KERAS_DISTRIBUTION_JOB_ADDRESSES`,
    `KERAS_DISTRIBUTION_NUM_PROCESSES` and `KERAS_DISTRIBUTION_PROCESS_ID`, as in Keras.

    Args:
        job_addresses: the addresses of all processes, as a list or a text with commas. A single address (Keras'
            coordinator) isn't checked.
        num_processes: the number of ranks.
        process_id: the number of this rank, from 0.

    Raises:
        ValueError: on all ranks, where an argument contradicts the launcher on one of them.
        RuntimeError: where MPI sees other ranks than the launcher started, or versions differ among ranks.
        ImportError: where a launcher started several ranks, and mpi4py or MPI is missing.

    >>> ef.distribution.initialize()
    >>> ef.distribution.rank(), ef.distribution.size()  # alone, unless a launcher started several
    (0, 1)
    """
    communicator = joined()
    addresses = _given("JOB_ADDRESSES", job_addresses)
    names = addresses.split(",") if isinstance(addresses, str) else list(addresses or ())
    count = len(names) if len(names) > 1 else None
    wrong = [
        f"initialize({name}={value!r:.60}): {_contradiction(found, name)}"
        for name, value, claimed, found in (
            ("num_processes", num_processes, _number("NUM_PROCESSES", num_processes), communicator.size),
            ("job_addresses", job_addresses, count, communicator.size),
            ("process_id", process_id, _number("PROCESS_ID", process_id), communicator.rank),
        )
        for value in [claimed if value is None else value]
        if claimed is not None and claimed != found
    ]
    for rank, complaints in enumerate(communicator.gather_objects(wrong)):
        if complaints:
            raise ValueError(complaints[0] + (f" (on rank {rank})" if communicator.size > 1 else ""))


def _given(name: str, value: Any) -> Any:
    return os.environ.get(f"KERAS_DISTRIBUTION_{name}") or None if value is None else value


def _number(name: str, value: Any) -> int | None:
    found = _given(name, value)
    try:
        return None if found is None else int(found)
    except (TypeError, ValueError):
        raise ValueError(f"initialize({name.lower()}={found!r:.60}): expected a whole number.") from None


def _contradiction(found: int, name: str) -> str:
    if found == 1 and name != "process_id":
        return "there is 1 process. Several are started by `python -m eagerflow launch -n 4 train.py` or by mpiexec."
    there = f"this process is rank {found}" if name == "process_id" else f"there are {found} processes"
    return f"{there}. The launcher numbers them; leave the argument out."


def joined() -> Communicator:
    """The communicator of all ranks, which are connected at the first call (see `initialize`).

    >>> ef.distribution.joined().size
    1
    """
    if world.communicator is None:
        found = told()
        if found is None or found.size == 1:
            world.communicator = Communicator()
            return world.communicator
        communicator = _waiting_for_all_ranks_to_start(found)
        random.set_state(communicator.broadcast_object(random.get_state()))
        world.communicator, status.control = communicator, communicator.handle.Dup()
        set_timeout(status.timeout)
        install()
        divide_processors(communicator)
        if default_device().kind != "cpu":  # each rank takes a GPU of its machine
            set_default_device(f"gpu:{communicator.local_rank % max(len(list_devices()) - 1, 1)}")
    return world.communicator


def _waiting_for_all_ranks_to_start(found: Told) -> Mpi:
    """All ranks that the launcher started, of which none runs another version."""
    # MPI can't be interrupted while it starts: this writes where we are, and ends the process.
    # The agents of `launch` do it by themselves.
    if limited := status.channel is None and sys.__stderr__ is not None:
        faulthandler.dump_traceback_later(max(status.timeout, _LEAST), exit=True, file=sys.__stderr__)
    try:
        communicator = Mpi()
    finally:
        if limited:
            faulthandler.cancel_dump_traceback_later()
    if communicator.size != found.size:
        library = communicator.engine.Get_library_version().partition("\n")[0].strip("\0 ")
        raise RuntimeError(two_libraries(found, communicator.size, library))
    versions = {
        "the version of eagerflow": __version__,
        "the version of NumPy": numpy.__version__,
        "the version of Python": platform.python_version(),
    }
    agree(communicator, versions, "initialize")
    return communicator


def rank() -> int:
    """The number of this process among all, from 0.

    >>> ef.distribution.rank()
    0
    """
    return joined().rank


def size() -> int:
    """The number of ranks (processes that train together).

    >>> ef.distribution.size()
    1
    """
    return joined().size


def local_rank() -> int:
    """The number of this process among those of its machine, from 0.

    >>> ef.distribution.local_rank()
    0
    """
    return joined().local_rank
