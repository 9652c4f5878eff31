"""A sum that one rank waits for patiently, and another in a hurry, is one sum."""

from __future__ import annotations

import time

import numpy as np

from eagerflow.world.current import world


def mixed_patience() -> list[float]:
    channel = world.communicator.duplicate()
    found = []
    for size in (3, 1000, 100_000, 4_000_000):
        for turn in range(4):
            array = np.full(size, 1.0 + channel.rank, "float32")
            channel.sum_flat(array, None, patient=(channel.rank + turn) % 2 == 0)
            found += [float(array.min()), float(array.max())]
    return found


def test_patient_and_hurried_ranks_meet(ranks):
    assert ranks(2, mixed_patience) == [[3.0] * 32] * 2
    assert ranks(3, mixed_patience) == [[6.0] * 32] * 3


def used_while_waiting() -> float:
    """The share of a processor that rank 0 takes while rank 1 stays away."""
    if world.communicator.rank == 1:
        time.sleep(1.5)
    began, used = time.monotonic(), time.process_time()
    world.communicator.all_reduce(np.ones(8))
    world.communicator.gather_objects(None)
    return (time.process_time() - used) / (time.monotonic() - began)


def test_a_rank_that_waits_long_leaves_the_processor_to_others(ranks):
    assert ranks(2, used_while_waiting)[0] < 0.5
