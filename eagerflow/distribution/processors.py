"""Ranks of one machine divide its processors among themselves."""

from __future__ import annotations

import os

from eagerflow.distribution.runtime.communicator import Communicator
from eagerflow.distribution.runtime.current import world
from eagerflow.kernels.machine.blas import blas_threads, set_blas_threads
from eagerflow.kernels.machine.cpus import usable_cpus
from eagerflow.kernels.machine.threads import get_num_threads, share_processors

__all__ = ["divide_processors", "fair", "places", "threads"]

_BLAS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def divide_processors(communicator: Communicator) -> int:
    """Let this rank use its share of its machine's processors; gives their number. All ranks call it together.

    What the user has said counts more: for products the variables of BLAS libraries in the environment, for our
    kernels `EAGERFLOW_NUM_THREADS` or `set_num_threads`.
    """
    everyone = communicator.gather_objects((communicator.hosts[communicator.rank], places()))
    count = fair(usable_cpus(), [its for host, its in everyone if host == communicator.hosts[communicator.rank]])
    share_processors(count)
    if not any(os.environ.get(name) for name in _BLAS) and blas_threads() > count:
        set_blas_threads(count)
    world.spare = usable_cpus() > communicator.local_size * max(get_num_threads(), blas_threads())
    return count


def places() -> list[int]:
    """The numbers of the processors that this process may use."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


def threads() -> int:
    """How many threads this process computes with: in products or in our kernels, whichever are more."""
    return max(blas_threads(), get_num_threads())


def fair(own: int, of_all: list[list[int]]) -> int:
    """How many threads a rank should use.

    Args:
        own: how many processors it may use.
        of_all: the numbers of the processors that each rank of its machine may use.

    A launcher may have bound ranks to processors already: then each has its own.

    >>> fair(8, [[0, 1, 2, 3, 4, 5, 6, 7]] * 2), fair(4, [[0, 1, 2, 3], [4, 5, 6, 7]]), fair(2, [[0, 1]] * 4)
    (4, 4, 1)
    """
    return max(1, min(own, len(set().union(*of_all)) // len(of_all)))
