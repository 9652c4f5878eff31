"""One data set made into two, such as for training and for testing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy

from eagerflow.core.random import default_seed, generator
from eagerflow.core.tensor import Tensor
from eagerflow.data.arrays import check_lengths
from eagerflow.data.dataset import Dataset

__all__ = ["split_dataset"]


def split_dataset(
    dataset: Any,
    left_size: float | None = None,
    right_size: float | None = None,
    shuffle: bool = False,
    seed: int | None = None,
    preferred_backend: str | None = None,
) -> tuple[Dataset, Dataset]:
    """Splits a data set in two: its first elements, and its last ones.

    Args:
        dataset: an array or tensor; a tuple, list or dict of them with equal numbers of rows; or a
            `data.Dataset` or any other iterable with an end, whose elements are then read once.
        left_size: the number of elements in the first part, or a fraction of all; default: those not in the second
            part.
        right_size: the same for the second part.
        shuffle: whether to put the elements into random order first.
        seed: the seed of that order.
        preferred_backend: accepted for Keras' signature; changes nothing.

    Returns:
        Two `data.Dataset`s.

    Raises:
        TypeError: for sizes that are no numbers, and data that can't be split.
        ValueError: for sizes that leave nothing, or take more than there is.

    >>> left, right = ef.utils.split_dataset(np.arange(5), left_size=0.6)
    >>> [int(x) for x in left], [int(x) for x in right]
    ([0, 1, 2], [3, 4])
    """
    if left_size is None and right_size is None:
        raise ValueError("split_dataset: pass left_size, right_size, or both.")
    whole = _elements(dataset)
    order = numpy.arange(len(whole))
    if shuffle:
        order = generator((default_seed() if seed is None else int(seed), 0)).permutation(order)
    left, right = _sizes(left_size, right_size, len(whole))
    return _chosen(whole, order[:left]), _chosen(whole, order[len(order) - right :])


class _Rows:
    """The rows of arrays, by number."""

    def __init__(self, arrays: Any, length: int) -> None:
        self.arrays = arrays
        self.length = length

    def __len__(self) -> int:
        return self.length


def _elements(dataset: Any) -> Any:
    """Rows of arrays, or a list of the elements."""
    if isinstance(dataset, (Tensor, numpy.ndarray)):
        return _Rows(dataset, check_lengths(dataset=dataset))
    if isinstance(dataset, Mapping) or (isinstance(dataset, (list, tuple)) and _all_arrays(dataset)):
        arrays = dict(dataset) if isinstance(dataset, Mapping) else tuple(dataset)
        return _Rows(arrays, check_lengths(dataset=arrays))
    if not hasattr(dataset, "__iter__") and hasattr(dataset, "__getitem__") and hasattr(dataset, "__len__"):
        return [dataset[i] for i in range(len(dataset))]  # by number, as PyTorch's data sets
    if isinstance(dataset, (str, bytes)) or not hasattr(dataset, "__iter__"):
        raise TypeError(
            f"split_dataset(dataset): expected arrays, a Dataset or another iterable; got {type(dataset).__name__}."
        )
    if isinstance(dataset, Dataset) and dataset.cardinality() == -1:
        raise ValueError("split_dataset(dataset): this Dataset has no end; take(n) gives a finite one.")
    return list(dataset)


def _all_arrays(parts: Any) -> bool:
    return bool(parts) and all(isinstance(part, (Tensor, numpy.ndarray)) for part in parts)


def _chosen(whole: Any, order: numpy.ndarray) -> Dataset:
    if isinstance(whole, list):
        elements = [whole[i] for i in order]
        return Dataset.from_generator(lambda: elements, len(elements))
    if isinstance(whole.arrays, dict):
        return Dataset.from_tensor_slices({k: _taken(a, order) for k, a in whole.arrays.items()})
    if isinstance(whole.arrays, tuple):
        return Dataset.from_tensor_slices(tuple(_taken(a, order) for a in whole.arrays))
    return Dataset.from_tensor_slices(_taken(whole.arrays, order))


def _taken(array: Any, order: numpy.ndarray) -> numpy.ndarray:
    rows: numpy.ndarray = numpy.asarray(array.numpy() if isinstance(array, Tensor) else array)[order]
    return rows


def _sizes(left: Any, right: Any, total: int) -> tuple[int, int]:
    sizes = {"left_size": left, "right_size": right}
    counts = {name: _count(name, size, total) for name, size in sizes.items() if size is not None}
    if isinstance(left, float) and isinstance(right, float) and left + right > 1:
        raise ValueError(f"split_dataset(left_size={left}, right_size={right}): the fractions exceed 1.")
    first = counts.get("left_size", total - counts.get("right_size", 0))
    last = counts.get("right_size", total - first)
    if first + last > total:
        raise ValueError(
            f"split_dataset(left_size={left}, right_size={right}): {first} and {last} elements are more than {total}."
        )
    if not first or not last:
        side = "right" if first else "left"
        raise ValueError(
            f"split_dataset(left_size={left}, right_size={right}): nothing of {total} elements is left for the "
            f"{side} side."
        )
    return first, last


def _count(name: str, size: Any, total: int) -> int:
    if isinstance(size, bool) or not isinstance(size, (int, float, numpy.integer, numpy.floating)):
        raise TypeError(f"split_dataset({name}={size!r:.60}): expected a number of elements, or a fraction.")
    if isinstance(size, (int, numpy.integer)) and 0 < size < total:
        return int(size)
    if isinstance(size, (float, numpy.floating)) and 0 < size < 1:
        return round(size * total)
    raise ValueError(
        f"split_dataset({name}={size}): expected an integer from 1 to {total - 1}, or a fraction between 0.0 and 1.0; "
        f"there are {total} elements."
    )
