"""Runs of small instructions as machine code: the bits of the eager step, whatever numbers there are."""

from __future__ import annotations

import ctypes
import threading
from queue import SimpleQueue

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers, ops
from eagerflow.capture.machine import runs
from eagerflow.capture.machine.forms import calls_of
from eagerflow.capture.machine.later import later
from tests.capture.steps import batches, bits, many, twice
from tests.capture.test_same_bits import trained


def runs_of(captured):
    """The machine code of a captured step, and whether it is used."""
    programs = [state.program for state in captured._states.values() if state.program is not None]
    return [each for program in programs for each in program.needed if isinstance(each, runs.MachineRun)]


def classifier(*hidden, units=1):
    return ef.Sequential([*[layers.Dense(6, each) for each in hidden], layers.Dense(units)])


BINARY = ef.losses.BinaryCrossentropy(from_logits=True)
STEPS = {
    "relu": (("relu", "relu"), "mse", 1),
    "tanh": (("tanh", "tanh"), "mse", 2),
    "sigmoid": (("sigmoid",), "mae", 3),
    "binary": (("relu",), BINARY, 1),
    "linear": ((None, "relu"), BINARY, 4),
    "one-hot": (("leaky_relu", "elu"), ef.losses.CategoricalCrossentropy(from_logits=True), 3),
    "huber": (("silu", "softmax"), "huber", 2),
    "classes": (("relu", "tanh"), ef.losses.SparseCategoricalCrossentropy(from_logits=True), 3),
}


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("optimizer", ["SGD", "RMSprop", "Adam"])
def test_a_training_step_has_the_bits_of_the_eager_one(name, optimizer):
    hidden, loss, units = STEPS[name]

    def make():
        return trained(classifier(*hidden, units=units), getattr(ef.optimizers, optimizer)(0.05), loss)

    given = batches(3, (12, 5), (12, units))
    if name == "classes":
        given = [[x, ef.Tensor(np.arange(12) * i % 3)] for i, (x, _) in enumerate(given, 1)]
    eager, captured, run = twice(make, given)
    assert captured == eager
    found = runs_of(run)
    assert all(each.is_right for each in found)
    assert len(found) == 1 or name == "huber"


def test_one_call_stands_for_forward_and_backward_pass():
    model, optimizer = classifier("relu", "relu"), ef.optimizers.SGD(0.1)

    def step(x, y):
        with ef.GradientTape() as tape:
            value = BINARY(y, model(x))
        optimizer.apply(tape.gradient(value, model.trainable_variables), model.trainable_variables)

    captured = ef.function(step)
    many(captured, *batches(1, (12, 5), (12, 1))[0])
    (source,) = captured.programs
    assert source.count("machine_code(") == 1
    assert "dense(" not in source
    (run,) = runs_of(captured)
    assert [each.name for each in run.instructions] == [
        *["dense"] * 3,
        "the gradient of sigmoid_crossentropy",
        *["the gradient of dense"] * 3,
    ]


@pytest.mark.parametrize("special", [np.nan, np.inf, -np.inf, -0.0, 1e-42, 3e38])
def test_numbers_out_of_the_ordinary_go_the_same_ways(special):
    def make():
        return trained(classifier("relu", "tanh", "sigmoid"), ef.optimizers.SGD(0.05), BINARY)

    given = batches(1, (12, 5), (12, 1))
    array = given[0][0].numpy().copy()
    array[3, 2] = array[5] = special
    given[0][0] = ef.Tensor(array)
    with np.errstate(all="ignore"):
        eager, captured, run = twice(make, given)
    assert captured == eager
    assert all(each.is_right for each in runs_of(run))


def test_arrays_in_another_order_are_left_to_python():
    model = classifier("relu")
    captured = ef.function(lambda x: model(x))
    x = batches(1, (12, 5))[0][0].numpy()
    many(captured, ef.Tensor(x))
    (run,) = runs_of(captured)
    turned = ef.ops.transpose(ef.Tensor(np.ascontiguousarray(x.T)))
    assert bits(captured(turned)) == bits(model(turned))
    given, filled = (turned.data, *[v.data for v in model.variables]), (np.empty((12, 1), "float32"),)
    assert run.code(id(given), id(filled)) == 1


def fill_wrongly(given, filled):
    """Machine code that computes something else."""
    for array in ctypes.cast(filled, ctypes.py_object).value:
        array[...] = 7
    return 0


def test_machine_code_that_gives_other_bits_is_never_used():
    model = classifier("relu")
    x = batches(1, (12, 5))[0][0]
    captured = ef.function(lambda x: model(x))
    many(captured, x, calls=4)
    (run,) = runs_of(captured)
    run.code, run.is_right = fill_wrongly, None
    results = run.function()(*[x.data, *[v.data for v in model.variables]])
    assert run.is_right is False
    assert results[-1].tobytes() == model(x).numpy().tobytes()


def test_a_comparison_with_the_eager_step_compares_machine_code_too():
    model = classifier("relu")
    x = batches(1, (12, 5))[0][0]
    captured = ef.function(lambda x: model(x), verify_every=3)
    many(captured, x, calls=4)
    (run,) = runs_of(captured)
    assert run.is_right
    run.code = fill_wrongly
    with pytest.raises(ef.capture.function.CaptureError, match="machine code of dense"):
        many(captured, x, calls=6)


def test_a_warning_of_numpy_s_is_given_by_predictions_too():
    model = ef.Sequential([layers.Dense(3), layers.Dense(2)])
    x = np.ones((4, 5), "float32")
    captured = ef.function(lambda x: ef.ops.multiply(model(x), model(x)))
    many(captured, ef.Tensor(x))
    assert runs_of(captured)
    with pytest.warns(RuntimeWarning, match="overflow"):
        captured(ef.Tensor(x * np.float32(1e30)))


def test_what_others_hold_of_earlier_replays_stays_as_it_was():
    model = classifier("relu", units=3)
    captured = ef.function(lambda x: model(x))
    given = [each[0] for each in batches(4, (12, 5))]
    many(captured, given[0])
    assert runs_of(captured)
    found = [captured(x) for x in given]
    assert bits(found) == bits([model(x) for x in given])


def test_the_loss_comes_after_the_run_and_dropout_parts_it():
    model = ef.Sequential([layers.Dense(6, "relu"), layers.Dropout(0.5), layers.Dense(1)])

    def make():
        return trained(model, ef.optimizers.SGD(0.0), "mse")

    eager, captured, run = twice(make, batches(1, (12, 5), (12, 1)))
    assert len(runs_of(run)) == 2
    assert len(eager[0]) == len(captured[0])


def test_float64_and_rows_one_by_one():
    ef.config.set_floatx("float64")
    for rows in (1, 2):
        model = classifier("relu", "tanh")
        captured = ef.function(lambda x, model=model: model(x))
        x = ef.Tensor(np.random.default_rng(0).normal(size=(rows, 5)))
        many(captured, x)
        assert bits(captured(x)) == bits(model(x))
        assert all(each.is_right for each in runs_of(captured))


@pytest.mark.parametrize(("rows", "units"), [(256, 512), (8, 1 << 16)])
def test_large_arrays_keep_the_kernels_that_threads_share(rows, units):
    """And a step of large arrays isn't made faster by what its small ones save."""
    model = ef.Sequential([layers.Dense(units, "relu"), layers.Dense(8)])
    captured = ef.function(lambda x: model(x))
    many(captured, ef.Tensor(np.ones((rows, 16), "float32")))
    assert not runs_of(captured)


def test_replays_go_on_while_machine_code_is_made(monkeypatch):
    waiting = []
    monkeypatch.setattr(runs, "later", waiting.append)
    model = classifier("relu")
    x = batches(1, (12, 5))[0][0]
    captured = ef.function(lambda x: model(x))
    found = [bits(many(captured, x))]
    (run,) = runs_of(captured)
    assert run.code is run.is_right is None
    waiting.pop()()
    found.append(bits(captured(x)))
    assert run.is_right
    assert found == [bits(model(x))] * 2


def test_a_long_step_is_written_in_pieces_and_never_without_end():
    def step(x):
        for _ in range(700):
            x = ef.ops.tanh(x * 1.5)
        return x

    captured, x = ef.function(step), batches(1, (12, 5))[0][0]
    many(captured, x, calls=4)
    assert [len(each.instructions) for each in runs_of(captured)] == [32] * 16
    assert bits(captured(x)) == bits(step(x))


def test_one_thread_makes_all_machine_code():
    done = SimpleQueue()
    later(lambda: done.put(threading.get_ident()))
    later(lambda: done.put(threading.get_ident()))
    assert done.get() == done.get() != threading.get_ident()


def test_nothing_is_written_where_plain_kernels_are_used(monkeypatch):
    monkeypatch.setattr(runs, "kernels", lambda: "plain")
    model = classifier("relu")
    captured = ef.function(lambda x: model(x))
    many(captured, batches(1, (12, 5))[0][0])
    assert not runs_of(captured)


def test_a_form_says_how_many_calls_it_saves():
    model = classifier("relu")
    captured = ef.function(lambda x: model(x))
    many(captured, batches(1, (12, 5))[0][0])
    program = next(iter(captured._states.values())).program
    assert [calls_of(each) for each in program.instructions if each.pure] == [3, 3]


def test_numbers_that_are_not_do_not_count_as_other_bits():
    """Which sign a NaN has is up to the processor: where eager steps go on with it, replays do."""
    x, y = (
        ef.Tensor(np.random.default_rng(0).normal(size=(12, 5)).astype("float32")),
        ef.Tensor(np.ones((12, 1), "float32")),
    )
    train, _ = trained(classifier("relu"), ef.optimizers.SGD(0.05), "mse")
    step = ef.function(train, jit_compile=True, verify_every=3)
    many(step, x, y)
    spoilt = x.numpy()
    spoilt[0, 0] = np.nan
    many(step, ef.Tensor(spoilt), y, calls=12)
    assert step.replays


def test_arrays_are_compared_but_for_what_is_not_a_number():
    a = np.array([1.0, np.nan, -0.0], "float32")
    b = a.copy()
    b[1] = -b[1]
    assert runs._same_numbers(a, b)
    b[2] = 0.0
    assert not runs._same_numbers(a, b)
    assert not runs._same_numbers(a, np.array([1.0, 2.0, -0.0], "float32"))
    assert not runs._same_numbers(np.array([1, 2]), np.array([1, 3]))


def test_products_that_underflow_have_the_signs_of_eager_ones():
    """A matrix of one column or row goes to BLAS as one that lies by columns, which gives zeros of the other sign."""
    rng = np.random.default_rng(1)
    x, dense = ef.Tensor(rng.normal(size=(32, 16)).astype("float32")), layers.Dense(1)
    dense(x)
    dense.kernel.assign(1e-15 * rng.normal(size=(16, 1)))

    def step(x, g):
        with ef.GradientTape() as tape:
            tape.watch(x)
            h = ops.tanh(x)
            z = ops.tanh(dense(h)) * 2.0
        return tape.gradient(z, [h, *dense.trainable_weights], output_gradients=g)

    usual, small = [ef.Tensor(np.full((32, 1), value, "float32")) for value in (1.0, 1e-25)]
    captured = ef.function(step)
    many(captured, x, usual)
    assert [bits(each) for each in captured(x, small)] == [bits(each) for each in step(x, small)]
    assert any(each.is_right for each in runs_of(captured))


def test_gradients_that_are_not_aligned_become_copies_that_are():
    memory = np.zeros(4 * 6000 + 1, "uint8")
    odd = memory[1:].view("float32").reshape(60, 100)
    odd[:] = np.random.default_rng(0).normal(size=odd.shape)
    shared, own = ef.from_dlpack(odd, copy=False), ef.Tensor(odd)
    v = ef.Variable(np.ones(odd.shape, "float32"))

    def step(x):
        with ef.GradientTape() as tape:
            y = v + 1.0
        return tape.gradient(y, v, output_gradients=x)

    captured = ef.function(step)
    many(captured, own)
    for run in (step, captured):
        found = run(shared)
        assert found.data.flags.aligned
        assert bits(found) == bits(own)
