"""A penalty on vectors which aren't orthogonal."""

from __future__ import annotations

from typing import Any, Literal

from eagerflow import ops
from eagerflow.base.errors import did_you_mean
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.regularizers.base import Regularizer, factor, table

__all__ = ["OrthogonalRegularizer"]


@table.add("orthogonal_regularizer")
class OrthogonalRegularizer(Regularizer):
    """Penalty that makes the rows (or columns) of a matrix orthogonal: `factor` times their mean absolute cosine.

    Args:
        factor: the strength of the penalty.
        mode: `"rows"` or `"columns"`: which vectors of the matrix are compared with each other.

    Raises:
        ValueError: for an unusable factor or mode; when called with anything but a matrix.

    >>> ef.regularizers.OrthogonalRegularizer(1.0)([[1.0, 0.0], [0.0, 5.0]]).round(4)
    Tensor(float32, 0.)
    >>> ef.regularizers.OrthogonalRegularizer(1.0)([[1.0, 0.0], [1.0, 1.0]]).round(4)
    Tensor(float32, 0.7071)
    """

    def __init__(self, factor: float = 0.01, mode: Literal["rows", "columns"] | str = "rows") -> None:
        self.factor = _checked(factor)
        if mode not in ("rows", "columns"):
            hint = did_you_mean(str(mode), ("rows", "columns"))
            raise ValueError(f"OrthogonalRegularizer(mode={mode!r}): expected 'rows' or 'columns'.{hint}")
        self.mode = mode

    def __call__(self, inputs: Any) -> Tensor:
        x = convert_to_tensor(inputs)
        if x.ndim != 2:
            raise ValueError(f"OrthogonalRegularizer penalizes matrices; got shape {x.shape}.")
        x = ops.normalize(x if self.mode == "rows" else ops.transpose(x), axis=1)
        n = x.shape[0]
        cosines = ops.matmul(x, ops.transpose(x)) * (1.0 - ops.eye(n, dtype=x.dtype))
        # The mean, for the sum may be beyond what a half float holds.
        return ops.mean(ops.absolute(cosines)) * (self.factor * n / (n - 1.0))


def _checked(value: Any) -> float:
    return factor(value, "factor", "OrthogonalRegularizer")
