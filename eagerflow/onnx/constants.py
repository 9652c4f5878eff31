"""What doesn't depend on the inputs' values; some of it changes with their sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

from eagerflow.core.dtypes import as_dtype
from eagerflow.onnx.graph import Graph
from eagerflow.onnx.trace import Folded

__all__ = ["Constant", "equal", "expressed", "stored"]


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
        given = [numpy.asarray(array) for array in arrays]
        self.arrays = [array.astype(stored(array.dtype), copy=False) for array in given]
        self.is_number, self.path, self.origins = is_number, path, origins
        first = self.arrays[0]
        self.changes = any(a is not first and not equal(a, first) for a in self.arrays[1:])

    @property
    def array(self) -> Any:
        return self.arrays[0]


def stored(dtype: Any) -> Any:
    """The type that something has in a file: bfloat16 is computed as float32, for few runtimes know more of it."""
    found = as_dtype(dtype)
    return numpy.dtype("float32") if found.name == "bfloat16" else found


def equal(a: Any, b: Any) -> bool:
    """Whether two arrays have the same type, shape and numbers."""
    return a.shape == b.shape and a.dtype == b.dtype and bool(numpy.array_equal(a, b, equal_nan=a.dtype.kind in "fc"))


def expressed(graph: Graph, constant: Constant) -> str | None:
    """The name of an array that changes with the size, where its numbers follow from that.

    They are all equal (and the same at all sizes, or a length, its root, or one divided by that), in equal steps along
    one axis, two numbers of which one fills a triangle or a diagonal, or the weights by which images are resized. None
    where it is something else, or its shape follows from no shape known.
    """
    arrays = constant.arrays
    if len({array.ndim for array in arrays}) > 1:
        return None
    shape = list(zip(*[array.shape for array in arrays]))
    if all(array.size and bool((array == array.reshape(-1)[0]).all()) for array in arrays):
        found = _number(graph, [array.reshape(-1)[0] for array in arrays])
        return found if found is None or not shape else _expanded(graph, found, shape)
    return _in_steps(graph, arrays, shape) or _triangle(graph, arrays, shape) or _resizing(graph, arrays, shape)


def _number(graph: Graph, values: Sequence[Any]) -> str | None:
    """A number: the same at all sizes, or one that follows from a length."""
    if len(set(values)) == 1:
        return graph.constant(numpy.asarray(values[0]))
    dtype = values[0].dtype
    for power in (1, -1, 2, -2) if dtype.kind == "f" else (1,):
        with numpy.errstate(all="ignore"):
            raised = numpy.array(values, "float64") ** power
        whole = numpy.rint(raised)
        if not (numpy.isfinite(raised).all() and (abs(raised - whole) <= 1e-6 * abs(whole)).all()):
            continue
        name = graph.length(tuple([int(n) for n in whole]))
        if name is None:
            continue
        name = graph.node("Cast", [graph.node("Squeeze", [name, graph.integers([0])])], to=dtype)
        name = graph.node("Sqrt", [name]) if abs(power) == 2 else name
        one = graph.constant(numpy.ones((), dtype))
        return str(graph.node("Div", [one, name])) if power < 0 else str(name)
    return None


def _triangle(graph: Graph, arrays: Sequence[Any], shape: Sequence[Any]) -> str | None:
    """One number where the row's place is at least (or exactly) so far behind the column's, another elsewhere."""
    if len(shape) < 2 or any(set(n) != {1} for n in shape[:-2]) or any(array.size < 4 for array in arrays):
        return None
    planes = [array.reshape(array.shape[-2:]) for array in arrays]
    apart = [numpy.subtract.outer(*map(numpy.arange, plane.shape)) for plane in planes]
    for kind, compare in (("GreaterOrEqual", numpy.greater_equal), ("Equal", numpy.equal)):
        other = planes[0][0, -1]
        inside = planes[0] != other
        if not inside.any():
            continue
        least, value = int(apart[0][inside].min()), planes[0][inside][0]
        if all(numpy.array_equal(p, numpy.where(compare(a, least), value, other)) for p, a in zip(planes, apart)):
            return _compared_places(graph, shape, kind, least, (value, other))
    return None


def _compared_places(graph: Graph, shape: Sequence[Any], kind: str, least: int, values: tuple[Any, Any]) -> str | None:
    places = []
    for lengths in shape[-2:]:
        name = graph.length(lengths)
        if name is None:
            return None
        zero, one = (graph.constant(numpy.int64(i)) for i in (0, 1))
        places.append(graph.node("Range", [zero, graph.node("Squeeze", [name, graph.integers([0])]), one]))
    rows = graph.node("Unsqueeze", [places[0], graph.integers([1])])
    found = graph.node(kind, [graph.node("Sub", [rows, places[1]]), graph.constant(numpy.int64(least))])
    if values[0].dtype.kind == "b":
        found = found if values[0] else graph.node("Not", [found])
    else:
        found = graph.node("Where", [found, *[graph.constant(numpy.asarray(value)) for value in values]])
    ahead = list(range(len(shape) - 2))
    return str(graph.node("Unsqueeze", [found, graph.integers(ahead)]) if ahead else found)


def _bilinear(before: int, after: int) -> Any:
    """What each of the places after resizing takes of those before."""
    at = (numpy.arange(after) + 0.5) * (before / after) - 0.5
    shares = numpy.maximum(1 - abs(at - numpy.arange(before)[:, None]), 0)
    return shares / shares.sum(0)


def _resizing(graph: Graph, arrays: Sequence[Any], shape: Sequence[Any]) -> str | None:
    """The matrix of weights of a bilinear resizing along one axis; computed in float64, as positions grow large."""
    if len(shape) != 2 or arrays[0].dtype.kind != "f":
        return None
    if not all(numpy.allclose(array, _bilinear(*array.shape), rtol=0, atol=1e-6) for array in arrays):
        return None
    names = [graph.length(lengths) for lengths in shape]
    zero, one = (graph.constant(numpy.int64(i)) for i in (0, 1))
    counts, places = [], []
    for name in names:
        if name is None:
            return None
        count = graph.node("Squeeze", [name, graph.integers([0])])
        counts.append(graph.node("Cast", [count], to=numpy.dtype("float64")))
        places.append(graph.node("Cast", [graph.node("Range", [zero, count, one])], to=numpy.dtype("float64")))
    half, unit = (graph.constant(numpy.float64(x)) for x in (0.5, 1.0))
    at = graph.node("Mul", [graph.node("Add", [places[1], half]), graph.node("Div", counts)])
    rows = graph.node("Unsqueeze", [places[0], graph.integers([1])])
    apart = graph.node("Abs", [graph.node("Sub", [graph.node("Sub", [at, half]), rows])])
    shares = graph.node("Max", [graph.node("Sub", [unit, apart]), graph.constant(numpy.float64(0))])
    found = graph.node("Div", [shares, graph.node("ReduceSum", [shares, graph.integers([0])], keepdims=1)])
    return str(graph.node("Cast", [found], to=arrays[0].dtype))


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
