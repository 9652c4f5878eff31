"""Rows of arrays in files: announced to the system when they are read in random order, and always the right ones."""

from __future__ import annotations

import mmap

import numpy as np
import pytest
from hypothesis import given, strategies as st

from eagerflow.core.device import current_device
from eagerflow.data import mapped
from eagerflow.data.mapped import _Pages, announcing
from eagerflow.data.rows import batches_of_rows

advised = pytest.mark.skipif(not hasattr(mmap.mmap, "madvise"), reason="this system takes no advice")


@pytest.fixture
def in_file(tmp_path, monkeypatch):
    """An array of 1000 rows of 12 bytes in a file; files of any size count as large."""
    monkeypatch.setattr(mapped, "_LARGE", 0)
    np.save(tmp_path / "x.npy", np.arange(3000, dtype="float32").reshape(1000, 3))
    return np.load(tmp_path / "x.npy", mmap_mode="r")


class Mapping:
    """Notes what it is advised."""

    def __init__(self) -> None:
        self.pages: list[int] = []
        self.calls = 0

    def madvise(self, advice: int, start: int, length: int) -> None:
        assert start % mmap.PAGESIZE == length % mmap.PAGESIZE == 0
        self.calls += 1
        self.pages += range(start // mmap.PAGESIZE, (start + length) // mmap.PAGESIZE)


@advised
@given(
    rows=st.lists(st.integers(0, 200), min_size=1, max_size=40, unique=True),
    row=st.sampled_from([1, 12, 4095, 4096, 4097, 20_000]),
    start=st.sampled_from([0, 128, 5000]),
)
def test_exactly_the_pages_of_the_rows_are_announced_once(rows, row, start):
    mapping = Mapping()
    _Pages(mapping, start, row).announce(np.array(rows))
    wanted = {place // mmap.PAGESIZE for i in rows for place in (start + i * row, start + (i + 1) * row - 1)}
    wanted |= {
        page
        for i in rows
        for page in range((start + i * row) // mmap.PAGESIZE, (start + (i + 1) * row - 1) // mmap.PAGESIZE)
    }
    assert sorted(mapping.pages) == sorted(wanted)


@advised
def test_a_block_of_rows_is_one_call():
    mapping = Mapping()
    _Pages(mapping, 128, 5000).announce(np.arange(64))
    assert mapping.calls == 1


@pytest.mark.parametrize("size", [1, 7, 64, 1000, 2000])
def test_rows_of_a_file_are_those_of_the_array(in_file, size):
    order = np.random.default_rng(0).permutation(1000)
    count = -(-1000 // size)
    found = [x.numpy() for (x,) in batches_of_rows([in_file], size, count, order, current_device())]
    np.testing.assert_array_equal(np.concatenate(found), np.asarray(in_file)[order])


def test_rows_in_their_order_are_plain_arrays_over_the_file(in_file):
    for i, (x,) in enumerate(batches_of_rows([in_file], 300, 4, None, current_device())):
        assert type(x.data) is np.ndarray
        assert np.shares_memory(x.data, in_file)
        np.testing.assert_array_equal(x.data, in_file[300 * i : 300 * (i + 1)])
    assert i == 3


@advised
def test_only_large_whole_mapped_arrays_are_announced(in_file, monkeypatch):
    assert _Pages.of(in_file).row == 12
    assert _Pages.of(in_file).start == 128
    assert _Pages.of(in_file[10:]).start == 128 + 120
    assert _Pages.of(in_file[:, :2]) is None
    assert _Pages.of(np.asarray(in_file)) is None
    monkeypatch.setattr(mapped, "_LARGE", 12_001)
    assert _Pages.of(in_file) is None


def test_a_pass_that_is_given_up_leaves_the_file_as_it_was(in_file, monkeypatch):
    told: list[int] = []
    monkeypatch.setattr(_Pages, "expect", lambda self, advice: told.append(advice))
    batches = batches_of_rows([in_file], 10, 100, np.arange(1000), current_device())
    next(batches)
    batches.close()
    assert told == ([mmap.MADV_RANDOM, mmap.MADV_NORMAL] if hasattr(mmap, "MADV_RANDOM") else [])


def test_nothing_is_announced_of_arrays_in_memory(monkeypatch):
    told: list[object] = []
    monkeypatch.setattr(_Pages, "expect", lambda self, advice: told.append(advice))
    monkeypatch.setattr(_Pages, "announce", lambda self, rows: told.append(rows))
    with announcing([np.zeros((4, 2)), None]) as announce:
        announce(np.array([1, 2]))
    assert not told
