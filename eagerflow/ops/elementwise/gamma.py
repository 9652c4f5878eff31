"""The gamma function's logarithm, its derivatives, and Hurwitz's zeta function.

Computed in float64 and rounded once. Formulas: Abramowitz and Stegun, "Handbook of Mathematical Functions" (1964),
chapters 6 and 23. Every derivative is a function of the same family, so that gradients of any order are exact.
"""

from __future__ import annotations

import math
from typing import Any

from eagerflow.base.typing import Array, Numpy
from eagerflow.core.dtypes import common_dtype
from eagerflow.core.host_arrays import errstate
from eagerflow.core.op import apply, op

__all__ = ["digamma", "lgamma", "polygamma", "zeta"]

_EULER = 0.5772156649015329
_BERNOULLI = (
    1 / 6,
    -1 / 30,
    1 / 42,
    -1 / 30,
    5 / 66,
    -691 / 2730,
    7 / 6,
    -3617 / 510,
    43867 / 798,
    -174611 / 330,
    854513 / 138,
    -236364091 / 2730,
)
_ZETA_LESS_ONE = (  # of 2, 3, ...
    0.6449340668482264,
    0.2020569031595943,
    0.08232323371113819,
    0.03692775514336993,
    0.01734306198444914,
    0.008349277381922827,
    0.00407735619794434,
    0.0020083928260822143,
    0.0009945751278180853,
    0.0004941886041194645,
    0.0002460865533080483,
    0.00012271334757848915,
    6.124813505870483e-05,
    3.058823630702049e-05,
    1.528225940865187e-05,
    7.637197637899763e-06,
    3.81729326499984e-06,
    1.908212716553939e-06,
    9.539620338727962e-07,
    4.769329867878064e-07,
    2.38450502727733e-07,
    1.1921992596531106e-07,
    5.960818905125948e-08,
    2.980350351465228e-08,
    1.4901554828365043e-08,
    7.45071178983543e-09,
)
_LARGE = 10.0  # from here asymptotic series are exact to the last digits


def _to_whole(xp: Numpy, x: Array) -> Any:
    """What `x` differs from the nearest whole number."""
    return x - xp.rint(x)


def _lgamma_near_one(xp: Numpy, x: Array) -> Any:
    """lgamma of numbers from 0.5 to 2.5, exact where it passes through 0 (6.1.33)."""
    far = x > 1.5
    z = xp.where(far, x - 2, x - 1)
    total = xp.zeros_like(z)
    for k in range(len(_ZETA_LESS_ONE) + 1, 1, -1):
        total = (total + _ZETA_LESS_ONE[k - 2] * (-1) ** k / k) * z
    total = (total + (1 - _EULER)) * z
    return xp.where(far, total, total - xp.log1p(z))


def _lgamma_of_positive(xp: Numpy, x: Array) -> Any:
    small = x < 0.5
    near, factor = xp.where(small, x + 1, xp.minimum(x, _LARGE)), xp.ones_like(x)
    for _ in range(8):  # down to at most 2.5
        above = near > 2.5
        near = xp.where(above, near - 1, near)
        factor = xp.where(above, factor * near, factor)
    found = _lgamma_near_one(xp, near) + xp.log(factor)
    found = xp.where(small, found - xp.log(x), found)
    y = xp.maximum(x, _LARGE)
    square, series = 1 / (y * y), xp.zeros_like(y)
    for k in range(len(_BERNOULLI), 0, -1):  # Stirling's (6.1.41)
        series = series * square + _BERNOULLI[k - 1] / (2 * k * (2 * k - 1))
    stirling = (y - 0.5) * (xp.log(y) - 1) - 0.5 + 0.5 * math.log(2 * math.pi) + series / y
    return xp.where(x < _LARGE, found, stirling)


@op(lambda xp, g, x: g * apply(digamma, xp, x), floating="real")  # type: ignore[has-type]
def lgamma(xp: Numpy, x: Array) -> Array:
    """The logarithm of the size of the gamma function, elementwise; inf at 0, -1, -2, ...

    Args:
        x: a tensor of real numbers.

    >>> round(float(lgamma(5.0)), 4)  # log(24)
    3.1781
    """
    wide = x.astype("float64")
    with errstate(all="ignore"):
        found = _lgamma_of_positive(xp, xp.where(wide > 0, wide, 1 - wide))
        sine = abs(xp.sin(math.pi * _to_whole(xp, wide)))
        mirrored = xp.where(xp.isinf(wide), math.inf, math.log(math.pi) - xp.log(sine) - found)
        return xp.where(wide > 0, found, mirrored).astype(x.dtype)


@op(lambda xp, g, x: g * apply(polygamma, xp, x, 1), floating="real")  # type: ignore[has-type]
def digamma(xp: Numpy, x: Array) -> Array:
    """The derivative of `lgamma`, elementwise; NaN at its poles 0, -1, -2, ...

    Args:
        x: a tensor of real numbers.

    >>> round(float(digamma(1.0)), 4)  # minus Euler's constant
    -0.5772
    """
    wide = x.astype("float64")
    with errstate(all="ignore"):
        y = xp.where(wide > 0, wide, 1 - wide)
        before = xp.zeros_like(y)
        for _ in range(int(_LARGE)):  # 6.3.5
            below = y < _LARGE
            before = xp.where(below, before - 1 / y, before)
            y = xp.where(below, y + 1, y)
        square, series = 1 / (y * y), xp.zeros_like(y)
        for k in range(len(_BERNOULLI), 0, -1):  # 6.3.18
            series = (series + _BERNOULLI[k - 1] / (2 * k)) * square
        found = before + xp.log(y) - 0.5 / y - series
        part = _to_whole(xp, wide)
        mirrored = xp.where(part == 0, math.nan, found - math.pi / xp.tan(math.pi * part))
        return xp.where(wide > 0, found, mirrored).astype(x.dtype)


def _zeta(xp: Numpy, s: Any, q: Any) -> Any:
    """The sum of (q + k)**-s over all k >= 0, of s > 1 and q > 0: the first terms, and Euler and Maclaurin's rest."""
    with errstate(all="ignore"):
        # As many terms as bring q beyond s, unless the first alone are more than enough.
        enough = xp.minimum(xp.maximum(_LARGE + s - q, 0), q * (10.0 ** (40 / s) - 1) + 1)
        enough = xp.where(xp.isfinite(enough), enough, 0)
        total, a = xp.zeros_like(q * s), q * xp.ones_like(s)
        for _ in range(math.ceil(float(enough.max())) if enough.size else 0):
            total = total + a**-s
            a = a + 1
        power = a**-s
        total = total + a ** (1 - s) / (s - 1) + power / 2
        factor = s * power / a
        for k in range(1, len(_BERNOULLI) + 1):
            total = total + factor * (_BERNOULLI[k - 1] / math.factorial(2 * k))
            factor = factor * (s + 2 * k - 1) * (s + 2 * k) / (a * a)
        return xp.where(xp.isinf(q), 0.0, total)


def _zeta_rule_of_s(g: Array) -> Array:
    raise NotImplementedError("zeta has no gradient for its exponent, only for its second argument.")


@op(_zeta_rule_of_s, lambda xp, g, s, q: g * -s * apply(zeta, xp, s + 1, q), floating="real", promotes=True)  # type: ignore[has-type]
def zeta(xp: Numpy, s: Array, q: Array) -> Array:
    """Hurwitz's zeta function, elementwise: the sum of (q + k)**-s over k = 0, 1, 2, ...

    Args:
        s: the exponent; inf at 1, NaN below.
        q: a tensor of positive numbers; inf at 0, -1, -2, ..., NaN at other negative ones.

    >>> round(float(zeta(2.0, 1.0)), 4)  # π² / 6
    1.6449
    """
    wide_s, wide_q = s.astype("float64"), q.astype("float64")
    inside = (wide_s > 1) & (wide_q > 0)
    found = _zeta(xp, xp.where(inside, wide_s, 2.0), xp.where(inside, wide_q, 1.0))
    pole = (wide_s == 1) | ((wide_s > 1) & (wide_q <= 0) & (wide_q == xp.floor(wide_q)))
    found = xp.where(inside, found, xp.where(pole, math.inf, math.nan))
    return found.astype(common_dtype(s.dtype, q.dtype))


def _cotangent(xp: Numpy, x: Array, n: int) -> Any:
    """The n-th derivative of π cot(πx): a polynomial of cot(πx), for cot' = -π (1 + cot²)."""
    coefficients = [0.0, math.pi]  # of 1, cot, cot², ...
    for _ in range(n):
        slopes = [k * c for k, c in enumerate(coefficients)][1:]
        coefficients = [-math.pi * (a + b) for a, b in zip([*slopes, 0.0, 0.0], [0.0, 0.0, *slopes], strict=True)]
    cot, total = 1 / xp.tan(math.pi * _to_whole(xp, x)), xp.zeros_like(x)
    for coefficient in reversed(coefficients):
        total = total * cot + coefficient
    return total


def _polygamma(xp: Numpy, x: Array, n: int) -> Any:
    """The n-th derivative of digamma, of n >= 1 and float64 (6.4.10; below 0 by 6.4.7)."""
    positive = x > 0
    y = xp.where(positive, x, 1 - x)
    sums = _zeta(xp, xp.full_like(y, n + 1.0), y) * math.gamma(n + 1.0)
    mirrored = -sums - _cotangent(xp, x, n)
    return xp.where(positive, sums if n % 2 else -sums, mirrored)


@op(lambda xp, g, x, n: g * apply(polygamma, xp, x, n + 1), floating="real")  # type: ignore[has-type]
def polygamma(xp: Numpy, x: Array, n: Any = 1) -> Array:
    """The n-th derivative of `digamma`, elementwise.

    Args:
        x: a tensor of real numbers.
        n: a whole number of at least 0, or an array of them in the shape of `x`.

    Raises:
        ValueError: for another `n`.

    >>> round(float(polygamma(1.0, 1)), 4)  # π² / 6
    1.6449
    """
    orders = xp.asarray(n)
    whole = {int(k) for k in xp.unique(orders)}
    if (orders != xp.floor(orders)).any() or (whole and min(whole) < 0) or (whole and max(whole) > 170):
        raise ValueError(f"polygamma: n={n} must be whole numbers from 0 to 170.")
    wide, found = x.astype("float64"), None
    with errstate(all="ignore"):
        for k in sorted(whole):
            part = _polygamma(xp, wide, k) if k else apply(digamma, xp, wide)
            found = part if found is None else xp.where(orders == k, part, found)
    return wide.astype(x.dtype) if found is None else found.astype(x.dtype)
