"""Captured steps that several threads call."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time

import numpy as np
import pytest

import eagerflow as ef
from eagerflow.capture.hearing import one_at_a_time
from eagerflow.capture.recorder import Recorder
from eagerflow.core.in_place import Writing
from tests.capture.steps import many


def scaled(x):
    return ef.ops.exp(x) * 2.0


@contextlib.contextmanager
def another_writes():
    """As if another thread wrote a step down inside of the block."""
    turn = one_at_a_time._Turn()
    turn.thread, turn.begun = -1, True
    one_at_a_time._writing.append(turn)
    try:
        yield
    finally:
        one_at_a_time._writing.remove(turn)


def in_a_thread(function):
    """Run `function` in another thread to its end."""
    thread = threading.Thread(target=function)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()


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
    with another_writes():
        np.testing.assert_array_equal(step(x).numpy(), scaled(x).numpy())
    ran = []
    step._function = lambda x: ran.append(1) or scaled(x)
    for _ in range(4):
        step(x)
    assert ran == [1]


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


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers that send signals here")
def test_what_the_handler_of_a_signal_does_while_a_step_is_written_down_is_no_part_of_it():
    beats, x = ef.Variable(0.0), ef.Tensor(np.ones((2, 2), "float32"))
    signals = []

    def beat(*_):
        signals.append(1)
        beats.assign_add(1.0)

    before = signal.signal(signal.SIGALRM, beat)
    try:

        def step(x):
            if len(calls) <= 3:
                signal.raise_signal(signal.SIGALRM)
            return x * 2.0

        def quiet(x):
            return x * 2.0

        calls, captured = [], ef.function(quiet)
        plain = captured._function
        for _ in range(10):
            calls.append(1)
            captured._function = step if len(calls) <= 3 else plain
            captured(x)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert captured.replays > 0
    assert float(beats) == len(signals) == 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_that_is_forked_while_a_thread_writes_a_step_down_captures_its_own(monkeypatch):
    monkeypatch.setattr(one_at_a_time, "_PATIENCE", 0.05)
    x = ef.Tensor(np.ones((3, 2), "float32"))
    ends, begins = os.pipe()
    with another_writes():
        child = os.fork()
        if not child:
            step = ef.function(scaled)
            for _ in range(6):
                step(x)
            os.write(begins, bytes([step.replays]))
            os._exit(0)
    os.waitpid(child, 0)
    assert os.read(ends, 1) != b"\0"
    os.close(ends)
    os.close(begins)


def test_a_turn_that_was_interrupted_before_it_began_is_given_back():
    x, step = ef.Tensor(np.ones((3, 2), "float32")), ef.function(scaled)
    one_at_a_time._writing.append(one_at_a_time._Turn())  # as an exception between two lines would leave it
    many(step, x)
    assert step.replays > 0
    assert not one_at_a_time.is_writing()


def test_a_setting_that_another_thread_changes_for_a_moment_doesnt_stay_in_the_program(monkeypatch):
    class Settings:
        scale = 1.0

    usual, done = Recorder.on_op, threading.Event()

    def on_op(self, op, *told, **others):
        usual(self, op, *told, **others)
        if self.flips:  # between the two ops of the first two runs, as another thread would do it
            Settings.scale = 2.0 if op.name == "exp" else 1.0
            Recorder.flips -= op.name != "exp"

    on_op.__code__ = on_op.__code__.replace(co_filename=usual.__code__.co_filename)  # it is none of the step's code
    monkeypatch.setattr(Recorder, "flips", 2, raising=False)
    monkeypatch.setattr(Recorder, "on_op", on_op)
    step, x = ef.function(lambda x: ef.ops.exp(x) * Settings.scale), ef.Tensor(np.zeros(3, "float32"))
    thread = threading.Thread(target=done.wait, args=(60,))  # so that there is another one, as it would be
    thread.start()
    found = [step(x).tolist() for _ in range(12)]
    done.set()
    thread.join()
    assert found == [[2.0] * 3, [2.0] * 3, *[[1.0] * 3] * 10]
    assert step.replays > 0
