"""Fits the polynomial behind `kernels/gelu.py`; prints its coefficients and errors.

The normal distribution function is written as `(1 + tanh(x P(x²))) / 2`, for NumPy's tanh is fast and saturates by
itself. P is smooth and even in x. An error of P counts in proportion to x times the slope of tanh there, which
falls quickly, so a polynomial of degree 6 reaches float32's precision. The least squares are weighted anew until
the errors are about equal everywhere (Lawson 1961).
"""

from __future__ import annotations

import math

import numpy as np

DEGREE, END, ROUNDS = 6, 5.6, 3000  # beyond END, tanh is 1 in float32


def main() -> None:
    """Fit, and print."""
    x = np.linspace(1e-3, END, 4000)
    erf, erfc = np.array([(math.erf(z), math.erfc(z)) for z in x / math.sqrt(2)]).T
    wanted = 0.5 * np.log((1 + erf) / erfc) / x  # atanh(erf) / x
    powers = np.polynomial.chebyshev.chebvander(2 * (x / END) ** 2 - 1, DEGREE)
    weight = erfc * (1 + erf) * x / 2 + 1e-9
    again, best = np.ones_like(x), (math.inf, np.zeros(DEGREE + 1))
    for _ in range(ROUNDS):
        by = weight * np.sqrt(again)
        found = np.linalg.lstsq(powers * by[:, None], wanted * by, rcond=None)[0]
        error = np.abs(np.tanh(x * (powers @ found)) - erf) / 2
        best = min(best, (error.max(), found), key=lambda pair: pair[0])
        missed = weight * np.abs(powers @ found - wanted)
        again *= missed / missed.max() + 1e-3
        again = np.maximum(again / again.max(), 1e-12)
    fitted = np.polynomial.chebyshev.Chebyshev(best[1], domain=[0, END * END])
    print(tuple(fitted.convert(kind=np.polynomial.Polynomial).coef[::-1].tolist()))
    print("largest error of the distribution function:", best[0])


if __name__ == "__main__":
    main()
