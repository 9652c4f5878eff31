"""What ranks send each other when their arrays lie on GPUs: on a stand-in for CuPy and NCCL, over real ranks."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import distribution
from eagerflow.core import device as devices
from eagerflow.core.strategy import sharing
from eagerflow.distribution.batch_shard import bounds, shard_of
from eagerflow.distribution.runtime.current import world
from eagerflow.distribution.runtime.gpu import Nccl, Staged, for_gpus, with_gpus
from eagerflow.distribution.runtime.reduction import all_sum
from tests import stand_in


def results(kind: str, dtype: str) -> tuple[str, list[np.ndarray], int]:
    before = dict(devices.namespaces)
    with stand_in.installed() as cupy:
        devices.load_cupy()
        communicator = {"nccl": Nccl, "staged": Staged}[kind](world.communicator)
        found = _each_call(communicator, cupy, dtype)
        copies = stand_in.copies.to_host
    devices.namespaces.clear()
    devices.namespaces.update(before)
    return kind, found, copies


def _each_call(communicator, cupy, dtype):
    rank, size = communicator.rank, communicator.size
    given = np.arange(7).astype(dtype) + rank
    summed = cupy.asarray(given)
    communicator.all_reduce(summed)
    largest = cupy.asarray(given)
    if not dtype.startswith("complex"):
        communicator.all_reduce(largest, "max")
    cuts = bounds(7, size)
    mine = slice(cuts[rank], cuts[rank + 1])
    scattered = cupy.asarray(given)
    communicator.reduce_scatter(scattered, cuts)
    whole = cupy.zeros(7, dtype)
    whole[mine] = scattered[mine]
    communicator.all_gather(whole, cuts)
    told = cupy.asarray(given)
    communicator.broadcast(told, 1)
    on_host = given.copy()
    communicator.all_reduce(on_host)
    return [summed.get(), largest.get(), whole.get(), told.get(), on_host]


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int32", "complex64"])
@pytest.mark.parametrize("kind", ["nccl", "staged"])
def test_arrays_of_gpus_are_reduced_where_they_lie(ranks, kind, dtype):
    total = 2 * np.arange(7).astype(dtype) + np.asarray(1, dtype)
    for _, (summed, largest, whole, told, on_host), _ in ranks(2, results, kind, dtype):
        np.testing.assert_array_equal(summed, total)
        np.testing.assert_array_equal(whole, total)
        np.testing.assert_array_equal(on_host, total)
        np.testing.assert_array_equal(told, np.arange(7).astype(dtype) + np.asarray(1, dtype))
        if dtype != "complex64":
            np.testing.assert_array_equal(largest, np.arange(7) + 1)


def test_nccl_moves_nothing_to_the_host(ranks):
    (_, found, by_nccl), _ = ranks(2, results, "nccl", "float32")
    (_, _, staged), _ = ranks(2, results, "staged", "float32")
    looked_at = len(found) - 1  # this test's own copies
    assert by_nccl == looked_at
    assert staged > looked_at


def chosen() -> tuple[str, list[str]]:
    before = dict(devices.namespaces)
    with stand_in.installed(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        devices.load_cupy()
        with devices.device("gpu:0"):
            kind = type(for_gpus(world.communicator)).__name__
    devices.namespaces.clear()
    devices.namespaces.update(before)
    return kind, [str(w.message) for w in caught]


def test_ranks_that_share_a_gpu_go_through_the_host_and_rank_0_says_why(ranks):
    first, second = ranks(2, chosen)
    assert first[0] == second[0] == "Staged"
    assert "share a GPU" in first[1][0]
    assert second[1] == []
    assert ranks(1, chosen)[0] == ("Nccl", [])


def device_of_a_rank() -> tuple[str, str]:
    before = dict(devices.namespaces)
    with stand_in.installed(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ef.set_default_device("gpu:0")
        made = with_gpus(world.communicator)
        found = str(ef.default_device()), type(made).__name__
        ef.set_default_device(None)
    devices.namespaces.clear()
    devices.namespaces.update(before)
    return found


def test_each_rank_takes_a_gpu_of_its_machine(ranks):
    assert ranks(3, device_of_a_rank) == [("gpu:0", "Staged")] * 3  # the stand-in has one


def gradient_on_gpus() -> tuple[list[float], list[float]]:
    before = dict(devices.namespaces)
    with stand_in.installed(), devices.device("gpu:0"):
        communicator = Nccl(world.communicator)
        x = ef.Variable([1.0 + communicator.rank, 2.0])
        with ef.GradientTape() as tape:
            y = all_sum(x * 2.0, communicator)
            loss = ef.ops.sum(y * y)
        found = y.numpy().tolist(), tape.gradient(loss, x).numpy().tolist()
    devices.namespaces.clear()
    devices.namespaces.update(before)
    return found


def test_sums_on_gpus_are_differentiable(ranks):
    for value, gradient in ranks(2, gradient_on_gpus):
        assert value == [6.0, 8.0]
        assert gradient == [48.0, 64.0]  # both ranks' losses, 2 y each, times 2


def trained(kind: str) -> tuple[list[np.ndarray], list[float]]:
    before = dict(devices.namespaces)
    with stand_in.installed(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with devices.device("gpu:0" if kind != "cpu" else "cpu"):
            if kind != "cpu":
                world.communicator = {"nccl": Nccl, "staged": Staged}[kind](world.communicator)
            ef.utils.set_random_seed(3)
            ef.distribution.set_distribution(ef.distribution.DataParallel(bucket_bytes=256))
            layers = [ef.layers.Dense(8, activation="relu"), ef.layers.Dropout(0.3), ef.layers.BatchNormalization()]
            model = ef.Sequential([ef.Input((5,)), *layers, ef.layers.Dense(3)])
            model.compile("adam", ef.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
            rng = np.random.default_rng(0)
            x, y = rng.random((30, 5)).astype("float32"), rng.integers(0, 3, 30)
            history = model.fit(x, y, batch_size=8, epochs=2, verbose=0).history["loss"]
            found = model.get_weights(), history
    devices.namespaces.clear()
    devices.namespaces.update(before)
    return found


def copies_of_a_step() -> list[int]:
    before = dict(devices.namespaces)
    counts = []
    with stand_in.installed(), devices.device("gpu:0"):
        world.communicator = Nccl(world.communicator)
        shard = shard_of(world.communicator, 8)
        variables = [ef.Variable(np.ones((4, 3), "float32")), ef.Variable(np.ones(3, "float32"))]
        optimizer = ef.optimizers.SGD(0.1)
        for _ in range(3):
            with ef.GradientTape() as tape:
                loss = sum(ef.ops.sum(v * v) for v in variables)
            gradients = tape.gradient(loss, variables)
            stand_in.copies.reset()
            with sharing(shard):
                optimizer.apply([gradients[0], None if distribution.rank() else gradients[1]], variables)
            counts.append(stand_in.copies.to_host)
        found = [v.numpy().ravel()[0].item() for v in variables]
    devices.namespaces.clear()
    devices.namespaces.update(before)
    return [*counts, *found]


def test_gradients_on_gpus_are_summed_there(ranks):
    for first, second, third, whole, of_one_rank in ranks(2, copies_of_a_step):
        assert second == third == 0  # the first step compares what ranks begin with
        assert first > 0
        assert whole == pytest.approx(0.8**3)
        assert of_one_rank == pytest.approx(0.9**3)  # a gradient that one rank lacks counts 0 there


def test_ranks_on_gpus_train_what_ranks_on_the_cpu_train(ranks):
    expected, losses = ranks(2, trained, "cpu")[0]
    for kind in ("nccl", "staged"):
        for weights, history in ranks(2, trained, kind):
            assert history == pytest.approx(losses, rel=1e-5)
            for found, wanted in zip(weights, expected, strict=True):
                np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)
