"""Work is cut by its size alone, into enough pieces for threads."""

from __future__ import annotations

from hypothesis import given, strategies as st

from eagerflow.kernels.machine.parts import at_once, parts_of, shares


@given(st.integers(0, 300), st.integers(0, 50), st.floats(0, 1e6))
def test_images_at_once(n, most, microseconds):
    step = at_once(n, most, microseconds)
    assert 1 <= step <= max(1, most)
    if microseconds < 600:  # too little to be shared
        assert step == max(1, min(n, most))
    elif n >= 2:
        assert -(-n // step) >= 2
    if microseconds >= 2400 and n >= 8:
        assert -(-n // step) >= 5


@given(st.integers(0, 300), st.integers(1, 1 << 26))
def test_parts_cover_all_blocks_in_order(blocks, size):
    parts = parts_of(blocks, size)
    assert [i for part in parts for i in range(blocks)[part]] == list(range(blocks))
    assert 1 <= len(parts) <= 16
    assert len(parts) <= 2 or len(parts) * size <= 1 << 23


@given(st.integers(0, 3000), st.integers(1, 20), st.floats(0, 1e4), st.integers(1, 16))
def test_shares_cover_everything_in_order_and_begin_at_units(length, count, ahead, unit):
    found = shares(length, count, ahead, unit)
    assert [i for run in found for i in range(length)[run]] == list(range(length))
    assert len(found) <= count
    assert all(run.start % unit == 0 and run.start < run.stop for run in found)


def test_of_the_last_two_shares_the_first_is_longer_by_as_much_as_asked():
    lengths = [run.stop - run.start for run in shares(4000, 4, 200, unit=10)]
    assert lengths == [1000, 1000, 1100, 900]
    lengths = [run.stop - run.start for run in shares(4000, 2, 1e9)]
    assert lengths == [3000, 1000]  # at most half a share moves
