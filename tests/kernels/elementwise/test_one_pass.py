"""One function over large arrays gives the same numbers however many threads share it."""

from __future__ import annotations

import numpy as np
import pytest

from eagerflow import ops
from eagerflow.kernels.elementwise import one_pass as module
from eagerflow.kernels.elementwise.one_pass import one_pass, pays
from eagerflow.kernels.machine.threads import set_num_threads

LARGE = 1_700_003


@pytest.fixture(params=[1, 2, 3])
def threads(request):
    set_num_threads(request.param)
    yield request.param
    set_num_threads(None)


def numbers(size, dtype="float32", seed=0):
    return np.random.default_rng(seed).normal(size=size).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_large_arrays_give_what_numpy_gives(threads, dtype):
    a, b = numbers(LARGE, dtype), numbers(LARGE, dtype, 1)
    assert pays(a, b) == (threads > 1)
    for function in (np.add, np.subtract, np.multiply, np.divide):
        found = one_pass(function, a, b)
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, function(a, b))
    np.testing.assert_array_equal(one_pass(np.tanh, a), np.tanh(a))


def test_results_go_where_they_are_wanted(threads):
    a, b = numbers(LARGE), numbers(LARGE, seed=1)
    expected = a + b
    assert one_pass(np.add, a, b, out=a) is a
    np.testing.assert_array_equal(a, expected)


@pytest.mark.parametrize(
    "operands",
    [
        (numbers(8), numbers(8)),
        (numbers(0), numbers(0)),
        (numbers(LARGE), numbers(1)),
        (numbers(LARGE), numbers(LARGE, "float64")),
        (numbers(2 * LARGE)[::2], numbers(LARGE)),
        (numbers(LARGE), numbers(2 * LARGE)[::2]),
        (numbers(LARGE).astype("int64"), numbers(LARGE).astype("int64")),
        (numbers(LARGE).astype("float16"), numbers(LARGE).astype("float16")),
        (numbers((1200, 1500)).T, numbers((1500, 1200))),
    ],
    ids=["small", "empty", "broadcast", "types", "strided", "strided second", "integers", "half", "transposed"],
)
def test_other_operands_are_left_to_numpy(operands):
    set_num_threads(2)
    try:
        assert not pays(*operands)
        found = one_pass(np.add, *operands)
    finally:
        set_num_threads(None)
    np.testing.assert_array_equal(found, np.add(*operands))


@pytest.mark.parametrize(
    "name", ["exp", "expm1", "log", "log1p", "log2", "log10", "sqrt", "sin", "cos", "tanh", "square", "relu"]
)
def test_ops_of_one_large_tensor_are_shared_and_the_same(name, monkeypatch):
    x = np.abs(numbers(2_200_000))
    shared = []
    original = module.each
    monkeypatch.setattr(module, "each", lambda run, count, work: (shared.append(count), original(run, count, work)))
    set_num_threads(2)
    try:
        found = getattr(ops, name)(x).numpy()
    finally:
        set_num_threads(None)
    assert shared
    assert shared[0] % 2 == 0
    np.testing.assert_array_equal(found, getattr(np, name, lambda a: np.maximum(a, 0))(x))


@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "divide"])
def test_ops_of_two_large_tensors_and_their_gradients_are_the_same_on_threads(name):
    import eagerflow as ef

    a, b = ef.Tensor(numbers(LARGE)), ef.Tensor(numbers(LARGE, seed=1))
    found = []
    for threads in (1, 2):
        set_num_threads(threads)
        try:
            with ef.GradientTape() as tape:
                tape.watch([a, b])
                out = getattr(ops, name)(a, b)
                total = (out * a + a).sum()
            found.append([out.numpy(), *[g.numpy() for g in tape.gradient(total, [a, b])]])
        finally:
            set_num_threads(None)
    for alone, shared in zip(*found, strict=True):
        np.testing.assert_array_equal(alone, shared)
