"""float16 and bfloat16 beside each other and beside other types: a right type, never an array of objects."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import ops

ml_dtypes = pytest.importorskip("ml_dtypes")

_JOINING = {
    "concatenate": lambda a, b: ops.concatenate([a, b]),
    "stack": lambda a, b: ops.stack([a, b]),
    "where": lambda a, b: ops.where(np.eye(3) > 0, a, b),
    "matmul": ops.matmul,
    "dot": ops.dot,
    "dot of vectors": lambda a, b: ops.dot(a[0], b[0]),
    "einsum": lambda a, b: ops.einsum("ij,jk->ik", a, b),
    "tensordot": lambda a, b: ops.tensordot(a, b, 1),
    "inner": ops.inner,
}


def _ones(dtype):
    return np.ones((3, 3), ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)


@pytest.mark.parametrize("name", _JOINING)
@pytest.mark.parametrize(
    ("other", "expected"),
    [("float16", "float32"), ("int16", "bfloat16"), ("int64", "bfloat16"), ("bool", "bfloat16")],
)
def test_bfloat16_meets_another_type(name, other, expected):
    for pair in ((_ones("bfloat16"), _ones(other)), (_ones(other), _ones("bfloat16"))):
        out = _JOINING[name](*pair)
        assert out.dtype.name == expected
        assert set(np.unique(np.asarray(out.data, "float32"))) <= {1.0, 3.0}


@pytest.mark.parametrize("alpha", [1.0, 1.5])
def test_celu_keeps_bfloat16(alpha):
    x = np.array([-1.0, 2.0], ml_dtypes.bfloat16)
    out = ops.celu(x, alpha)
    assert out.dtype.name == "bfloat16"
    np.testing.assert_allclose(
        np.asarray(out.data, "float32"), [alpha * np.expm1(-1 / alpha), 2.0], rtol=1e-2
    )


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_convolution_of_half_types_sums_up_in_float32(dtype):
    """Of 4,096 equal terms of 2**-11, float16 itself would lose the later ones."""
    kind = np.dtype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)
    x, kernel = ef.Variable(np.ones((1, 1, 4097), kind)), ef.Variable(np.full((1, 4097, 1), 2.0**-11, kind))
    with ef.GradientTape() as tape:
        out = ops.conv(x, kernel)
    assert out.dtype == kind
    assert float(out) == float(np.asarray(4097 * 2.0**-11, kind))
    dx, dk = tape.gradient(out, [x, kernel])
    assert dx.dtype == dk.dtype == kind
    assert float(dx[0, 0, 0]) == 2.0**-11
    assert float(dk[0, 0, 0]) == 1.0


def test_a_variance_stays_in_the_range_of_its_type():
    mean, variance = ops.moments(ops.array([60000.0, -60000.0], dtype="float16"), [0])
    assert (float(mean), float(variance)) == (0.0, 65504.0)
