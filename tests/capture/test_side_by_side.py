"""Captured predictions and evaluations compute several batches at the same time; the bits are those of one by one."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers, ops
from eagerflow.capture import function, side_by_side
from eagerflow.capture.side_by_side import Pace
from eagerflow.core.op import op
from eagerflow.kernels.machine import costs
from eagerflow.training.captured import ahead

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(53, 6)).astype("float32"), RNG.integers(0, 3, (53,))


@pytest.fixture(autouse=True)
def three_threads(monkeypatch):
    monkeypatch.setattr(costs.Threads, "LEAST", 0.0)
    monkeypatch.setattr(Pace, "is_better_alone", lambda pace: False)  # however fast these small ones are alone
    monkeypatch.setattr(ahead, "_AT_ONCE", 0.0)  # a batch for each thread, however fast the machine is
    ef.set_num_threads(3)
    yield
    ef.set_num_threads(None)


@pytest.fixture
def together(monkeypatch):
    """How many replays ran side by side, each time."""
    counts = []

    def counted(program, given):
        counts.append(len(given))
        return run(program, given)

    run = function.run_side_by_side
    monkeypatch.setattr(function, "run_side_by_side", counted)
    return counts


def classifier(*more, kind=ef.Sequential, **compiled):
    ef.utils.set_random_seed(3)
    made = kind([layers.Input((6,)), layers.Dense(8, "relu"), layers.BatchNormalization(), *more, layers.Dense(3)])
    loss = ef.losses.SparseCategoricalCrossentropy(from_logits=True)
    made.compile("sgd", loss, metrics=["accuracy"], **compiled)
    return made


def test_predictions_have_the_bits_and_the_order_of_eager_ones(together):
    captured, eager = classifier(jit_compile=True), classifier()
    for _ in range(3):
        found = captured.predict(X, batch_size=5, verbose=0)
        np.testing.assert_array_equal(found, eager.predict(X, batch_size=5, verbose=0))
    assert together
    assert set(together) == {3}
    assert captured.captured_steps["the prediction"].replays == 3 * 11 - 2 - 2  # two of each size are recorded


def test_evaluations_have_the_numbers_of_eager_ones(together):
    captured, eager = classifier(jit_compile=True), classifier()
    weights = RNG.random(53).astype("float32")
    for given in ({}, {"sample_weight": weights}):
        for _ in range(3):
            wanted = eager.evaluate(X, Y, batch_size=5, verbose=0, **given)
            assert captured.evaluate(X, Y, batch_size=5, verbose=0, **given) == wanted
    assert together
    assert set(together) == {3}


def test_threads_take_several_short_batches_before_they_wait_for_each_other(together, monkeypatch):
    monkeypatch.setattr(ahead, "_AT_ONCE", 1e9)
    monkeypatch.setattr(ahead, "_ROUNDS", 4)
    captured, eager = classifier(jit_compile=True), classifier()
    wanted = eager.predict(X, batch_size=2, verbose=0)
    for _ in range(3):
        np.testing.assert_array_equal(captured.predict(X, batch_size=2, verbose=0), wanted)
    assert together[-3:] == [3, 12, 11]  # and the last row alone, which is another signature
    assert captured.captured_steps["the prediction"].replays == 3 * 27 - 2 - 2


@pytest.mark.parametrize(("seconds", "most"), [(1e9, 5), (0.0, 2)], ids=["short", "long"])
def test_one_thread_takes_groups_of_short_batches_and_long_ones_one_by_one(monkeypatch, seconds, most):
    groups = []
    monkeypatch.setattr(ahead, "_AT_ONCE", seconds)
    monkeypatch.setattr(ahead, "_ROUNDS", 5)
    compute = ahead.Ahead._compute
    monkeypatch.setattr(ahead.Ahead, "_compute", lambda self, group: (groups.append(len(group)), compute(self, group)))
    captured, eager = classifier(jit_compile=True), classifier()
    wanted = eager.predict(X, batch_size=2, verbose=0)
    ef.set_num_threads(1)
    for _ in range(3):
        np.testing.assert_array_equal(captured.predict(X, batch_size=2, verbose=0), wanted)
    assert max(groups) == most
    assert (len(groups) < 5) is (most == 2)  # of long ones those before it was found out


@pytest.mark.parametrize(
    ("alone", "beside", "wanted"),
    [
        ([900.0, 800.0, 1000.0], [810.0, 950.0, 850.0], True),
        ([900.0, 800.0, 1000.0], [990.0, 500.0, 850.0], False),
        ([900.0, 800.0, 1000.0], [990.0], False),  # not tried often enough
        ([900.0, 100.0, 1000.0], [], True),  # a thread isn't worth waking
        ([], [], False),
    ],
)
def test_replays_run_one_after_the_other_where_that_is_faster(together, monkeypatch, alone, beside, wanted):
    monkeypatch.undo()
    pace = Pace()
    pace.alone, pace.beside = alone, beside
    assert pace.is_better_alone() is wanted


@pytest.mark.parametrize("is_better_alone", [True, False])
def test_both_ways_are_tried_and_the_better_one_is_taken(monkeypatch, is_better_alone):
    captured, eager = classifier(jit_compile=True), classifier()
    shared = []
    each = side_by_side.each
    monkeypatch.setattr(side_by_side, "each", lambda work, count: (shared.append(count), each(work, count)))
    for _ in range(2):
        captured.predict(X[:50], batch_size=5, verbose=0)
    (state,) = captured.captured_steps["the prediction"]._states.values()
    assert len(state.program.pace.alone) == len(state.program.pace.beside) == 3
    assert shared
    shared.clear()
    monkeypatch.setattr(Pace, "is_better_alone", lambda pace: is_better_alone)
    found = captured.predict(X[:50], batch_size=5, verbose=0)
    np.testing.assert_array_equal(found, eager.predict(X[:50], batch_size=5, verbose=0))
    assert shared == ([] if is_better_alone else [3, 3, 3])


def test_replays_are_under_way_at_the_same_time(monkeypatch):
    captured = classifier(jit_compile=True)
    for _ in range(2):
        captured.predict(X[:30], batch_size=5, verbose=0)
    (state,) = captured.captured_steps["the prediction"]._states.values()
    together = threading.Barrier(2, timeout=30)
    run = state.program.run
    calls = iter(range(6))

    def waiting(*given):
        if next(calls) < 2:
            together.wait()  # nobody gets further than this alone
        return run(*given)

    monkeypatch.setitem(vars(state.program), "run", waiting)
    ef.set_num_threads(2)
    assert captured.predict(X[:30], batch_size=5, verbose=0).shape == (30, 3)


def test_weights_that_have_changed_count_from_the_next_prediction_on(together):
    captured = classifier(jit_compile=True)
    for scale in (1.0, 1.0, 2.0, 3.0):
        captured.layers[-1].kernel.assign(np.full((8, 3), scale, "float32"))
        captured.fit(X, Y, batch_size=20, verbose=0)
        eager = captured(X, training=False).numpy()
        np.testing.assert_array_equal(captured.predict(X, batch_size=53, verbose=0), eager)
        np.testing.assert_array_equal(
            captured.predict(np.tile(X, (6, 1)), batch_size=53, verbose=0), np.tile(eager, (6, 1))
        )
    assert together


def test_several_inputs_and_outputs(together):
    a, b = ef.Input((6,), name="a"), ef.Input((2,), name="b")
    model = ef.Model({"a": a, "b": b}, {"sum": layers.Dense(2)(layers.Concatenate()([a, b])), "b": b})
    model.compile(jit_compile=True)
    given = {"a": X, "b": X[:, :2]}
    for _ in range(3):
        found = model.predict(given, batch_size=5, verbose=0)
    wanted = model(given, training=False)
    np.testing.assert_array_equal(found["b"], X[:, :2])
    np.testing.assert_allclose(found["sum"], wanted["sum"], rtol=1e-5, atol=1e-6)
    assert together


class Noise(layers.Layer):
    """Random in predictions, too."""

    def call(self, x):
        return x + ef.random.normal(ops.shape(x))


class Counting(layers.Layer):
    """Changes a variable in predictions."""

    def build(self, shape):
        self.calls = self.add_weight((), "zeros", trainable=False)

    def call(self, x):
        self.calls.assign_add(1.0)
        return x * self.calls


@pytest.mark.parametrize("kind", [Noise, Counting])
def test_steps_that_draw_or_change_something_run_one_after_the_other(together, kind):
    captured, eager = classifier(kind(), jit_compile=True), classifier(kind())
    for made in (captured, eager):
        ef.utils.set_random_seed(5)
        made.found = [made.predict(X, batch_size=5, verbose=0) for _ in range(3)]
    np.testing.assert_array_equal(captured.found, eager.found)
    assert captured.captured_steps["the prediction"].replays > 20
    assert not together


def test_functions_of_others_run_one_after_the_other(together):
    @op(lambda xp, g: g * 2)
    def doubled(xp, x):
        return x * 2

    captured = classifier(layers.Lambda(doubled), jit_compile=True)
    for _ in range(3):
        found = captured.predict(X, batch_size=5, verbose=0)
    np.testing.assert_allclose(found, captured(X, training=False), rtol=1e-4, atol=1e-5)
    assert captured.captured_steps["the prediction"].replays > 20
    assert not together


def test_callbacks_that_hear_of_batches_see_them_one_by_one(together):
    heard = []

    class Hears(ef.callbacks.Callback):
        def on_predict_batch_begin(self, batch, logs=None):
            heard.append(("begin", batch))

        def on_predict_batch_end(self, batch, logs=None):
            heard.append(("end", batch))

    captured = classifier(jit_compile=True)
    for _ in range(3):
        heard.clear()
        captured.predict(X, batch_size=20, verbose=0, callbacks=[Hears()])
    assert heard == [(word, batch) for batch in range(3) for word in ("begin", "end")]
    assert not together


def test_a_step_of_ones_own_is_asked_for_each_batch(together):
    class Own(ef.Sequential):
        def predict_step(self, data):
            return super().predict_step(data) + 1.0

    captured, eager = classifier(kind=Own, jit_compile=True), classifier()
    for _ in range(3):
        found = captured.predict(X, batch_size=5, verbose=0)
    np.testing.assert_array_equal(found, eager.predict(X, batch_size=5, verbose=0) + 1.0)
    assert not together


def test_no_more_batches_are_read_than_wanted(together):
    captured = classifier(jit_compile=True)
    captured.predict(X, batch_size=5, verbose=0)
    data = ef.data.Dataset.from_tensor_slices(X).batch(5)
    assert captured.predict(data, steps=7, verbose=0).shape == (35, 3)
    assert together == [3, 3, 3, 3]


@pytest.mark.parametrize("kind", ["generator", "data set"])
def test_batches_that_the_users_code_makes_are_computed_before_the_next_is_made(kind, together):
    def given(model):
        def batches():
            for i in range(0, 45, 5):
                model.layers[0].bias.assign(np.full(8, i, "float32"))
                yield X[i : i + 5], Y[i : i + 5]

        class Batches(ef.utils.PyDataset):
            def __len__(self):
                return 9

            def __getitem__(self, i):
                model.layers[0].bias.assign(np.full(8, i, "float32"))
                return X[5 * i : 5 * i + 5], Y[5 * i : 5 * i + 5]

        return batches() if kind == "generator" else Batches()

    captured, eager = classifier(jit_compile=True), classifier()
    for _ in range(3):
        found = captured.predict(given(captured), verbose=0)
        np.testing.assert_array_equal(found, eager.predict(given(eager), verbose=0))
        assert captured.evaluate(given(captured), verbose=0) == eager.evaluate(given(eager), verbose=0)
    assert not together
    assert captured.captured_steps["the prediction"].replays


def test_an_error_while_reading_is_the_users_own():
    captured = classifier(jit_compile=True)
    captured.predict(X, batch_size=5, verbose=0)

    def batches():
        yield X[:5]
        raise RuntimeError("the disk is gone")

    with pytest.raises(RuntimeError, match="the disk is gone"):
        captured.predict(batches(), steps=3, verbose=0)


def test_every_so_often_a_step_is_compared_with_the_eager_one(together):
    captured = classifier(jit_compile=True)
    step = captured._compiled.captured.predicted
    step.verify_every = 4
    for _ in range(6):
        captured.predict(X[:50], batch_size=5, verbose=0)
    assert together  # in threes where none of them is to be compared
    assert step.replays < 60 - 2 - 10  # every fourth of 58


def test_large_values_take_turns(together, monkeypatch):
    monkeypatch.setattr("eagerflow.capture.side_by_side._MEMORY", 100)
    captured = classifier(jit_compile=True)
    for _ in range(3):
        captured.predict(X, batch_size=5, verbose=0)
    assert not together


def test_words_are_checked_in_each_replay(together):
    model = ef.Sequential([layers.Embedding(10, 4), layers.GlobalAveragePooling1D(), layers.Dense(2)])
    model.compile("sgd", "mse", jit_compile=True)
    words = RNG.integers(0, 10, (30, 7))
    for _ in range(3):
        found = model.predict(words, batch_size=5, verbose=0)
    np.testing.assert_allclose(found, model(words), rtol=1e-5, atol=1e-6)
    assert together
    words[12, 3] = 10
    with pytest.raises(IndexError, match="has vectors for 0 to 9"):
        model.predict(words, batch_size=5, verbose=0)
