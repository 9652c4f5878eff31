"""Captured steps that several threads call."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

import eagerflow as ef
from eagerflow.core.in_place import Writing
from tests.capture.steps import many


def in_a_thread(function):
    """Run `function` in another thread to its end."""
    thread = threading.Thread(target=function)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_a_replay_waits_for_a_variable_that_another_thread_is_writing(policy):
    layer = ef.layers.Dense(64, use_bias=False, kernel_initializer="zeros", dtype=policy)
    x = ef.Tensor(np.eye(64, dtype="float32"))
    step = ef.function(layer, verify_every=0)
    many(step, x)
    begun, read = threading.Event(), []

    def writes():
        with Writing([layer.kernel]) as (array,):
            array[:32] = 1
            begun.set()
            time.sleep(0.2)
            array[32:] = 1

    thread = threading.Thread(target=writes)
    thread.start()
    begun.wait(60)
    replays = step.replays
    read.append(np.asarray(step(x), "float32"))
    thread.join()
    assert step.replays == replays + 1
    np.testing.assert_array_equal(read[0], np.ones((64, 64), "float32"))  # half of it are zeros, if it didn't wait


def test_variables_that_another_thread_assigns_during_a_comparison_raise_no_error():
    w, x = ef.Variable(np.ones(5, "float32")), ef.Tensor(np.ones(5, "float32"))
    step = ef.function(lambda x: (w * x, w.value + x), verify_every=4)
    many(step, x)
    (state,) = step._states.values()
    plain, seen = step._function, []

    def disturbed(x):
        seen.append(1)
        in_a_thread(lambda: w.assign(w + 1.0))
        first = w * x
        in_a_thread(lambda: w.assign(w + 1.0))
        return first, w.value + x

    step._function = disturbed
    while not seen:
        step(x)  # without an error
    step._function = plain
    assert state.why is None
    replays = step.replays
    for _ in range(40):
        np.testing.assert_array_equal(step(x)[0].numpy(), (w * x).numpy())
    assert step.replays > replays + 30


def test_runs_that_another_thread_disturbs_dont_count_as_endings():
    w, x = ef.Variable(np.ones(5, "float32")), ef.Tensor(np.ones(5, "float32"))
    disturbs = [1, 1, 1, 1]

    def step(x):
        first = w.value * x
        return first + w.value

    captured = ef.function(step)
    plain = captured._function

    def disturbed(x):
        first = w.value * x
        in_a_thread(lambda: w.assign(w + 1.0))
        float(first[0])  # as an op of ours may read what has gone
        return first + w.value

    for _ in disturbs:
        captured._function = disturbed
        captured(x)
    captured._function = plain
    many(captured, x)
    assert captured.replays > 0
    w.assign([5.0] * 5)
    np.testing.assert_array_equal(captured(x).numpy(), step(x).numpy())
