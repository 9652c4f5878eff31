"""Small conversions of labels and features, on NumPy arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy

from eagerflow.base.config import floatx
from eagerflow.base.errors import signature_of
from eagerflow.base.typing import ArrayOrTensor
from eagerflow.core.dtypes import as_dtype
from eagerflow.core.tensor import Tensor, convert_to_tensor

__all__ = ["normalize", "to_categorical"]


if TYPE_CHECKING:

    class Encoded(numpy.ndarray, Any):  # no overloads: of those, mypy doesn't say which argument is wrong
        """An array; of a tensor, a tensor."""
else:
    Encoded = Any


def to_categorical(x: Any, num_classes: int | None = None) -> Encoded:
    """Class numbers as one-hot rows.

    Args:
        x: integers from 0 to `num_classes - 1`, of any shape; a last axis of length 1 is dropped.
        num_classes: the number of columns; default: the largest number plus one.

    Returns:
        A NumPy array (a tensor for a tensor) of the shape of `x` with an axis of classes, of type `floatx()`.

    Raises:
        ValueError: for a number outside the classes, or one that isn't whole.

    >>> ef.data.to_categorical([0, 2], num_classes=3).tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    given = x.numpy() if isinstance(x, Tensor) else numpy.asarray(x)
    if given.dtype.kind not in "iubf":
        raise ValueError(
            f"to_categorical(x): expected class numbers; got {signature_of(given)}. Of names, "
            "np.unique(x, return_inverse=True)[1] gives the numbers."
        )
    labels = given.astype("int64")
    if (labels != given).any():
        odd = given[labels != given].flat[0]
        raise ValueError(f"to_categorical(x): class numbers must be whole; got {odd}.")
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    classes = _classes(labels, num_classes)
    out = numpy.zeros((*labels.shape, classes), as_dtype(floatx()))
    numpy.put_along_axis(out, labels[..., None], 1, axis=-1)
    encoded: Any = convert_to_tensor(out) if isinstance(x, Tensor) else out
    return encoded


def _classes(labels: numpy.ndarray, num_classes: int | None) -> int:
    if not labels.size:
        return num_classes or 0
    classes = int(labels.max()) + 1 if num_classes is None else int(num_classes)
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(
            f"to_categorical(num_classes={classes}): class numbers must be from 0 to {classes - 1}; "
            f"got {labels.min()} to {labels.max()}."
        )
    return classes


def normalize(x: ArrayOrTensor, axis: int = -1, order: int = 2) -> ArrayOrTensor:
    """Divides `x` by its norm along `axis`; vectors of zeros stay zeros.

    Args:
        x: an array, or a tensor.
        axis: the axis along which the vectors lie.
        order: the order of the norm: 2 for the Euclidean (L2) norm, 1 for the sum of absolute values.

    Returns:
        A NumPy array, or a tensor for a tensor.

    >>> ef.data.normalize([[3.0, 4.0]]).tolist()
    [[0.6, 0.8]]
    """
    array = x.numpy() if isinstance(x, Tensor) else numpy.asarray(x)
    norm = numpy.atleast_1d(numpy.linalg.norm(array, order, axis))
    norm[norm == 0] = 1
    out = array / numpy.expand_dims(norm, axis)
    return convert_to_tensor(out) if isinstance(x, Tensor) else out
