"""Steps of `train_step` send gradients while they find more of them: the same weights as in one process."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow.core.observe import Observer, observing
from eagerflow.core.strategy import sharing
from eagerflow.distribution import DataParallel, set_distribution
from eagerflow.distribution.batch_shard import shard_of
from eagerflow.distribution.runtime import buckets, gradient_sums
from eagerflow.distribution.runtime.current import world

ROWS, STEPS = 10, 4


def model(optimizer: str):
    ef.utils.set_random_seed(7)
    layers = [ef.layers.Dense(8, "tanh") for _ in range(3)]
    made = ef.Sequential([ef.Input((6,)), *layers, ef.layers.Dense(3)])
    made.compile(ef.optimizers.get(optimizer), "mse")
    return made


def batches():
    draws = np.random.default_rng(3)
    return [[draws.normal(size=(ROWS, n)).astype("float32") for n in (6, 3)] for _ in range(STEPS)]


def step(made, batch) -> None:
    communicator = world.communicator
    if communicator is None or communicator.size == 1:
        made.train_on_batch(*batch)
        return
    shard = shard_of(communicator, ROWS)
    with sharing(shard):
        made.train_step(tuple([array[shard.start : shard.stop] for array in batch]))


def weights_after(optimizer: str, bucket_bytes: int | None, observed: bool = False) -> list[np.ndarray]:
    if world.communicator is not None:
        set_distribution(DataParallel(bucket_bytes=bucket_bytes))
    made = model(optimizer)
    heard = Observer()
    for batch in batches():
        if observed:
            with observing(heard):
                step(made, batch)
        else:
            step(made, batch)
    return [np.array(weight) for weight in made.get_weights()]


@pytest.mark.parametrize("bucket_bytes", [None, 300])
@pytest.mark.parametrize("n", [2, 3])
def test_ranks_train_as_one_process(ranks, n, bucket_bytes):
    alone = weights_after("adam", None)
    found = ranks(n, weights_after, "adam", bucket_bytes)
    for on_rank in found:
        for weight, expected, first in zip(on_rank, alone, found[0]):
            np.testing.assert_allclose(weight, expected, rtol=2e-5, atol=2e-6)
            np.testing.assert_array_equal(weight, first)


def test_observed_steps_train_alike(ranks):
    seen, unseen = ranks(2, weights_after, "sgd", 300, True), ranks(2, weights_after, "sgd", 300)
    for a, b in zip(seen[0] + seen[1], unseen[0] + unseen[1]):
        np.testing.assert_array_equal(a, b)


def sent_before_the_end() -> list[int]:
    """How many buckets were on their way when `apply` came, step by step."""
    set_distribution(DataParallel(bucket_bytes=300))
    found = []
    spare, world.spare = world.spare, True  # where all processors are busy, nothing is sent early
    finish = buckets.Buckets.finish

    def counting(self, gradients):
        found.append(self._next)
        return finish(self, gradients)

    buckets.Buckets.finish = counting
    try:
        made = model("sgd")
        for batch in batches():
            step(made, batch)
        of_all = gradient_sums.sums_of(world.communicator)
        return [*found, len(of_all._find(made.trainable_variables).buckets)]
    finally:
        buckets.Buckets.finish, world.spare = finish, spare


def test_all_buckets_but_the_last_are_sent_while_the_walk_goes_on(ranks):
    first, *others, count = ranks(2, sent_before_the_end)[0]
    assert first == 0, "the first step shows the order"
    assert count > 2
    assert others == [count - 1] * (STEPS - 1)


class Keeping(ef.optimizers.SGD):
    """An optimizer of a user's own, which keeps what it is given."""

    def update_step(self, gradient, variable, learning_rate):
        self.kept = [*getattr(self, "kept", []), gradient]
        variable.assign_sub(gradient * learning_rate)


def kept_gradients() -> bool:
    made = model("sgd")
    made.compile(Keeping(0.1), "mse")
    copies = []
    for batch in batches():
        step(made, batch)
        copies = copies or [np.array(g) for g in made.optimizer.kept]
    return all(np.array_equal(copy, g.numpy()) for copy, g in zip(copies, made.optimizer.kept))


def test_gradients_that_an_optimizer_keeps_stay_as_they_are(ranks):
    assert ranks(2, kept_gradients) == [True, True]


def two_failures() -> list[np.ndarray]:
    """A step that fails on all ranks after its gradients were found, then one that works."""
    set_distribution(DataParallel(bucket_bytes=300))
    made = model("sgd")
    step(made, batches()[0])
    before = [np.array(w) for w in made.get_weights()]
    apply, made.optimizer._apply_sums = made.optimizer._apply_sums, None
    with pytest.raises(TypeError):
        step(made, batches()[1])
    made.optimizer._apply_sums = apply
    for weight, value in zip(made.weights, before):
        np.testing.assert_array_equal(weight, value)
    step(made, batches()[2])
    return [np.array(w) for w in made.get_weights()]


def test_a_step_that_fails_leaves_no_gradients_to_the_next(ranks):
    made = model("sgd")
    for i in (0, 2):
        made.train_on_batch(*batches()[i])
    for weight, expected in zip(ranks(2, two_failures)[0], made.get_weights()):
        np.testing.assert_allclose(weight, expected, rtol=2e-5, atol=2e-6)
