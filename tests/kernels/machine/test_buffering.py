"""NumPy's buffer is smaller inside of kernels, in all threads that take part, and as before afterwards."""

from __future__ import annotations

import numpy as np
import pytest

from eagerflow import ops
from eagerflow.kernels.machine.buffering import long_runs
from eagerflow.kernels.machine.threads import each, set_num_threads


def test_the_buffer_is_as_before_afterwards():
    before = np.getbufsize()
    with np.errstate(over="raise"), long_runs():
        assert np.getbufsize() < before
        assert np.geterr()["over"] == "raise"
    assert np.getbufsize() == before


def test_also_after_an_error():
    before = np.getbufsize()
    with pytest.raises(KeyError), long_runs():
        raise KeyError("x")
    assert np.getbufsize() == before


def test_all_threads_of_a_kernel_have_it():
    found = [0] * 64
    set_num_threads(3)
    try:
        with long_runs():
            each(lambda i: found.__setitem__(i, np.getbufsize()), len(found))
    finally:
        set_num_threads(None)
    assert set(found) == {2048}


def test_kernels_leave_it_alone():
    before = np.getbufsize()
    ops.max_pool(np.ones((8, 32, 32, 16), "float32"), 2, 2)
    ops.average_pool(np.ones((8, 32, 32, 16), "float32"), 2, 2)
    assert np.getbufsize() == before
