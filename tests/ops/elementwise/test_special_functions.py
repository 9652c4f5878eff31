"""The gamma function and its relatives, Bessel's functions, and inverses: known values, and formulas that tie them."""

from __future__ import annotations

import math

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import ops
from eagerflow.ops.elementwise.bessel import bessel_i
from eagerflow.ops.elementwise.gamma import digamma, lgamma, polygamma, zeta

EULER = 0.5772156649015329
MANY = np.concatenate([np.linspace(-7.3, 30, 401), 10.0 ** np.arange(-300, 300, 20), [1.0, 2.0, 1 + 1e-9]])
close = np.testing.assert_allclose


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_logarithm_of_the_gamma_function(dtype, device):
    x = MANY[(abs(MANY) < 1e30) & (abs(MANY) > 1e-40)].astype(dtype)
    x = x[(x > 0) | (x != np.round(x))]
    expected = np.array([math.lgamma(v) for v in x.astype("float64")])
    found = lgamma(x)
    assert found.dtype == dtype
    close(found.numpy(), expected, rtol=1e-13 if dtype == "float64" else 1e-6, atol=4e-15)


def test_gamma_functions_at_their_poles_and_ends(device):
    close(lgamma([0.0, -1.0, -1e9, np.inf, -np.inf, np.nan]).numpy(), [*[np.inf] * 5, np.nan])
    close(digamma([0.0, -3.0, np.inf, np.nan]).numpy(), [np.nan, np.nan, np.inf, np.nan])
    close(polygamma([np.inf, np.nan], 1).numpy(), [0, np.nan])
    close(zeta([1.0, 0.5, 2.0, 2.0, 2.0], [2.0, 2.0, 0.0, -0.5, np.inf]).numpy(), [np.inf, np.nan, np.inf, np.nan, 0])


def test_derivatives_of_the_gamma_function(device):
    halves = [-EULER, -EULER - 2 * math.log(2), 1 - EULER, math.log(1e20)]
    close(digamma(np.array([1.0, 0.5, 2.0, 1e20])).numpy(), halves, rtol=1e-14)
    x = MANY[(abs(MANY) < 1e15) & (MANY != np.round(MANY)) & (abs(MANY) > 1e-10)]
    close((digamma(x + 1) - digamma(x)).numpy(), 1 / x, rtol=1e-11, atol=1e-11)
    for n in (1, 2, 5):
        step = (-1) ** n * math.factorial(n) / x ** (n + 1)
        apart = polygamma(x + 1, n).numpy() - polygamma(x, n).numpy() - step
        np.testing.assert_array_less(abs(apart), 1e-9 * (abs(step) + abs(polygamma(x, n).numpy()) + 1))
    close(polygamma(np.ones(3), np.array([0, 1, 2])).numpy(), [-EULER, math.pi**2 / 6, -2.4041138063191885])
    with pytest.raises(ValueError, match=r"n=0\.5 must be whole"):
        polygamma([1.0], 0.5)


def test_zeta(device):
    close(zeta(np.array([2.0, 4, 3]), np.ones(3)).numpy(), [math.pi**2 / 6, math.pi**4 / 90, 1.2020569031595943])
    q = np.array([0.1, 0.3, 1.0, 7.7, 50.0, 1e6])
    for s in (1.01, 2.5, 30.0, 200.0):
        here, behind = (zeta(np.full_like(q, s), q + n).numpy() for n in (0, 1))
        close(here, behind + q**-s, rtol=1e-13)
    s = ef.Variable(2.0)
    with ef.GradientTape() as tape:
        found = zeta(s, 1.5)
    with pytest.raises(NotImplementedError, match="exponent"):
        tape.gradient(found, s)


@pytest.mark.parametrize("order", [0, 1, 4])
def test_bessel_functions_are_means_over_a_circle(order, device):
    x = np.concatenate([np.linspace(-60, 60, 61), [0.0, 29.99, 30.01, 400.0]])
    angles = np.arange(512) * 2 * math.pi / 512
    expected = (np.exp(abs(x)[:, None] * (np.cos(angles) - 1)) * np.cos(order * angles)).mean(axis=1)
    expected *= np.where((x < 0) & (order % 2 == 1), -1, 1)
    close(bessel_i(x, order, True).numpy(), expected, rtol=1e-12, atol=1e-16)
    close(bessel_i(x, order).numpy(), expected * np.exp(abs(x)), rtol=1e-12, atol=1e-16)
    sign = -1.0 if order % 2 else 1.0
    close(bessel_i([math.inf, -math.inf], order).numpy(), [math.inf, sign * math.inf])
    assert bessel_i(np.float32([1.0]), order).dtype == "float32"
    assert ops.i0(np.array([712.0])).numpy()[0] == pytest.approx(2.468411057762753e307)


@pytest.mark.parametrize("name", "erf softplus elu celu selu gelu softmax log_softmax hard_sigmoid normalize".split())
def test_complex_numbers_are_refused_where_only_real_ones_have_a_meaning(name):
    with pytest.raises(TypeError, match="real numbers"):
        getattr(ops, name)(np.ones((2, 2), "complex64"))
