"""Bessel functions."""

from __future__ import annotations

import math
from typing import Any

import numpy

from eagerflow.core.op import composite
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.ops.arrays.shape import expand_dims
from eagerflow.ops.elementwise.arithmetic import multiply
from eagerflow.ops.elementwise.exponential import exp
from eagerflow.ops.reduce.reductions import mean

__all__ = ["i0"]

# I0(x) is the mean of exp(x cos θ) over a circle. Of a smooth periodic function, the mean over few points is exact.
_POINTS = 256


@composite
def i0(x: Any) -> Tensor:
    """Bessel's modified function of the first kind and order 0, elementwise.

    Args:
        x: a tensor of real numbers.

    >>> round(float(ef.ops.i0(1.0)), 4)
    1.2661
    """
    x = multiply(convert_to_tensor(x), 1.0)
    angles = numpy.arange(_POINTS) * (2 * math.pi / _POINTS)
    cosines = Tensor(numpy.cos(angles), x.dtype, device=x.device)
    return mean(exp(multiply(expand_dims(x, -1), cosines)), axis=-1)
