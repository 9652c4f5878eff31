"""Random numbers in inference: drawn by the runtime, from the same distribution; never silently fixed."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import Input, Model, Sequential, layers as L, ops
from eagerflow.onnx import ExportError, export
from tests.onnx.test_export import session

pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")


class Sampling(L.Layer):
    """Of a variational autoencoder."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seeds = ef.random.SeedGenerator(3)

    def call(self, inputs):
        mean, log_variance = inputs
        return mean + ops.exp(log_variance / 2) * ef.random.normal(ops.shape(mean), seed=self.seeds)


def drawn(function, tmp_path, shape=(None, 4), batch=2000, **options):
    """What the exported function gives for zeros, twice."""
    path = export(function, tmp_path / "m.onnx", [shape], **options)
    runtime.set_seed(1)
    run = session(path)
    given = {run.get_inputs()[0].name: np.zeros([batch if n is None else n for n in shape], "float32")}
    one, other = (run.run(None, given)[0] for _ in range(2))
    assert not np.array_equal(one, other)
    return one


def test_an_encoder_samples(tmp_path):
    x = Input((6,))
    model = Model(x, Sampling()([L.Dense(3)(x), L.Dense(3)(x)]))
    found = drawn(model, tmp_path, (None, 6))
    assert found.shape == (2000, 3)
    assert abs(found.mean()) < 0.1
    assert abs(found.std() - 1) < 0.1


def test_exporting_leaves_seeds_alone(tmp_path):
    layer = Sampling()
    layer([ops.zeros((2, 3)), ops.zeros((2, 3))])
    before = layer.seeds.state.numpy()
    ef.utils.set_random_seed(5)
    expected = ef.random.normal((2,)).numpy()
    ef.utils.set_random_seed(5)
    export(lambda x: layer([x, x]) + ef.random.normal(ops.shape(x)), tmp_path / "m.onnx", [(None, 3)])
    np.testing.assert_array_equal(layer.seeds.state, before)
    np.testing.assert_array_equal(ef.random.normal((2,)), expected)


DRAWS = {
    "normal": (lambda x: x + ef.random.normal(ops.shape(x), 2.0, 0.5), 2.0, 0.5),
    "of a fixed shape": (lambda x: x + ef.random.normal((4,), -1.0), -1.0, None),
    "by tensors": (lambda x: ef.random.normal(ops.shape(x), x + 1.0, ops.exp(x) * 2), 1.0, 2.0),
    "uniform": (lambda x: x + ef.random.uniform(ops.shape(x), -1, 3), 1.0, 4 / 12**0.5),
    "integers": (lambda x: x + ops.cast(ef.random.randint(ops.shape(x), 2, 7), "float32"), 4.0, 2**0.5),
    "dropout": (lambda x: ef.random.dropout(x + 1, 0.25), 1.0, (1 / 0.75 - 1) ** 0.5),
    "noise": (lambda x: L.GaussianNoise(0.3)(x, training=True), 0.0, 0.3),
    "shuffled": (lambda x: ef.random.shuffle(x + ops.arange(4.0), axis=1), 1.5, 1.25**0.5),
}


@pytest.mark.parametrize("name", DRAWS)
def test_distributions(name, tmp_path):
    function, mean, deviation = DRAWS[name]
    found = drawn(function, tmp_path)
    if deviation is not None:
        assert abs(found.mean() - mean) < 0.1
        assert abs(found.std() - deviation) < 0.1


def test_two_draws_differ(tmp_path):
    found = drawn(lambda x: ef.random.normal(ops.shape(x)) - ef.random.normal(ops.shape(x)), tmp_path)
    assert abs(found.std() - 2**0.5) < 0.1


def test_dropout_that_always_drops(tmp_path):
    found = drawn(Sequential([Input((4,)), L.Lambda(lambda x: L.Dropout(0.5)(x + 1, training=True))]), tmp_path)
    assert set(np.unique(found)) == {0, 2}


def test_an_integer_seed_is_a_constant(tmp_path):
    path = export(lambda x: x + ef.random.normal((4,), seed=1), tmp_path / "m.onnx", [(None, 4)])
    zeros = np.zeros((3, 4), "float32")
    (found,) = session(path).run(None, {"input_0": zeros})
    np.testing.assert_allclose(found, zeros + ef.random.normal((4,), seed=1).numpy())


REFUSED = {
    "truncated": lambda x: x + ef.random.truncated_normal(ops.shape(x)),
    "gamma": lambda x: x + ef.random.gamma(ops.shape(x), 2.0),
    "beta": lambda x: x + ef.random.beta((4,), 2.0, 1.0),
    "binomial": lambda x: x + ef.random.binomial((4,), 9, 0.5),
    "categorical": lambda x: ef.random.categorical(x, 2),
    "an array of means": lambda x: x + ef.random.normal((4,), np.arange(4.0)),
    "NumPy": lambda x: x + np.random.normal(size=4).astype("float32"),  # noqa: NPY002 - what users write
    "NumPy, for each example": lambda x: x + np.random.normal(size=x.shape).astype("float32"),  # noqa: NPY002
    "a seed for each example": lambda x: x + ef.random.normal(ops.shape(x), seed=1),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_form_is_refused(name, tmp_path):
    with pytest.raises(ExportError) as error:
        export(REFUSED[name], tmp_path / "m.onnx", [(None, 4)])
    assert "test_random.py" in str(error.value)
    assert len(str(error.value)) <= 500
    assert not list(tmp_path.iterdir())
