"""What somebody read of a variable never changes, whoever trains in another thread."""

from __future__ import annotations

import os
import pickle
import sys
import threading

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers, optimizers
from eagerflow.core.in_place import Writing
from eagerflow.core.variable import Variable

ROUNDS = 60


@pytest.fixture
def hasty():
    """Threads take turns after every few bytecodes."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def beside(work, look):
    """Run `work(i)` for some rounds in a thread of its own, and `look()` here until it is done."""
    failures = []

    def run():
        try:
            for i in range(ROUNDS):
                work(i)
        except BaseException as error:  # noqa: BLE001 - shown by the test
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    seen = [look()]
    while thread.is_alive():
        seen.append(look())
    thread.join()
    assert failures == []
    return seen


READERS = {
    "value": lambda v: v.value.data,
    "asarray": np.asarray,
    "view": lambda v: np.asarray(v)[1:],
    "tensor": lambda v: v[:-1].data,
    "data": lambda v: v.data,
}


def changed(snapshots):
    """How many arrays differ from what they held when they were read."""
    return sum(not np.array_equal(array, then) for array, then in snapshots)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
@pytest.mark.parametrize("units", [3, 160], ids=["packed", "large"])
def test_snapshots_stay_while_another_thread_trains(read, units):
    model = ef.Sequential([layers.Input((units,)), layers.Dense(units), layers.Dense(units)])
    model.compile(optimizers.Adam(0.01), "mse")
    x = np.random.default_rng(0).normal(size=(4, units)).astype("float32")
    model.train_on_batch(x, x)
    watched = [model.layers[0].kernel, model.optimizer.variables[2]]

    def look():
        return [(array, array.copy()) for array in map(read, watched)]

    seen = beside(lambda i: model.train_on_batch(x, x), look)
    assert changed(pair for pairs in seen for pair in pairs) == 0


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("size", [10, 30_000])
@pytest.mark.parametrize("method", ["assign", "assign_add", "assign_sub"])
def test_no_value_is_ever_half_assigned(method, size):
    v = Variable(np.zeros(size, "float32"))
    given = [ef.Tensor(np.full(size, i, "float32")) for i in range(ROUNDS)]

    def look():
        array = np.asarray(v)
        return array, array.copy(), v.numpy(), (v * 1.0).numpy()

    seen = beside(lambda i: getattr(v, method)(given[i]), look)
    assert changed((array, then) for array, then, *_ in seen) == 0
    assert all(len(set(part.tolist())) == 1 for parts in seen for part in parts)


@pytest.mark.usefixtures("hasty")
def test_gradients_are_of_one_state_of_the_weights():
    """Every weight is the same number at any time, and so is every gradient of its square."""
    v = Variable(np.zeros(20_000, "float32"))

    def look():
        with ef.GradientTape() as tape:
            y = (v * v).sum()
        return tape.gradient(y, v).numpy()

    gradients = beside(lambda i: v.assign_add(np.ones(20_000, "float32")), look)
    assert all(len(set(g.tolist())) == 1 for g in gradients)


@pytest.mark.usefixtures("hasty")
def test_every_thread_reads_what_it_wrote():
    v = Variable(np.zeros(30_000, "float32"))
    seen = beside(lambda i: v.assign(ef.ops.full(30_000, float(i))), lambda: float(v[0]))
    assert seen == sorted(seen)
    assert float(v[-1]) == ROUNDS - 1


def test_a_profiler_that_keeps_arrays_keeps_their_values():
    """It looks at any moment of an update, in the updating thread itself."""
    weights = [Variable(np.full((2, 3), i, "float32")) for i in range(3)] + [Variable(np.zeros(9000))]
    optimizer = optimizers.Adam(0.1)
    gradients = [np.ones(v.shape, v.dtype) for v in weights]
    optimizer.apply(gradients, weights)
    kept = []

    def hook(frame, event, argument):
        kept.extend((v.data, v.data.copy()) for v in weights)

    for _ in range(3):
        sys.setprofile(hook)
        try:
            optimizer.apply(gradients, weights)
        finally:
            sys.setprofile(None)
        optimizer.apply(gradients, weights)
    assert len(kept) > 100
    assert changed(kept) == 0


def test_a_variable_that_is_being_written_shows_its_own_thread_a_copy():
    v = Variable(np.zeros(9000))
    with Writing([v]) as (array,):
        array[:] = 1.0
        seen = v.data
        assert seen is not array
        array[:] = 2.0
        assert seen[0] == 1.0
        assert v.shape == (9000,)
    assert float(v[0]) == 2.0


def test_a_thread_that_reads_waits_until_the_writer_is_done():
    v = Variable(np.zeros(9000))
    asked, seen = threading.Event(), []

    def read():
        asked.set()
        seen.append(v.numpy())

    reader = threading.Thread(target=read)
    with Writing([v]) as (array,):
        reader.start()
        assert asked.wait(10)
        array[:] = 1.0
    reader.join(10)
    assert seen[0].tolist() == [1.0] * 9000


def test_arrays_are_back_after_an_error():
    weights = [Variable(np.zeros(9000)), Variable(np.zeros(3))]
    with pytest.raises(KeyError), Writing(weights):
        raise KeyError
    assert [v.shape for v in weights] == [(9000,), (3,)]
    assert [type(v) for v in weights] == [Variable, Variable]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_child_finds_all_arrays_in_place():
    v = Variable(np.zeros(30_000, "float32"))
    stop = threading.Event()

    def write():
        while not stop.is_set():
            v.assign_add(np.ones(30_000, "float32"))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(5):
            child = os.fork()
            if child == 0:
                os._exit(0 if len(set(v.data.tolist())) == 1 else 1)
            assert os.waitpid(child, 0)[1] == 0
    finally:
        stop.set()
        writer.join()


@pytest.mark.parametrize("make", [optimizers.SGD, optimizers.Adam])
def test_a_variable_given_twice_is_updated_twice(make):
    once, twice = Variable(np.ones(4)), Variable(np.ones(4))
    g = np.ones(4)
    first, second = make(0.1), make(0.1)
    first.apply([g], [once])
    first.apply([g], [once])
    second.build([twice])
    second.apply([g, g], [twice, twice])
    if make is optimizers.SGD:
        np.testing.assert_array_equal(twice.numpy(), once.numpy())
    assert float(twice[0]) < float(1.0 - 0.15)


def test_a_variable_can_be_pickled_while_it_is_written():
    v = Variable(np.zeros(9000))
    with Writing([v]) as (array,):
        array[:] = 1.0
        copied = pickle.loads(pickle.dumps(v))
    assert type(copied) is Variable
    assert copied.tolist() == [1.0] * 9000
