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


def made(machines: list[int], wire: str | None = None) -> Buckets:
    channel = world.communicator.duplicate()
    channel._machine = Machine(channel, machines[channel.rank])
    buckets = Buckets(channel, Helper("test"), SHAPES, ["float32"] * 4, [3, 2, 1, 0], 300, wire)
    assert isinstance(buckets.window, SharedWindow)
    return buckets


def whole_sums(machines: list[int], wire: str | None) -> list[bytes]:
    buckets = made(machines, wire)
    for _ in range(2):
        buckets.begin(0.5)
        buckets.fill(3, gradient(world.communicator.rank, 3))
        found = buckets.finish([gradient(world.communicator.rank, i) for i in range(4)])
    data = [g.tobytes() for g in found]
    buckets.close()
    return data


def expected(n: int) -> list[np.ndarray]:
    return [sum(gradient(rank, i).astype("float64") for rank in range(n)) / 2 for i in range(4)]


@pytest.mark.parametrize("wire", [None, "float16"])
@pytest.mark.parametrize("machines", LAYOUTS, ids=str)
def test_sums_over_machines_are_those_of_all_ranks(ranks, machines, wire):
    found = ranks(len(machines), whole_sums, machines, wire)
    assert all(data == found[0] for data in found)
    for data, total in zip(found[0], expected(len(machines))):
        tolerance = 1e-5 if wire is None else 5e-3
        np.testing.assert_allclose(np.frombuffer(data, "float32").reshape(total.shape), total, tolerance, tolerance)


def sums_in_parts(machines: list[int]) -> tuple[list[bytes], int]:
    """Every rank gets its parts of the sums, negates them, and all of them are gathered again."""
    buckets = made(machines)
    rank = world.communicator.rank
    owned = 0
    for _ in range(2):
        buckets.begin(0.5, scattered=True)
        known = buckets.finish_parts(
            [gradient(rank, i) for i in range(3)] + [None] * (rank > 0) + [gradient(0, 3)] * (rank == 0)
        )
        assert known == [True] * 4
        owned = 0
        for number in range(len(buckets.buckets)):
            start, stop = buckets.part(number)
            buckets.window.total[start:stop].view("float32")[...] *= -1
            owned += stop - start
        buckets.gather()
        found = [total.tobytes() for total in buckets.total]
        buckets.clear()
    buckets.close()
    return found, owned


@pytest.mark.parametrize("machines", LAYOUTS, ids=str)
def test_parts_of_sums_over_machines_are_gathered(ranks, machines):
    found = ranks(len(machines), sums_in_parts, machines)
    assert all(data == found[0][0] for data, _ in found)
    totals = expected(len(machines))
    totals[3] = gradient(0, 3) / 2
    for data, total in zip(found[0][0], totals):
        np.testing.assert_allclose(np.frombuffer(data, "float32").reshape(total.shape), -total, 1e-5, 1e-5)
    assert sum(owned for _, owned in found) == sum(64 * -(-4 * int(np.prod(shape)) // 64) for shape in SHAPES)
