"""The largest curvature of a loss, by products of its Hessian with vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy

from eagerflow import GradientTape, Tensor

__all__ = ["HessianProducts", "largest_eigenvalue"]

_EXACT = 100_000  # elements up to which vectors are kept in double precision


class HessianProducts:
    """Products of the Hessian of a loss with vectors: the gradient of the gradient, along them.

    >>> import eagerflow as ef
    >>> import numpy as np
    >>> x = ef.Variable([1.0, 2.0])
    >>> HessianProducts(lambda: (x * x * x).sum(), [x])(np.array([1.0, 0.5])).tolist()
    [6.0, 6.0]
    """

    def __init__(self, loss: Callable[[], Any], variables: Sequence[Any]) -> None:
        with GradientTape(persistent=True) as self._outer:
            with GradientTape() as inner:
                value = loss()
            gradients = inner.gradient(value, list(variables))
        found = [(v, g) for v, g in zip(variables, gradients, strict=True) if g is not None]
        self._variables, self._gradients = [v for v, _ in found], [g for _, g in found]
        self.size = sum(int(numpy.prod(v.shape)) for v in self._variables)

    def __call__(self, vector: Any) -> Any:
        """The product with a flat vector, as one."""
        parts, start = [], 0
        for variable in self._variables:
            count = int(numpy.prod(variable.shape))
            parts.append(Tensor(vector[start : start + count].reshape(variable.shape).astype(variable.dtype)))
            start += count
        found = self._outer.gradient(
            self._gradients, self._variables, output_gradients=parts, unconnected_gradients="zero"
        )
        return numpy.concatenate([g.numpy().reshape(-1) for g in found])


def largest_eigenvalue(
    multiply: Callable[[Any], Any], size: int, begin: Any = None, steps: int = 8, tolerance: float = 0.01
) -> tuple[float, Any]:
    """The largest eigenvalue of a symmetric matrix that is known by its products, by Lanczos' method.

    Args:
        multiply: gives the matrix times a vector.
        size: the length of vectors.
        begin: a vector to begin with, such as the one that an earlier call gave; None: one drawn with a fixed seed.
        steps: products at most.
        tolerance: stop when the eigenvalue is known to this part of it.

    >>> import numpy as np
    >>> matrix = np.diag([1.0, 5.0, 2.0])
    >>> value, vector = largest_eigenvalue(lambda v: matrix @ v, 3)
    >>> round(value, 6), abs(vector).round(3).tolist()
    (5.0, [0.0, 1.0, 0.0])
    """
    exact = "float64" if size <= _EXACT else "float32"
    vector = numpy.random.default_rng(0).normal(size=size) if begin is None else numpy.asarray(begin)
    steps = min(steps, size)
    basis = numpy.empty((steps, size), exact)
    basis[0] = vector / numpy.linalg.norm(vector)
    diagonal: list[float] = []
    off: list[float] = []
    for number in range(1, steps + 1):
        known = basis[:number]
        product = multiply(known[-1]).astype(exact)
        diagonal.append(float(known[-1] @ product))
        for _ in range(2):  # twice, or rounding brings back what is there already
            product -= (known @ product) @ known
        length = float(numpy.linalg.norm(product))
        values, vectors = numpy.linalg.eigh(numpy.diag(diagonal) + numpy.diag(off, 1) + numpy.diag(off, -1))
        error = length * abs(float(vectors[-1, -1]))
        if not numpy.isfinite(length) or error <= tolerance * abs(float(values[-1])) or number == steps:
            break
        off.append(length)
        basis[number] = product / length
    found = vectors[:, -1].astype(exact) @ known
    return float(values[-1]), found / numpy.linalg.norm(found)
