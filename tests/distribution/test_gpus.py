"""Ranks whose arrays lie on GPUs, on a stand-in for CuPy over real ranks: sums go through the host's memory."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import distribution
from eagerflow.core import device as devices
from eagerflow.distribution.runtime.current import world
from eagerflow.distribution.runtime.reduction import all_sum
from tests import stand_in


def on_device(function, kind: str):
    """What a function returns where new tensors lie on a device."""
    before = dict(devices.namespaces)
    try:
        with stand_in.installed(), devices.device(kind):
            return function()
    finally:
        devices.namespaces.clear()
        devices.namespaces.update(before)


def summed(dtype: str) -> tuple[list[float], list[float], list[float]]:
    def sums():
        x = ef.convert_to_tensor(np.arange(3).astype(dtype) + distribution.rank())
        weight = ef.Variable([1.0 + distribution.rank(), 2.0])
        with ef.GradientTape() as tape:
            y = all_sum(weight * 2.0, world.communicator)
            loss = ef.ops.sum(y * y)
        gradient = tape.gradient(loss, weight).numpy().tolist()
        return distribution.all_reduce(x).numpy().tolist(), distribution.broadcast(x, 1).numpy().tolist(), gradient

    return on_device(sums, "gpu:0")


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int32"])
def test_arrays_of_gpus_are_summed_and_sent(ranks, dtype):
    # gradients: both ranks' losses, 2 y each, times 2
    assert ranks(2, summed, dtype) == [([1, 3, 5], [1, 2, 3], [48.0, 64.0])] * 2


def trained(kind: str) -> tuple[list[np.ndarray], list[float]]:
    def fit():
        ef.utils.set_random_seed(3)
        ef.distribution.set_distribution(ef.distribution.DataParallel(bucket_bytes=256))
        layers = [ef.layers.Dense(8, activation="relu"), ef.layers.Dropout(0.3), ef.layers.BatchNormalization()]
        model = ef.Sequential([ef.Input((5,)), *layers, ef.layers.Dense(3)])
        model.compile("adam", ef.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
        rng = np.random.default_rng(0)
        x, y = rng.random((30, 5)).astype("float32"), rng.integers(0, 3, 30)
        history = model.fit(x, y, batch_size=8, epochs=2, verbose=0).history["loss"]
        return model.get_weights(), history

    return on_device(fit, kind)


def test_ranks_on_gpus_train_what_ranks_on_the_cpu_train(ranks):
    expected, losses = ranks(2, trained, "cpu")[0]
    for weights, history in ranks(2, trained, "gpu:0"):
        assert history == pytest.approx(losses, rel=1e-5)
        for found, wanted in zip(weights, expected, strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)
