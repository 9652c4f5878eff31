"""Captured steps on a GPU as CUDA graphs: on the stand-in for CuPy, and on CuPy itself under `make test-gpu`."""

from __future__ import annotations

import copy
import gc
import threading
import weakref

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers
from eagerflow.capture.function import CaptureError
from tests.capture.steps import many
from tests.stand_in import graphs as stand_in_graphs

PARTLY = "ignore:.*runs partly outside of CUDA graphs:UserWarning"
RNG = np.random.default_rng(4)
ROWS = RNG.normal(size=(6, 5, 4)).astype("float32")


@pytest.fixture
def products_too(cupy_stand_in):
    """As if CuPy let cuBLAS be captured."""
    stand_in_graphs.in_graphs.add("cuBLAS")
    with ef.device("gpu:0"):
        yield
    stand_in_graphs.in_graphs.clear()


def wave(x):
    """Enough operations for a graph."""
    return ef.ops.exp(ef.ops.sin(x)) * ef.ops.cos(x) + ef.ops.tanh(x) / (1.0 + x * x)


def graphs_in(step):
    return next(iter(step._states.values())).graphs


def recordings(step):
    return [segment.recorded for segment in graphs_in(step).segments]


def run_both(make, calls=8, between=lambda i, variables: None):
    """What a step gives eagerly and by graphs, call by call, with its variables at the end."""
    found = []
    for captures in (False, True):
        ef.utils.set_random_seed(7)
        step, variables = make()
        run = ef.function(step, verify_every=0) if captures else step
        results = []
        for i in range(calls):
            between(i, variables)
            results.append(run(ef.Tensor(ROWS[i % len(ROWS)])))
        values = [ef.tree.map_structure(lambda x: x.numpy(), each) for each in results]  # at the end: none has changed
        found.append((values, [v.numpy() for v in variables]))
    return *found, run


def close(found, expected, gpu):
    tolerance = 0 if gpu == "stand-in" else 1e-4
    for mine, theirs in zip(ef.tree.flatten(found), ef.tree.flatten(expected), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=tolerance, atol=tolerance)


def test_a_step_that_only_computes_is_one_graph(gpu):
    eager, found, run = run_both(lambda: (lambda x: (wave(x), x + 1), []))
    close(found, eager, gpu)
    assert graphs_in(run).left_out() is None
    (source,) = run.graphs
    assert source.count("graph_") == 1
    assert "v0" in source
    assert "cupy" not in source  # nothing else computes
    assert recordings(run) == [1]


def test_what_earlier_calls_gave_stays(gpu):
    step = ef.function(wave)
    given = [ef.Tensor(rows) for rows in ROWS]
    found = [step(x) for x in given]
    for x, y in zip(ROWS, found):
        np.testing.assert_allclose(y.numpy(), np.exp(np.sin(x)) * np.cos(x) + np.tanh(x) / (1 + x * x), rtol=1e-5)
    assert step.graphs


def descends():
    """Weights that a step reads, and that an assignment inside changes in their place (over 4 KB)."""
    w = ef.Variable(np.full((4, 512), 0.5, "float32"))
    small = ef.Variable(np.full((512,), 0.5, "float32"))

    def step(x):
        with ef.GradientTape() as tape:
            value = ef.ops.mean(wave(ef.ops.expand_dims(x, -1) * w * 0.1) + small)
        for variable, gradient in zip((w, small), tape.gradient(value, [w, small])):
            variable.assign_sub(gradient)
        return value

    return step, [w, small]


def test_weights_that_a_step_changes_are_read_where_they_lie(gpu):
    eager, found, run = run_both(descends)
    close(found, eager, gpu)
    assert graphs_in(run).segments
    before = recordings(run)
    many(run, ef.Tensor(ROWS[0]))
    assert recordings(run) == before  # the small one is replaced in each step: it is copied, after some tries


def test_assignments_from_outside_count(gpu):
    def assign(i, variables):
        if i in (4, 6):
            variables[0].assign(np.full((4, 512), 0.1 * i, "float32"))
        if i == 5:
            variables[1].assign(ef.ops.ones(512))

    eager, found, _ = run_both(descends, between=assign)
    close(found, eager, gpu)


def test_a_snapshot_of_weights_between_steps_stays_as_it_is(gpu):
    held = []

    def look(i, variables):
        held.append((variables[0].value, variables[0].numpy()))

    eager, found, _ = run_both(descends, between=look)
    close(found, eager, gpu)
    for value, then in held:
        np.testing.assert_array_equal(value.numpy(), then)


def test_random_draws_go_on(gpu):
    eager, found, _ = run_both(lambda: (lambda x: wave(ef.random.dropout(x, 0.5)), []))
    close(found, eager, gpu)
    assert len({values.tobytes() for values in found[0][::6]}) == 2  # of the same rows


def test_each_shape_has_its_graphs(gpu):
    step = ef.function(wave)
    for _ in range(2):
        for rows in (5, 3):
            x = ef.Tensor(ROWS[0, :rows])
            np.testing.assert_allclose(many(step, x).numpy(), wave(x).numpy(), rtol=1e-5)
    assert len(step.graphs) == 2


def test_parts_of_arrays_come_in_as_they_are(gpu):
    step = ef.function(wave)
    whole = ef.Tensor(ROWS)
    for i in range(6):
        x = ef.ops.transpose(whole[:, 1 : 1 + 4, i % 4])
        np.testing.assert_allclose(step(x).numpy(), wave(x).numpy(), rtol=1e-5)
    assert step.graphs


# -- what can't be recorded


def test_what_cupy_refuses_stays_outside_and_is_named(cupy_stand_in):
    with ef.device("gpu:0"):
        w = ef.Variable(np.ones((4, 3), "float32"))
    step = ef.function(lambda x: wave(wave(x) @ w))
    x = ef.Tensor(ROWS[0], device="gpu:0")
    with pytest.warns(UserWarning, match=r"lambda> runs partly outside of CUDA graphs: matmul \(.*cuBLAS.* is curr"):
        found = many(step, x)
    np.testing.assert_allclose(found.numpy(), wave(wave(x) @ w).numpy(), rtol=1e-4)
    assert [segment.number for segment in graphs_in(step).segments] == [0, 1]
    assert "# NotImplementedError: calling cuBLAS API" in step.graphs[0]


@pytest.mark.gpu
def test_our_own_calls_of_cublas_are_recorded():
    with ef.device("gpu:0"):
        model = ef.Sequential([layers.Dense(8, activation="relu"), layers.Dropout(0.2), layers.Dense(3)])
        model.compile("adam", ef.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=True)
        x, y = ROWS.reshape(30, 4), np.arange(30) % 3
        model.fit(x, y, batch_size=6, epochs=2, verbose=0)
    graphs = graphs_in(model.captured_steps["the training step"])
    assert (len(graphs.segments), graphs.left_out()) == (1, None)


def test_what_waits_for_the_gpu_stays_outside(cupy_stand_in):
    step = ef.function(lambda x: wave(ef.ops.sort(wave(x))))
    x = ef.Tensor(ROWS[0], device="gpu:0")
    with pytest.warns(UserWarning, match="outside of CUDA graphs: argsort .*cudaErrorStreamCaptureUnsupported"):
        np.testing.assert_array_equal(many(step, x).numpy(), wave(ef.ops.sort(wave(x))).numpy())
    assert len(graphs_in(step).segments) == 2


def test_a_transform_stays_outside_for_its_plans_own_memory(gpu):
    step = ef.function(lambda x: wave(ef.ops.rfft(wave(x))[0]))
    with pytest.warns(UserWarning, match="outside of CUDA graphs: fourier .cuFFT's plans own memory"):
        many(step, ef.Tensor(ROWS[0]))


def test_few_operations_are_no_graph(gpu):
    step = ef.function(lambda x: x * 2)
    many(step, ef.Tensor(ROWS[0]))
    assert graphs_in(step).segments == []
    assert "graph_" not in step.graphs[0]


def test_where_products_can_be_captured_all_is_one_graph(products_too):
    model = ef.Sequential([layers.Dense(4, activation="tanh"), layers.LayerNormalization(), layers.Dense(2)])

    def step(x):
        with ef.GradientTape() as tape:
            loss = ef.ops.mean(model(x, training=True) ** 2)
        return loss, tape.gradient(loss, model.trainable_variables)

    x = ef.Tensor(ROWS[0])
    captured = ef.function(step)
    found, expected = many(captured, x), step(x)
    close(*[ef.tree.map_structure(lambda t: t.numpy(), each) for each in (found, expected)], "stand-in")
    assert graphs_in(captured).left_out() is None
    assert [segment.number for segment in graphs_in(captured).segments] == [0]


def test_a_model_trains_by_one_graph_where_products_can_be_captured(products_too):
    found = []
    for captures in (False, True):
        ef.utils.set_random_seed(3)
        model = ef.Sequential([layers.Dense(8, activation="gelu"), layers.Dropout(0.2), layers.Dense(1)])
        model.compile("adam", "mse", jit_compile=captures)
        x = ROWS.reshape(30, 4)
        history = model.fit(x, x[:, :1], batch_size=6, epochs=2, verbose=0).history
        found.append([*history["loss"], *model.get_weights()])
    close(found[1], found[0], "stand-in")
    assert graphs_in(model.captured_steps["the training step"]).left_out() is None


# -- around it


def test_the_environment_switches_graphs_off(gpu, monkeypatch):
    monkeypatch.setenv("EAGERFLOW_CUDA_GRAPHS", "0")
    step = ef.function(wave)
    many(step, ef.Tensor(ROWS[0]))
    assert (step.replays, step.graphs) == (4, [])


def test_on_another_stream_the_list_is_replayed(gpu):
    import cupy

    step, x = ef.function(wave), ef.Tensor(ROWS[0])
    expected = many(step, x).numpy()
    graphs_in(step)._step = None  # it would fail
    with cupy.cuda.Stream(non_blocking=True) as stream:
        found = step(x)
        stream.synchronize()
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6)


def test_two_threads_get_what_is_theirs(gpu):
    step, x = ef.function(wave), ef.Tensor(ROWS[0])
    expected, found = many(step, x).numpy(), []

    def call():
        with ef.device("gpu:0"):
            found.append(step(x).numpy())

    with graphs_in(step)._busy:  # another thread is inside
        thread = threading.Thread(target=call)
        thread.start()
        thread.join()
    np.testing.assert_allclose(found[0], expected, rtol=1e-6)


def test_graphs_are_given_back_with_their_step(gpu):
    step = ef.function(wave)
    many(step, ef.Tensor(ROWS[0]))
    segment = graphs_in(step).segments[0]
    pool, gone = segment._recording.pool, weakref.ref(segment)
    assert pool.used_bytes() > 0
    gc.collect()
    gc.disable()
    try:
        del step, segment
        assert gone() is None  # at once: memory of a GPU doesn't wait for the collector
    finally:
        gc.enable()
    assert pool.used_bytes() == 0


def test_recordings_see_the_operations_instead_of_the_graph(gpu):
    step, x = ef.function(wave), ef.Tensor(ROWS[0])
    expected = many(step, x).numpy()
    with viz.trace() as trace:
        found = step(x)
    assert [op.name for op in trace.ops][:3] == ["sin", "exp", "cos"]
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6)


def test_verification_looks_at_graphs_too(gpu):
    step, x = ef.function(wave, verify_every=4), ef.Tensor(ROWS[0])
    many(step, x, calls=12)
    assert step.replays == 8

    class Broken:
        def launch(self):
            pass

    segment = graphs_in(step).segments[0]
    segment._graph = Broken()
    segment._given[0].fill(7)
    with pytest.raises(CaptureError, match=r"not the eager one any more: add .*in a CUDA graph"):
        many(step, x, calls=12)


def test_a_weight_that_lies_elsewhere_is_looked_for(cupy_stand_in):
    """The stand-in raises when a graph works on memory that was given back."""
    with ef.device("gpu:0"):
        w = ef.Variable(np.ones((5, 4), "float32"))
        step = ef.function(lambda x: wave(x * w))
        x = ef.Tensor(ROWS[0])
        many(step, x)
        for value in (2.0, 3.0):
            w.assign(np.full((5, 4), value, "float32"))
            np.testing.assert_array_equal(step(x).numpy(), wave(x * value).numpy())
    assert recordings(step) == [3]


def test_a_tensor_on_the_device_that_a_step_closes_over_is_replayed(gpu):
    shift = ef.Tensor(ROWS[1])
    step = ef.function(lambda x: wave(x + shift))
    x = ef.Tensor(ROWS[0])
    many(step, x)
    close([step(x)], [wave(x + shift)], gpu)
    assert step.replays >= 3


@pytest.mark.filterwarnings(PARTLY)
def test_copies_of_a_captured_model_have_graphs_of_their_own(gpu):
    model = ef.Sequential([layers.Dense(3), layers.Activation(wave)])
    model.compile("sgd", "mse", jit_compile=True)
    x = ROWS.reshape(30, 4)
    model.fit(x, x[:, :3], batch_size=5, epochs=2, verbose=0)
    before = model.predict(x, verbose=0)
    again = copy.deepcopy(model)
    assert again.captured_steps == {}
    again.fit(x, x[:, :3], batch_size=5, epochs=2, verbose=0)
    np.testing.assert_allclose(model.predict(x, verbose=0), before, rtol=1e-6)


class Counts(layers.Layer):
    """Assigns inside the step, so that its weight lies elsewhere each time, and its graph is recorded again."""

    def build(self, input_shape):
        self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False)

    def call(self, inputs):
        self.calls.assign_add(1.0)
        return wave(inputs * (1.0 + self.calls.value * 0.01))


@pytest.mark.filterwarnings(PARTLY)
def test_a_graph_that_is_recorded_again_leaves_the_memory_of_others_alone(gpu):
    def make():
        model = ef.Sequential([layers.Dense(4), Counts(), layers.Dense(4), Counts(), layers.Dense(2)])
        optimizer = ef.optimizers.Adam(0.01)

        def step(x):
            with ef.GradientTape() as tape:
                loss = ef.ops.mean(wave(model(x, training=True)))
            optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
            return loss

        return step, model

    found = []
    for captures in (False, True):
        ef.utils.set_random_seed(5)
        step, model = make()
        run = ef.function(step, verify_every=5) if captures else step
        losses = [run(ef.Tensor(ROWS[i % 6])).numpy() for i in range(14)]
        found.append([*losses, *model.get_weights()])
    close(found[1], found[0], gpu)
    assert len(recordings(run)) >= (3 if gpu == "stand-in" else 2)  # which doesn't record products
    assert max(recordings(run)) <= (5 if gpu == "stand-in" else 9)  # the counters are copied soon
