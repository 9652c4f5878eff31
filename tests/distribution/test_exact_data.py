"""Every kind of data is divided among ranks by rows, and trains the same model."""

from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import data, distribution, layers, ops
from eagerflow.core.strategy import active
from tests.distribution.exact import FEATURES, ROWS, dense, numbers

SIZE = 10


class Noting(ef.Model):
    """Notes the rows that it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = dense()
        self.seen: list[float] = []

    def call(self, x: Any) -> Any:
        return self.inner(x)

    def train_step(self, batch: Any) -> Any:
        shard, x = active.shard, batch[0]
        if shard is None or shard.own:
            assert shard is None or shard.own == x.shape[0]
            self.seen += x[:, 0].tolist()
        return super().train_step(batch)


class Batches(ef.utils.PyDataset):
    """Batches by number."""

    def __len__(self) -> int:
        return -(-ROWS // SIZE)

    def __getitem__(self, index: int) -> Any:
        return rows(index * SIZE, min(ROWS, index * SIZE + SIZE))


class Parts(Batches):
    """Batches of which rows can be asked for."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.asked = 0

    def num_rows(self, index: int) -> int:
        return min(ROWS, index * SIZE + SIZE) - index * SIZE

    def rows(self, index: int, start: int, stop: int) -> Any:
        self.asked += stop - start
        return rows(index * SIZE + start, index * SIZE + stop)


def rows(start: int, stop: int) -> tuple[Any, Any]:
    x, y = numbers(ROWS, FEATURES), numbers(ROWS, 2, seed=1)
    return x[start:stop], y[start:stop]


def generator() -> Any:
    while True:
        for i in range(len(Batches())):
            yield Batches()[i]


def given(kind: str) -> dict[str, Any]:
    x, y = rows(0, ROWS)
    slices = data.Dataset.from_tensor_slices((x, y))
    return {
        "arrays": lambda: {"x": x, "y": y, "batch_size": SIZE},
        "shuffled batches": lambda: {"x": x, "y": y, "batch_size": SIZE, "shuffle": "batch"},
        "in order": lambda: {"x": x, "y": y, "batch_size": SIZE, "shuffle": False},
        "dataset": lambda: {"x": slices.shuffle(ROWS).batch(SIZE)},
        "mapped dataset": lambda: {"x": slices.map(lambda a, b: (a * 2.0, b)).batch(SIZE).prefetch(2)},
        "divided dataset": lambda: {"x": distribution.distribution().distribute_dataset(slices.batch(SIZE))},
        "generator": lambda: {"x": generator(), "steps_per_epoch": 4},
        "PyDataset": lambda: {"x": Batches()},
        "PyDataset with threads": lambda: {"x": Batches(workers=2)},
        "PyDataset by rows": lambda: {"x": Parts()},
        "PyDataset by rows with threads": lambda: {"x": Parts(workers=2)},
    }[kind]()


KINDS = [
    "divided dataset",
    "arrays",
    "shuffled batches",
    "in order",
    "dataset",
    "mapped dataset",
    "generator",
    "PyDataset",
]
KINDS += ["PyDataset with threads", "PyDataset by rows", "PyDataset by rows with threads"]


def fitted(kind: str) -> Any:
    ef.config.set_floatx("float64")
    try:
        with distribution.DataParallel().scope(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = Noting()
            model.compile(ef.optimizers.SGD(0.1), "mse")
            settings = given(kind)
            history = model.fit(**settings, epochs=2, verbose=0)
            asked = getattr(settings["x"], "asked", None)
            return model.get_weights(), history.history["loss"], model.seen, asked
    finally:
        ef.config.set_floatx("float32")


@pytest.mark.parametrize("kind", KINDS)
def test_ranks_divide_every_kind_of_data(ranks, kind):
    ((weights, losses, seen, asked),) = ranks(1, fitted, kind)
    found = ranks(3, fitted, kind)
    for other in found:
        np.testing.assert_allclose(other[1], losses, rtol=1e-12)
        for a, b in zip(other[0], weights, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13)
    every = sorted(value for other in found for value in other[2])
    assert every == sorted(seen)  # each row exactly once an epoch
    if "rows" in kind:
        assert asked == 0
        assert sum(other[3] for other in found) == 2 * ROWS


def brought(counts: list[int]) -> Any:
    """Every rank brings as many batches as it is told, of as many rows as its number plus two."""
    rank = distribution.rank()
    with distribution.DataParallel(auto_shard_dataset=False).scope(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = ef.Sequential([layers.Input((FEATURES,)), layers.Dense(2)])
        model.compile(ef.optimizers.SGD(0.1), "mse", metrics=["mae"])
        own = [
            (numbers(rank + 2, FEATURES, seed=10 * rank + i), numbers(rank + 2, 2, seed=i)) for i in range(counts[rank])
        ]
        history = model.fit(data.Dataset.from_generator(lambda: own), epochs=2, verbose=0).history
        told = [str(w.message) for w in caught if "unequal" in str(w.message)]
        return model.get_weights(), history, told


def one_after_the_other(counts: list[int]) -> Any:
    """The same on one process: the batches of all ranks, joined."""
    model = ef.Sequential([layers.Input((FEATURES,)), layers.Dense(2)])
    model.compile(ef.optimizers.SGD(0.1), "mse", metrics=["mae"])
    batches = []
    for i in range(max(counts)):
        parts = [
            (numbers(rank + 2, FEATURES, seed=10 * rank + i), numbers(rank + 2, 2, seed=i))
            for rank, count in enumerate(counts)
            if i < count
        ]
        batches.append(tuple(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))
    history = model.fit(data.Dataset.from_generator(lambda: batches), epochs=2, verbose=0).history
    return model.get_weights(), history


def test_ranks_that_bring_their_own_batches_wait_for_each_other(ranks):
    counts = [3, 1, 2]
    ((weights, history),) = ranks(1, one_after_the_other, counts)
    for rank, (found, numbers_found, told) in enumerate(ranks(3, brought, counts)):
        for a, b in zip(found, weights, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)
        for name, values in history.items():
            np.testing.assert_allclose(numbers_found[name], values, rtol=1e-5)
        assert bool(told) == (rank == 0)
        assert rank or "rank 0: 3, rank 1: 1, rank 2: 2" in told[0]


def differing(kind: str) -> str:
    rank = distribution.rank()
    x, y = rows(0, ROWS - (rank == 1))
    settings = {
        "arrays": {"x": x, "y": y},
        "batch size": {"x": x[:30], "y": y[:30], "batch_size": 4 + rank},
        "generator": {"x": data.Dataset.from_generator(lambda: [(x, y)])},
        "shorter": {"x": data.Dataset.from_generator(lambda: [(x[:5], y[:5])] * (2 - rank))},
    }[kind]
    with distribution.DataParallel().scope():
        model = dense()
        model.compile("sgd", "mse")
        with pytest.raises(RuntimeError) as caught:
            model.fit(**settings, verbose=0)
    return str(caught.value)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("arrays", "rows differs: rank 1.*36.*rank 0.*37"),
        ("batch size", "batch_size differs: rank 1.*5.*rank 0.*4"),
        ("generator", "batch 0: rank 1 has 36 rows, rank 0 has 37"),
        ("shorter", "batch 1: rank 1 has no more batch, rank 0 has 5 rows"),
    ],
)
def test_data_that_differ_are_told_on_all_ranks(ranks, kind, words):
    first, second = ranks(2, differing, kind)
    assert first == second
    assert re.search(words, first)


def by_batches() -> Any:
    ef.config.set_floatx("float64")
    try:
        with distribution.DataParallel().scope():
            model = dense(layers.Dropout(0.3))
            model.compile(ef.optimizers.Adam(0.01), "mse", metrics=["mae"])
            told = []
            for i in range(6):
                x, y = rows(5 * i, 5 * i + 5 + (i == 5) * 2)
                told.append(model.train_on_batch(x, y, sample_weight=np.linspace(1, 2, len(x))))
            told.append(model.test_on_batch(x, y))
            return model.get_weights(), told, model.predict_on_batch(x)
    finally:
        ef.config.set_floatx("float32")


def own_loop() -> Any:
    """A loop of one's own over a distributed data set."""
    ef.config.set_floatx("float64")
    try:
        parallel = distribution.DataParallel()
        model, optimizer, losses = dense(), ef.optimizers.Adam(0.01), []
        loss = ef.losses.MeanSquaredError()
        tracker = ef.metrics.Mean()
        for x, y in parallel.distribute_dataset([rows(i, i + 7) for i in range(0, 28, 7)]):
            with ef.GradientTape() as tape:
                value = loss(ops.convert_to_tensor(y), model(x, training=True))
            optimizer.apply(tape.gradient(value, model.trainable_variables), model.trainable_variables)
            tracker.update_state(value)
            losses.append(float(value))
        return model.get_weights()
    finally:
        ef.config.set_floatx("float32")


@pytest.mark.parametrize("function", [by_batches, own_loop])
def test_loops_of_ones_own_give_the_same_numbers(ranks, function):
    (alone,) = ranks(1, function)
    for found in ranks(3, function):
        for a, b in zip(ef.tree.flatten(found), ef.tree.flatten(alone), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13)
