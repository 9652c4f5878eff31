"""What Keras saved at any stage of a model's life loads, goes on, and says so where a state could not be taken over."""

from __future__ import annotations

import pathlib
import warnings

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers
from eagerflow.models import load_model

FOLDER = pathlib.Path(__file__).parents[2] / "fixtures" / "keras_stages"
EXPECTED = dict(np.load(FOLDER / "expected.npz"))
X = np.arange(12, dtype="float32").reshape(4, 3) / 10
Y = X[:, :1]
# The optimizer's state in these files is of other variables than those that are trainable after loading.
LEFT_OUT = {"unfrozen.keras", "unfrozen.h5", "after_h5.keras"}


@pytest.mark.parametrize("name", sorted(name for name in EXPECTED if not name.endswith("steps")))
def test_a_file_loads_and_goes_on(name):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = load_model(FOLDER / name)
    told = [str(w.message) for w in caught]
    assert ["it starts over" in text for text in told] == ([True] if name in LEFT_OUT else [])
    np.testing.assert_allclose(model.predict(X, verbose=0), EXPECTED[name], rtol=1e-5, atol=1e-6)
    steps = int(EXPECTED[f"{name} steps"])
    if steps < 0:
        assert not model.compiled
        return
    before = 0 if name in LEFT_OUT else steps
    assert int(model.optimizer.iterations) == before
    model.fit(X, Y, verbose=0)
    assert int(model.optimizer.iterations) == before + 1


@pytest.mark.parametrize("kind", ["keras", "h5"])
def test_our_own_files_do_at_every_stage(kind, tmp_path):
    model = ef.Sequential([layers.Input((3,)), layers.Dense(2), layers.Dense(1)])

    def again():
        model.save(tmp_path / f"m.{kind}")
        loaded = load_model(tmp_path / f"m.{kind}")
        np.testing.assert_array_equal(loaded.predict(X, verbose=0), model.predict(X, verbose=0))
        assert loaded.compiled == model.compiled
        if model.compiled:
            assert int(loaded.optimizer.iterations) == int(model.optimizer.iterations)
            loaded.fit(X, Y, verbose=0)

    again()
    model.compile("adam", "mse")
    again()
    model.fit(X, Y, verbose=0)
    again()
    model.compile("sgd", "mse")
    again()
    model.layers[0].trainable = False
    model.compile("adam", "mse")
    model.fit(X, Y, verbose=0)
    again()
    again()


class Batches(ef.utils.PyDataset):
    def __len__(self):
        return 5

    def __getitem__(self, index):
        return X[index % 4 : index % 4 + 1], Y[index % 4 : index % 4 + 1]


@pytest.mark.parametrize("data", ["arrays", "whole batches", "dataset"])
def test_training_in_two_parts_is_training_in_one(data, tmp_path):
    """Samples are shuffled, and dropped out, as if there had been no stop between."""
    x, y = np.tile(X, (5, 1)), np.tile(Y, (5, 1))
    given = {
        "arrays": {"x": x, "y": y, "batch_size": 3},
        "whole batches": {"x": x, "y": y, "batch_size": 3, "shuffle": "batch"},
        "dataset": {"x": Batches(), "shuffle": True},
    }[data]

    def made():
        ef.utils.set_random_seed(3)
        return ef.Sequential([layers.Input((3,)), layers.Dense(8), layers.Dropout(0.2), layers.Dense(1)])

    whole = made()
    whole.compile("adam", "mse")
    whole.fit(**given, epochs=4, verbose=0)
    first = made()
    first.compile("adam", "mse")
    first.fit(**given, epochs=2, verbose=0)
    first.save(tmp_path / "half.keras")
    ef.utils.set_random_seed(3)
    second = load_model(tmp_path / "half.keras")
    second.fit(**given, initial_epoch=2, epochs=4, verbose=0)
    for a, b in zip(whole.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_every_pass_has_an_order_of_its_own():
    orders = []

    class Noting(ef.Model):
        def call(self, inputs):
            return inputs

        def train_step(self, data):
            orders[-1].append(int(data[0].numpy()[0, 0]))
            return {"loss": 0.0}

    model = Noting()  # whose steps the optimizer doesn't count
    model.compile("sgd", "mse")
    x = np.arange(30.0)[:, None]
    for _ in range(3):
        orders.append([])
        model.fit(x, x, batch_size=1, verbose=0)
    assert all(sorted(order) == list(range(30)) for order in orders)
    assert len({tuple(order) for order in orders}) == 3
