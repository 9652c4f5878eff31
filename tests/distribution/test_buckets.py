"""Gradients are summed in buckets: the right sums, the same bits on all ranks, whatever is missing."""

from __future__ import annotations

import numpy as np
import pytest

from eagerflow.distribution.batch_shard import shard_of
from eagerflow.distribution.runtime import buckets
from eagerflow.distribution.runtime.current import world
from eagerflow.distribution.runtime.gradient_sums import GradientSums
from eagerflow.distribution.runtime.window import LINE, parts
from tests.distribution.simulated import Simulated

SHAPES = [(3, 5), (), (400,), (7, 100), (33, 3)]


def gradients_of(rank: int, dtype: str, seed: int = 0) -> list[np.ndarray]:
    draws = np.random.default_rng((seed, rank))
    return [np.asarray(draws.normal(size=shape)).astype(dtype) for shape in SHAPES]


def three_steps(dtypes: list[str], filled_early: bool) -> list[list[bytes]]:
    """Three steps with small buckets: the sums, as bytes."""
    communicator = world.communicator
    kinds = [np.dtype(dtypes[i % len(dtypes)]) for i in range(len(SHAPES))]
    made = buckets.Buckets(communicator.duplicate(), buckets.Helper("test"), SHAPES, kinds, [4, 2, 0, 1, 3], most=1024)
    found = []
    for step in range(3):
        gradients = [g.astype(kind) for g, kind in zip(gradients_of(communicator.rank, "float64", step), kinds)]
        made.begin(1.0 / (2 + communicator.rank))
        for i in [4, 2, 0] if filled_early else []:
            made.fill(i, gradients[i])
        found.append([total.tobytes() for total in made.finish(gradients)])
    made.close()
    return found


@pytest.mark.parametrize("n", [2, 3, 4])
@pytest.mark.parametrize("dtypes", [["float32"], ["float64", "float16", "complex64"]])
def test_sums_are_those_of_all_ranks_with_the_same_bits(ranks, n, dtypes):
    on_all = ranks(n, three_steps, dtypes, True)
    assert all(found == on_all[0] for found in on_all)
    for step, found in enumerate(on_all[0]):
        for i, data in enumerate(found):
            dtype = np.dtype(dtypes[i % len(dtypes)])
            given = [gradients_of(rank, "float64", step)[i].astype(dtype) for rank in range(n)]
            expected = sum(g.astype("complex128") / (2 + rank) for rank, g in enumerate(given))
            total = np.frombuffer(data, dtype).reshape(SHAPES[i])
            np.testing.assert_allclose(total, expected, rtol=1e-5 if dtype.itemsize > 2 else 2e-3, atol=1e-5)


def test_gradients_sent_while_others_are_made_have_the_same_sums(ranks):
    assert ranks(2, three_steps, ["float32"], True) == ranks(2, three_steps, ["float32"], False)


def some_missing() -> list[list[float] | None]:
    communicator = world.communicator
    rank = communicator.rank
    made = buckets.Buckets(communicator.duplicate(), buckets.Helper("test"), [(2,)] * 3, ["float32"] * 3, [2, 1, 0], 64)
    made.begin(1.0)
    if rank == 0:
        made.fill(2, np.ones(2, "float32"))
    made.finish([np.ones(2, "float32")] * 3)  # so that old numbers lie there
    made.begin(0.5)
    one = np.full(2, 1.0 + rank, "float32")
    found = made.finish([one, one if rank == 1 else None, None])
    return [None if g is None else g.tolist() for g in found]


def test_a_gradient_missing_on_some_ranks_counts_as_zero_and_on_all_is_none(ranks):
    assert ranks(2, some_missing) == [[[1.5, 1.5], [1.0, 1.0], None]] * 2


def given_up() -> list[float]:
    made = buckets.Buckets(
        world.communicator.duplicate(), buckets.Helper("test"), [(16,)] * 3, ["float32"] * 3, [2, 1, 0], 64
    )
    made.begin(1.0)
    made.fill(2, np.full(16, 7.0, "float32"))  # on its way at once: every bucket holds one
    made.give_up()
    made.begin(1.0)
    return [float(g[0]) for g in made.finish([np.ones(16, "float32")] * 3)]


def test_a_step_that_an_exception_ended_leaves_nothing_behind(ranks):
    assert ranks(2, given_up) == [[2.0] * 3] * 2


class Weight:
    """As much of a variable as sums look at."""

    def __init__(self, identity: int, shape: tuple[int, ...]) -> None:
        self.identity, self.shape, self.data = identity, shape, np.zeros(shape, "float32")


def orders_of_two_ranks() -> list[list[int]]:
    sums = GradientSums(world.communicator)
    weights = [Weight(i, (300_000,)) for i in range(3)]
    gradients = [np.full(300_000, i, "float32") for i in range(3)]
    finished = sums.begin(weights, 0.5)
    for key in [1, 2, 0] if world.communicator.rank == 0 else [0, 1]:
        finished(key, gradients[key])
    first = sums.sum(weights, 0.5, gradients)
    sums.forget(weights)
    assert [g[0] for g in first] == [0, 1, 2]
    return [list(bucket.members) for bucket in sums._find(weights).buckets]


def test_buckets_are_in_the_order_in_which_rank_0_finished(ranks):
    assert ranks(2, orders_of_two_ranks) == [[[1], [2, 0]]] * 2


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 1000, 4096])
def test_parts_are_disjoint_ordered_and_cover_all_for_any_number_of_ranks(size):
    for start, stop in [(0, 0), (0, 64), (128, 128 + 64 * 1000), (64, 64 + 64 * 5000 + 17)]:
        cuts = parts(start, stop, size)
        assert cuts[0] == start
        assert cuts[-1] == stop
        assert cuts == sorted(cuts)
        assert all(edge % LINE == 0 for edge in cuts[:-1])
        lengths = np.diff(cuts)
        assert lengths.max() - lengths.min() < 2 * LINE


@pytest.mark.parametrize("size", [1, 2, 64, 4096])
def test_shares_cover_the_batch_and_their_weights_add_up_to_one(size):
    for rows in (1, 5, 64, 4095, 10_000):
        shares = [shard_of(Simulated(size, rank), rows) for rank in range(size)]
        assert [shard.start for shard in shares[1:]] == [shard.stop for shard in shares[:-1]]
        assert (shares[0].start, shares[-1].stop) == (0, rows)
        assert sum(shard.weight for shard in shares) == pytest.approx(1)
        assert {shard.own for shard in shares} <= {rows // size, -(-rows // size)}


@pytest.mark.parametrize("seed", range(5))
def test_every_array_lies_in_one_bucket_and_buckets_side_by_side(seed):
    draws = np.random.default_rng(seed)
    count = int(draws.integers(1, 60))
    shapes = [tuple(draws.integers(0, 40, draws.integers(0, 4)).tolist()) for _ in range(count)]
    dtypes = [np.dtype(draws.choice(["float32", "float64"])) for _ in range(count)]
    order = draws.permutation(count).tolist()
    found = buckets.cut(shapes, dtypes, order, most=4096, first=512)
    assert sorted(i for bucket in found for i in bucket.members) == list(range(count))
    position = 0
    for bucket in found:
        assert bucket.start == position == bucket.places[0]
        position = bucket.stop
        assert all(dtypes[i] == bucket.dtype for i in bucket.members)
        assert [order.index(i) for i in bucket.members] == sorted(order.index(i) for i in bucket.members)
        assert bucket.places[-1] - bucket.start < 4096, "the last one went in before it was full"


@pytest.mark.parametrize("rank", [0, 4095])
def test_4096_ranks_weigh_and_sum(rank):
    communicator = Simulated(4096, rank)
    made = buckets.Buckets(communicator, buckets.Helper("test"), [(3,), (40,)], ["float32"] * 2, [1, 0], 64)
    made.begin(shard_of(communicator, 4096).weight)
    assert [g[0] for g in made.finish([np.ones(3, "float32"), np.full(40, 2, "float32")])] == [1.0, 2.0]


def test_two_arrays_that_each_almost_fill_a_bucket_are_sent_one_by_one():
    large, small = (1000,), (16,)
    found = buckets.cut([small, large, large, small], [np.dtype("float32")] * 4, range(4), most=4096, first=512)
    assert [bucket.members for bucket in found] == [(0, 1), (2, 3)]
