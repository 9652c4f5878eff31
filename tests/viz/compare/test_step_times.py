"""A difference says whether the steps' times differ by more than chance."""

from __future__ import annotations

import viz
from tests.viz.compare.test_conditions import noisy, timed, trained


def told(a, b):
    (line,) = [line for line in str(viz.diff(a, b)).splitlines() if line.startswith("  times:")]
    return line


def test_times_that_differ_no_more_than_within_a_run_may_be_chance():
    assert "which may be chance" in told(timed(noisy(10.0, 40)), timed(noisy(10.2, 40, seed=1), units=5))


def test_times_that_differ_more_are_told_with_what_is_sure():
    line = told(timed(noisy(10.0, 40)), timed(noisy(20.0, 40, seed=1), units=5))
    assert "% or more beyond what differs within each run (with 99% certainty)" in line
    assert "times: a step takes 1" in line


def test_where_both_ran_the_same_the_machine_made_the_difference():
    assert "though both ran the same" in told(timed(noisy(10.0, 40)), timed(noisy(20.0, 40, seed=1)))


def test_few_steps_say_nothing():
    assert "takes 5 steps of each" in told(trained(steps=2), trained(steps=2))
