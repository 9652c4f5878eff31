"""Several updates of one place, in all types, where CuPy's own way of doing it differs from NumPy's."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import ops
from tests.ops.compare import same

PLACES = [[2], [0], [2], [1], [2]]
INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
REAL = [*INTEGERS, "float16", "float32", "float64"]


@pytest.mark.parametrize("dtype", [*REAL, "bool", "complex64"])
def test_the_last_update_of_a_place_stays(dtype, device):
    updates = np.array([1, 2, 3, 0, 5]).astype(dtype)
    same(ops.scatter_update(np.ones(4, dtype), PLACES, updates), np.array([2, 0, 5, 1]).astype(dtype), dtype)


def test_the_last_row_stays(device):
    x, rows = np.zeros((3, 2), "float32"), np.arange(10, dtype="float32").reshape(5, 2) + 1
    expected = x.copy()
    expected[[2, 0, 2, 1, 2]] = rows
    same(ops.scatter_update(x, PLACES, rows), expected, "float32")


def test_gradients_flow_to_what_stayed(device):
    updates, weights = ef.Variable(np.ones(5, "float32")), np.float32([1, 2, 3, 4])
    x = ef.Variable(np.ones(4, "float32"))
    with ef.GradientTape() as tape:
        loss = ops.sum(ops.scatter_update(x, PLACES, updates) * weights)
    of_x, of_updates = tape.gradient(loss, [x, updates])
    same(of_x, [0, 0, 0, 4], "float32")
    same(of_updates, [0, 1, 0, 2, 3], "float32")


def test_no_updates_leave_all_as_it_is(device):
    same(ops.scatter_update([1.0, 2.0], np.zeros((0, 1), "int32"), np.zeros(0, "float32")), [1, 2], "float32")


@pytest.mark.parametrize("dtype", [*REAL, "complex64"])
def test_sums(dtype, device):
    same(
        ops.scatter(PLACES, np.array([1, 2, 3, 4, 5]).astype(dtype), (4,)), np.array([2, 4, 9, 0]).astype(dtype), dtype
    )


def test_sums_of_small_integers_wrap_around(device):
    same(ops.scatter([[0], [0]], np.array([100, 100], "int8"), (1,)), np.array([-56], "int8"), "int8")
    same(ops.scatter([[0], [0]], np.array([200, 100], "uint8"), (1,)), np.array([44], "uint8"), "uint8")


@pytest.mark.parametrize("dtype", REAL)
@pytest.mark.parametrize("reduction", ["max", "min"])
def test_extremes(reduction, dtype, device):
    x, updates = np.array([3, 3, 3, 3]).astype(dtype), np.array([1, 5, 7, 3, 2]).astype(dtype)
    expected = {"max": [5, 3, 7, 3], "min": [3, 3, 1, 3]}[reduction]
    same(ops.scatter_update(x, PLACES, updates, reduction), np.array(expected).astype(dtype), dtype)


def test_extremes_of_bools(device):
    updates = np.array([False, True, True, False, False])
    same(ops.scatter_update(np.zeros(4, bool), PLACES, updates, "max"), [True, False, True, False], "bool")
    same(ops.scatter_update(np.ones(4, bool), PLACES, updates, "min"), [True, False, False, True], "bool")


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_extremes_of_negative_numbers_infinities_and_nan(dtype, device):
    x = np.array([-1.5, -np.inf, 0, 1]).astype(dtype)
    updates = np.array([-2.0, -1.25, np.inf, -0.5, np.nan]).astype(dtype)
    places = [[0], [0], [1], [2], [3]]
    same(ops.scatter_update(x, places, updates, "max"), np.array([-1.25, np.inf, 0, np.nan]).astype(dtype), dtype)
    same(ops.scatter_update(x, places, updates, "min"), np.array([-2, -np.inf, -0.5, np.nan]).astype(dtype), dtype)


def test_extremes_of_doubles_keep_all_their_digits(device):
    data, ids = np.array([1.0, 1.0 + 1e-12, 1.0 + 1e-13]), [0, 0, 0]
    assert float(ops.segment_max(data, ids)[0]) == 1.0 + 1e-12
    assert float(ops.segment_min(-data, ids)[0]) == -1.0 - 1e-12
