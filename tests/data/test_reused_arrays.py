"""Data sets may use an array again for the next batch: those before keep their values."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers

BATCHES = 6


def reusing():
    buffer = np.empty((4, 1), "float32")
    for i in range(BATCHES):
        buffer[:] = i
        yield buffer, buffer


class Reusing(ef.utils.PyDataset):
    def __len__(self):
        return BATCHES

    def __getitem__(self, index):
        if not hasattr(self, "buffer"):
            self.buffer = np.empty((4, 1), "float32")
        self.buffer[:] = index
        return self.buffer, self.buffer


class Keeping(ef.Model):
    """Keeps what its steps were given."""

    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(1)
        self.kept = []

    def call(self, inputs):
        return self.dense(inputs)

    def train_step(self, data):
        self.kept.append((data[0], np.array(data[0])))
        return super().train_step(data)


SOURCES = {
    "generator": reusing,
    "dataset": lambda: ef.data.Dataset.from_generator(reusing),
    "prefetched": lambda: ef.data.Dataset.from_generator(reusing).prefetch(3),
    "mapped": lambda: ef.data.Dataset.from_generator(reusing).map(lambda x, y: (x.numpy(), y)).prefetch(3),
    "py dataset": Reusing,
}


@pytest.mark.parametrize("make", SOURCES.values(), ids=SOURCES)
def test_batches_keep_their_values(make):
    model = Keeping()
    model.compile("sgd", "mse")
    model.fit(make(), verbose=0, shuffle=False)
    assert [float(then[0, 0]) for _, then in model.kept] == [float(i) for i in range(BATCHES)]
    for x, then in model.kept:
        np.testing.assert_array_equal(x.numpy(), then)


def test_batches_that_workers_made_ahead_keep_their_values():
    """With one buffer per thread, as such data sets are written."""

    class PerThread(Reusing):
        local = threading.local()

        def __getitem__(self, index):
            buffer = self.local.__dict__.setdefault("buffer", np.empty((4, 1), "float32"))
            buffer[:] = index
            return buffer, buffer

    model = Keeping()
    model.compile("sgd", "mse")
    model.fit(PerThread(workers=2, max_queue_size=4), verbose=0, shuffle=False)
    assert [float(then[0, 0]) for _, then in model.kept] == [float(i) for i in range(BATCHES)]
