"""What a check has time for depends on what it computes, not on how busy the machine is."""

from __future__ import annotations

import time

import viz.check.reproduce as reproduce
from viz.check.stopwatch import PATIENCE, Stopwatch
from viz.shell.program import Script


def test_a_busy_machine_makes_seconds_no_longer(monkeypatch):
    now = {"thread_time": 1.0, "process_time": 1.0, "perf_counter": 50.0}
    for name in now:
        monkeypatch.setattr(time, name, lambda name=name: now[name])
    watch = Stopwatch()
    now["thread_time"] += 3.0
    now["perf_counter"] += 9.0  # three times as long by the clock
    assert watch.seconds == 3.0
    now["perf_counter"] += 91.0  # it waits for something that may never come
    assert watch.seconds == 100.0 / PATIENCE


def test_the_second_run_is_not_ended_by_the_clock_of_a_busy_machine(monkeypatch):
    given = []

    def run_once(script, steps, path, seconds):
        given.append((steps, seconds))
        return "it failed: stopped here"

    monkeypatch.setattr(reproduce, "_run_once", run_once)
    row = reproduce.check_repeatable(Script("train.py"), 29.0, 4.0)
    assert (row.verdict, given) == ("open", [(1, 29.0 * PATIENCE)])
