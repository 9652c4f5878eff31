"""Symbolic floats where data must be whole numbers: the shape, with a warning; the run fails."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import ops

IDS = ef.Input((2,), batch_size=3)
TABLE = np.arange(12.0, dtype="float32").reshape(4, 3)
CALLS = {
    "take": (lambda: ops.take(TABLE, IDS, axis=0), (3, 2, 3)),
    "take_along_axis": (lambda: ops.take_along_axis(TABLE[:3], IDS, axis=1), (3, 2)),
    "scatter": (lambda: ops.scatter(IDS, np.ones(3, "float32"), (4, 4)), (4, 4)),
    "scatter_update": (lambda: ops.scatter_update(TABLE, IDS, np.ones(3, "float32")), (4, 3)),
    "in_top_k": (lambda: ops.in_top_k(IDS[:, 0], TABLE[:3], 1), (3,)),
    "bitwise_and": (lambda: ops.bitwise_and(IDS, 3), (3, 2)),
    "bitwise_invert": (lambda: ops.bitwise_invert(IDS), (3, 2)),
    "gcd": (lambda: ops.gcd(IDS, IDS), (3, 2)),
}


@pytest.mark.parametrize("name", CALLS)
def test_the_shape_is_told_with_a_warning(name):
    call, shape = CALLS[name]
    with pytest.warns(UserWarning, match=f"ops.{name}: .* must be whole numbers when the model runs; .* float32"):
        assert call().shape == shape


def test_the_model_fails_when_it_runs():
    x = ef.Input((2,))
    with pytest.warns(UserWarning, match=r"ops\.take"):
        model = ef.Model(x, ops.take(TABLE, x, axis=0))
    with pytest.raises(IndexError, match="integers"):
        model(np.ones((1, 2), "float32"))


def test_other_errors_stay():
    with pytest.raises((IndexError, ValueError, TypeError)):
        ops.take(TABLE, IDS, axis=5)
    with pytest.raises(ValueError, match="one per row"):
        ops.segment_sum(TABLE, ef.Input((), batch_size=5))
