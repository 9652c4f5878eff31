"""The semantics of GradientTape, which are TensorFlow's."""

from __future__ import annotations

import gc
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from eagerflow import ops
from eagerflow.base.errors import TapeError
from eagerflow.core.custom_gradient import no_grad, stop_gradient
from eagerflow.core.log import log
from eagerflow.core.tape import GradientTape
from eagerflow.core.tensor import Tensor
from eagerflow.core.variable import Variable

# -- what is watched


def test_which_variables_are_watched(device):
    x = Variable(3.0)
    with GradientTape() as tape:
        y = x * x
    assert float(tape.gradient(y, x)) == 6.0
    x = Variable(3.0, trainable=False)
    with GradientTape() as tape:
        y = x * x
    assert tape.gradient(y, x) is None
    x = Variable(3.0, trainable=False)
    with GradientTape() as tape:
        tape.watch(x)
        y = x * x
    assert float(tape.gradient(y, x)) == 6.0
    a, b = Variable(2.0), Variable(5.0)
    with GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(a)
        y = a * b
    da, db = tape.gradient(y, [a, b])
    assert float(da) == 5.0
    assert db is None


def test_watching_a_frozen_variable_is_one_tapes_own_affair():
    x = Variable(3.0, trainable=False)
    with GradientTape() as outer:
        with GradientTape() as inner:
            inner.watch(x)
            y = x * x
        slope = inner.gradient(y, x)
        assert outer.watched_variables() == ()
    assert float(slope) == 6.0
    assert outer.gradient(slope, x) is None
    with GradientTape() as later:
        y = x * x
    assert later.watched_variables() == ()
    assert later.gradient(y, x) is None


def test_a_frozen_variable_that_was_watched_may_thaw():
    x = Variable(3.0, trainable=False)
    with GradientTape() as tape:
        tape.watch(x)
    x.trainable = True
    with GradientTape() as tape:
        y = x * x
    assert tape.watched_variables() == (x,)
    assert float(tape.gradient(y, x)) == 6.0


def test_plain_tensor_needs_watch(device):
    x = Tensor(3.0)
    with GradientTape() as tape:
        y = x * x
    assert tape.gradient(y, x) is None
    with GradientTape() as tape:
        tape.watch(x)
        y = x * x
    assert float(tape.gradient(y, x)) == 6.0


def test_watched_tensors():
    x = Tensor(3.0)
    with GradientTape() as outer:
        outer.watch(x)
        with GradientTape() as inner:
            y = x * x
        assert inner.gradient(y, x) is None
    assert float(outer.gradient(y, x)) == 6.0
    x = Tensor(3.0)
    with GradientTape() as tape:
        early = x * 10.0
        tape.watch(x)
        y = x * early
    assert float(tape.gradient(y, x)) == 30.0
    a, b = Tensor(2.0), Tensor(3.0)
    with GradientTape() as tape:
        tape.watch({"a": a, "b": [b]})
        y = a * b
    grads = tape.gradient(y, {"a": a, "b": [b]})
    assert float(grads["a"]) == 3.0
    assert float(grads["b"][0]) == 2.0


def test_intermediate_tracked_only_by_outer_tape_is_no_source_for_inner():
    x = Tensor(3.0)
    with GradientTape() as outer:
        outer.watch(x)
        with GradientTape() as inner:
            h = x * x
            y = h * h
        assert inner.gradient(y, h) is None
    assert float(outer.gradient(y, h)) == 18.0


def test_sources():
    x = Variable(3.0)
    with GradientTape() as tape:
        h = x * x
        y = h * x
    dh, dx = tape.gradient(y, [h, x])
    assert float(dh) == 3.0
    assert float(dx) == 27.0
    x = Variable([1.0, 2.0])
    with GradientTape() as tape:
        _ = x * x
    assert tape.gradient(x, x).tolist() == [1.0, 1.0]
    x = Variable([1.0, 2.0])
    with GradientTape() as tape:
        y = x * 3.0
    a, b = tape.gradient(y, [x, x])
    assert a.tolist() == b.tolist() == [3.0, 3.0]
    assert not np.shares_memory(a.data, b.data)
    x = Variable(np.ones(3, "float32"))
    with GradientTape() as tape:
        y = x * Tensor(np.ones(3, "float64"))
    assert tape.gradient(y, x).dtype == "float32"


def test_late_watch_by_inner_tape_ignores_what_outer_recorded_before_it():
    x = Tensor(3.0)
    with GradientTape() as outer:
        outer.watch(x)
        with GradientTape() as inner:
            early = x * x
            inner.watch(x)
            y = x * early
        assert float(inner.gradient(y, x)) == 9.0
    assert float(outer.gradient(y, x)) == 27.0


def test_watched_variables_in_order_of_use():
    a, b, unused, frozen = Variable(1.0), Variable(2.0), Variable(3.0), Variable(4.0, trainable=False)
    with GradientTape() as tape:
        _ = b * a * frozen
    found = tape.watched_variables()
    assert [v is w for v, w in zip(found, (b, a), strict=True)] == [True, True]
    assert all(v is not unused for v in found)


@pytest.mark.parametrize("bad", [3.0, np.ones(2), "x"])
def test_watching_what_is_no_tensor_is_a_type_error(bad):
    with GradientTape() as tape, pytest.raises(TypeError, match=r"watch\(\).*convert_to_tensor"):
        tape.watch(bad)


def test_misuse_says_so():
    with GradientTape() as tape, pytest.raises(TypeError, match="int32"):
        tape.watch(Tensor([1, 2]))
    x = Tensor(1.0)
    with GradientTape() as tape:
        _ = x * x
    with pytest.raises(TapeError, match="not recording"):
        tape.watch(x)
    x = Variable(1.0)
    with pytest.raises(TapeError, match="recorded nothing"):
        GradientTape().gradient(x, x)
    tape = GradientTape()
    with tape, pytest.raises(TapeError, match="already"):
        tape.__enter__()
    x = Variable([1.0, 2.0])
    with GradientTape() as tape:
        y = x * x
    with pytest.raises(ValueError, match=r"expected shape \(2,\)"):
        tape.gradient(y, x, output_gradients=[1.0, 2.0, 3.0])
    x = Variable(1.0)
    with GradientTape() as tape:
        y = ops.cast(x * x, "int32")
    with pytest.raises(TypeError, match="int32"):
        tape.gradient(y, x)


# -- one use, several uses


def test_spent_tape_explains_itself():
    x = Variable(3.0)
    with GradientTape() as tape:
        y = x * x
    tape.gradient(y, x)
    with pytest.raises(TapeError, match="persistent=True"):
        tape.gradient(y, x)
    with pytest.raises(TapeError, match="used already"):
        tape.jacobian(y, x)


def test_persistent_tapes():
    x = Variable(3.0)
    with GradientTape(persistent=True) as tape:
        y = x * x
        z = y * y
    assert [float(tape.gradient(t, x)) for t in (y, z, y)] == [6.0, 108.0, 6.0]
    x = Variable(3.0)
    with GradientTape(persistent=True) as tape:
        y = x * x * x
        slope = tape.gradient(y, x)
    assert float(tape.gradient(slope, x)) == 18.0


def test_reentered_tape_goes_on_recording():
    x = Variable(3.0)
    tape = GradientTape(persistent=True)
    with tape:
        y = x * x
    _ = x * 100.0  # not seen
    with tape:
        z = y * x
    assert float(tape.gradient(z, x)) == 27.0


def test_gradient_frees_what_only_this_tape_needs():
    x = Variable(np.ones(4))
    with GradientTape() as tape:
        y = x * x
        records = log.get()
    assert any(r is not None for r in records)
    tape.gradient(y, x)
    assert all(r is None for r in records)


def test_gradient_keeps_records_that_an_outer_tape_needs():
    x = Variable(3.0)
    with GradientTape() as outer:
        with GradientTape() as inner:
            y = x * x * x
        slope = inner.gradient(y, x)
        again = y * slope
    assert float(slope) == 27.0
    assert float(outer.gradient(again, x)) == 27.0 * 27.0 + 27.0 * 18.0


# -- gradient inside the with block


def test_gradient_inside_its_own_block_does_not_record_itself():
    x = Variable(3.0)
    with GradientTape() as tape:
        y = x * x
        slope = tape.gradient(y, x)
        assert log.get() is None
    assert slope.key is None


def test_orders_one_to_four():
    x = Variable(2.0, dtype="float64")
    with GradientTape() as t4, GradientTape() as t3:
        with GradientTape() as t2:
            with GradientTape() as t1:
                y = x * x * x * x
            d1 = t1.gradient(y, x)
        d2 = t2.gradient(d1, x)
        d3 = t3.gradient(d2, x)
    d4 = t4.gradient(d3, x)
    assert [float(d) for d in (d1, d2, d3, d4)] == [32.0, 48.0, 48.0, 24.0]


# -- intervals


def test_stop_recording_hides_ops_from_this_tape_only():
    x = Variable(3.0)
    with GradientTape() as outer, GradientTape(persistent=True) as inner:
        y = x * x
        with inner.stop_recording():
            hidden = y * x
        z = hidden + y
    assert float(inner.gradient(z, x)) == 6.0
    assert float(outer.gradient(z, x)) == 33.0


def test_several_stop_recording_intervals():
    x = Variable(2.0)
    with GradientTape() as tape:
        total = x * 1.0
        for factor in (10.0, 100.0):
            with tape.stop_recording():
                total_hidden = x * factor
            total = total + x * factor + total_hidden
    assert float(tape.gradient(total, x)) == 111.0


def test_reset():
    x = Variable(3.0)
    with GradientTape() as tape:
        y = x * x
        tape.reset()
        z = y * x
    assert float(tape.gradient(z, x)) == 9.0
    x = Tensor(3.0)
    with GradientTape() as tape:
        tape.watch(x)
        tape.reset()
        y = x * x
    assert tape.gradient(y, x) is None


@pytest.mark.parametrize("call", [lambda t: t.reset(), lambda t: t.stop_recording().__enter__()])
def test_interval_calls_outside_the_block_say_so(call):
    with pytest.raises(TapeError, match="not recording"):
        call(GradientTape())


def test_tapes_closed_out_of_order():
    x = Variable(3.0)
    first, second = GradientTape(), GradientTape()
    first.__enter__()
    second.__enter__()
    y = x * x
    first.__exit__(None, None, None)
    z = y * x
    second.__exit__(None, None, None)
    assert log.get() is None
    assert float(first.gradient(y, x)) == 6.0
    assert float(second.gradient(z, x)) == 27.0


def test_generator_suspended_inside_a_tape():
    x = Variable(3.0)

    def worker():
        with GradientTape() as tape:
            y = x * x
            yield "suspended"
            z = y * x
        yield float(tape.gradient(z, x))

    steps = worker()
    next(steps)
    with GradientTape() as mine:
        y = x * 5.0
    assert float(mine.gradient(y, x)) == 5.0
    assert next(steps) == 27.0
    assert log.get() is None


def test_abandoned_generator_stops_recording():
    x = Variable(3.0)

    def worker():
        with GradientTape():
            _ = x * x
            yield

    steps = worker()
    next(steps)
    steps.close()
    assert log.get() is None


def test_exception_inside_the_block_stops_recording():
    with pytest.raises(ZeroDivisionError), GradientTape():
        _ = 1 / 0
    assert log.get() is None


# -- no gradient


def test_what_no_grad_and_stop_gradient_hide():
    x = Variable(3.0)
    with GradientTape() as outer, GradientTape() as inner:
        with no_grad():
            hidden = x * x
        y = hidden * x
    assert float(inner.gradient(y, x)) == 9.0
    assert float(outer.gradient(y, x)) == 9.0
    x = Variable(3.0)
    with GradientTape() as outer:
        with no_grad(), GradientTape() as inner:
            y = x * x
        z = y * x
    assert float(inner.gradient(y, x)) == 6.0
    assert float(outer.gradient(z, x)) == 9.0
    x = Variable(3.0)
    with GradientTape() as tape:
        y = stop_gradient(x * x) * x
    assert float(tape.gradient(y, x)) == 9.0


def test_no_grad_as_decorator():
    x = Variable(3.0)

    @no_grad()
    def square():
        return x * x

    with GradientTape() as tape:
        y = square() * x
    assert float(tape.gradient(y, x)) == 9.0


def test_tape_closed_inside_no_grad_stays_closed():
    x = Variable(3.0)
    tape = GradientTape()
    tape.__enter__()
    y = x * x
    with no_grad():
        tape.__exit__(None, None, None)
    assert log.get() is None
    assert float(tape.gradient(y, x)) == 6.0


# -- targets, sources, seeds


def test_targets():
    x = Variable(3.0)
    with GradientTape() as tape:
        targets = {"a": x * x, "b": [x * 5.0]}
    assert float(tape.gradient(targets, x)) == 11.0
    x = Variable([1.0, 2.0])
    with GradientTape(persistent=True) as tape:
        y = x * x
    assert tape.gradient(y, x, output_gradients=[10.0, 1.0]).tolist() == [20.0, 4.0]
    assert tape.gradient([y, y], x, output_gradients=[Tensor([1.0, 0.0]), None]).tolist() == [4.0, 4.0]
    x = Variable([1.0, 2.0])
    with GradientTape() as tape:
        h = x * 1.0
        y = h + h + h * h + h
    assert tape.gradient(y, x).tolist() == [5.0, 7.0]


def test_unconnected_source_is_none_or_zero():
    x, other = Variable([1.0, 2.0]), Variable([[1.0]])
    with GradientTape(persistent=True) as tape:
        y = x * x
    assert tape.gradient(y, other) is None
    assert tape.gradient(y, other, unconnected_gradients="zero").tolist() == [[0.0]]
    with pytest.raises(ValueError, match="Did you mean 'zero'"):
        tape.gradient(y, other, unconnected_gradients="zeros")


@pytest.mark.parametrize("bad", [1.0, np.ones(2), "x"])
def test_source_that_is_no_tensor_is_a_type_error(bad):
    x = Variable(1.0)
    with GradientTape() as tape:
        y = x * x
    with pytest.raises(TypeError, match="sources"):
        tape.gradient(y, bad)


def test_gradients_share_no_memory(device):
    x, y = Variable(np.ones(5)), Variable(np.ones(5))
    seed = Tensor(np.ones(5))
    with GradientTape() as tape:
        z = x + y
    a, b = tape.gradient(z, [x, y], output_gradients=seed)
    for number, array in enumerate((a.data, b.data, seed.data, x.data, y.data)):
        array[...] = float(number)
    assert [t.tolist()[0] for t in (a, b, seed, x, y)] == [0.0, 1.0, 2.0, 3.0, 4.0]


# -- jacobians


def test_jacobians():
    x = Variable(np.arange(6.0).reshape(2, 3))
    with GradientTape() as tape:
        y = x * x
    jacobian = tape.jacobian(y, x)
    assert jacobian.shape == (2, 3, 2, 3)
    assert jacobian.numpy().reshape(6, 6).tolist() == np.diag(2 * np.arange(6.0)).tolist()
    x, other = Variable([1.0, 2.0]), Variable([1.0])
    with GradientTape(persistent=True) as tape:
        y = x * x
    assert tape.jacobian(y, other) is None
    assert tape.jacobian(y, [other], unconnected_gradients="zero")[0].tolist() == [[0.0], [0.0]]
    x = Variable([1.0, 2.0])
    with GradientTape() as outer:
        with GradientTape() as inner:
            y = x * x * x
        total = inner.jacobian(y, x).sum()
    assert outer.gradient(total, x).tolist() == [6.0, 12.0]


def test_batch_jacobians():
    x = Variable(np.arange(6.0).reshape(2, 3))
    with GradientTape() as tape:
        y = x * x
    found = tape.batch_jacobian(y, x).numpy()
    assert found.shape == (2, 3, 3)
    assert np.array_equal(found, np.stack([np.diag(2.0 * row) for row in np.arange(6.0).reshape(2, 3)]))
    x = Variable(np.ones((2, 3)))
    with GradientTape() as tape:
        y = x.reshape((3, 2))
    with pytest.raises(ValueError, match="first axis"):
        tape.batch_jacobian(y, x)


@pytest.mark.parametrize("shape", [(1, 0), (3, 0), (0, 2)])
def test_jacobians_of_nothing_are_empty(shape):
    x, other = Variable(np.zeros(shape)), Variable(1.0)
    with GradientTape(persistent=True) as tape:
        y = x * x
    assert tape.jacobian(y, x).shape == shape + shape
    assert tape.batch_jacobian(y, x).shape == (*shape, shape[1])
    assert tape.jacobian(y, other) is None


# -- scale, memory, threads


@pytest.mark.slow
def test_chain_of_a_million_ops():
    x = Variable(1.0)
    with GradientTape() as tape:
        y = x
        for _ in range(1_000_000):
            y = y + 0.0
    assert float(tape.gradient(y, x)) == 1.0


def _step(x):
    with GradientTape() as outer:
        with GradientTape() as inner:
            y = (x * x).sum()
        slope = inner.gradient(y, x)
        z = (slope * slope).sum()
    x.assign_sub(outer.gradient(z, x) * 1e-3)


@pytest.mark.parametrize("steps", [300, pytest.param(10_000, marks=pytest.mark.slow)])
def test_training_steps_leave_no_garbage(own_garbage, steps):
    x = Variable(np.ones(3))
    _step(x)
    before = len(gc.get_objects())
    for _ in range(steps):
        _step(x)
    assert len(gc.get_objects()) - before < 50
    assert gc.collect() == 0


def test_dropped_tape_drops_its_records(own_garbage):
    x = Variable(np.ones(3))
    tape = GradientTape(persistent=True)
    with tape:
        _ = x * x
        count = len(log.get())
    assert count == 1
    del tape
    assert gc.collect() == 0


def test_threads_record_for_themselves():
    x = Variable(3.0)
    barrier = threading.Barrier(2)

    def work(factor):
        with GradientTape() as tape:
            barrier.wait()
            y = x * factor
            barrier.wait()
            z = y * x
        return float(tape.gradient(z, x))

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(work, (2.0, 5.0))) == [12.0, 30.0]


def test_tape_does_not_see_other_threads():
    x = Variable(3.0)
    with GradientTape() as tape:
        with ThreadPoolExecutor(1) as pool:
            elsewhere = pool.submit(lambda: x * x).result()
        y = elsewhere * 2.0
    assert tape.gradient(y, x) is None
