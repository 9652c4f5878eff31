"""Very deep models, and data that stream from files and generators in memory that stays as it is."""

from __future__ import annotations

import gc
from pathlib import Path

import numpy as np
import pytest

import eagerflow as ef


def anonymous() -> int:
    """Bytes of the process's own memory."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith("RssAnon")).split()[1]) * 1024


@pytest.mark.slow
def test_ten_thousand_layers_train():
    layers = [ef.layers.Dense(4, kernel_initializer="identity") for _ in range(10_000)]
    model = ef.Sequential([ef.Input((4,)), *layers])
    model.compile(ef.optimizers.SGD(1e-6), "mse")
    x = np.ones((2, 4), "float32")
    first = model.train_on_batch(x, 2 * x)
    assert first == pytest.approx(1.0)
    assert model.train_on_batch(x, 2 * x) < first
    assert model.predict(x, verbose=0).shape == (2, 4)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["array", "shuffled array", "generator", "data set"])
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_data_larger_than_what_training_holds_stream(kind, tmp_path):
    rows, features, size = 1 << 16, 1024, 256  # 256 MB
    x = np.memmap(tmp_path / "x", "float32", "w+", shape=(rows, features))
    y = np.zeros((rows, 1), "float32")
    model = ef.Sequential([ef.Input((features,)), ef.layers.Dense(8), ef.layers.Dense(1)])
    model.compile("sgd", "mse")
    seen: list[int] = []
    watch = ef.callbacks.LambdaCallback(on_train_batch_end=lambda step, logs: seen.append(anonymous()))
    batches = ((np.array(x[i : i + size]), y[i : i + size]) for i in range(0, rows, size))
    gc.collect()
    before = anonymous()
    if kind.endswith("array"):
        model.fit(x, y, batch_size=size, shuffle=kind != "array", verbose=0, callbacks=[watch])
    elif kind == "generator":
        model.fit(batches, steps_per_epoch=rows // size, verbose=0, callbacks=[watch])
    else:
        data = ef.data.Dataset.from_generator(lambda: batches).prefetch(2)
        model.fit(data, verbose=0, callbacks=[watch])
    assert len(seen) == rows // size
    assert max(seen) - before < 24 << 20
