"""Copies of one file have equal code, and each its own globals."""

from __future__ import annotations

import sys
import types

import pytest

import eagerflow as ef
from tests.capture.steps import many, while_it_changes

X = ef.Tensor([1.0, 2.0])
SOURCE = """
scale, calls = 1.0, 0

class Scaling:
    def of(self, x):
        return x * scale

def counting(x):
    global calls
    calls += 1
    return x
"""


@pytest.fixture
def copies(monkeypatch):
    """Two modules of the same source."""
    found = [types.ModuleType(name) for name in ("plugin_of_a", "namedtuple_plugin_of_b")]
    for module in found:
        exec(compile(SOURCE, "plugin.py", "exec"), vars(module))
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return found


@pytest.mark.parametrize("which", [0, 1])
def test_a_global_of_each_copy_counts(copies, which):
    def make():
        for module in copies:
            module.scale = 1.0
        first, second = [module.Scaling() for module in copies]
        return lambda x: first.of(x) + second.of(x), lambda i: setattr(copies[which], "scale", float(i))

    eager, captured, step = while_it_changes(make, X)
    assert captured == eager
    assert step.replays


def test_a_counter_in_the_second_copy_counts_on(copies):
    first, second = copies
    step = ef.function(lambda x: first.Scaling().of(x) + second.counting(x))
    with pytest.warns(UserWarning, match="calls"):
        many(step, X, calls=6)
    assert second.calls == 6
