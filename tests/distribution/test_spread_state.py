"""An optimizer's state in parts, one on each rank (ZeRO-1): the same weights, a fraction of the memory."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow.core.strategy import sharing
from eagerflow.distribution import DataParallel, set_distribution
from eagerflow.distribution.batch_shard import shard_of
from eagerflow.distribution.runtime.current import world

ROWS = 12
KINDS = {
    "adam": lambda: ef.optimizers.Adam(0.01),
    "adamw": lambda: ef.optimizers.AdamW(0.01, weight_decay=0.1),
    "momentum": lambda: ef.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    "clipped": lambda: ef.optimizers.RMSprop(0.01, global_clipnorm=0.05, use_ema=True),
    "by value": lambda: ef.optimizers.Adagrad(0.1, clipvalue=0.01, loss_scale_factor=8.0),
}


def model(kind: str, hidden: int = 24):
    ef.utils.set_random_seed(7)
    layers = [ef.layers.Dense(hidden, "tanh") for _ in range(2)]
    made = ef.Sequential([ef.Input((6,)), *layers, ef.layers.Dense(3)])
    optimizer = KINDS[kind]()
    if kind == "adamw":
        optimizer.exclude_from_weight_decay(var_names=["bias"])
    made.compile(optimizer, "mse")
    return made


def train(made, first: int, last: int) -> None:
    """Steps on this rank's rows, or on all of them in a process alone."""
    communicator = world.communicator
    for step in range(first, last):
        draws = np.random.default_rng(step)
        batch = [draws.normal(size=(ROWS, n)).astype("float32") for n in (6, 3)]
        if communicator is None or communicator.size == 1:
            made.train_on_batch(*batch)
        else:
            shard = shard_of(communicator, ROWS)
            with sharing(shard):
                made.train_step(tuple([array[shard.start : shard.stop] for array in batch]))


def state_after(kind: str, spread: bool) -> tuple[list[np.ndarray], list[np.ndarray], bool]:
    """Weights and state after five steps; and whether the state was spread."""
    set_distribution(DataParallel(shard_optimizer=spread, bucket_bytes=1000))
    made = model(kind)
    train(made, 0, 5)
    was_spread = made.optimizer._distributed.spread is not None
    made.optimizer.gather()
    return [np.array(w) for w in made.get_weights()], [v.numpy() for v in made.optimizer.variables], was_spread


def assert_close(found, expected, **tolerances):
    assert len(found) == len(expected)
    for a, b in zip(found, expected):
        np.testing.assert_allclose(a, b, **tolerances)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [2, 3])
def test_weights_and_state_are_those_of_a_state_that_is_whole(ranks, n, kind):
    whole = ranks(n, state_after, kind, False)[0]
    exact = kind != "clipped"  # the norm of all gradients is added in another order
    for weights, state, was_spread in ranks(n, state_after, kind, True):
        assert was_spread
        assert_close(weights, whole[0], rtol=0 if exact else 1e-5, atol=0 if exact else 1e-7)
        assert_close(state, whole[1], rtol=0 if exact else 1e-5, atol=0 if exact else 1e-7)


def bytes_of_adam() -> tuple[int, int]:
    set_distribution(DataParallel(shard_optimizer=True))
    made = model("adam", 200)
    train(made, 0, 1)
    optimizer = made.optimizer
    here = sum(v.nbytes for v in optimizer.variables if not _is_away(v)) + optimizer._distributed.spread.nbytes
    return here, 2 * sum(w.nbytes for w in made.get_weights())


def _is_away(variable) -> bool:
    try:
        variable.numpy()
    except RuntimeError:
        return True
    return False


def test_four_ranks_keep_a_quarter_of_adams_state_each(ranks):
    for here, whole in ranks(4, bytes_of_adam):
        assert here <= 0.27 * whole


def read_while_spread() -> str:
    set_distribution(DataParallel(shard_optimizer=True))
    made = model("adam")
    train(made, 0, 1)
    slot = made.optimizer.variables[2]
    assert slot.shape == (6, 24)
    assert made.optimizer.variables[0].numpy() == 1
    try:
        slot.numpy()
    except RuntimeError as error:
        return str(error)
    return ""


def test_reading_a_state_that_is_elsewhere_says_what_to_do(ranks):
    for told in ranks(2, read_while_spread):
        assert "optimizer.gather()" in told
        assert "kernel" in told


def from_part_to_part(state: list[np.ndarray] | None, weights: list[np.ndarray] | None, first: int, last: int):
    set_distribution(DataParallel(shard_optimizer=True, bucket_bytes=1000))
    made = model("adam")
    made.optimizer.build(made.trainable_variables)
    if weights is not None:
        made.set_weights(weights)
        made.optimizer.set_weights(state)
    train(made, first, last)
    made.optimizer.gather()
    return [v.numpy() for v in made.optimizer.variables], [np.array(w) for w in made.get_weights()]


def test_training_goes_on_with_another_number_of_ranks(ranks):
    state, weights = None, None
    for n, first, last in [(4, 0, 2), (3, 2, 4), (2, 4, 6)]:
        state, weights = ranks(n, from_part_to_part, state, weights, first, last)[0]
    alone = model("adam")
    train(alone, 0, 6)
    assert_close(weights, alone.get_weights(), rtol=2e-4, atol=2e-6)


def set_while_spread() -> bool:
    """A state that is loaded while the old one is spread takes its place."""
    set_distribution(DataParallel(shard_optimizer=True, bucket_bytes=1000))
    once, again = model("adam"), model("adam")
    for made in (once, again):
        train(made, 0, 1)
    once.optimizer.gather()
    state, weights = [v.numpy() for v in once.optimizer.variables], once.get_weights()
    train(again, 1, 3)  # goes its own way
    again.optimizer.set_weights(state)
    again.set_weights(weights)
    for made in (once, again):
        train(made, 1, 2)
    return all(np.array_equal(a, b) for a, b in zip(once.get_weights(), again.get_weights()))


def test_a_state_that_is_loaded_takes_the_place_of_one_that_is_spread(ranks):
    assert ranks(2, set_while_spread) == [True, True]


class Watching(ef.callbacks.Callback):
    """Notes whether the state is spread, and can be read."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append(self.model.optimizer._distributed.spread is not None)

    def on_epoch_end(self, epoch, logs=None):
        self.seen.append(self.model.optimizer._distributed.spread is not None)
        assert all(np.isfinite(v.numpy()).all() for v in self.model.optimizer.variables)


def fitted(hidden: int, optimizer: str, saves: str | None = None) -> list[bool]:
    set_distribution(DataParallel())
    made = model("adam", hidden)
    made.compile(optimizer, "mse")
    watching = Watching()
    saving = [ef.callbacks.ModelCheckpoint(saves + "-{batch}.keras", save_freq=2)] if saves else []
    x, y = np.ones((ROWS, 6), "float32"), np.ones((ROWS, 3), "float32")
    made.fit(x, y, batch_size=ROWS // 3, verbose=0, callbacks=[*saving, watching])
    return watching.seen


@pytest.mark.parametrize(
    ("hidden", "optimizer", "expected"), [(8, "adam", False), (400, "adam", True), (400, "sgd", False)]
)
def test_auto_spreads_where_it_saves_something(ranks, hidden, optimizer, expected):
    assert ranks(2, fitted, hidden, optimizer) == [[expected] * 3 + [False]] * 2


def test_callbacks_that_save_after_batches_find_the_whole_state(ranks, tmp_path):
    assert ranks(2, fitted, 400, "adam", str(tmp_path / "saved")) == [[True, False, True, False]] * 2
    loaded = ef.models.load_model(tmp_path / "saved-2.keras")
    assert len(loaded.optimizer.variables) == 2 + 2 * len(loaded.trainable_variables)
    assert all(np.abs(v.numpy()).max() > 0 for v in loaded.optimizer.variables)


def a_loop_of_its_own() -> bool:
    set_distribution(DataParallel())
    made = model("adam", 400)
    train(made, 0, 1)
    return made.optimizer._distributed.spread is not None


def test_auto_leaves_loops_of_ones_own_alone(ranks):
    assert ranks(2, a_loop_of_its_own) == [False, False]


def with_a_missing_gradient() -> list[np.ndarray]:
    set_distribution(DataParallel(shard_optimizer=True, bucket_bytes=64))
    ef.utils.set_random_seed(1)
    weights = [ef.Variable(np.full((30,), 1.0 + i, "float32"), name=f"w{i}") for i in range(3)]
    optimizer = ef.optimizers.Adam(0.1)
    shard = shard_of(world.communicator, 2)
    with sharing(shard):
        for _ in range(2):
            one = np.ones(30, "float32")
            with pytest.warns(UserWarning, match="No gradient for w1"):
                optimizer.apply([one, None, one if shard.start == 0 else None], weights)
    optimizer.gather()
    return [w.numpy() for w in weights]


def test_a_variable_without_a_gradient_on_any_rank_stays(ranks):
    for first, second, third in ranks(2, with_a_missing_gradient):
        np.testing.assert_array_equal(second, 2.0)
        np.testing.assert_allclose(first, 0.8, atol=1e-5)
        np.testing.assert_allclose(third, 2.8, atol=1e-5)
