"""Ranks on several machines: sums are made within each machine, and between one rank of each."""

from __future__ import annotations

import numpy as np
import pytest

from eagerflow.distribution.runtime.buckets import Buckets, Helper
from eagerflow.distribution.runtime.current import world
from eagerflow.distribution.runtime.shared_window import Machine, SharedWindow

SHAPES = [(50,), (7, 9), (), (400,)]
LAYOUTS = [[0, 0, 1, 1], [0, 1, 0, 1], [0, 1, 1], [0, 0, 1], [0, 1, 2, 1]]


def gradient(rank: int, i: int) -> np.ndarray:
    return np.asarray(np.random.default_rng((rank, i)).normal(size=SHAPES[i])).astype("float32")


def made(machines: list[int]) -> Buckets:
    channel = world.communicator.duplicate()
    channel._machine = Machine(channel, machines[channel.rank])
    buckets = Buckets(channel, Helper("test"), SHAPES, ["float32"] * 4, [3, 2, 1, 0], 300)
    assert isinstance(buckets.window, SharedWindow)
    return buckets


def whole_sums(machines: list[int]) -> list[bytes]:
    buckets = made(machines)
    for _ in range(2):
        buckets.begin(0.5)
        buckets.fill(3, gradient(world.communicator.rank, 3))
        found = buckets.finish([gradient(world.communicator.rank, i) for i in range(4)])
    data = [g.tobytes() for g in found]
    buckets.close()
    return data


def expected(n: int) -> list[np.ndarray]:
    return [sum(gradient(rank, i).astype("float64") for rank in range(n)) / 2 for i in range(4)]


@pytest.mark.parametrize("machines", LAYOUTS, ids=str)
def test_sums_over_machines_are_those_of_all_ranks(ranks, machines):
    found = ranks(len(machines), whole_sums, machines)
    assert all(data == found[0] for data in found)
    for data, total in zip(found[0], expected(len(machines))):
        np.testing.assert_allclose(np.frombuffer(data, "float32").reshape(total.shape), total, 1e-5, 1e-5)
