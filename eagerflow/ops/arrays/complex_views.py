"""Complex numbers and pairs of real ones: angles, directions, views."""

from __future__ import annotations

from eagerflow.base.typing import TensorLike
from eagerflow.core.op import composite
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.ops.arrays.join import stack
from eagerflow.ops.elementwise.arithmetic import absolute, add, divide, multiply
from eagerflow.ops.elementwise.comparison import equal
from eagerflow.ops.elementwise.complex_numbers import imag, real
from eagerflow.ops.elementwise.rounding import sign_of
from eagerflow.ops.elementwise.selection import where
from eagerflow.ops.elementwise.trigonometry import arctan2

__all__ = ["angle", "isreal", "sign", "view_as_complex", "view_as_real"]


@composite
def angle(x: TensorLike) -> Tensor:
    """The angle (phase) of complex numbers in radians, in [-π, π]; of real numbers 0 or π.

    Args:
        x: a tensor.

    >>> round(float(ef.ops.angle(np.array(1j))), 4)
    1.5708
    """
    x = multiply(x, 1.0)
    return arctan2(imag(x), real(x))


@composite
def isreal(x: TensorLike) -> Tensor:
    """Whether each element has no imaginary part.

    Args:
        x: a tensor.

    >>> ef.ops.isreal(np.array([1 + 0j, 1j])).tolist()
    [True, False]
    """
    return equal(imag(x), 0)


@composite
def sign(x: TensorLike) -> Tensor:
    """The sign, elementwise: -1, 0 or 1; for complex numbers `x / |x|`, and 0 at 0.

    Args:
        x: a tensor of numbers (not of bools).

    >>> ef.ops.sign([-2.0, 0.0, 3.0]).tolist()
    [-1.0, 0.0, 1.0]
    """
    x = convert_to_tensor(x)
    if x.dtype.kind != "c":
        return sign_of(x)
    size = absolute(x)
    return divide(x, where(equal(size, 0), 1, size))


@composite
def view_as_complex(x: TensorLike) -> Tensor:
    """Converts pairs of real numbers to complex ones.

    Args:
        x: a tensor of shape `(..., 2)`: real and imaginary parts.

    Returns:
        A complex tensor of shape `(...)`.

    Raises:
        ValueError: when the last axis has another length.

    >>> ef.ops.view_as_complex([[1.0, 2.0]]).tolist()
    [(1+2j)]
    """
    x = multiply(x, 1.0)
    if not x.ndim or x.shape[-1] != 2 or x.dtype.kind == "c":
        raise ValueError(f"view_as_complex: expected real numbers of shape (..., 2); got {x.dtype}{list(x.shape)}.")
    return add(x[..., 0], multiply(x[..., 1], 1j))


@composite
def view_as_real(x: TensorLike) -> Tensor:
    """Converts complex numbers to pairs of real ones.

    Args:
        x: a complex tensor.

    Returns:
        A tensor of shape `x.shape + (2,)`: real and imaginary parts.

    >>> ef.ops.view_as_real(np.array([1 + 2j])).tolist()
    [[1.0, 2.0]]
    """
    return stack([real(x), imag(x)], axis=-1)
