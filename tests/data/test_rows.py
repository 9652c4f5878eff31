"""Batches gathered in blocks hold the same rows as batches gathered one by one."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow.core.device import current_device
from eagerflow.data import rows
from eagerflow.data.rows import batches_of_rows


@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize("block", [1, 1000, 1 << 18])
@pytest.mark.parametrize(("count", "size"), [(1, 3), (4, 3), (3, 4), (10, 1), (1, 10), (2, 7)])
def test_batches_hold_the_rows_in_order(block, count, size, shuffled, monkeypatch):
    monkeypatch.setattr(rows, "_BLOCK", block)
    x, y = np.arange(20.0, dtype="float32").reshape(10, 2), np.arange(10)
    order = np.random.default_rng(0).permutation(10) if shuffled else None
    found = list(batches_of_rows([x, None, y], size, count, order, current_device()))
    assert len(found) == count
    expected = (np.arange(10) if order is None else order)[: count * size]
    np.testing.assert_array_equal(np.concatenate([b[2].numpy() for b in found]), expected)
    np.testing.assert_array_equal(np.concatenate([b[0].numpy() for b in found]), x[expected])
    assert all(b[1] is None for b in found)


@pytest.mark.parametrize("shuffle", [False, True, "batch"])
def test_arrays_in_files_are_converted_batch_by_batch(tmp_path, shuffle):
    path = tmp_path / "x.npy"
    np.save(path, np.random.default_rng(0).normal(size=(40, 3)))
    mapped = np.load(path, mmap_mode="r")
    seen = []

    class Model(ef.Sequential):
        def train_step(self, data):
            seen.append(data[0])
            return super().train_step(data)

    model = Model([ef.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(mapped, np.zeros(40), batch_size=8, shuffle=shuffle, verbose=0)
    assert {(t.dtype.name, t.shape) for t in seen} == {("float32", (8, 3))}
    found = np.concatenate([t.numpy() for t in seen])
    np.testing.assert_allclose(np.sort(found, axis=0), np.sort(mapped, axis=0).astype("float32"))
    assert model.predict(mapped, verbose=0).shape == (40, 1)
    assert np.isfinite(model.evaluate(mapped, np.zeros(40), verbose=0))
