"""Slow steps are judged by the usual one."""

from __future__ import annotations

import pytest

from viz.doctor import Watcher
from viz.doctor.checks.timing import Costs


@pytest.mark.parametrize(("times", "kinds"), [([1e6] * 19 + [900e6], []), ([9e6] * 20, ["slow_op"])])
def test_one_long_pause_makes_no_slow_training(times, kinds):
    watcher = Watcher()
    (check,) = [check for check in watcher.checks if isinstance(check, Costs)]
    check._close = times
    check._add("exp", None, None, int(0.9 * sum(times)), calls=20)
    check.finish()
    assert [finding.kind for finding in watcher.findings] == kinds
