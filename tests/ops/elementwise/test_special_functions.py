"""Bessel's functions, by the integral that they are."""

from __future__ import annotations

import math

import numpy as np
import pytest

from eagerflow import ops
from eagerflow.ops.elementwise.bessel import bessel_i

close = np.testing.assert_allclose


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
