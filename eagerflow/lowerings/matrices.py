"""Products of matrices: large ones in parts for threads, with the same bits on any number of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eagerflow.core.lowering import lower, lower_rule
from eagerflow.kernels.matrices.products import has_half, large, matrix_product
from eagerflow.ops.matrices.products import adjoint, matmul

__all__ = ["gradients_by", "left_gradient", "right_gradient"]


def _pays(x1: Any, x2: Any) -> bool:
    return (x1.ndim > 2 and x2.ndim == 2) or large(x1, x2) or has_half(x1, x2)


def _product(x1: Any, x2: Any) -> Any:
    try:
        return matrix_product(x1, x2)
    except ValueError:
        return None  # shapes that don't fit: the op says so in words


def gradients_by(product: Callable[[Any, Any], Any]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The gradients of the left and the right matrix, by a function that multiplies two; they give None for vectors."""

    def left(g: Any, x1_shape: Any, x2: Any) -> Any:
        return product(g, adjoint(x2)) if len(x1_shape) > 1 and x2.ndim > 1 else None

    def right(g: Any, x1: Any, x2_shape: Any) -> Any:
        if x1.ndim < 2 or len(x2_shape) < 2:
            return None
        if len(x2_shape) == 2 and x1.ndim > 2 and x1.size and g.size:  # one product of all rows, not a sum of many
            x1, g = x1.reshape((-1, x1.shape[-1])), g.reshape((-1, g.shape[-1]))
        return product(adjoint(x1), g)

    return left, right


left_gradient, right_gradient = gradients_by(matrix_product)

lower(matmul, _product, _pays)
lower_rule(matmul, left_gradient, which=0)
lower_rule(matmul, right_gradient, which=1)
