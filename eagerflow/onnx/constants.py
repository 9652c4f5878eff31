"""What doesn't depend on the inputs' values; some of it changes with their sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

from eagerflow.onnx.graph import Graph
from eagerflow.onnx.trace import Folded

__all__ = ["Constant", "equal", "expressed"]


class Constant:
    """What doesn't depend on the inputs' values, at each of the sizes that were run.

    Attributes:
        arrays: one per size.
        is_number: a Python number, which takes the type of what it meets.
        path: of the variable that it is, or "".
        origins: the op that made it at each size, or None.
    """

    def __init__(
        self, arrays: Sequence[Any], is_number: bool = False, path: str = "", origins: Sequence[Folded] | None = None
    ) -> None:
        self.arrays = [numpy.asarray(array) for array in arrays]
        self.is_number, self.path, self.origins = is_number, path, origins
        first = self.arrays[0]
        self.changes = any(a is not first and not equal(a, first) for a in self.arrays[1:])

    @property
    def array(self) -> Any:
        return self.arrays[0]


def equal(a: Any, b: Any) -> bool:
    """Whether two arrays have the same type, shape and numbers."""
    return a.shape == b.shape and a.dtype == b.dtype and bool(numpy.array_equal(a, b, equal_nan=a.dtype.kind in "fc"))


def expressed(graph: Graph, constant: Constant) -> str | None:
    """The name of an array that changes with the size: all numbers equal, in equal steps along one axis, or lengths.

    None where it is something else, or its shape follows from no shape known.
    """
    arrays = constant.arrays
    if len({array.ndim for array in arrays}) > 1:
        return None
    shape = list(zip(*[array.shape for array in arrays]))
    first = arrays[0].reshape(-1)[:1]
    if first.size and all(array.size and bool((array == first).all()) for array in arrays):
        return _expanded(graph, graph.constant(first.reshape(())), shape)
    return _in_steps(graph, arrays, shape) or _of_lengths(graph, arrays)


def _of_lengths(graph: Graph, arrays: Sequence[Any]) -> str | None:
    """A few integers that follow from lengths, such as a shape."""
    first = arrays[0]
    if first.dtype.kind not in "iu" or first.ndim > 1 or not 0 < first.size <= 16:
        return None
    if len({array.shape for array in arrays}) > 1:
        return None
    name = graph.shape(list(zip(*[array.reshape(-1).tolist() for array in arrays])))
    if name is None:
        return None
    if first.dtype != numpy.int64:
        name = str(graph.node("Cast", [name], to=first.dtype))
    return name if first.ndim else str(graph.node("Squeeze", [name, graph.integers([0])]))


def _expanded(graph: Graph, name: str, shape: Sequence[Any]) -> str | None:
    lengths = graph.shape(shape)
    return None if lengths is None else str(graph.node("Expand", [name, lengths]))


def _in_steps(graph: Graph, arrays: Sequence[Any], shape: Sequence[Any]) -> str | None:
    axes = [axis for axis, lengths in enumerate(shape) if len(set(lengths)) > 1]
    if len(axes) != 1 or arrays[0].dtype.kind not in "iuf":
        return None
    axis, longest = axes[0], max(arrays, key=lambda array: array.shape[axes[0]])
    line = numpy.moveaxis(longest, axis, 0).reshape(longest.shape[axis], -1)[:, 0]
    if len(line) < 2:
        return None
    start, step = line[0], line[1] - line[0]
    for array in arrays:
        want = start + step * numpy.arange(array.shape[axis], dtype=array.dtype)
        want = want.reshape([-1 if i == axis else 1 for i in range(array.ndim)])
        if not numpy.array_equal(array, numpy.broadcast_to(want, array.shape)):
            return None
    length = graph.length(shape[axis])
    if length is None:
        return None
    count = graph.node("Squeeze", [length, graph.integers([0])])
    zero, one = (graph.constant(numpy.int64(i)) for i in (0, 1))
    found = graph.node("Range", [zero, count, one])
    if longest.dtype != numpy.int64:
        found = graph.node("Cast", [found], to=longest.dtype)
    for kind, number in (("Mul", step), ("Add", start)):
        if number != (kind == "Mul"):
            found = graph.node(kind, [found, graph.constant(numpy.asarray(number, longest.dtype))])
    places = [-1 if i == axis else 1 for i in range(longest.ndim)]
    found = graph.node("Reshape", [found, graph.integers(places)]) if longest.ndim > 1 else found
    same = [n for i, n in enumerate(shape) if i != axis]
    return str(found) if all(set(n) == {1} for n in same) else _expanded(graph, found, shape)
