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
    ("other", "expected"), [("float16", "float32"), ("int16", "bfloat16"), ("int64", "bfloat16"), ("bool", "bfloat16")]
)
def test_bfloat16_meets_another_type(name, other, expected):
    for pair in ((_ones("bfloat16"), _ones(other)), (_ones(other), _ones("bfloat16"))):
        out = _JOINING[name](*pair)
        assert out.dtype.name == expected
        assert set(np.unique(np.asarray(out.data, "float32"))) <= {1.0, 3.0}


def test_a_variance_stays_in_the_range_of_its_type():
    mean, variance = ops.moments(ops.array([60000.0, -60000.0], dtype="float16"), [0])
    assert (float(mean), float(variance)) == (0.0, 65504.0)


KEEPING = {
    "maximum": lambda x: ops.maximum(x, 0.0),
    "minimum": lambda x: ops.minimum(0.5, x),
    "clip": lambda x: ops.clip(x, 0.0, 1.0),
    "add": lambda x: x + 1e-7,
    "radd": lambda x: 1.0 + x,
    "subtract": lambda x: x - 1,
    "multiply": lambda x: x * 2.0,
    "divide": lambda x: x / 3.0,
    "rdivide": lambda x: 1.0 / x,
    "power": lambda x: ops.power(x, 2.0),
    "rpow": lambda x: 2.0**x,
    "floor": lambda x: x // 2.0,
    "mod": lambda x: x % 2.0,
    "where": lambda x: ops.where(x > 1, x, 0.0),
    "logaddexp": lambda x: ops.logaddexp(x, 0.0),
    "hypot": lambda x: ops.hypot(x, 1.0),
    "arctan2": lambda x: ops.arctan2(x, 1.0),
    "one_hot": lambda x: ops.one_hot([0, 1, 2], 3, dtype="bfloat16") * x,
    "max": lambda x: ops.max(x, initial=0.0),
    "normalize": lambda x: ops.normalize(x[None]),
    "median": ops.median,
    "whole": lambda x: ops.add(x, ops.arange(3)),
    "divide_no_nan": lambda x: ops.divide_no_nan(x, 2.0),
    "celu of another alpha": lambda x: ops.celu(-x, 1.5),
    "gelu by the error function": lambda x: ops.gelu(x, approximate=False),
}
NAMES = """selu gelu hard_sigmoid hard_silu leaky_relu soft_shrink std var logsumexp softmax log_softmax elu celu silu
    softplus sigmoid tanh relu6 hard_shrink hard_tanh squareplus sparse_plus log_sigmoid nan_to_num erf""".split()


@pytest.mark.parametrize("name", [*KEEPING, *NAMES])
def test_numbers_do_not_widen_bfloat16(name):
    function = KEEPING.get(name) or getattr(ops, name)
    values = [0.5, 1.25, 2.0]
    x, wide = ef.Variable(values, dtype="bfloat16"), ef.Variable(values)
    with ef.GradientTape() as tape:
        found = function(x)
        total = ops.sum(found)
    slope = tape.gradient(total, x)
    with ef.GradientTape() as tape:
        expected = function(wide)
        total = ops.sum(expected)
    assert found.dtype == "bfloat16"
    assert np.allclose(found.numpy().astype("float32"), expected.numpy(), rtol=0.03, atol=0.02)
    if slope is not None:
        assert slope.dtype == "bfloat16"
        right = tape.gradient(total, wide).numpy()
        assert np.allclose(slope.numpy().astype("float32"), right, rtol=0.05, atol=0.03)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize(
    "call",
    {
        "dropout": lambda x: ef.random.dropout(x, 0.5),
        "dropout's layer": lambda x: ef.layers.Dropout(0.5, dtype=x.dtype.name)(x, training=True),
        "relu with a bound": lambda x: ef.activations.relu(x, max_value=0.5),
        "rms normalization": lambda x: ops.rms_normalization(x),
        "batch normalization": lambda x: ops.batch_normalization(x, x[0], x[1], -1),
        "batch normalization, scaled": lambda x: ops.batch_normalization(x, x[0], x[1], -1, x[2], x[0]),
    }.values(),
)
def test_numbers_among_the_settings_keep_the_type_of_halves(call, dtype):
    x = ef.Variable(np.asarray(_ones(dtype)))
    with ef.GradientTape() as tape:
        out = call(x)
    assert out.dtype.name == dtype
    assert tape.gradient(out, x).dtype.name == dtype


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_infinities_become_the_largest_numbers_of_halves(dtype):
    largest = float(ml_dtypes.finfo(dtype).max)
    found = ops.nan_to_num(ef.Tensor([np.inf, -np.inf, np.nan, 1.0], dtype))
    assert found.dtype == dtype
    assert found.astype("float32").tolist() == [largest, -largest, 0.0, 1.0]
