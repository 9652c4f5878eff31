"""`shared(load)`: large arrays lie once in the memory of a machine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import distribution


def loaded_once() -> tuple[int, list[float], bool, str, str]:
    calls = []

    def load():
        calls.append(1)
        return {"x": np.arange(12.0).reshape(3, 4), "y": ef.ops.ones(2), "names": np.array(["a", "bc"]), "n": 3}

    found = distribution.shared(load)
    try:
        found["x"][0] = 7
    except ValueError as error:
        told = str(error)
    same = found["x"].tolist() == np.arange(12.0).reshape(3, 4).tolist() and found["n"] == 3
    return len(calls), found["y"].tolist(), same, str(found["names"][1]), told


def test_one_rank_loads_and_all_see_the_same_memory_to_read(ranks):
    found = ranks(3, loaded_once)
    assert [calls for calls, *_ in found] == [1, 0, 0]
    for _, y, same, name, told in found:
        assert (y, same, name) == ([1.0, 1.0], True, "bc")
        assert "read-only" in told


def proportional() -> int:
    """Bytes of memory that this process has, shared ones divided among those who share them."""
    lines = Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith("Pss:")).split()[1]) * 1024


def growth(size: int) -> tuple[float, int]:
    before = proportional()
    distribution.barrier()
    array = distribution.shared(lambda: np.ones(size // 8))
    total = float(array.sum())  # everybody reads all of it
    distribution.barrier()
    grown = proportional() - before
    distribution.barrier()
    return total, grown


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="the system doesn't tell who shares memory")
@pytest.mark.parametrize("size", [100_000_000, pytest.param(400_000_000, marks=pytest.mark.slow)])
def test_the_memory_of_all_ranks_grows_by_one_copy(ranks, size):
    found = ranks(4, growth, size)
    assert [total for total, _ in found] == [size / 8] * 4
    assert sum(grown for _, grown in found) <= 1.1 * size


def failing() -> str:
    def load():
        raise FileNotFoundError("data.npz")

    try:
        distribution.shared(load)
    except RuntimeError as error:
        return str(error)
    return ""


def test_all_ranks_are_told_that_loading_failed(ranks):
    assert ranks(2, failing) == ["shared(load): load() raised on rank 0: FileNotFoundError: data.npz"] * 2


def test_alone_there_is_one_copy_anyway():
    array = np.ones(3)
    found = distribution.shared(lambda: [array])[0]
    assert np.shares_memory(found, array)
    assert not found.flags.writeable
    assert array.flags.writeable
    with pytest.raises(FileNotFoundError):
        distribution.shared(lambda: np.load("nowhere.npy"))


def too_large() -> str:
    try:
        distribution.shared(lambda: np.empty(1 << 47, "uint8"))
    except MemoryError as error:
        return str(error)
    except RuntimeError as error:  # the array itself didn't fit anywhere
        return str(error)
    return ""


def test_too_little_memory_is_said_on_all_ranks(ranks):
    first, second = ranks(2, too_large)
    assert first == second != ""
