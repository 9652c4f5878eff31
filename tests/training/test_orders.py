"""Shuffling depends on the seed and the epoch alone: a training in two parts is the training in one."""

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers

X = np.arange(60.0, dtype="float32").reshape(30, 2) / 60
Y = X.sum(1, keepdims=True)


class Batches(ef.utils.PyDataset):
    def __len__(self):
        return 10

    def __getitem__(self, index):
        return X[index * 3 : index * 3 + 3], Y[index * 3 : index * 3 + 3]


def rows():
    return ef.data.Dataset.from_tensor_slices((X, Y))


def given(kind):
    return {
        "arrays": lambda: {"x": X, "y": Y, "batch_size": 4},
        "whole batches": lambda: {"x": X, "y": Y, "batch_size": 4, "shuffle": "batch"},
        "part of the arrays": lambda: {"x": X, "y": Y, "batch_size": 4, "steps_per_epoch": 3},
        "by number": lambda: {"x": Batches(), "shuffle": True},
        "part of them by number": lambda: {"x": Batches(), "shuffle": True, "steps_per_epoch": 4},
        "data set": lambda: {"x": rows().shuffle(30).batch(4)},
        "small buffer": lambda: {"x": rows().shuffle(7).batch(4).prefetch(2)},
        "seeded": lambda: {"x": rows().shuffle(30, seed=5).batch(4)},
        "two shuffles": lambda: {"x": rows().shuffle(30).shuffle(9, seed=5).batch(4).shuffle(3)},
        "twice": lambda: {"x": rows().shuffle(30).repeat(2).batch(4)},
    }[kind]()


KINDS = ["arrays", "whole batches", "part of the arrays", "by number", "part of them by number", "data set"]
KINDS += ["small buffer", "seeded", "two shuffles", "twice"]


def made():
    ef.utils.set_random_seed(3)
    model = ef.Sequential(
        [layers.Input((2,)), layers.Dense(4), layers.BatchNormalization(), layers.Dropout(0.3), layers.Dense(1)]
    )
    model.compile("adam", "mse")
    return model


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_model_goes_on_as_if_it_had_not_stopped(kind, tmp_path):
    whole = made()
    told = whole.fit(**given(kind), epochs=4, verbose=0, validation_data=(X, Y))
    first = made()
    first.fit(**given(kind), epochs=2, verbose=0, validation_data=(X, Y))
    first.save(tmp_path / "half.keras")
    ef.utils.set_random_seed(3)
    np.random.default_rng().permutation(9)
    ef.random.normal((3,))  # what else is drawn changes nothing
    second = ef.models.load_model(tmp_path / "half.keras")
    after = second.fit(**given(kind), initial_epoch=2, epochs=4, verbose=0, validation_data=(X, Y))
    assert after.history["loss"] == told.history["loss"][2:]
    assert after.history["val_loss"] == told.history["val_loss"][2:]
    for a, b in zip(whole.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def orders_of(fits, kind="arrays", keep=True, optimizer="sgd"):
    """The rows in the order in which training saw them, for each epoch of each call of fit."""
    seen = []

    class Noting(ef.Model):
        def call(self, inputs):
            return inputs

        def train_step(self, data):
            seen[-1].extend((data[0].numpy()[:, 0] * 30).round().astype(int).tolist())
            if keep and self.optimizer is not None:
                self.optimizer.iterations.assign_add(1)
            return {"loss": 0.0}

    ef.utils.set_random_seed(8)
    model = Noting()
    model.compile(optimizer, "mse")
    begin = ef.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: seen.append([]))
    for first, last in fits:
        model.fit(**given(kind), initial_epoch=first, epochs=last, verbose=0, callbacks=[begin])
    return seen


@pytest.mark.parametrize("kind", ["arrays", "by number", "data set", "seeded"])
@pytest.mark.parametrize("keep", [True, False], ids=["counted", "not counted"])
def test_an_epoch_has_its_order_whatever_came_before(kind, keep):
    whole = orders_of([(0, 4)], kind, keep)
    assert len({tuple(order) for order in whole}) == 4
    assert all(sorted(order) == sorted(whole[0]) for order in whole)
    assert orders_of([(2, 4)], kind, keep) == whole[2:]
    assert orders_of([(0, 1), (1, 4)], kind, keep) == whole


@pytest.mark.parametrize("kind", ["arrays", "by number", "data set", "seeded"])
@pytest.mark.parametrize("keep", [True, False], ids=["counted", "not counted"])
def test_a_fit_that_begins_again_has_other_orders(kind, keep):
    seen = orders_of([(0, 1), (0, 1), (0, 1)], kind, keep)
    assert len({tuple(order) for order in seen}) == 3


def noting(step, seen):
    def noted(data):
        seen.extend(data[0].numpy()[:, 0].tolist())
        return step(data)

    return noted


def test_the_batch_size_leaves_the_order_alone():
    small, large = [], []
    for size, seen in ((3, small), (10, large)):
        ef.utils.set_random_seed(1)
        model = ef.Sequential([layers.Input((2,)), layers.Dense(1)])
        model.compile("sgd", "mse")
        real = model.train_step
        model.train_step = noting(real, seen)
        model.fit(X, Y, batch_size=size, epochs=2, verbose=0)
    assert small == large


def test_a_second_training_of_a_saved_model_goes_on_in_its_own_orders(tmp_path):
    def run(model, first, last):
        return model.fit(X, Y, initial_epoch=first, epochs=last, batch_size=4, verbose=0)

    whole = made()
    run(whole, 0, 2)
    told = run(whole, 0, 4).history["loss"]
    part = made()
    run(part, 0, 2)
    run(part, 0, 2)
    part.save(tmp_path / "m.keras")
    ef.utils.set_random_seed(3)
    assert run(ef.models.load_model(tmp_path / "m.keras"), 2, 4).history["loss"] == told[2:]
