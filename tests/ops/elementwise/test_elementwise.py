"""Elementwise ops agree with NumPy, for arrays of every kind and type."""

from __future__ import annotations

import math

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import ops
from tests.ops.compare import LAYOUTS, same, some, truths, whole

ANYWHERE = """
    absolute abs fabs negative square exp expm1 sin cos tan tanh sinh cosh arcsinh arctan floor ceil trunc round sign
    signbit isfinite isnan isinf isposinf isneginf isreal logical_not rad2deg deg2rad sinc exp2 cbrt i0 real imag conj
    conjugate nan_to_num
""".split()
POSITIVE = "log log2 log10 log1p sqrt reciprocal".split()
INSIDE = "arcsin arccos arctanh".split()
PAIRS = """
    add subtract multiply divide true_divide maximum minimum arctan2 hypot logaddexp logaddexp2 equal not_equal less
    less_equal greater greater_equal logical_and logical_or logical_xor fmax fmin mod fmod floor_divide heaviside
    isclose nextafter
""".split()


def positive(*shape, dtype="float32"):
    return some(*shape, low=0.1, high=2.0, dtype=dtype)


def inside(*shape):
    return some(*shape, low=-0.9, high=0.9)


@pytest.mark.parametrize("name", ANYWHERE)
def test_functions_of_any_number(name, device):
    for layout in LAYOUTS.values():
        x = layout(some)
        same(getattr(ops, name)(x), getattr(np, name)(x), rtol=2e-5)


@pytest.mark.parametrize("name", POSITIVE)
def test_functions_of_positive_numbers(name, device):
    for layout in LAYOUTS.values():
        x = layout(positive)
        same(getattr(ops, name)(x), getattr(np, name)(x))


@pytest.mark.parametrize("name", INSIDE)
def test_functions_of_numbers_between_minus_one_and_one(name, device):
    same(getattr(ops, name)(inside(3, 4)), getattr(np, name)(inside(3, 4)))


def test_arccosh_and_rsqrt(device):
    same(ops.arccosh(positive(5) + 1), np.arccosh(positive(5) + 1))
    same(ops.rsqrt(positive(5)), 1 / np.sqrt(positive(5)))


@pytest.mark.parametrize("name", PAIRS)
def test_functions_of_two_tensors_broadcast(name, device):
    function, of_numpy = getattr(ops, name), getattr(np, name)
    a, b = some(3, 4), positive(4)
    same(function(a, b), of_numpy(a, b), rtol=1e-4)
    same(function(a.T[:, :2], b[:, None]), of_numpy(a.T[:, :2], b[:, None]), rtol=1e-4)
    same(function(some(2, 0), positive(0)), of_numpy(some(2, 0), positive(0)))
    same(function(a, 2), of_numpy(a, np.float32(2)), rtol=1e-4)
    same(function(2.5, b), of_numpy(np.float32(2.5), b), rtol=1e-4)


@pytest.mark.parametrize("name", sorted({*PAIRS} - {"isclose", "equal"}))
def test_integers_with_floats_are_float32_never_float64(name):
    result = getattr(ops, name)(whole(4), positive(4))
    expected = getattr(np, name)(whole(4), positive(4))
    same(result, expected, rtol=1e-4)
    assert result.dtype == (expected.dtype if expected.dtype == bool else "float32")


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("name", ["exp", "sqrt", "sin", "absolute", "negative", "square", "erf", "sigmoid", "floor"])
def test_floats_keep_their_type(name, dtype):
    assert getattr(ops, name)(positive(3, dtype=dtype)).dtype == dtype


@pytest.mark.parametrize("name", ["exp", "log", "sin", "sqrt", "erf", "divide", "arctan2", "logaddexp"])
def test_integers_become_floats(name):
    args = [np.array([1, 2])] * (2 if name in ("divide", "arctan2", "logaddexp") else 1)
    assert getattr(ops, name)(*args).dtype == "float32"


@pytest.mark.parametrize("number", [2, 2.0, True, np.float64(2.0), np.int64(2)])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("name", ["add", "multiply", "divide", "power", "maximum", "mod", "where"])
def test_numbers_never_widen_a_tensor(name, dtype, number):
    x = positive(3, dtype=dtype)
    result = ops.where(x > 1, x, number) if name == "where" else getattr(ops, name)(x, number)
    assert result.dtype == dtype


def test_numbers_alone_make_default_types():
    assert ops.add(1, 2).dtype == "int32"
    assert ops.add(1, 2.0).dtype == "float32"
    assert ops.where(True, 1, 2.5).dtype == "float32"
    assert ops.divide_no_nan([1.0], 2.5).dtype == "float32"


@pytest.mark.parametrize(
    "name", ["bitwise_and", "bitwise_or", "bitwise_xor", "left_shift", "right_shift", "gcd", "lcm"]
)
def test_functions_of_integers(name, device):
    a, b = whole(3, 4, low=0), whole(4, low=0, high=5)
    same(getattr(ops, name)(a, b), getattr(np, name)(a, b), "int32")
    if name.startswith("bitwise"):
        same(getattr(ops, name)(truths(3), truths(3)[::-1]), getattr(np, name)(truths(3), truths(3)[::-1]), "bool")


@pytest.mark.parametrize("dtype", ["int8", "int32", "uint8", "uint64", "bool"])
def test_inverted_bits(dtype, device):
    x = whole(4, low=0, high=2, dtype=dtype)
    same(ops.bitwise_not(x), ~x, dtype)


@pytest.mark.parametrize("name", ["bitwise_and", "left_shift", "gcd"])
def test_floats_have_no_bits(name):
    with pytest.raises(TypeError, match=name):
        getattr(ops, name)([1.0], [2.0])


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_remainders_and_whole_quotients_are_exact(dtype, device):
    a = np.array([1, 1, -1, 6, 5, -5, 5, 0.75, -0.75, 0, 0.3, 1, -1, 0]).astype(dtype)
    b = np.array([0.1, -0.1, 0.1, 0.1, np.inf, np.inf, -np.inf, 0.25, 0.5, 3, 0.1, 0, 0, 0]).astype(dtype)
    with np.errstate(all="ignore"):
        expected, quotients = np.mod(a, b), np.floor_divide(a, b)
        same(ops.mod(a, b), expected, dtype)
        same(ops.floor_divide(a, b), quotients, dtype)
        same(ops.mod(a[:3], 0.1), np.mod(a[:3], 0.1), dtype)
        same(ops.floor_divide(1.0, b[:3]), np.floor_divide(1.0, b[:3]), dtype)
        same(ef.grad(lambda b: ops.sum(ops.mod(a[:4], b)))(b[:4]), -quotients[:4], dtype)


def test_powers(device):
    same(ops.power(positive(3, 4), some(4)), positive(3, 4) ** some(4))
    same(ops.power([2, 3], 2), [4, 9], "int32")
    with pytest.raises(ValueError, match=r"power\(int32\[1\], -1\)"):
        ops.power(ops.array([2]), -1)
    for base, exponent in (([2], [1, -1]), (2, [-1]), (np.uint8([2]), np.int32([-2]))):
        with pytest.raises(ValueError, match="Integers to negative integer powers are not allowed"):
            ops.power(base, ops.array(exponent))
    same(ops.power([2.0, 4.0], -1), [0.5, 0.25], "float32")
    same(ops.power([2, 3], ops.array([0, 2])), [1, 9], "int32")
    same(ops.power(np.uint8([2, 3]), np.uint8([3, 1])), [8, 3], "uint8")
    x = np.array([0.0, 2.0])
    same(ef.grad(lambda x: ops.sum(x**0))(x), [0.0, 0.0])
    same(ef.grad(lambda x: ops.sum(x**1))(x), [1.0, 1.0])
    same(ef.grad(lambda x: ops.sum(x ** ops.array([0.0, 2.0], "float64")))(x), [0.0, 4.0])
    same(ef.grad(lambda y: ops.sum(ops.power(x, y)))(np.array([2.0, 1.0])), [0.0, 2 * math.log(2)])


def test_hypot_neither_overflows_nor_fails_at_zero():
    same(ops.hypot(3e30, 4e30), np.float32(5e30))
    same(ef.grad(lambda x: ops.hypot(x, 0.0))(0.0), 0.0)
    same(ops.hypot([np.inf], [1.0]), [np.inf])


def test_division_without_nan():
    same(ops.divide_no_nan([1.0, 0.0, 4.0], [0.0, 0.0, 2.0]), [0.0, 0.0, 2.0])
    same(ef.grad(lambda x, y: ops.sum(ops.divide_no_nan(x, y)), 1)([1.0, 1.0], [0.0, 2.0]), [0.0, -0.25])


def test_not_a_number_counts_in_maximum_but_not_in_fmax(device):
    assert np.isnan(ops.maximum([math.nan], [1.0]).numpy()).all()
    same(ops.fmax([math.nan, 1.0], [1.0, math.nan]), [1.0, 1.0])
    same(ops.fmin([math.nan, 1.0], [1.0, math.nan]), [1.0, 1.0])


def test_equals_share_the_gradient():
    same(ef.grad(lambda x, y: ops.sum(ops.maximum(x, y)))([1.0, 2.0], [1.0, 1.0]), [0.5, 1.0])
    same(ef.grad(lambda x, y: ops.sum(ops.minimum(x, y)), 1)([1.0, 2.0], [1.0, 1.0]), [0.5, 1.0])


def test_clip_and_its_gradient_on_the_bounds(device):
    x = some(3, 4)
    same(ops.clip(x, -0.5, 0.5), np.clip(x, -0.5, 0.5), "float32")
    same(ops.clip(x, None, 0.5), np.minimum(x, 0.5))
    same(ops.clip(x, ops.zeros(4), None), np.maximum(x, 0))
    same(ops.clip(whole(4), -1, 2), np.clip(whole(4), -1, 2), "int32")
    same(ef.grad(lambda x: ops.sum(ops.clip(x, 0.0, 1.0)))([-1.0, 0.0, 0.5, 1.0, 2.0]), [0.0, 1.0, 1.0, 1.0, 0.0])


def test_where_and_its_gradient(device):
    condition, x, y = truths(3, 1), some(4), some(3, 4)
    same(ops.where(condition, x, y), np.where(condition, x, y))
    same(ops.where(truths(3)), np.nonzero(truths(3)))
    with pytest.raises(ValueError, match="both"):
        ops.where(condition, x)
    x = np.array([-1.0, 4.0])
    same(ef.grad(lambda x: ops.sum(ops.where(x > 0, ops.sqrt(ops.where(x > 0, x, 1.0)), 0.0)))(x), [0.0, 0.25])


def test_select(device):
    x = some(4)
    conditions = [x > 0.5, x > 0]
    expected = np.select(conditions, [x, 2 * x], np.float32(9))
    same(ops.select(conditions, [x, 2 * x], 9.0), expected, "float32")
    with pytest.raises(ValueError, match="1 conditions and 0 choices"):
        ops.select([x > 0], [])


def test_replacing_what_is_no_number():
    x = np.array([math.nan, math.inf, -math.inf, 1.0], "float32")
    same(ops.nan_to_num(x), np.nan_to_num(x))
    same(ops.nan_to_num(x, 1.0, 2.0, 3.0), [1.0, 2.0, 3.0, 1.0])
    same(ops.nan_to_num([1, 2]), [1, 2], "int32")


def test_angles_of_real_numbers():
    same(ops.angle([1.0, -1.0]), [0.0, math.pi])


# -- functions that NumPy lacks


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_error_functions(dtype, device):
    x = np.linspace(-6, 6, 121).astype(dtype)
    eps = float(np.finfo(dtype).eps)
    erf = np.array([math.erf(v) for v in x])
    erfc = np.array([math.erfc(v) for v in x])
    np.testing.assert_allclose(ops.erf(x).numpy(), erf, rtol=4 * eps)
    np.testing.assert_allclose(ops.erfc(x).numpy(), erfc, rtol=50 * eps)  # math.erfc itself is no better
    assert ops.erf(x).dtype == dtype


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_inverse_of_the_error_function(dtype, device):
    y = np.array([-0.999, -0.9, -0.5, -1e-8, 0.0, 1e-20, 0.3, 0.7, 0.99]).astype(dtype)
    back = np.array([math.erf(v) for v in ops.erfinv(y.astype("float64")).numpy()])
    np.testing.assert_allclose(back, y.astype("float64"), rtol=1e-15 if dtype == "float64" else 1e-14)
    assert ops.erfinv(y).dtype == dtype


def test_error_functions_at_the_ends():
    same(ops.erf([0.0, math.inf, -math.inf, math.nan]), [0.0, 1.0, -1.0, math.nan])
    same(ops.erfc([math.inf, -math.inf]), [0.0, 2.0])
    same(ops.erfinv([1.0, -1.0, 2.0]), [math.inf, -math.inf, math.nan])


def test_bessel(device):
    x = np.linspace(-30, 30, 61)
    np.testing.assert_allclose(ops.i0(x).numpy(), np.i0(x), rtol=1e-13)


# -- errors


def test_errors_name_the_op_and_its_inputs():
    with pytest.raises(ValueError, match=r"add\(float32\[2, 3\], float32\[2\]\).*broadcast"):
        ops.add(some(2, 3), some(2))
    with pytest.raises(TypeError, match=r"negative\(bool\[2\]\)"):
        ops.negative(ops.array([True, False]))
    with pytest.raises(TypeError, match="text and objects"):
        ops.exp(["a"])
