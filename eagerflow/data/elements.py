"""Elements of data sets: of arrays and Python values, stacked to batches, drawn in random order."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy

from eagerflow.base import tree
from eagerflow.base.config import floatx
from eagerflow.core.device import to_host
from eagerflow.core.dtypes import as_dtype
from eagerflow.core.tensor import Tensor
from eagerflow.data.text import text_tensor
from eagerflow.layer.symbolic.text_type import is_text

__all__ = ["drawn", "element_of", "host_arrays", "stacked", "wrapped"]


def host_arrays(tensors: Any) -> Any:
    """A structure of NumPy arrays of what `from_tensor_slices` takes."""
    if isinstance(tensors, Mapping):
        return {k: host_arrays(v) for k, v in tensors.items()}
    if isinstance(tensors, tuple):
        return tuple([host_arrays(v) for v in tensors])
    try:
        array = numpy.asarray(to_host(tensors.data) if isinstance(tensors, Tensor) else tensors)
    except ValueError:
        shapes = ", ".join([str(_shape_of(part)) for part in tensors[:3]])
        raise ValueError(
            f"from_tensor_slices: a list is one array, and its parts have different shapes ({shapes}, ...). Several "
            "arrays go into a tuple: from_tensor_slices((x, y)). Rows of unequal lengths need from_generator."
        ) from None
    if array.dtype == "float64" and _is_of_python(tensors):
        return array.astype(as_dtype(floatx()))  # as in a tensor
    return _of_objects(array) if array.dtype.kind in "OUST" else array


def _is_of_python(value: Any) -> bool:
    """Whether a nested list begins with a number of Python's."""
    while isinstance(value, (list, tuple)) and len(value):
        value = value[0]
    return type(value) in (int, float)


def _shape_of(part: Any) -> tuple[int, ...]:
    """The shape of a part of a list, as far as it has one."""
    shape = getattr(part, "shape", None)
    return (len(part),) if shape is None and hasattr(part, "__len__") else tuple(shape or ())


def _of_objects(array: Any) -> Any:
    """An array of Python objects, such as a column of a table: of text or of numbers."""
    if any(isinstance(x, (str, bytes)) for x in array.reshape(-1).tolist()):
        return numpy.asarray(text_tensor(array))  # rows become tensors when they are taken
    return numpy.array(array.tolist()) if array.size else array


def element_of(value: Any) -> Any:
    """A structure of tensors of what a generator or a function gives."""
    if isinstance(value, (tuple, list)):
        return tuple([element_of(v) for v in value])
    if isinstance(value, Mapping):
        return {k: element_of(v) for k, v in value.items()}
    return (
        value if isinstance(value, Tensor) or value is None else wrapped(numpy.array(value))
    )  # not its giver's memory


def wrapped(array: Any) -> Any:
    """A tensor that shares the memory; text is a tensor of its own kind."""
    array = numpy.asanyarray(array)
    return text_tensor(array) if is_text(array) else Tensor(numpy.asarray(array), None, None)


def stacked(elements: Iterator[Any], size: int, drop_remainder: bool) -> Iterator[Any]:
    """Batches of elements."""
    while group := list(itertools.islice(elements, size)):
        if len(group) < size and drop_remainder:
            return
        yield tree.map_structure(_stack, *group)


def _stack(*parts: Any) -> Any:
    arrays = [to_host(p.data) if isinstance(p, Tensor) else p for p in parts]
    shapes = list(dict.fromkeys(numpy.shape(array) for array in arrays))
    if len(shapes) > 1:
        raise ValueError(
            f"batch: the elements have different shapes, {shapes[0]} and {shapes[1]}. Fill them up with "
            f"padded_batch({len(arrays)}), or give them one shape by map."
        )
    return wrapped(numpy.stack(arrays))


def drawn(elements: Iterator[Any], size: int, rng: numpy.random.Generator) -> Iterator[Any]:
    """The elements in the order in which they are drawn from a buffer."""
    buffer = list(itertools.islice(elements, size))
    for element in elements:
        i = int(rng.integers(len(buffer)))
        yield buffer[i]
        buffer[i] = element
    for i in rng.permutation(len(buffer)):
        yield buffer[i]
