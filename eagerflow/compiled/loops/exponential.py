"""e to the power of x for float32, as operations that processors do for many numbers at once.

A power of two times a polynomial (as in Cephes' `expf`): errors are at most 9e-8 of the result.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from eagerflow.compiled.jit import helper

__all__ = ["doubled_sigmoid", "exponential", "hyperbolic_tangent"]

_PER_TWO = np.float32(1.44269504)  # 1 / ln 2
_TWO, _TWO_REST = np.float32(0.693359375), np.float32(-2.12194440e-4)  # ln 2, in two parts
_LEAST, _MOST = np.float32(-104.0), np.float32(89.0)  # beyond them: 0, infinity
_A, _B, _C = np.float32(1.9875691500e-4), np.float32(1.3981999507e-3), np.float32(8.3334519073e-3)
_D, _E, _F = np.float32(4.1665795894e-2), np.float32(1.6666665459e-1), np.float32(5.0000001201e-1)
_ONE = np.float32(1)


@helper
def exponential(x: Any) -> Any:
    """e to the power of one number."""
    x = min(max(x, _LEAST), _MOST)
    whole = np.rint(x * _PER_TWO)
    rest = x - whole * _TWO
    rest = rest - whole * _TWO_REST
    found = ((((_A * rest + _B) * rest + _C) * rest + _D) * rest + _E) * rest + _F
    found = found * rest * rest + rest + _ONE
    power = np.int32(whole)
    half = np.int32(power >> 1)  # 2 to the power of 128 and of -140 have no number of their own
    return found * np.int32((half + 127) << 23).view(np.float32) * np.int32((power - half + 127) << 23).view(np.float32)


_FAINT, _LEFT = np.float32(-80), np.float32(2)


@helper
def _one_and_exponential(x: Any) -> Any:
    """1 + e to the power of one number: what is far below a rounding error of 1 needn't be exact."""
    x = min(max(x, _FAINT), _MOST)
    whole = np.rint(x * _PER_TWO)
    rest = x - whole * _TWO
    rest = rest - whole * _TWO_REST
    found = ((((_A * rest + _B) * rest + _C) * rest + _D) * rest + _E) * rest + _F
    found = found * rest * rest + rest + _ONE
    return found * _LEFT * np.int32((np.int32(whole) + 126) << 23).view(np.float32) + _ONE


_TWICE, _SMALL = np.float32(2), np.float32(0.625)
_G, _H, _I = np.float32(-5.70498872745e-3), np.float32(2.06390887954e-2), np.float32(-5.37397155531e-2)
_J, _K = np.float32(1.33314422036e-1), np.float32(-3.33332819422e-1)


@helper
def hyperbolic_tangent(x: Any) -> Any:
    """tanh of one number: near zero a polynomial (as in Cephes' `tanhf`), elsewhere by its definition."""
    square = x * x
    near = ((((_G * square + _H) * square + _I) * square + _J) * square + _K) * square * x + x
    far = _ONE - _TWICE / _one_and_exponential(_TWICE * x)
    return near if abs(x) < _SMALL else far


@helper
def doubled_sigmoid(half: Any) -> Any:
    """2 / (1 + exp(-2 half)): 1 + tanh(half)."""
    return _TWICE / _one_and_exponential(-_TWICE * half)
