"""What ranks can do together, on real ranks."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import distribution
from eagerflow.distribution.runtime.current import world


def who() -> tuple[int, int, int]:
    return distribution.rank(), distribution.size(), distribution.local_rank()


def test_every_rank_knows_its_number(ranks):
    assert ranks(3, who) == [(0, 3, 0), (1, 3, 1), (2, 3, 2)]


def every_reduction(dtype: str) -> list[list[float]]:
    x = ef.ops.cast([1.0, 2.0, 3.0], dtype) + distribution.rank()
    return [distribution.all_reduce(x, op).tolist() for op in ("sum", "mean", "max", "min", "prod")]


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_all_reduce_gives_the_same_on_all_ranks(ranks, dtype):
    expected = [[3, 5, 7], [1.5, 2.5, 3.5], [2, 3, 4], [1, 2, 3], [2, 6, 12]]
    assert ranks(2, every_reduction, dtype) == [expected, expected]


def gradients() -> list[float]:
    x = ef.Variable([1.0 + distribution.rank(), 2.0])
    with ef.GradientTape() as tape:
        y = ef.ops.sum(distribution.all_reduce(x) ** 2 * (1.0 + distribution.rank()))
    return tape.gradient(y, x).tolist()


def test_gradients_of_all_reduce_come_from_all_ranks(ranks):
    total = 2 * np.array([3.0, 4.0]) * (1 + 2)  # both ranks' losses depend on both ranks' parts
    for found in ranks(2, gradients):
        np.testing.assert_allclose(found, total)


def unequal_parts() -> list[float]:
    rank = distribution.rank()
    return distribution.all_gather(np.full(rank, rank, "float32")).tolist()


def test_parts_may_have_other_lengths_on_each_rank(ranks):
    assert ranks(4, unequal_parts) == [[1, 2, 2, 3, 3, 3]] * 4


def mixed_patience() -> list[float]:
    channel = world.communicator.duplicate()
    found = []
    for size in (3, 1000, 100_000, 4_000_000):
        for turn in range(4):
            array = np.full(size, 1.0 + channel.rank, "float32")
            channel.sum_flat(array, patient=(channel.rank + turn) % 2 == 0)
            found += [float(array.min()), float(array.max())]
    return found


def test_patient_and_hurried_ranks_meet(ranks):
    assert ranks(2, mixed_patience) == [[3.0] * 32] * 2
    assert ranks(3, mixed_patience) == [[6.0] * 32] * 3


def told_by_rank_1():
    return distribution.broadcast({"rate": distribution.rank() / 2, "x": ef.ops.ones(2)}, root=1)["rate"]


def test_broadcast_gives_what_one_rank_has(ranks):
    assert ranks(2, told_by_rank_1) == [0.5, 0.5]


def fails_on_rank_1():
    if distribution.rank() == 1:
        raise ValueError("rank 1 has had enough")


def test_the_pool_tells_which_rank_failed(ranks):
    with pytest.raises(AssertionError, match=r"(?s)rank 1 of 2:.*rank 1 has had enough"):
        ranks(2, fails_on_rank_1)


def together(name: str) -> tuple[list[float], int, str]:
    """A step in which ranks talk to each other, captured; each rank has its own number of calls of other shapes."""
    talk = {
        "all_reduce": lambda x: distribution.all_reduce(x),
        "all_gather": lambda x: ef.ops.convert_to_tensor(distribution.all_gather(x)),
        "broadcast": lambda x: distribution.broadcast(x),
        "barrier": lambda x: [x, distribution.barrier()][0],
    }[name]
    step = ef.function(lambda x: talk(ef.ops.sum(x, axis=0)) * 2.0)
    rank = distribution.rank()
    found = [step(ef.ops.ones((3 if rank and i % 3 == 0 else 2, 1)) * (i + 1.0)).tolist() for i in range(12)]
    return np.concatenate(found).tolist(), step.replays, str(step.why_eager)


@pytest.mark.filterwarnings("ignore:.*runs eagerly")
@pytest.mark.parametrize("name", ["all_reduce", "all_gather", "broadcast", "barrier"])
def test_what_ranks_do_together_is_done_in_each_call_of_a_captured_step(ranks, name):
    """They write steps down in different calls, and would send one number too many while they compare."""
    here = [2.0 * 2 * (i + 1) for i in range(12)]
    there = [2.0 * (3 if i % 3 == 0 else 2) * (i + 1) for i in range(12)]
    expected = {
        "all_reduce": [[a + b for a, b in zip(here, there)]] * 2,
        "all_gather": [[x for pair in zip(here, there) for x in pair]] * 2,
        "broadcast": [here, here],
        "barrier": [here, there],
    }[name]
    found = ranks(2, together, name)
    assert [values for values, _, _ in found] == expected
    assert all(replays == 0 and "ranks talk to each other" in why for _, replays, why in found)
