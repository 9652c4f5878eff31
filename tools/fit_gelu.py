"""Fits the functions behind `kernels/elementwise/gelu.py` and its compiled loop; prints coefficients and errors.

For NumPy the normal distribution function is written as `1 / (1 + exp(-x R(x²)))`, for NumPy's exponential is fast
and saturates by itself. R is smooth and even in x, and grows about as x² does: `R(t) = a + b t + c / (t + d + e / (t
+ f))` does with six coefficients and eight operations as well as a polynomial with seven and twelve. The least
squares (Gauss and Newton's, damped by Levenberg) are weighted again until the errors of Φ(x), and from 1 on of x
Φ(x), are about equal everywhere (Lawson 1961).

In compiled loops a polynomial costs little and an exponential much, so there what Φ lacks of 1 at z, or has at -z, is
`(6 - z)³ P(z) / Q(z)` up to 6 and 0 beyond, with P of degree 5 and Q of degree 6. Its least squares are linear once
they are multiplied by Q, whose values are those of the round before (Sanathanan and Koerner 1963).
"""

from __future__ import annotations

import math

import numpy as np

END, ROUNDS = 6.0, 400  # beyond END, the function is 1 in float32
START = (2.49, 0.0345, -9.2, -6.8, 525.0, 30.6)


def rational(p: np.ndarray, t: np.ndarray) -> np.ndarray:
    """R(t)."""
    a, b, c, d, e, f = p
    return a + b * t + c / (t + d + e / (t + f))


def steps(p: np.ndarray, t: np.ndarray) -> np.ndarray:
    """The derivatives of R(t) by the coefficients, as columns."""
    _, _, c, d, e, f = p
    inner = t + f
    outer = t + d + e / inner
    by_d = -c / outer**2
    return np.stack([np.ones_like(t), t, 1 / outer, by_d, by_d / inner, -by_d * e / inner**2], axis=1)


def logistic() -> None:
    """Fit R, and print."""
    x = np.linspace(1e-3, END, 3000)
    upper, lower = np.array([(math.erfc(-z), math.erfc(z)) for z in x / math.sqrt(2)]).T / 2
    wanted = np.log(upper / lower) / x
    size = np.maximum(x, 1)
    weight = upper * lower * x * size  # how an error of R shows in the function
    again, p, damping = np.ones_like(x), np.array(START), 1e-3
    best = (math.inf, p)
    for _ in range(ROUNDS):
        for _ in range(5):
            by = (weight * np.sqrt(again))[:, None]
            slopes, missing = steps(p, x * x) * by, (wanted - rational(p, x * x)) * by[:, 0]
            scale = np.sqrt((slopes * slopes).sum(axis=0))
            rows = np.concatenate([slopes / scale, damping * np.eye(6)])
            found = p + np.linalg.lstsq(rows, np.append(missing, np.zeros(6)), rcond=None)[0] / scale
            better = np.sum(((wanted - rational(found, x * x)) * by[:, 0]) ** 2) < np.sum(missing**2)
            p, damping = (found, max(damping / 3, 1e-9)) if better else (p, min(damping * 4, 1e3))
        error = size * np.abs(1 / (1 + np.exp(-x * rational(p, x * x))) - upper)
        best = min(best, (error.max(), p), key=lambda pair: pair[0])
        again *= error / error.max() + 1e-2
        again = np.maximum(again / again.max(), 1e-9)
    print("R:", tuple(best[1].tolist()))
    print("largest error:", best[0])


def ratio(above: int = 5, below: int = 6, rounds: int = 60) -> None:
    """Fit P and Q, and print."""
    z = END * (1 - np.cos(np.linspace(0, math.pi, 4000))) / 2
    wanted = np.array([math.erfc(x) for x in z / math.sqrt(2)]) / 2
    powers = np.polynomial.chebyshev.chebvander(2 * z / END - 1, max(above, below))
    columns = np.hstack([powers[:, : above + 1] * (END - z)[:, None] ** 3, -powers[:, 1 : below + 1] * wanted[:, None]])
    size, again = np.maximum(z, 0.2), np.ones_like(z)
    q: np.ndarray = np.ones_like(z)
    best = (math.inf, columns[0], columns[0])
    for i in range(rounds):
        by = np.sqrt(again) * size / np.abs(q)
        rows = columns * by[:, None]
        scale = np.linalg.norm(rows, axis=0)
        found = np.linalg.lstsq(rows / scale, wanted * by, rcond=1e-15)[0] / scale
        q = 1 + powers[:, 1 : below + 1] @ found[above + 1 :]
        error = size * np.abs(columns[:, : above + 1] @ found[: above + 1] / q - wanted)
        best = min(best, (error.max(), found[: above + 1], found[above + 1 :]), key=lambda each: each[0])
        if i > 8:  # the least squares alone come first
            again *= error / error.max() + 1e-3
            again /= again.max()
    series = [np.polynomial.Chebyshev(c, [0, END]) for c in (best[1], [1, *best[2]])]
    p, q = (each.convert(kind=np.polynomial.Polynomial).coef for each in series)
    print("P:", (p / q[0]).tolist(), "Q:", (q / q[0]).tolist())
    print("largest error:", best[0])


def main() -> None:
    """Fit both."""
    logistic()
    ratio()


if __name__ == "__main__":
    main()
