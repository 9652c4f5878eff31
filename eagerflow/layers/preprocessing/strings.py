"""Text as arrays of `str`, and passes over the data that a layer adapts to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import numpy

from eagerflow.base.errors import signature_of
from eagerflow.core.device import to_host
from eagerflow.core.tensor import Tensor
from eagerflow.layer.input_spec import describe

__all__ = ["as_text", "batches", "is_one_array"]


def as_text(layer: Any, inputs: Any, encoding: str = "utf-8") -> numpy.ndarray:
    """Strings, nested lists of them, or arrays of them, as an array of Python's `str`.

    Raises:
        TypeError: for anything but text, naming the layer.
        ValueError: for lists of unequal lengths.
    """
    try:
        array = numpy.asarray(to_host(inputs.data) if isinstance(inputs, Tensor) else inputs)
    except ValueError as error:
        raise ValueError(f"{describe(layer)}: lists of strings need equal lengths: {error}.") from None
    if array.dtype.kind == "U" or not array.size:
        return array.astype(object)
    if array.dtype.kind not in "OST":
        raise TypeError(f"{describe(layer)}: expected strings (a list or a NumPy array); got {signature_of(inputs)}.")
    texts = [_decoded(layer, x, encoding) for x in array.reshape(-1).tolist()]
    return _objects(texts).reshape(array.shape)


def _decoded(layer: Any, x: Any, encoding: str) -> str:
    if isinstance(x, bytes):
        return x.decode(encoding)
    if isinstance(x, str):
        return x
    raise TypeError(f"{describe(layer)}: expected strings; got {type(x).__name__} {x!r:.80}.")


def _objects(values: list[Any]) -> numpy.ndarray:
    array = numpy.empty(len(values), object)
    array[:] = values
    return array


def is_one_array(data: Any) -> bool:
    """Whether `adapt` got all data at once, rather than batches."""
    return isinstance(data, (Tensor, numpy.ndarray, list, tuple, str)) or hasattr(data, "__array__")


def batches(data: Iterable[Any], steps: int | None = None) -> Iterator[Any]:
    """The inputs in each batch of a data set, generator or list; of `(x, y)` only x.

    Args:
        data: what gives batches. Examples that a `Dataset` gives one by one are batched first.
        steps: how many batches to take; None for all.
    """
    if not hasattr(data, "__iter__"):  # a PyDataset
        data = [data[i] for i in range(len(data))]  # type: ignore[arg-type,index]
    for batch in islice(data, steps):
        x = batch[0] if isinstance(batch, tuple) else batch
        yield to_host(x.data) if isinstance(x, Tensor) else x
