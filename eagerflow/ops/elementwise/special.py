"""The error function and its relatives, and Bessel's I0: what NumPy lacks, to the accuracy of the type.

The polynomials come from `tools/fit_erf.py`, which explains them.
"""

from __future__ import annotations

import math
from typing import Any

from eagerflow.base.typing import Array, Numpy
from eagerflow.core.host_arrays import errstate
from eagerflow.core.op import op

__all__ = ["erf", "erfc", "erfinv"]

# fmt: off
_NEAR = {
    "float32": (
        1.2316401734510412e-06, -1.766908081175121e-05, 0.00021751198975739192,
        -0.002285419528892305, 0.01985249772277959, -0.14053609728153707, 0.9654687386375511,
    ),
    "float64": (
        -3.8078827395263415e-13, 9.211251258348265e-12, -2.035228404899467e-10,
        4.115751497588646e-09, -7.51156928660089e-08, 1.2233827638116999e-06,
        -1.7537169441124826e-05, 0.00021751715603563404, -0.0022854855611441132,
        0.019852496688984218, -0.1405360890227171, 0.9654687386698673,
    ),
}
_FAR = {
    "float32": (
        -0.00022411674674416022, 0.0003963076129893627, 0.001675912217981131, -0.009844494859674952,
        0.02840925236412726, -0.05864685873554614, 0.09229076959130378, -0.10881427014905069,
        0.08227841998347046, 0.003586270394024618, -0.1402406583213864, 1.2375126192677,
    ),
    "float64": (
        4.2514714447963895e-10, 3.1114333809799254e-10, -5.1739902140113095e-09,
        -3.744210080962018e-09, 3.8675334242222354e-08, 2.3263508708859124e-08,
        -2.5866850716155884e-07, -5.7218230603224086e-08, 1.751637648849062e-06,
        -9.73559896736775e-07, -1.1444146237700524e-05, 2.238423915508223e-05,
        5.164909889268241e-05, -0.0002901540805408417, 0.0002937136655913448, 0.0017556258528952954,
        -0.009746579558029276, 0.028362277418956406, -0.05869339858963677, 0.09230432116037748,
        -0.10880393014174886, 0.0822767384901452, 0.0035854154854644293, -0.14024059858554697,
        1.2375126308378275,
    ),
}
# fmt: on
_K = 3.75
_SLOPE = 2 / math.sqrt(math.pi)
_BEYOND = 30.0  # erfc(30) is 0 in every type, and 30² overflows in none


def _polynomial(t: Any, coefficients: tuple[float, ...]) -> Any:
    """Horner's scheme, in one array."""
    result = t * coefficients[0]
    for c in coefficients[1:-1]:
        result += c
        result *= t
    result += coefficients[-1]
    return result


def _erf_near(a: Any) -> Any:
    """erf of numbers from 0 to 1."""
    return a * _polynomial(a * a * 2 - 1, _NEAR[a.dtype.name])


def _erfc_far(xp: Numpy, a: Array) -> Any:
    """erfc of numbers from 0 to 30."""
    # a² = head² + (a - head)(a + head), where head has few digits: the rounding of a² would show in the tail.
    head = xp.floor(a * 16) / 16
    tail = xp.exp(-head * head) * xp.exp((head - a) * (a + head))
    return tail * _polynomial((a - _K) / (a + _K), _FAR[a.dtype.name]) / (a * 2 + 1)


def _widened(x: Any) -> Any:
    """At least float32."""
    return x if x.dtype.itemsize >= 4 else x.astype("float32")


@op(lambda xp, g, x: g * xp.exp(-x * x) * _SLOPE, floating="real")
def erf(xp: Numpy, x: Array) -> Array:
    """The error function, elementwise: 2/√π times the integral of exp(-t²) from 0 to `x`.

    Args:
        x: a tensor of real numbers.

    >>> ef.ops.erf([-0.5, 0.0, 0.5]).round(4)
    Tensor(3 float32, [-0.5205,  0.    ,  0.5205])
    """
    wide = _widened(x)
    a = xp.minimum(abs(wide), _BEYOND)
    size = xp.where(a < 1, _erf_near(xp.minimum(a, 1)), 1 - _erfc_far(xp, a))
    return xp.copysign(size, wide).astype(x.dtype, copy=False)


@op(lambda xp, g, x: g * xp.exp(-x * x) * -_SLOPE, floating="real")
def erfc(xp: Numpy, x: Array) -> Array:
    """The complementary error function, elementwise: `1 - erf(x)`, exact also where it is tiny.

    Args:
        x: a tensor of real numbers.

    >>> ef.ops.erfc([-0.5, 0.0, 0.5]).round(4)
    Tensor(3 float32, [1.5205, 1.    , 0.4795])
    """
    wide = _widened(x)
    size = _erfc_far(xp, xp.minimum(abs(wide), _BEYOND))
    return xp.where(wide < 0, 2 - size, size).astype(x.dtype, copy=False)


@op(lambda xp, g, out: g * xp.exp(out * out) / _SLOPE, floating="real")
def erfinv(xp: Numpy, x: Array) -> Array:
    """The inverse of `erf`, elementwise; inf at 1, NaN beyond.

    Args:
        x: a tensor of numbers from -1 to 1.

    Source: the first guess is S. Winitzki, "A handy approximation for the error function and its inverse" (2008);
    two of Halley's steps with erf itself make it exact.

    >>> ef.ops.erfinv(ef.ops.erf([-0.5, 0.0, 0.5])).round(4)
    Tensor(3 float32, [-0.5,  0. ,  0.5])
    """
    a = abs(x.astype("float64"))
    with errstate(all="ignore"):
        logarithm = xp.log1p(-a) + xp.log1p(a)
        term = logarithm / 2 + 2 / (math.pi * 0.147)
        guess = xp.sqrt(xp.sqrt(term * term - logarithm / 0.147) - term)
        for _ in range(2):
            near = _erf_near(xp.minimum(guess, 1)) - a
            off = xp.where(guess < 1, near, 1 - a - _erfc_far(xp, xp.minimum(guess, _BEYOND)))
            step = off / (xp.exp(-guess * guess) * _SLOPE)
            guess = guess - step / (guess * step + 1)
        guess = xp.where(a == 1, math.inf, guess)
        return xp.copysign(guess, x).astype(x.dtype)
