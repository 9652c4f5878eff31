"""Gradients that are sent in half of their bytes are added in float32, and are the same bits on all ranks."""

from __future__ import annotations

import numpy as np
import pytest

from eagerflow.distribution.runtime.compressed_sums import compressed, decompressed
from eagerflow.distribution.runtime.current import world


@pytest.mark.parametrize(("wire", "bits"), [("float16", 11), ("bfloat16", 8)])
def test_numbers_are_rounded_to_the_nearest(wire, bits):
    draws = np.random.default_rng(0).normal(size=1000).astype("float32")
    there_and_back = decompressed(compressed(draws, wire), wire)
    np.testing.assert_allclose(there_and_back, draws, rtol=2.0**-bits, atol=1e-7)
    np.testing.assert_array_equal(decompressed(compressed(there_and_back, wire), wire), there_and_back)


def test_halves_of_bfloat16_go_to_the_even_neighbour():
    given = np.array([1 + 2**-8, 1 + 3 * 2**-8, -1 - 2**-8], "float32")
    np.testing.assert_array_equal(decompressed(compressed(given, "bfloat16"), "bfloat16"), [1, 1 + 2**-6, -1])


@pytest.mark.parametrize("wire", ["float16", "bfloat16"])
def test_what_is_no_number_stays_none(wire):
    given = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0], "float32")
    given[0:1].view("uint32")[0] = 0x7FFFFFFF  # a NaN that rounding up would turn into a number
    found = decompressed(compressed(given, wire), wire)
    assert np.isnan(found[0])
    np.testing.assert_array_equal(found[1:], given[1:])


def sums(wire: str, size: int) -> tuple[list[float], bytes]:
    communicator = world.communicator
    draws = np.random.default_rng(communicator.rank)
    array = draws.normal(size=size).astype("float32")
    communicator.sum_flat(array, wire)
    every = sum(np.random.default_rng(rank).normal(size=size).astype("float32") for rank in range(communicator.size))
    error = np.abs(array - every).max() if size else 0.0
    return float(error), array.tobytes()


@pytest.mark.parametrize("wire", ["float16", "bfloat16"])
@pytest.mark.parametrize("n", [2, 3])
@pytest.mark.parametrize("size", [1, 10, 10_007])
def test_sums_sent_narrow_are_near_and_equal_on_all_ranks(ranks, n, wire, size):
    found = ranks(n, sums, wire, size)
    assert all(data == found[0][1] for _, data in found)
    assert found[0][0] < {"float16": 0.02, "bfloat16": 0.15}[wire]
