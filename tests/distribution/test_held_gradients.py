"""An optimizer that accumulates gradients sends them once for each update, and loses none."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow.core.strategy import sharing
from eagerflow.distribution import DataParallel, no_sync, set_distribution
from eagerflow.distribution.batch_shard import shard_of
from eagerflow.distribution.runtime import buckets
from eagerflow.distribution.runtime.current import world

ROWS, STEPS = 10, 7


def model(accumulation: int = 3):
    ef.utils.set_random_seed(7)
    made = ef.Sequential([ef.Input((6,)), ef.layers.Dense(8, "tanh"), ef.layers.Dense(3)])
    made.compile(ef.optimizers.SGD(0.1, momentum=0.9, gradient_accumulation_steps=accumulation), "mse")
    return made


def data() -> list[np.ndarray]:
    draws = np.random.default_rng(3)
    return [draws.normal(size=(ROWS * STEPS, n)).astype("float32") for n in (6, 3)]


def sums_made(steps) -> int:
    """How many times buckets were summed while `steps` ran."""
    count, finish = [], buckets.Buckets.finish_parts
    buckets.Buckets.finish_parts = lambda self, gradients: (count.append(1), finish(self, gradients))[1]
    try:
        steps()
    finally:
        buckets.Buckets.finish_parts = finish
    return len(count)


def fitted(bucket_bytes: int | None, saves_to: str | None = None) -> tuple[list, list, int]:
    """Weights and state after two epochs, each of which ends between two updates; and how often sums were made."""
    set_distribution(DataParallel(bucket_bytes=bucket_bytes))
    made = model()
    x, y = data()
    saving = [ef.callbacks.ModelCheckpoint(saves_to, save_freq=2)] if saves_to else []
    options = {"batch_size": ROWS, "shuffle": False, "verbose": 0, "callbacks": saving}
    count = sums_made(lambda: made.fit(x, y, epochs=2, **options))
    return [np.array(w) for w in made.get_weights()], [v.numpy() for v in made.optimizer.variables], count


def assert_close(found, expected):
    assert len(found) == len(expected)
    for a, b in zip(found, expected):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("bucket_bytes", [None, 100])
@pytest.mark.parametrize("n", [2, 3])
def test_one_sum_for_each_update_and_one_at_each_epochs_end(ranks, n, bucket_bytes):
    weights, state, _ = fitted(None)
    set_distribution(None)
    updates, ends = 2 * STEPS // 3, 2
    for found in ranks(n, fitted, bucket_bytes):
        assert_close(found[0], weights)
        assert_close(found[1], state)
        assert found[2] == updates + ends


def test_what_is_saved_between_two_updates_has_all_ranks_gradients(ranks, tmp_path):
    ranks(2, fitted, None, str(tmp_path / "of-ranks.keras"))
    fitted(None, str(tmp_path / "alone.keras"))
    set_distribution(None)
    of_ranks, alone = [ef.models.load_model(tmp_path / f"{name}.keras") for name in ("of-ranks", "alone")]
    assert_close([v.numpy() for v in of_ranks.optimizer.variables], [v.numpy() for v in alone.optimizer.variables])


def own_loop(held: bool) -> tuple[list, list, int]:
    set_distribution(DataParallel())
    made = model()
    x, y = data()

    def steps():
        for step in range(STEPS):
            shard = shard_of(world.communicator, ROWS)
            rows = slice(step * ROWS + shard.start, step * ROWS + shard.stop)
            with sharing(shard):
                made.train_step((x[rows], y[rows]))

    def all_of_it():
        if held:
            with no_sync():
                steps()
            made.optimizer.gather()
        else:
            steps()

    count = sums_made(all_of_it)
    return [np.array(w) for w in made.get_weights()], [v.numpy() for v in made.optimizer.variables], count


def test_loops_of_ones_own_hold_gradients_back_if_they_say_so(ranks):
    every, held = ranks(2, own_loop, False)[0], ranks(2, own_loop, True)[0]
    assert_close(held[0], every[0])
    assert_close(held[1], every[1])
    assert (every[2], held[2]) == (STEPS, STEPS // 3 + 1)


def frozen_in_between() -> list[np.ndarray]:
    """Another set of variables between two updates: what was held back for the first is not lost."""
    many = world.communicator is not None and world.communicator.size > 1
    set_distribution(DataParallel() if many else None)
    made = model(4)
    x, y = data()
    for step in range(4):
        made.layers[0].trainable = step % 2 == 0
        shard = shard_of(world.communicator, ROWS) if many else None
        first, last = (shard.start, shard.stop) if many else (0, ROWS)
        rows = slice(step * ROWS + first, step * ROWS + last)
        with sharing(shard), no_sync():
            made.train_step((x[rows], y[rows]))
    return [np.array(w) for w in made.get_weights()]


def test_freezing_layers_between_updates_loses_no_gradients(ranks):
    alone = frozen_in_between()
    for found in ranks(2, frozen_in_between):
        assert_close(found, alone)
