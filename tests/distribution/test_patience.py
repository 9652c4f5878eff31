"""A sum that one rank waits for patiently, and another in a hurry, is one sum."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from eagerflow.distribution.runtime import mpi
from eagerflow.distribution.runtime.current import world


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


def test_a_rank_that_waits_long_sleeps_between_looks(monkeypatch):
    clock, naps = iter(range(1000)), []
    monkeypatch.setattr(mpi, "time", SimpleNamespace(monotonic=lambda: next(clock) / 100, sleep=naps.append))
    looks = iter([False] * 100 + [True])
    mpi._wait(SimpleNamespace(Test=lambda: next(looks)))
    assert naps == [1e-3] * len(naps)
    assert 70 < len(naps) < 90  # not in the first fifth of a second
