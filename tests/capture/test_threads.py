"""Captured steps that several threads call."""

from __future__ import annotations

import threading

import numpy as np

import eagerflow as ef
from eagerflow.capture.hearing import one_at_a_time
from tests.capture.steps import many


def scaled(x):
    return ef.ops.exp(x) * 2.0


def test_a_step_runs_eagerly_while_another_thread_writes_one_down_and_is_captured_afterwards():
    x, begun, done = ef.Tensor(np.ones((3, 2), "float32")), threading.Event(), threading.Event()

    def waits(x):
        begun.set()
        done.wait(60)
        return x + 1.0

    step = ef.function(scaled)
    thread = threading.Thread(target=ef.function(waits), args=(x,))
    thread.start()
    begun.wait(60)
    for _ in range(6):
        np.testing.assert_array_equal(step(x).numpy(), scaled(x).numpy())
    meanwhile = step.replays, step.why_eager
    done.set()
    thread.join()
    many(step, x)
    assert meanwhile == (0, "another thread is capturing a step")
    assert step.replays > 0
    assert step.why_eager is None


def test_a_comparison_that_falls_due_while_another_thread_writes_a_step_down_is_made_up_for():
    x, step = ef.Tensor(np.ones((3, 2), "float32")), ef.function(scaled, verify_every=4)
    many(step, x)
    (state,) = step._states.values()
    while state.replays + 1 != state.check_at:
        step(x)
    with one_at_a_time._lock:
        np.testing.assert_array_equal(step(x).numpy(), scaled(x).numpy())
    ran = []
    step._function = lambda x: ran.append(1) or scaled(x)
    for _ in range(4):
        step(x)
    assert ran == [1]
