"""A worker that was woken on its caller's processor goes to another one, and only then."""

from __future__ import annotations

import os
import threading

import pytest

from eagerflow.kernels.machine import thread_placement as placement
from eagerflow.kernels.machine.thread_placement import Mover, processor

linux = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="only Linux tells and moves threads")


@pytest.fixture
def calls(monkeypatch):
    """The masks that are set, of a thread on processor 1 that may use 0, 1 and 2."""
    masks = []
    monkeypatch.setattr(placement, "processor", lambda: 1)
    monkeypatch.setattr(os, "sched_getaffinity", lambda thread: {0, 1, 2}, raising=False)
    monkeypatch.setattr(os, "sched_setaffinity", lambda thread, mask: masks.append(mask), raising=False)
    return masks


def test_a_thread_on_that_processor_leaves_and_may_return(calls):
    Mover().leave(1)
    assert calls == [{0, 2}, {0, 1, 2}]


@pytest.mark.parametrize("place", [0, 2, -1])
def test_a_thread_elsewhere_stays(calls, place):
    Mover().leave(place)
    assert calls == []


def test_a_thread_moves_seldom(calls, monkeypatch):
    now = [10.0]
    monkeypatch.setattr(placement, "monotonic", lambda: now[0])
    mover = Mover()
    for _ in range(3):
        mover.leave(1)
    assert len(calls) == 2
    now[0] += 1
    mover.leave(1)
    assert len(calls) == 4


def test_a_thread_bound_to_one_processor_stays(calls, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda thread: {1}, raising=False)
    Mover().leave(1)
    assert calls == []


def test_where_moving_is_forbidden_it_is_tried_once(monkeypatch, calls):
    def forbidden(thread, mask):
        calls.append(mask)
        raise PermissionError

    monkeypatch.setattr(os, "sched_setaffinity", forbidden, raising=False)
    mover = Mover()
    mover.leave(1)
    mover.leave(1)
    assert calls == [{0, 2}]


@linux
@pytest.mark.skipif(len(getattr(os, "sched_getaffinity", lambda _: ())(0)) < 2, reason="one processor")
def test_a_real_thread_may_run_anywhere_afterwards():
    seen = {}

    def move():
        os.sched_setaffinity(0, {place})  # of this thread alone
        seen["before"] = processor()
        os.sched_setaffinity(0, allowed)
        Mover().leave(place)
        seen["allowed"] = os.sched_getaffinity(0)

    allowed = os.sched_getaffinity(0)
    place = min(allowed)
    thread = threading.Thread(target=move)
    thread.start()
    thread.join()
    assert seen["before"] == place
    assert seen["allowed"] == allowed


@linux
def test_the_processor_is_one_that_may_be_used():
    assert processor() in os.sched_getaffinity(0)
