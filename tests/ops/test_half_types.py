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


@pytest.mark.parametrize("alpha", [1.0, 1.5])
def test_celu_keeps_bfloat16(alpha):
    x = np.array([-1.0, 2.0], ml_dtypes.bfloat16)
    out = ops.celu(x, alpha)
    assert out.dtype.name == "bfloat16"
    np.testing.assert_allclose(np.asarray(out.data, "float32"), [alpha * np.expm1(-1 / alpha), 2.0], rtol=1e-2)


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


_SUMS = {
    "sum": lambda x: ops.sum(x, axis=0),
    "sum of all": lambda x: ops.sum(x[:, 0]),
    "mean": lambda x: ops.mean(x, axis=0) * 5000,
    "cumsum": lambda x: ops.cumsum(x, axis=0)[-1],
    "softmax": lambda x: ops.softmax(x, axis=0)[0] * 5000 * 5000,
    "log_softmax": lambda x: ops.exp(-ops.log_softmax(x, axis=0)[0]),
}


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", _SUMS)
def test_sums_of_half_types_are_made_in_float32(name, dtype):
    """Ones added up in float16 stop at 2,048, in bfloat16 at 256."""
    x = _ones(dtype)[:1, :1] * np.ones((5000, 2), _ones(dtype).dtype)
    out = _SUMS[name](ef.Tensor(x))
    assert out.dtype == x.dtype
    np.testing.assert_allclose(np.asarray(out.data, "float32"), 5000, rtol=0.04)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("f", [ops.add, ops.multiply])
def test_gradients_of_what_was_broadcast_are_summed_up_in_float32(f, dtype):
    kind = _ones(dtype).dtype
    for shape in ((2,), (1, 2), (1, 1)):
        b = ef.Variable(np.ones(shape, kind))
        with ef.GradientTape() as tape:
            out = f(ef.Tensor(np.ones((3000, 2), kind)), b)
            total = ops.sum(out[:, :1])
        gradient = tape.gradient(total, b)
        assert gradient.dtype == kind
        np.testing.assert_allclose(np.asarray(gradient.data, "float32").reshape(-1)[0], 3000, rtol=0.01)


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


def test_gelu_by_the_error_function_stays_bfloat16():
    assert ops.gelu(ops.array([0.5, -1.0], dtype="bfloat16"), approximate=False).dtype == "bfloat16"


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
