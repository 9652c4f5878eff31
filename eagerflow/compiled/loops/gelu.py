"""gelu by its exact definition, x Φ(x), for float32: see `kernels/elementwise/gelu.py` for the formula."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from eagerflow.compiled.kernel import compiled, helper
from eagerflow.compiled.loops.exponential import exponential, one_and_exponential

__all__ = ["gelu", "gelu_with_slope"]

# R(t) = a + b t + c / (t + d + e / (t + f)), but with one division: c (t + f) / (t² + (d + f) t + d f + e).
_C, _D, _E, _F = -8.684164402787669, -8.5716398055787, 593.4292738183981, 32.168793680058066
_LINE, _SLOPE = np.float32(-2.475117340662007), np.float32(-0.034675176678092307)
_ON_TOP, _FACTOR = np.float32(-_C * _F), np.float32(-_C)
_BELOW, _BELOW_SLOPE, _FAR = np.float32(_D * _F + _E), np.float32(_D + _F), np.float32(1e6)  # its square is finite
_HALF, _CONSTANT, _ONE = np.float32(-0.5), np.float32(-math.log(2 * math.pi) / 2), np.float32(1)


@helper
def exponent(a: Any, t: Any) -> Any:
    """-a R(t), for t = a²."""
    near = min(t, _FAR)
    return a * (_LINE + _SLOPE * t + (_FACTOR * near + _ON_TOP) / ((near + _BELOW_SLOPE) * near + _BELOW))


@compiled("x[n], out[n]; start: int, stop: int", dtypes=("float32",), apart=True)
def gelu(x: Any, out: Any, start: int, stop: int) -> None:
    """x Φ(x)."""
    x, out = x[start:stop], out[start:stop]
    for i in range(x.size):
        a = x[i]
        t = a * a
        below = one_and_exponential(exponent(a, t))
        out[i] = a / below


@compiled("x[n], out[n], slope[n]; start: int, stop: int", dtypes=("float32",), apart=True)
def gelu_with_slope(x: Any, out: Any, slope: Any, start: int, stop: int) -> None:
    """x Φ(x), and its slope Φ(x) + x times the density."""
    x, out, slope = x[start:stop], out[start:stop], slope[start:stop]
    for i in range(x.size):
        a = x[i]
        t = a * a
        share = _ONE / one_and_exponential(exponent(a, t))
        out[i] = a * share
        slope[i] = share + a * exponential(_HALF * t + _CONSTANT)
