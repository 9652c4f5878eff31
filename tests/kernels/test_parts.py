"""Work is cut by its size alone, into enough pieces for threads."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from eagerflow.kernels.parts import at_once, parts_of


@given(st.integers(0, 300), st.integers(0, 50), st.floats(0, 1e6))
def test_images_at_once(n, most, microseconds):
    step = at_once(n, most, microseconds)
    assert 1 <= step <= max(1, most)
    if microseconds < 200:  # too little to be shared
        assert step == max(1, min(n, most))
    if microseconds >= 800 and n >= 8:
        assert -(-n // step) >= 5


@given(st.integers(0, 300), st.integers(1, 1 << 26))
def test_parts_cover_all_blocks_in_order(blocks, size):
    parts = parts_of(blocks, size)
    assert [i for part in parts for i in range(blocks)[part]] == list(range(blocks))
    assert 1 <= len(parts) <= 16
    assert len(parts) <= 2 or len(parts) * size <= 1 << 23
