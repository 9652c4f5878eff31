"""Arrays of many kinds, and their comparison with what NumPy says."""

from __future__ import annotations

import numpy as np

from eagerflow.core.tensor import Tensor


def some(*shape, low=-2.0, high=2.0, dtype="float32"):
    """Reproducible numbers."""
    return np.random.default_rng(len(shape) + sum(shape)).uniform(low, high, size=shape).astype(dtype)


def whole(*shape, low=-5, high=6, dtype="int32"):
    """Reproducible integers."""
    return np.random.default_rng(len(shape) + sum(shape)).integers(low, high, size=shape).astype(dtype)


def truths(*shape):
    """Reproducible bools."""
    return np.random.default_rng(len(shape) + sum(shape)).random(shape) < 0.5


# No axes, no elements, several axes, and memory that isn't in order.
LAYOUTS = {
    "number": lambda make: make(),
    "nothing": lambda make: make(0),
    "nothing-inside": lambda make: make(2, 0, 3),
    "vector": lambda make: make(5),
    "matrix": lambda make: make(3, 4),
    "transposed": lambda make: make(3, 4).T,
    "every-other": lambda make: make(6, 4)[::2, ::-1],
    "broadcast": lambda make: np.broadcast_to(make(4), (3, 4)),
}


def same(result, expected, dtype=None, rtol=1e-5, atol=1e-6):
    """Equal in shape, values and, if asked, type; also for tuples and lists of tensors."""
    if isinstance(expected, (tuple, list)):
        assert len(result) == len(expected)
        for r, e in zip(result, expected, strict=True):
            same(r, e, dtype, rtol, atol)
        return
    assert isinstance(result, Tensor)
    expected = np.asarray(expected)
    assert result.shape == expected.shape
    np.testing.assert_allclose(result.numpy(), expected, rtol=rtol, atol=atol)
    if dtype is not None:
        assert result.dtype == dtype
