"""Exact gelu of flat arrays: one pass over memory.

Φ(-z) and 1 - Φ(z) of gelu, x Φ(x), are (6 - z)³ P(z) / Q(z), whose coefficients come from `tools/fit_gelu.py`; beyond 6
they are 0. x Φ(x) is off by 1e-7 below 0 and by a few rounding errors above, its slope by 2e-7.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy import ndarray

from eagerflow.compiled.jit import compiled, helper
from eagerflow.compiled.loops.exponential import exponential
from eagerflow.compiled.pieces import LARGE, run_rows

__all__ = ["gelu"]

_ONE = np.float32(1)


_END, _NONE = np.float32(6), np.float32(0)
_P0, _P1, _P2 = np.float32(2.3148146e-3), np.float32(-1.9288334e-3), np.float32(6.465483e-4)
_P3, _P4, _P5 = np.float32(-1.08353617e-4), np.float32(9.010326e-6), np.float32(-2.93983e-7)
_Q1, _Q2, _Q3 = np.float32(-5.3537481e-1), np.float32(3.5213714e-1), np.float32(-1.12709786e-1)
_Q4, _Q5, _Q6 = np.float32(3.6133941e-2), np.float32(-6.0425120e-3), np.float32(8.5549790e-4)
_HALF, _CONSTANT = np.float32(-0.5), np.float32(-math.log(2 * math.pi) / 2)


@helper
def _share_below(x: Any) -> Any:
    """Φ(x): which share of a normal distribution lies below x."""
    z = min(abs(x), _END)
    left = _END - z
    above = ((((_P5 * z + _P4) * z + _P3) * z + _P2) * z + _P1) * z + _P0
    below = (((((_Q6 * z + _Q5) * z + _Q4) * z + _Q3) * z + _Q2) * z + _Q1) * z + _ONE
    rest = above * left * (left * left) / below
    return _ONE - rest if x > _NONE else rest


@compiled("x[n], out[n]", dtypes=("float32",), noalias=True)
def _gelu(x: Any, out: Any, start: int, stop: int) -> None:
    """x Φ(x)."""
    x, out = x[start:stop], out[start:stop]
    for i in range(x.size):
        out[i] = x[i] * _share_below(x[i])


@compiled("x[n], out[n], slope[n]", dtypes=("float32",), noalias=True)
def _gelu_with_slope(x: Any, out: Any, slope: Any, start: int, stop: int) -> None:
    """x Φ(x), and its slope Φ(x) + x times the density."""
    x, out, slope = x[start:stop], out[start:stop], slope[start:stop]
    for i in range(x.size):
        a = x[i]
        share = _share_below(a)
        out[i] = a * share
        slope[i] = share + a * exponential(_HALF * (a * a) + _CONSTANT)


def gelu(x: ndarray, keep: bool) -> Any:
    """x Φ(x), and its slope if that is to be kept for the gradient."""
    flat, out = x.reshape(-1), np.empty(x.shape, x.dtype)
    slope = np.empty(x.shape, x.dtype) if keep else None
    if slope is None:
        work = _gelu.on(flat, out.reshape(-1))
    else:
        work = _gelu_with_slope.on(flat, out.reshape(-1), slope.reshape(-1))
    if work is None:
        return None
    run_rows(work, x.size, 1, x.size * (0.9 if keep else 0.6), numbers=LARGE)
    return out, slope
