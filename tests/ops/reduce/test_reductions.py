"""Reductions, running sums, quantiles and statistics agree with NumPy."""

from __future__ import annotations

import math

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import ops
from tests.ops.compare import LAYOUTS, same, some, truths, whole

PLAIN = "sum mean prod var std all any".split()
NEED_ELEMENTS = "max min amax amin ptp median".split()
AXES = [None, 0, -1, (0, 2), [1, -1], ()]


def holes(*shape):
    """Numbers with NaN among them, none of them first."""
    x = some(*shape)
    x.reshape(-1)[2::5] = math.nan
    return x


@pytest.mark.parametrize("axis", AXES, ids=repr)
@pytest.mark.parametrize("name", [*PLAIN, *NEED_ELEMENTS])
def test_reductions_over_axes(name, axis, device):
    if axis == () and name in ("ptp", "median"):
        return  # NumPy has no answer
    x = some(2, 3, 4)
    of_numpy = tuple(axis) if isinstance(axis, list) else axis
    same(getattr(ops, name)(x, axis), getattr(np, name)(x, axis=of_numpy))
    expected = getattr(np, name)(x, axis=of_numpy, keepdims=True)
    same(getattr(ops, name)(x, axis=axis, keepdims=True), expected)


@pytest.mark.parametrize("layout", ["number", "transposed", "every-other", "broadcast"])
@pytest.mark.parametrize("name", [*PLAIN, *NEED_ELEMENTS, "count_nonzero", "argmax", "argmin", "cumsum", "cumprod"])
def test_reductions_of_any_layout(name, layout):
    x = LAYOUTS[layout](some)
    same(getattr(ops, name)(x), getattr(np, name)(x))


@pytest.mark.parametrize("name", ["sum", "prod", "all", "any", "count_nonzero", "cumsum", "cumprod"])
def test_reductions_of_nothing(name, device):
    same(getattr(ops, name)(some(0)), getattr(np, name)(some(0)))
    same(getattr(ops, name)(some(2, 0), axis=0), getattr(np, name)(some(2, 0), axis=0))
    same(getattr(ops, name)(some(2, 0), axis=1), getattr(np, name)(some(2, 0), axis=1))


@pytest.mark.parametrize("name", ["max", "min", "argmax", "argmin", "median", "quantile"])
def test_nothing_has_no_extreme(name):
    with pytest.raises(ValueError, match=name):
        getattr(ops, name)(*[some(0), 0.5][: 2 if name == "quantile" else 1])


def test_initial_value_of_extremes(device):
    same(ops.max(some(0), initial=1.5), np.float32(1.5))
    same(ops.min(some(2, 0), axis=1, keepdims=True, initial=1.5), np.full((2, 1), 1.5))
    same(ops.max([-1.0, -2.0], initial=0.0), 0.0)
    same(ops.max(np.array([False, False]), initial=1), True, "bool")
    same(ef.grad(lambda x: ops.max(x, initial=0.0))([-1.0, -2.0]), [0.0, 0.0])


@pytest.mark.parametrize("dtype", ["int8", "int32", "uint8", "bool", "float16", "float64"])
@pytest.mark.parametrize("name", ["sum", "prod", "max", "cumsum", "cumprod", "argmax"])
def test_types_of_reductions_are_those_of_numpy(name, dtype):
    x = np.array([1, 0, 1], dtype)
    expected = getattr(np, name)(x)
    same(getattr(ops, name)(x), expected, expected.dtype)


@pytest.mark.parametrize("name", ["mean", "var", "std", "median", "average"])
def test_means_of_integers_are_float32(name):
    expected = {"mean": 2, "median": 2, "average": 2, "var": 2 / 3, "std": math.sqrt(2 / 3)}[name]
    same(getattr(ops, name)(np.array([1, 2, 3])), expected, "float32")


def test_gradients_of_ties_and_zeros():
    same(ef.grad(ops.max)([1.0, 3.0, 3.0]), [0.0, 0.5, 0.5])
    same(ef.grad(ops.min)([1.0, 1.0, 3.0]), [0.5, 0.5, 0.0])
    same(ef.grad(ops.prod)([2.0, 0.0, 3.0]), [0.0, 6.0, 0.0])
    same(ef.grad(ops.prod)([0.0, 0.0, 3.0]), [0.0, 0.0, 0.0])


def test_complex_variance(device):
    z = some(3, 2) + 1j * some(2, 3).T
    same(ops.var(z, axis=0), z.var(axis=0))


@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_positions_of_extremes(name, device):
    x = whole(3, 4)
    for axis in (None, 0, -1):
        same(getattr(ops, name)(x, axis, keepdims=True), getattr(np, name)(x, axis=axis, keepdims=True), "int64")


@pytest.mark.parametrize("name", ["cumsum", "cumprod"])
def test_running_sums_and_products(name, device):
    x = some(3, 5)
    for axis in (None, 0, -1):
        same(getattr(ops, name)(x, axis), getattr(np, name)(x, axis))
    assert getattr(ops, name)(whole(3), dtype="float32").dtype == "float32"


def test_differences(device):
    x = some(4, 5)
    same(ops.diff(x), np.diff(x))
    same(ops.diff(x, 2, axis=0), np.diff(x, 2, axis=0))
    same(ops.diff(truths(5)), np.diff(truths(5)), "bool")
    same(ops.diff(x, 0), x)
    with pytest.raises(ValueError, match="n=-1"):
        ops.diff(x, -1)


def test_integrals(device):
    y, x = some(3, 4), np.sort(some(4))
    same(ops.trapezoid(y), np.trapezoid(y))
    same(ops.trapezoid(y, x), np.trapezoid(y, x))
    same(ops.trapezoid(y, dx=0.5, axis=0), np.trapezoid(y, dx=0.5, axis=0))
    same(ops.trapezoid(y.T, x, axis=0), np.trapezoid(y.T, x, axis=0))


def test_average(device):
    x, w = some(3, 4), some(3, 4, low=0.1)
    same(ops.average(x, weights=w), np.average(x, weights=w))
    same(ops.average(x, 1, w[0]), np.average(x, 1, w[0]))
    same(ops.average(x, 0), np.average(x, 0))
    with pytest.raises(ValueError, match=r"average: weights of shape \(3,\)"):
        ops.average(x, 1, w[:, 0])


def test_logarithm_of_sums_of_exponentials_also_of_infinities(device):
    x = some(3, 4)
    same(ops.logsumexp(x), np.log(np.exp(x).sum()))
    same(ops.logsumexp(x + 1000, axis=1, keepdims=True), np.log(np.exp(x).sum(1, keepdims=True)) + 1000)
    same(ops.logsumexp([-math.inf, -math.inf]), -math.inf)
    same(ops.logsumexp(some(2, 0), axis=1), [-math.inf, -math.inf])
    same(ops.logsumexp([math.inf, 1.0]), math.inf)


# -- leaving out NaN


@pytest.mark.parametrize("name", ["nansum", "nanprod", "nanmean", "nanvar", "nanstd", "nanmax", "nanmin", "nanmedian"])
def test_reductions_without_nan(name, device):
    x = holes(2, 3, 4)
    for axis in (None, 0, -1, (0, 2)):
        same(getattr(ops, name)(x, axis), getattr(np, name)(x, axis=axis))
        same(getattr(ops, name)(x, axis, keepdims=True), getattr(np, name)(x, axis=axis, keepdims=True))
    integers = whole(3, 4)
    same(getattr(ops, name)(integers, axis=0), getattr(np, name)(integers, axis=0))


@pytest.mark.parametrize("name", ["nancumsum", "nancumprod", "nanargmax", "nanargmin"])
def test_running_and_positions_without_nan(name, device):
    same(getattr(ops, name)(holes(3, 4)), getattr(np, name)(holes(3, 4)))
    same(getattr(ops, name)(holes(3, 4), axis=1), getattr(np, name)(holes(3, 4), axis=1))


@pytest.mark.parametrize("name", ["nanmean", "nanmax", "nanvar", "nanmedian"])
def test_where_nothing_is_left_the_answer_is_nan(name):
    assert np.isnan(getattr(ops, name)([math.nan, math.nan]).numpy())
    assert ops.nanargmax([math.nan]).item() == -1


def test_nan_gets_no_gradient():
    same(ef.grad(ops.nanmean)([1.0, math.nan, 3.0]), [0.5, 0.0, 0.5])
    same(ef.grad(ops.nanvar)([1.0, math.nan, 3.0]), [-1.0, 0.0, 1.0])


# -- quantiles


@pytest.mark.parametrize("method", ["linear", "lower", "higher", "midpoint", "nearest"])
def test_quantiles(method, device):
    x, q = some(3, 5), np.array([0.0, 0.3, 1.0], "float32")
    same(ops.quantile(x, q, axis=1, method=method), np.quantile(x, q, axis=1, method=method))
    same(ops.quantile(x, 0.25, method=method), np.quantile(x, 0.25, method=method))
    same(ops.percentile(x, 30, axis=(0, 1), keepdims=True), np.percentile(x, 30, axis=(0, 1), keepdims=True))
    spoilt = holes(3, 5)
    same(ops.nanquantile(spoilt, q, axis=1, method=method), np.nanquantile(spoilt, q, axis=1, method=method))
    same(ops.nanpercentile(spoilt, 30, method=method), np.nanpercentile(spoilt, 30, method=method))


def test_nan_spoils_a_quantile():
    same(ops.median(holes(2, 5), axis=1), [math.nan, math.nan])


def test_errors_of_quantiles_and_statistics():
    with pytest.raises(ValueError, match="method='cubic'"):
        ops.quantile([1.0], 0.5, method="cubic")
    with pytest.raises(ValueError, match=r"q must be.*1\.5"):
        ops.quantile([1.0], 1.5)
    with pytest.raises(ValueError, match="sparse"):
        ops.bincount([1], sparse=True)
    with pytest.raises(ValueError, match=r"float32\[1\]"):
        ops.bincount([0.5])
    with pytest.raises(ValueError, match="two vectors, not empty"):
        ops.correlate([], [1.0])


# -- statistics


def test_counting(device):
    x = whole(7, low=0)
    same(ops.bincount(x), np.bincount(x), "int64")
    same(ops.bincount(x, some(7), 9), np.bincount(x, some(7), 9), "float32")
    rows = whole(2, 4, low=0, high=4)
    same(ops.bincount(rows, minlength=5), [np.bincount(r, minlength=5) for r in rows])
    same(ops.bincount(whole(0)), [])
    with pytest.raises(ValueError, match="negative"):
        ops.bincount([-1])
    with pytest.raises(ValueError, match="weights"):
        ops.bincount([1], [1.0, 2.0])


def test_histograms(device):
    x = some(20)
    for settings in (
        {},
        {"bins": 4},
        {"bins": 4, "range": (-1.0, 1.0)},
        {"bins": np.array([-2.0, 0.0, 2.0], "float32")},
    ):
        same(ops.histogram(x, **settings), np.histogram(x, **settings))
    with pytest.raises(ValueError, match="bins=0"):
        ops.histogram(x, 0)


def test_unique(device):
    x = whole(3, 4, high=0)
    values, index, inverse, counts = np.unique(x, True, True, True)
    same(ops.unique(x), values, "int32")
    same(
        ops.unique(x, return_index=True, return_inverse=True, return_counts=True),
        (values, index, inverse.reshape(x.shape), counts),
    )
    same(ops.unique(x, axis=0), np.unique(x, axis=0))
    same(ops.unique([3, 1, 3], size=3, fill_value=9), [1, 3, 9])
    same(ops.unique([3, 1, 3], size=1, return_counts=True), ([1], [1]))


def test_membership(device):
    x, y = whole(3, 4), whole(5)
    same(ops.isin(x, y), np.isin(x, y), "bool")
    same(ops.isin(x, y, invert=True), ~np.isin(x, y))
    same(ops.isin(x, some(0)), np.zeros((3, 4), bool))


def test_closeness(device):
    x, y = np.array([1.0, math.inf, math.nan, 2.0]), np.array([1.0 + 1e-9, math.inf, math.nan, 2.1])
    same(ops.isclose(x, y), np.isclose(x, y))
    same(ops.isclose(x, y, equal_nan=True), np.isclose(x, y, equal_nan=True))
    assert not bool(ops.allclose(x, y))
    assert bool(ops.allclose(x[:3], y[:3], equal_nan=True))


def test_coordinates_of_positions(device):
    same(ops.unravel_index([0, 5, -1], (2, 3)), ([0, 1, 1], [0, 2, 2]))
    with pytest.raises(ValueError, match="within 6"):
        ops.unravel_index([6], (2, 3))


def test_distances_and_correlations(device):
    x, y = some(3, 2), some(4, 2)
    same(ops.cdist(x, y), np.linalg.norm(x[:, None] - y, axis=-1))
    same(ops.corrcoef(some(3, 5)), np.corrcoef(some(3, 5)))
    same(ops.corrcoef(some(5)), 1.0)
    with pytest.raises(ValueError, match="cdist"):
        ops.cdist(x, some(4, 3))


@pytest.mark.parametrize("mode", ["valid", "same", "full"])
def test_correlation_of_two_vectors(mode, device):
    for n, m in ((5, 3), (5, 4), (4, 4), (3, 5), (6, 2), (5, 1)):
        same(ops.correlate(some(n), some(m)[::-1], mode), np.correlate(some(n), some(m)[::-1], mode))
    with pytest.raises(ValueError, match="mode='all'"):
        ops.correlate([1.0], [1.0], "all")


def test_an_axis_that_is_not_there():
    with pytest.raises(np.exceptions.AxisError, match="sum"):
        ops.sum(some(2), axis=1)
    with pytest.raises(np.exceptions.AxisError, match="axis=2"):
        ops.median(some(2), axis=2)


def test_positions_in_integers():
    same(ops.nanargmax([1, 5, 2]), 1)


def test_variances_that_leave_out_nan_count_infinite_elements():
    x = np.array([[1.0, np.nan, 3.0], [1.0, np.inf, np.nan]], "float32")
    with np.errstate(invalid="ignore"):
        assert np.array_equal(ops.nanvar(x, axis=1).numpy(), [1.0, np.nan], equal_nan=True)
        assert np.array_equal(ops.nanstd(x, axis=1).numpy(), [1.0, np.nan], equal_nan=True)


def test_medians_of_no_rows():
    assert ops.median(np.zeros((0, 3)), axis=-1).shape == (0,)
    assert ops.quantile(np.zeros((3, 0, 2)), [0.1, 0.9], axis=2).shape == (2, 3, 0)
