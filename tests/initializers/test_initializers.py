"""Initializers: distributions, names, configurations."""

from __future__ import annotations

import math

import numpy as np
import pytest

from eagerflow import initializers, random
from eagerflow.base.errors import UnknownNameError
from eagerflow.core.random import set_random_seed
from eagerflow.core.tensor import Tensor
from eagerflow.initializers.random import compute_fans

SHAPE = (300, 200)  # fan_in 300, fan_out 200
CUT = 0.8796256610342398  # the deviation left of a normal distribution cut at two deviations

# name: (the deviation expected, the bound of the values)
SCALED = {
    "glorot_uniform": (math.sqrt(2 / 500), math.sqrt(6 / 500)),
    "glorot_normal": (math.sqrt(2 / 500), 2 * math.sqrt(2 / 500) / CUT),
    "lecun_uniform": (math.sqrt(1 / 300), math.sqrt(3 / 300)),
    "lecun_normal": (math.sqrt(1 / 300), 2 * math.sqrt(1 / 300) / CUT),
    "he_uniform": (math.sqrt(2 / 300), math.sqrt(6 / 300)),
    "he_normal": (math.sqrt(2 / 300), 2 * math.sqrt(2 / 300) / CUT),
    "random_normal": (0.05, np.inf),
    "random_uniform": (0.1 / math.sqrt(12), 0.05),
    "truncated_normal": (0.05 * CUT, 0.1),
}
ALL = [*SCALED, "zeros", "ones", "constant", "identity", "orthogonal", "variance_scaling", "stft"]


@pytest.mark.parametrize("name", SCALED)
def test_deviation_and_bound(name):
    deviation, bound = SCALED[name]
    values = initializers.get(name)(SHAPE).numpy()
    assert values.dtype == "float32"
    assert abs(values.mean()) < 4 * deviation / math.sqrt(values.size)
    assert abs(values.std() / deviation - 1) < 0.02
    assert abs(values).max() <= bound * (1 + 1e-6)
    assert abs(values).max() > 0.98 * min(bound, 3.5 * deviation)


@pytest.mark.parametrize("mode", ["fan_in", "fan_out", "fan_avg"])
@pytest.mark.parametrize("distribution", ["uniform", "truncated_normal", "untruncated_normal", "normal"])
def test_variance_scaling(mode, distribution):
    made = initializers.VarianceScaling(scale=3.0, mode=mode, distribution=distribution, seed=1)
    n = {"fan_in": 300, "fan_out": 200, "fan_avg": 250}[mode]
    assert abs(made(SHAPE).numpy().var() / (3.0 / n) - 1) < 0.03


@pytest.mark.parametrize(
    ("shape", "fans"),
    [((), (1, 1)), ((7,), (7, 7)), ((3, 4), (3, 4)), ((5, 3, 4), (15, 20)), ((3, 3, 8, 16), (72, 144))],
)
def test_fans(shape, fans):
    assert compute_fans(shape) == fans


def test_fans_of_chosen_axes():
    assert compute_fans((3, 4, 5), input_axes=[0, 1], output_axes=[2]) == (12, 5)


@pytest.mark.parametrize("shape", [(5, 5), (3, 7), (7, 3), (2, 3, 4)])
def test_orthogonal(shape):
    q = initializers.Orthogonal(gain=2.0, seed=3)(shape, dtype="float64").numpy().reshape(-1, shape[-1]) / 2
    product = q.T @ q if q.shape[0] >= q.shape[1] else q @ q.T
    np.testing.assert_allclose(product, np.eye(min(q.shape)), atol=1e-12)


def test_orthogonal_has_no_preferred_signs():
    drawn = [initializers.Orthogonal(seed=i)((1, 1)).numpy().item() for i in range(60)]
    assert {round(x, 6) for x in drawn} == {1.0, -1.0}


def test_constants():
    assert initializers.Constant([1.0, 2.0])((3, 2)).numpy().tolist() == [[1, 2]] * 3
    assert initializers.Zeros()((2,), dtype="int32").numpy().tolist() == [0, 0]
    assert initializers.Ones()((2,), dtype="float64").dtype == "float64"
    assert initializers.Identity(gain=3)((2, 3)).numpy().tolist() == [[3, 0, 0], [0, 3, 0]]


@pytest.mark.parametrize("side", ["real", "imag"])
@pytest.mark.parametrize("scaling", ["density", "spectrum", None])
def test_stft_kernels_transform(side, scaling):
    kernel = initializers.STFT(side, "hamming", scaling, periodic=True)((16, 1, 9), dtype="float64").numpy()
    window = np.hamming(17)[:16]
    norm = {"density": np.sqrt((window**2).sum()), "spectrum": window.sum(), None: 1.0}[scaling]
    signal = np.random.default_rng(0).normal(size=16)
    expected = np.fft.rfft(signal * window / norm)
    np.testing.assert_allclose(signal @ kernel[:, 0], getattr(expected, side), atol=1e-12)


@pytest.mark.parametrize("name", ALL)
def test_configurations_make_equal_initializers(name):
    made = initializers.get(name)
    described = initializers.serialize(made)
    assert described["module"] == "keras.initializers"
    assert described["class_name"] == type(made).__name__
    again = initializers.deserialize(described)
    assert type(again) is type(made)
    assert again.get_config() == made.get_config()
    assert initializers.get(type(made).__name__).get_config() == made.get_config()


def test_older_names():
    assert isinstance(initializers.get("normal"), initializers.RandomNormal)
    assert isinstance(initializers.get("uniform"), initializers.RandomUniform)
    assert isinstance(initializers.get("zero"), initializers.Zeros)
    assert isinstance(initializers.get("one"), initializers.Ones)


def test_a_seeded_initializer_gives_the_same_values_at_each_call():
    made = initializers.HeNormal(seed=4)
    assert np.array_equal(made((3, 2)).numpy(), made((3, 2)).numpy())
    unseeded = initializers.HeNormal()
    assert np.array_equal(unseeded((3, 2)).numpy(), unseeded((3, 2)).numpy())
    assert not np.array_equal(unseeded((3, 2)).numpy(), initializers.HeNormal()((3, 2)).numpy())
    moving = initializers.HeNormal(seed=random.SeedGenerator(4))
    assert not np.array_equal(moving((3, 2)).numpy(), moving((3, 2)).numpy())


def test_set_random_seed_decides_the_values_of_unseeded_ones():
    set_random_seed(5)
    first = initializers.get("glorot_uniform")((3, 2)).numpy()
    set_random_seed(5)
    assert np.array_equal(first, initializers.get("glorot_uniform")((3, 2)).numpy())


def test_seed_generators_survive_configurations():
    made = initializers.RandomNormal(seed=random.SeedGenerator(4))
    again = initializers.deserialize(initializers.serialize(made))
    assert np.array_equal(made((3,)).numpy(), again((3,)).numpy())


@pytest.mark.parametrize("values", [np.ones((2, 3)), Tensor(np.ones((2, 3)))], ids=["array", "tensor"])
def test_values_given_directly(values):
    made = initializers.get(values)
    assert made((2, 3)).dtype == "float32"
    with pytest.raises(ValueError, match=r"shape \(2, 3\); the weight needs \(3, 2\)"):
        made((3, 2))


def test_get_takes_functions_classes_and_none():
    def twos(shape, dtype=None):
        return Tensor(np.full(shape, 2.0), dtype)

    assert initializers.get(twos) is twos
    assert isinstance(initializers.get(initializers.Ones), initializers.Ones)
    assert initializers.get(None) is None


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: initializers.get("glorot_unform"), "Did you mean 'glorot_uniform'?"),
        (lambda: initializers.VarianceScaling(scale=0), "scale=0"),
        (lambda: initializers.VarianceScaling(mode="fanin"), "Did you mean 'fan_in'?"),
        (lambda: initializers.VarianceScaling(distribution="gauss"), "distribution='gauss'"),
        (lambda: initializers.RandomNormal(seed="a"), "RandomNormal(seed='a')"),
        (lambda: initializers.Orthogonal()((3,)), "two axes"),
        (lambda: initializers.Identity()((3,)), "matrices"),
        (lambda: initializers.STFT("left"), "side='left'"),
        (lambda: initializers.STFT(window="han"), "Did you mean 'hann'?"),
        (lambda: initializers.STFT(window=[1.0])((4, 1, 3)), "expected 4 samples"),
    ],
)
def test_bad_arguments_are_named(call, words):
    with pytest.raises((ValueError, UnknownNameError)) as caught:
        call()
    assert words in str(caught.value)
    assert len(str(caught.value)) <= 500


def test_other_things_are_refused():
    with pytest.raises(TypeError, match="initializer"):
        initializers.get(3.0)
