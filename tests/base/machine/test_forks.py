"""A child of a process begins with open locks, whoever held them in the parent."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import types

import pytest

import eagerflow as ef
from eagerflow.base.machine import forks
from eagerflow.capture.value_reads import watched

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")


def ends(child):
    """What a child process gives back."""
    number = os.fork()
    if not number:
        os._exit(child())
    return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])


def test_a_fork_waits_for_who_holds_a_lock(monkeypatch):
    monkeypatch.setattr(forks, "_held", [*forks._held])
    lock, whole, begun = threading.Lock(), [True], threading.Event()
    forks.held_over_forks(lock)

    def work():
        with lock:
            whole[0] = False
            begun.set()
            threading.Event().wait(0.2)
            whole[0] = True

    thread = threading.Thread(target=work)
    thread.start()
    begun.wait()
    assert ends(lambda: whole[0] and lock.acquire(blocking=False)) == 1
    thread.join()
    assert not lock.locked()


def test_the_lock_of_an_object_is_open_in_a_child_whoever_holds_it():
    class Held:
        def __init__(self):
            self.renew_lock()
            forks.renewed_in_children(self)

        def renew_lock(self):
            self.lock = threading.Lock()

    held = Held()
    with held.lock:
        assert ends(lambda: held.lock.acquire(blocking=False)) == 1
        assert held.lock.locked()


def test_children_draw_random_numbers_while_other_threads_of_the_parent_do():
    done = threading.Event()

    def draw():
        while not done.is_set():
            ef.random.normal((2,))

    threads = [threading.Thread(target=draw) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        assert [ends(lambda: ef.random.normal((2,)).shape[0]) for _ in range(8)] == [2] * 8
    finally:
        done.set()
        for thread in threads:
            thread.join()


def test_threads_may_fork_at_the_same_time():
    """As pools of data loaders do: each gives back what it took, and nobody waits for ever."""
    script = """
import os, threading
import eagerflow as ef
ef.random.normal((2,))
def work():
    for _ in range(15):
        child = os.fork()
        if not child:
            ef.random.normal((2,))
            ef.layers.Dense(2)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
threads = [threading.Thread(target=work) for _ in range(3)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print("all are back")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "all are back\n", done.stderr


def test_a_child_that_is_forked_while_another_thread_captures_a_step_has_the_classes_of_before():
    begun, done = threading.Event(), threading.Event()

    def work():
        with watched():
            begun.set()
            done.wait()

    def is_plain():
        return isinstance(vars(ef.Tensor)["data"], types.MemberDescriptorType)

    thread = threading.Thread(target=work)
    thread.start()
    begun.wait()
    assert ends(is_plain) == 1
    assert not is_plain()
    done.set()
    thread.join()
    assert is_plain()
