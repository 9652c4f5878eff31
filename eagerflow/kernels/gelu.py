"""The exact gelu, x Φ(x), on float32 arrays: the normal distribution function Φ by one tanh of a polynomial.

The polynomial comes from `tools/fit_gelu.py`. Φ is off by at most 6e-8, a rounding error.
"""

from __future__ import annotations

import math
from typing import Any

import numpy
from numpy import add, exp, multiply, tanh

from eagerflow.kernels.blocks import elementwise

__all__ = ["gelu", "gelu_gradient"]

_P = (
    1.7563793085989257e-09, -1.3227019198745744e-07, 3.964822495835807e-06, -5.530657589824199e-05,
    -3.2594169465919264e-05, 0.03633308393595293, 0.7978849415846988,
)  # fmt: skip
_DENSITY = 1 / math.sqrt(2 * math.pi)


def _distribution(x: Any, phi: Any, t: Any) -> None:
    """Φ(x) = (1 + tanh(x P(x²))) / 2."""
    multiply(x, x, out=t)
    multiply(t, _P[0], out=phi)
    for c in _P[1:-1]:
        add(phi, c, out=phi)
        multiply(phi, t, out=phi)
    add(phi, _P[-1], out=phi)
    multiply(phi, x, out=phi)
    tanh(phi, out=phi)
    multiply(phi, 0.5, out=phi)
    add(phi, 0.5, out=phi)


def _with_phi(x: Any, out: Any, phi: Any, t: Any) -> None:
    _distribution(x, phi, t)
    multiply(x, phi, out=out)


def gelu(x: Any, keep: bool) -> tuple[Any, Any]:
    """x Φ(x), and Φ(x) if it is to be kept for the gradient."""
    with numpy.errstate(over="ignore"):  # far out, tanh(inf) = 1 is right
        if keep:
            out, phi = elementwise(_with_phi, x, temporaries=1, outputs=2, nanoseconds=2.5)
            return out, phi
        return elementwise(_with_phi, x, temporaries=2, nanoseconds=2.5), None


def _slope(g: Any, x: Any, phi: Any, out: Any) -> None:
    """g (Φ + x times the density)."""
    multiply(x, x, out=out)
    multiply(out, -0.5, out=out)
    exp(out, out=out)
    multiply(out, x, out=out)
    multiply(out, _DENSITY, out=out)
    add(out, phi, out=out)
    multiply(out, g, out=out)


def gelu_gradient(g: Any, x: Any, phi: Any) -> Any:
    """The gradient of `gelu`."""
    with numpy.errstate(over="ignore", under="ignore"):
        return elementwise(_slope, g, x, phi, nanoseconds=1.5)
