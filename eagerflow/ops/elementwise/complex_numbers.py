"""Complex numbers: their parts, their conjugate, and the convention for their gradients.

For a real loss L and z = x + iy, the gradient of z is dL/dx + i dL/dy: the direction in which L grows
fastest, so that gradient descent works on complex variables as on real ones. A holomorphic op therefore
sends on `g * conj(derivative)`: `@op(holomorphic=True)` does so with rules that are written as for real numbers.
"""

from __future__ import annotations

from typing import Any

from eagerflow.base.typing import Array, Numpy
from eagerflow.core.op import op

__all__ = ["conj", "conjugate", "imag", "real"]


def real_part(g: Any) -> Any:
    """The gradient of real numbers, of which only the real part counts.

    Where a real tensor met a complex one, a complex gradient arrives at it. Ops on real tensors may pass it on as it
    is; those which made real numbers from complex ones must drop its imaginary part.
    """
    return g.real if g.dtype.kind == "c" else g


def _real_rule(g: Array, kind: Any) -> Array:
    return real_part(g) + 0j if kind.kind == "c" else g


@op(_real_rule, saves=("kind",))
def real(xp: Numpy, x: Array) -> Any:
    """The real part; real tensors are returned unchanged.

    Args:
        x: a tensor of any type.

    >>> ef.ops.real(np.array([1 + 2j])).tolist()
    [1.0]
    """
    return x.real, x.dtype


def _imag_rule(g: Array, kind: Any) -> Array:
    return real_part(g) * 1j if kind.kind == "c" else g * 0


@op(_imag_rule, saves=("kind",))
def imag(xp: Numpy, x: Array) -> Any:
    """The imaginary part; zeros for real tensors.

    Args:
        x: a tensor of any type.

    >>> ef.ops.imag(np.array([1 + 2j])).tolist()
    [2.0]
    """
    return x.imag, x.dtype


@op(lambda g: g.conjugate() if g.dtype.kind == "c" else g)
def conj(xp: Numpy, x: Array) -> Array:
    """The complex conjugate, elementwise; real tensors are returned unchanged.

    Args:
        x: a tensor of any type.

    >>> ef.ops.conj(np.array([1 + 2j])).tolist()
    [(1-2j)]
    """
    return x.conjugate()


conjugate = conj
