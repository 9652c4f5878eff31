"""Draws: their distributions, what a seed means, and that probes leave no trace."""

from __future__ import annotations

import random as python_random

import numpy as np
import pytest

from eagerflow import ops, random
from eagerflow.core import random as core_random
from eagerflow.core.derivatives import check_grads
from eagerflow.core.in_place import undone
from eagerflow.core.tape import GradientTape
from eagerflow.core.variable import Variable
from eagerflow.kernels.machine.threads import get_num_threads, set_num_threads

DRAWS = {
    "normal": lambda seed: random.normal((3, 2), seed=seed),
    "truncated_normal": lambda seed: random.truncated_normal((3, 2), seed=seed),
    "uniform": lambda seed: random.uniform((3, 2), seed=seed),
    "randint": lambda seed: random.randint((3, 2), 0, 10**6, seed=seed),
    "categorical": lambda seed: random.categorical(np.zeros((3, 1000)), 4, seed=seed),
    "gamma": lambda seed: random.gamma((3, 2), 2.0, seed=seed),
    "beta": lambda seed: random.beta((3, 2), 2.0, 3.0, seed=seed),
    "binomial": lambda seed: random.binomial((30, 2), 100, 0.5, seed=seed),
    "dropout": lambda seed: random.dropout(np.ones((10, 10)), 0.5, seed=seed),
    "shuffle": lambda seed: random.shuffle(np.arange(100), seed=seed),
}


@pytest.fixture(params=DRAWS, ids=str)
def draw(request):
    return DRAWS[request.param]


def same(a, b):
    return np.array_equal(a.numpy(), b.numpy())


def test_an_integer_seed_gives_the_same_numbers_each_time(draw):
    assert same(draw(7), draw(7))
    assert not same(draw(7), draw(8))


def test_a_seed_generator_moves_on(draw):
    seeds, again = random.SeedGenerator(7), random.SeedGenerator(7)
    first, second = draw(seeds), draw(seeds)
    assert not same(first, second)
    assert same(first, draw(again))
    assert same(second, draw(again))


def test_without_a_seed_set_random_seed_decides(draw):
    core_random.set_random_seed(3)
    first, second = draw(None), draw(None)
    core_random.set_random_seed(3)
    assert same(first, draw(None))
    assert same(second, draw(None))
    assert not same(first, second)


def test_frozen_draws_leave_no_trace(draw):
    core_random.set_random_seed(3)
    expected = draw(None)
    core_random.set_random_seed(3)
    with core_random.frozen():
        draw(None)
        python_random.random()
        np.random.rand()  # noqa: NPY002
    numbers = np.random.RandomState(3).rand(), python_random.Random(3).random()
    assert same(expected, draw(None))
    assert (np.random.rand(), python_random.random()) == numbers  # noqa: NPY002


def test_seeds_of_the_process_have_32_bits():
    core_random.set_random_seed(2**32 - 1)
    for seed in (2**32, -1):
        with pytest.raises(ValueError, match=r"from 0 to 2\*\*32 - 1"):
            core_random.set_random_seed(seed)


def test_undone_puts_a_seed_generator_back():
    seeds = random.SeedGenerator(1)
    with undone():
        random.normal((2,), seed=seeds)
    assert seeds.state.numpy().tolist() == [1, 0]


def test_the_same_seed_gives_the_same_numbers_on_every_device(device):
    expected = np.random.Generator(np.random.Philox(key=np.array([5, 0], "u8"))).random((4,), "float32")
    drawn = random.uniform((4,), seed=5)
    assert str(drawn.device) == device
    np.testing.assert_array_equal(drawn.numpy(), expected)
    kept = random.dropout(ops.add(drawn, 1.0), 0.5, seed=random.SeedGenerator(5))
    assert str(kept.device) == device


def test_seed_generator_keeps_its_state_in_an_untrainable_variable():
    seeds = random.SeedGenerator(2**32 + 4, name="mine")
    assert isinstance(seeds.state, Variable)
    assert not seeds.state.trainable
    assert seeds.state.dtype == "uint32"
    assert seeds.next().tolist() == [4, 0]
    assert seeds.state.numpy().tolist() == [4, 1]
    assert random.SeedGenerator.from_config(seeds.get_config()).get_config() == {"seed": 2**32 + 4, "name": "mine"}


def test_seed_generators_without_a_seed_follow_set_random_seed():
    core_random.set_random_seed(9)
    first = random.SeedGenerator().state.numpy()
    core_random.set_random_seed(9)
    assert np.array_equal(random.SeedGenerator().state.numpy(), first)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_normal_has_its_moments(dtype):
    x = random.normal((200, 200), mean=1.0, stddev=2.0, dtype=dtype, seed=1)
    assert x.dtype == dtype
    values = x.numpy().astype("float64")
    assert abs(values.mean() - 1) < 0.05
    assert abs(values.std() - 2) < 0.05
    assert abs(((values - 1) ** 4).mean() / 2**4 - 3) < 0.15  # the kurtosis of a normal distribution


def test_truncated_normal_stays_within_two_deviations():
    values = random.truncated_normal((300, 100), mean=-1.0, stddev=0.5, seed=1).numpy()
    assert abs(values + 1).max() <= 1
    assert abs(values.mean() + 1) < 0.01
    assert abs(values.std() / 0.5 - 0.8796) < 0.01  # the deviation that is left after truncation


def test_uniform_fills_its_range_and_leaves_out_the_upper_bound():
    values = random.uniform((400, 400), 1.0, 2.0, seed=1).numpy()
    assert values.min() >= 1
    assert values.max() < 2
    assert abs(values.mean() - 1.5) < 0.01
    assert abs(values.var() - 1 / 12) < 0.01
    half = random.uniform((400, 400), 0.0, 1.0, dtype="float16", seed=1).numpy()
    assert half.max() < 1


def test_randint_leaves_out_the_upper_bound():
    values = random.randint((1000,), 3, 6, dtype="int64", seed=1)
    assert values.dtype == "int64"
    assert sorted(set(values.tolist())) == [3, 4, 5]


def test_categorical_follows_the_probabilities():
    logits = np.log([[0.5, 0.25, 0.25, 1e-30], [0.1, 0.0 + 1e-30, 0.0 + 1e-30, 0.9]])
    drawn = random.categorical(logits, 20000, seed=2).numpy()
    shares = np.stack([np.bincount(row, minlength=4) / 20000 for row in drawn])
    np.testing.assert_allclose(shares, [[0.5, 0.25, 0.25, 0], [0.1, 0, 0, 0.9]], atol=0.02)


@pytest.mark.parametrize(
    ("drawn", "mean", "variance"),
    [
        (lambda: random.gamma((30000,), 3.0, seed=1), 3, 3),
        (lambda: random.beta((30000,), 2.0, 3.0, seed=1), 0.4, 0.04),
        (lambda: random.binomial((30000,), 10, 0.3, seed=1), 3, 2.1),
        (lambda: random.gamma((2, 15000), np.full((2, 1), 3.0), seed=1), 3, 3),
    ],
    ids=["gamma", "beta", "binomial", "gamma of an array"],
)
def test_moments(drawn, mean, variance):
    values = drawn().numpy()
    assert values.dtype == "float32"
    assert abs(values.mean() - mean) < 0.05
    assert abs(values.var() - variance) < 0.1


@pytest.mark.parametrize("rate", [0.0, 0.001, 0.25, 0.5, 0.9, 1.0])
def test_dropout_drops_its_share_and_keeps_the_sum(rate):
    out = random.dropout(np.ones((500, 500), "float32"), rate, seed=4).numpy()
    assert abs((out == 0).mean() - rate) < 0.005
    assert set(np.unique(out)) <= {np.float32(0), np.float32(1 / (1 - rate)) if rate < 1 else np.float32(0)}


def test_dropout_gradient_is_the_mask():
    x = Variable(np.full((20, 30), 3.0, "float32"))
    with GradientTape() as tape:
        y = random.dropout(x, 0.4, seed=random.SeedGenerator(1))
    gradient = tape.gradient(y, x).numpy()
    np.testing.assert_allclose(gradient * 3, y.numpy(), rtol=1e-6)
    check_grads(lambda v: random.dropout(v, 0.4, seed=1), [np.ones((3, 4))])


def test_dropout_noise_shape_shares_the_mask():
    out = random.dropout(np.ones((6, 5, 8), "float32"), 0.5, noise_shape=(None, 1, 8), seed=1).numpy()
    assert (out == out[:, :1]).all()
    assert 0 < (out == 0).mean() < 1


def test_shuffle_permutes_slices_and_differentiates():
    x = Variable(np.arange(12.0).reshape(3, 4))
    with GradientTape() as tape:
        y = random.shuffle(x, axis=1, seed=2)
        loss = (y * np.array([1.0, 2.0, 3.0, 4.0])).sum()
    order = y.numpy()[0].astype(int)
    np.testing.assert_array_equal(y.numpy(), x.numpy()[:, order])
    np.testing.assert_array_equal(tape.gradient(loss, x).numpy()[0, order], [1, 2, 3, 4])


def test_gradients_reach_mean_and_deviation():
    mean, deviation = Variable([1.0, 2.0]), Variable([3.0, 4.0])
    with GradientTape() as tape:
        x = random.normal((5, 2), mean, deviation, seed=1)
    of_mean, of_deviation = tape.gradient(x, [mean, deviation])
    standard = random.normal((5, 2), seed=1).numpy()
    np.testing.assert_allclose(of_mean.numpy(), [5, 5])
    np.testing.assert_allclose(of_deviation.numpy(), standard.sum(0), rtol=1e-5)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: random.normal((2, -1)), "random.normal(shape=(2, -1))"),
        (lambda: random.normal((2, None)), "tuple of integers"),
        (lambda: random.normal((2,), dtype="int32"), "float type"),
        (lambda: random.uniform((2,), seed="one"), "uniform(seed='one')"),
        (lambda: random.uniform((2,), seed=1.5), "SeedGenerator or None"),
        (lambda: random.randint((2,), 3, 3), "minval < maxval"),
        (lambda: random.randint((2,), 0, 3, dtype="float32"), "integer type"),
        (lambda: random.categorical([0.5], 1), "(batch, categories)"),
        (lambda: random.categorical([[np.nan, 0.5]], 1), "NaN"),
        (lambda: random.dropout([1.0], 1.5), "rate=1.5"),
        (lambda: random.dropout([1.0], 0.5, noise_shape=(2,)), "noise_shape=(2,)"),
        (lambda: random.shuffle([1, 2], axis=1), "axis=1"),
        (lambda: random.SeedGenerator("a"), "SeedGenerator(seed='a')"),
        (lambda: core_random.set_random_seed(-1), "seed=-1"),
    ],
)
def test_bad_arguments_are_named(call, words):
    with pytest.raises(ValueError) as caught:
        call()
    assert words in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("rate", [0.3, 0.005])
def test_pieces_of_large_dropout_masks_differ_and_are_the_same_for_any_number_of_threads(rate):
    before, x = get_num_threads(), ops.ones(3 * (1 << 18) + 5)
    masks = []
    for threads in (1, 3):
        set_num_threads(threads)
        masks.append(random.dropout(x, rate, seed=5).numpy() == 0)
    set_num_threads(before)
    np.testing.assert_array_equal(masks[0], masks[1])
    pieces = masks[0][: 3 * (1 << 18)].reshape(6, -1)  # of 16 bits a mask has four numbers in a word, of 32 two
    np.testing.assert_allclose(pieces.mean(axis=1), rate, atol=0.003)
    for i in range(6):
        for j in range(i):
            assert np.mean(pieces[i] == pieces[j]) < 0.999


def test_large_dropout_drops_its_share_and_is_the_same_for_the_same_seed():
    x = np.ones((400, 700), "float32")
    first, again, other = (random.dropout(x, 0.3, seed=seed).numpy() for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert abs((first == 0).mean() - 0.3) < 0.005
    assert abs((first == 0)[:, ::2].mean() - 0.3) < 0.005


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("threads", [1, 3])
def test_large_uniform_draws_are_the_same_in_pieces_as_at_once(dtype, threads):
    before = get_num_threads()
    set_num_threads(threads)
    try:
        drawn = random.uniform((1001, 777), -0.25, 0.5, dtype=dtype, seed=7).numpy()
    finally:
        set_num_threads(before)
    once = core_random.generator((7, 0)).random((1001, 777), dtype)
    assert np.array_equal(drawn, once * np.asarray(0.75, dtype) + np.asarray(-0.25, dtype))


@pytest.mark.parametrize(("low", "high"), [(0.0, 1e-40), (2.0, 2.0), (1.0, -1.0), (-1e-3, 1e30)])
def test_large_uniform_draws_round_as_one_draw_does_between_any_bounds(low, high):
    low, high = np.float32(low), np.float32(high)
    drawn = random.uniform((9001,), low, high, seed=3).numpy()
    once = core_random.generator((3, 0)).random(9001, np.float32) * (high - low) + low
    once = np.minimum(once, np.nextafter(high, low)) if high > low else once
    assert np.array_equal(drawn, once)
