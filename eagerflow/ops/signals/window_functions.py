"""Window functions: vectors of weights that fall off towards both ends."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow.base.config import floatx
from eagerflow.core.op import composite
from eagerflow.core.tensor import Tensor
from eagerflow.ops.arrays.creation import made
from eagerflow.ops.elementwise.bessel import i0
from eagerflow.ops.elementwise.casting import cast

__all__ = ["bartlett", "blackman", "hamming", "hanning", "kaiser"]


def _weights(array: numpy.ndarray) -> Tensor:
    return made(array.astype(floatx()), "window")


@composite
def bartlett(x: int) -> Tensor:
    """Bartlett window: a triangle that begins and ends with 0.

    Args:
        x: the number of samples of the window.

    >>> ef.ops.bartlett(5).tolist()
    [0.0, 0.5, 1.0, 0.5, 0.0]
    >>> (ef.ops.bartlett(3) * ef.Variable([1.0, 2.0, 3.0])).tolist()
    [0.0, 2.0, 0.0]
    """
    return _weights(numpy.bartlett(int(x)))


@composite
def blackman(x: int) -> Tensor:
    """Blackman window: a sum of three cosine terms.

    Args:
        x: the number of samples of the window.

    >>> abs(ef.ops.blackman(5)).round(4)
    Tensor(5 float32, [0.  , 0.34, 1.  , 0.34, 0.  ])
    >>> ef.ops.blackman(5)[1:-1] * ef.Variable([1.0, 2.0, 3.0])
    Tensor(3 float32, [0.34, 2.  , 1.02])
    """
    return _weights(numpy.blackman(int(x)))


@composite
def hamming(x: int) -> Tensor:
    """Hamming window: a raised cosine that ends at 0.08.

    Args:
        x: the number of samples of the window.

    >>> ef.ops.hamming(5).round(4)
    Tensor(5 float32, [0.08, 0.54, 1.  , 0.54, 0.08])
    >>> ef.ops.hamming(3) * ef.Variable([1.0, 2.0, 3.0])
    Tensor(3 float32, [0.08, 2.  , 0.24])
    """
    return _weights(numpy.hamming(int(x)))


@composite
def hanning(x: int) -> Tensor:
    """Hann window: a raised cosine that begins and ends with 0.

    Args:
        x: the number of samples of the window.

    >>> ef.ops.hanning(3).tolist()
    [0.0, 1.0, 0.0]
    >>> (ef.ops.hanning(3) * ef.Variable([1.0, 2.0, 3.0])).tolist()
    [0.0, 2.0, 0.0]
    """
    return _weights(numpy.hanning(int(x)))


@composite
def kaiser(x: int, beta: Any) -> Tensor:
    """Kaiser window, whose shape can be adjusted.

    Args:
        x: the number of samples of the window.
        beta: the shape of the window: 0 for a rectangle; larger values make it narrower.

    >>> ef.ops.kaiser(5, beta=8.0).round(4)
    Tensor(5 float32, [0.0023, 0.369 , 1.    , 0.369 , 0.0023])
    >>> (ef.ops.kaiser(3, beta=0.0) * ef.Variable([1.0, 2.0, 3.0])).tolist()  # a rectangle leaves all as it is
    [1.0, 2.0, 3.0]
    """
    if not isinstance(beta, Tensor):
        return _weights(numpy.kaiser(int(x), float(beta)))
    at = numpy.linspace(-1, 1, int(x)) if int(x) > 1 else numpy.zeros(int(x))
    circle = Tensor(numpy.sqrt(1 - at * at), beta.dtype, device=beta.device)
    return cast(i0(beta * circle) / i0(beta), floatx())
