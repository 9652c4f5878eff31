"""Statistics of small arrays that wait are those that each gets by itself."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest

from viz.recorder.tensor_stats import SmallArrays, measure

RNG = np.random.default_rng(0)
ARRAYS = [
    RNG.normal(size=(3, 4)).astype("float32"),
    RNG.normal(size=7),
    np.float32(2.5),
    np.zeros(5, "float32"),
    np.full((2, 2), 3.0),
    np.array([1.0, np.nan, 2.0], "float32"),
    np.array([np.inf, -1.0]),
    np.array([-np.inf, np.nan]),
    np.array([1e200, -1e200]),
    np.array([5e-324, 0.0]),
    np.arange(-5, 20).astype("int32"),
    np.array([True, False, True]),
    RNG.normal(size=16).astype("float16"),
    RNG.normal(size=(40, 50)).T,
    np.array([1e-30, 1.0], "float32"),
    np.array([7], "uint8"),
]


@pytest.mark.parametrize("level", ["basic", "full"])
def test_they_are_those_of_each_alone(level):
    found = {}
    small = SmallArrays(level, found)
    for i, array in enumerate(ARRAYS):
        small.note(i, array)
        assert i not in found
    small.flush()
    for i, array in enumerate(ARRAYS):
        alone, together = measure(array, level), found[i]
        assert (together.nan, together.inf, together.min, together.max) == (alone.nan, alone.inf, alone.min, alone.max)
        for name in ("mean", "std", "l2"):
            one, other = getattr(alone, name), getattr(together, name)
            assert one is other or math.isclose(one, other, rel_tol=1e-12, abs_tol=1e-12 * abs(alone.max or 1.0)), name
        assert (together.zeros, together.histogram) == (alone.zeros, alone.histogram)
        assert repr(together.preview) == repr(alone.preview)  # NaN among them


def test_large_ones_and_others_than_real_numbers_are_measured_alone():
    found = {}
    small = SmallArrays("basic", found)
    others = np.ones(5000), np.ones(2, ">f4"), np.ones(0), np.ones(2, "complex64"), np.ones(2, "datetime64[s]")
    for i, array in enumerate(others):
        small.note(i, array)
        assert i in found
    assert [each and each.max for each in found.values()] == [1, 1, None, None, None]


def test_an_array_is_measured_as_it_was_when_it_was_met():
    found, array = {}, np.ones(3)
    small = SmallArrays("basic", found)
    small.note(0, array)
    array += 1
    small.flush()
    assert found[0].max == 1


def test_they_dont_wait_for_ever():
    found = {}
    small = SmallArrays("basic", found)
    tracemalloc.start()
    for i in range(100):
        small.note(i, np.ones(1000))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 500_000  # of 800,000 bytes
    small.flush()
    assert sorted(found) == list(range(100))
