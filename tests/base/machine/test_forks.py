"""A child of a process begins with open locks, whoever held them in the parent."""

from __future__ import annotations

import os
import threading

import pytest

import eagerflow as ef
from eagerflow.base.machine import forks

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
        assert [ends(lambda: ef.random.normal((2,)).shape[0]) for _ in range(20)] == [2] * 20
    finally:
        done.set()
        for thread in threads:
            thread.join()
