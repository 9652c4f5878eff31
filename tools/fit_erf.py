"""Fits the polynomials behind `ops.erf` and `ops.erfc`, and prints them as Python.

    python tools/fit_erf.py          (needs mpmath)

Two functions are smooth enough to be polynomials of low degree:

* `erf(x) / x` in the variable `u = 2 x² - 1`, for 0 ≤ x ≤ 1;
* `(1 + 2x) exp(x²) erfc(x)` in `t = (x - K) / (x + K)`, for all x ≥ 0 (M. Shepherd and J. Laframboise,
  "Chebyshev approximation of (1 + 2x) exp(x²) erfc x in 0 ≤ x < ∞", Math. Comp. 36 (1981)).

Each is interpolated at Chebyshev's points with 60 digits, and written out in powers. The degree is the lowest that
leaves less than the rounding error of the type.
"""

from __future__ import annotations

from collections.abc import Callable

from mpmath import chebyt, cos, erf, erfc, exp, inf, mp, mpf, pi, sqrt, taylor

mp.dps = 60
K = mpf("3.75")


def near(u: mpf) -> mpf:
    """erf(x) / x where u = 2x² - 1."""
    x = sqrt((u + 1) / 2)
    return erf(x) / x if x else 2 / sqrt(pi)


def far(t: mpf) -> mpf:
    """(1 + 2x) exp(x²) erfc(x) where t = (x - K) / (x + K)."""
    x = K * (1 + t) / (1 - t) if t < 1 else inf
    return (1 + 2 * x) * exp(x * x) * erfc(x) if x < 10**6 else 2 / sqrt(pi)


def interpolated(function: Callable[[mpf], mpf], degree: int) -> list[mpf]:
    """The coefficients of Chebyshev's polynomials."""
    count = 4 * degree
    angles = [pi * (j + mpf(1) / 2) / count for j in range(count)]
    values = [function(cos(a)) for a in angles]
    series = [2 * sum(v * cos(k * a) for v, a in zip(values, angles, strict=True)) / count for k in range(degree + 1)]
    return [series[0] / 2, *series[1:]]


def powers(series: list[mpf]) -> list[mpf]:
    """The same polynomial in powers, the highest first."""
    total = [mpf(0)] * len(series)
    for k, c in enumerate(series):
        for i, a in enumerate(taylor(lambda t, k=k: chebyt(k, t), 0, k)):
            total[i] += c * a
    return total[::-1]


def shortest(function: Callable[[mpf], mpf], precision: float) -> list[mpf]:
    """The polynomial of lowest degree whose neglected terms are below `precision`."""
    series = interpolated(function, 40)
    degree = max(k for k, c in enumerate(series) if abs(c) > precision)
    return powers(interpolated(function, degree))


for name, function in (("NEAR", near), ("FAR", far)):
    for type_name, precision in (("float32", 2e-8), ("float64", 3e-17)):
        numbers = ", ".join(repr(float(c)) for c in shortest(function, precision))
        print(f"_{name}_{type_name} = ({numbers})")
