"""gelu by its exact definition, x Φ(x), for float32: see `kernels/elementwise/gelu.py` for the formula."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from eagerflow.compiled.kernel import compiled
from eagerflow.compiled.loops.exponential import exponential

__all__ = ["gelu", "gelu_with_slope"]

_A, _B, _C = (np.float32(-r) for r in (2.475117340662007, 0.034675176678092307, -8.684164402787669))
_D, _E, _F = np.float32(-8.5716398055787), np.float32(593.4292738183981), np.float32(32.168793680058066)
_HALF, _CONSTANT, _ONE = np.float32(-0.5), np.float32(-math.log(2 * math.pi) / 2), np.float32(1)


@compiled("x[n], out[n]; start: int, stop: int", dtypes=("float32",))
def gelu(x: Any, out: Any, start: int, stop: int) -> None:
    """x Φ(x)."""
    x, out = x[start:stop], out[start:stop]
    for i in range(x.size):
        a = x[i]
        t = a * a
        below = _ONE + exponential(a * (_A + _B * t + _C / (t + _D + _E / (t + _F))))
        out[i] = a / below


@compiled("x[n], out[n], slope[n]; start: int, stop: int", dtypes=("float32",))
def gelu_with_slope(x: Any, out: Any, slope: Any, start: int, stop: int) -> None:
    """x Φ(x), and its slope Φ(x) + x times the density."""
    x, out, slope = x[start:stop], out[start:stop], slope[start:stop]
    for i in range(x.size):
        a = x[i]
        t = a * a
        share = _ONE / (_ONE + exponential(a * (_A + _B * t + _C / (t + _D + _E / (t + _F)))))
        out[i] = a * share
        slope[i] = share + a * exponential(_HALF * t + _CONSTANT)
