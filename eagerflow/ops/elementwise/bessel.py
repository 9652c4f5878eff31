"""Bessel's modified functions of the first kind, I0, I1, ...

Computed in float64 and rounded once. Formulas: Abramowitz and Stegun, "Handbook of Mathematical Functions" (1964),
chapter 9. Every derivative is a sum of the neighbouring orders, so that gradients of any order are exact.
"""

from __future__ import annotations

import math
from typing import Any

from eagerflow.base.typing import Array, Numpy, TensorLike
from eagerflow.core.host_arrays import errstate
from eagerflow.core.op import apply, composite, op
from eagerflow.core.tensor import Tensor

__all__ = ["i0"]


def _rule(xp: Numpy, g: Array, x: Array, out: Array, order: int, scaled: bool) -> Array:
    """9.6.26: half of the sum of the neighbours."""
    neighbours = [apply(bessel_i, xp, x, n, scaled) for n in (abs(order - 1), order + 1)]
    slope = (neighbours[0] + neighbours[1]) * 0.5
    return g * (slope - xp.sign(x) * out if scaled else slope)


def _near(xp: Numpy, a: Array, order: int, most: float) -> Any:
    """The power series (9.6.10): of positive terms, so that nothing cancels."""
    quarter, total = a * a * 0.25, xp.ones_like(a)
    for k in range(int(1.2 * most) + 40, 0, -1):
        total = 1 + total * quarter / (k * (k + order))
    return total * (a * 0.5) ** order / math.factorial(order)


def _far(xp: Numpy, a: Array, order: int) -> Any:
    """exp(-a) I(a) by Hankel's series (9.7.1)."""
    total = xp.ones_like(a)
    for k in range(30, 0, -1):
        total = 1 - total * (4 * order * order - (2 * k - 1) ** 2) / (8 * k * a)
    return total / xp.sqrt(2 * math.pi * a)


@op(_rule, floating="real")
def bessel_i(xp: Numpy, x: Array, order: int = 0, scaled: bool = False) -> Array:
    """Bessel's modified function of the first kind, elementwise.

    Args:
        x: a tensor of real numbers.
        order: a whole number of at least 0.
        scaled: times `exp(-|x|)`, which stays finite for large `x`.

    >>> round(float(bessel_i(1.0, 1)), 4)
    0.5652
    """
    most = 30.0 + order * order / 2
    a = abs(x.astype("float64"))
    with errstate(all="ignore"):
        near, far = xp.minimum(a, most), xp.maximum(a, most)
        half = xp.exp(far * 0.5)  # exp(far) would overflow before the product does
        found = xp.where(
            a <= most,
            _near(xp, near, order, most) * (xp.exp(-near) if scaled else 1.0),
            _far(xp, far, order) * (1.0 if scaled else half) * (1.0 if scaled else half),
        )
        found = xp.where(xp.isinf(a), 0.0 if scaled else math.inf, found)
    return (found if order % 2 == 0 else xp.where(x < 0, -found, found)).astype(x.dtype)


@composite
def i0(x: TensorLike) -> Tensor:
    """Bessel's modified function of the first kind and order 0, elementwise.

    Args:
        x: a tensor of real numbers.

    >>> ef.ops.i0([0.0, 1.0, 2.0]).round(4)
    Tensor(3 float32, [1.    , 1.2661, 2.2796])
    """
    return bessel_i(x)
