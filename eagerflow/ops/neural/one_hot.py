"""Class numbers as vectors of zeros and ones."""

from __future__ import annotations

from typing import Any

from eagerflow.base.config import floatx
from eagerflow.base.errors import signature_of
from eagerflow.base.typing import DType, TensorLike
from eagerflow.core import observe
from eagerflow.core.device import namespace_of
from eagerflow.core.op import composite
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.ops.arrays.shape import expand_dims, moveaxis
from eagerflow.ops.elementwise.casting import cast
from eagerflow.ops.elementwise.comparison import equal
from eagerflow.ops.reduce.reductions import max

__all__ = ["multi_hot", "one_hot"]


def _whole(name: str, x: Tensor) -> Tensor:
    """Class numbers; floats that are whole numbers will do."""
    if x.dtype.kind in "iub":
        return x
    if x.dtype.kind != "f":
        raise TypeError(f"{name}: x: expected integers; got {signature_of(x)}.")
    whole = cast(x, "int64")
    if (whole.data != x.data).any():
        raise TypeError(f"{name}: x: expected integers; got {signature_of(x)} with fractions.")
    return whole


@composite
def one_hot(x: TensorLike, num_classes: int, axis: int = -1, dtype: DType = None, sparse: bool = False) -> Tensor:
    """One-hot vectors along a new axis: 1 at the index in `x`, 0 elsewhere.

    Args:
        x: integers, or floats that are whole numbers. Numbers outside of `0 ... num_classes - 1`, such as -1, give
            only zeros.
        num_classes: the length of the new axis.
        axis: the position of the new axis in the result.
        dtype: the type of the result; default: `floatx()`.
        sparse: accepted for compatibility with Keras; only False is possible.

    Raises:
        TypeError: when `x` isn't made of whole numbers.
        ValueError: for `sparse=True` and invalid axes.

    >>> ef.ops.one_hot([1, 0, -1], 3).tolist()
    [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """
    _refuse_sparse("one_hot", sparse)
    x = _whole("one_hot", convert_to_tensor(x))
    if num_classes < 0:
        raise ValueError(f"one_hot: num_classes={num_classes}: expected an integer of at least 0.")
    if not -x.ndim - 1 <= axis <= x.ndim:
        raise ValueError(f"one_hot: axis={axis}: expected -{x.ndim + 1} to {x.ndim} for x {signature_of(x)}.")
    classes = namespace_of(x.data).arange(num_classes)
    observe.fill(classes, "arange", num_classes)
    ones = cast(equal(expand_dims(x, -1), Tensor(classes, None, None)), floatx() if dtype is None else dtype)
    return ones if axis in (-1, x.ndim) else moveaxis(ones, -1, axis)


@composite
def multi_hot(
    inputs: TensorLike,
    num_classes: int | None = None,
    axis: int = -1,
    dtype: DType = None,
    sparse: bool = False,
    **kwargs: Any,
) -> Tensor:
    """Multi-hot vectors: ones at all the indices that `inputs` contains, zeros elsewhere.

    Args:
        inputs: integers, (batch, n) or (n,).
        num_classes: the length of the vectors.
        axis: the axis of `inputs` whose numbers make one vector.
        dtype: the type of the result; default: `floatx()`.
        sparse: accepted for compatibility with Keras; only False is possible.
        **kwargs: `num_tokens`, the older name of `num_classes`.

    Raises:
        TypeError: when `inputs` isn't made of integers.
        ValueError: without `num_classes`.

    >>> ef.ops.multi_hot([[0, 2], [1, 1]], 4).tolist()
    [[1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 0.0]]
    """
    num_classes = kwargs.pop("num_tokens", num_classes)
    if num_classes is None or kwargs:
        raise ValueError(f"multi_hot: num_classes: expected the number of classes; got {num_classes}, {kwargs}.")
    _refuse_sparse("multi_hot", sparse)
    inputs = convert_to_tensor(inputs)
    reduced = 1 if inputs.ndim > 1 else 0
    hot = one_hot(inputs, num_classes, axis, dtype)
    return max(hot, axis=reduced) if inputs.size else hot.sum(axis=reduced)


def _refuse_sparse(name: str, sparse: bool) -> None:
    if sparse:
        raise ValueError(f"{name}(sparse=True): there are no sparse tensors here; use sparse=False.")
