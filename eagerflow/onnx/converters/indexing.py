"""Indexing: what is taken from places."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy

from eagerflow.onnx.call import Call
from eagerflow.onnx.constants import Constant
from eagerflow.onnx.graph import Lengths, Value

__all__ = ["CONVERTERS"]

_FAR = 2**31 - 1  # beyond the end of any axis
Index = tuple[Any, ...]


def _gather(c: Call) -> None:
    axis = int(c.setting("axis") or 0)
    indices = c.value("indices")
    kind = indices.dtype if indices.dtype in (numpy.int32, numpy.int64) else numpy.dtype("int64")
    c.give(c.graph.node("Gather", [c.name("x"), c.cast(c.last(indices), indices.dtype, kind)], axis=axis))


def _of_class(c: Call) -> None:
    target, last = c.value("target"), c.graph.integers([-1])
    labels = c.graph.node("Unsqueeze", [c.cast(c.last(target), target.dtype, numpy.dtype("int64")), last])
    c.give(c.graph.node("Squeeze", [c.graph.node("GatherElements", [c.name("output"), labels], axis=-1), last]))


class _Slices:
    """An index of numbers, slices, None and ..., parsed."""

    def __init__(self, c: Call, rank: int) -> None:
        self.call, self.rank = c, rank
        self.starts: list[Any] = []
        self.ends: list[Any] = []
        self.axes: list[int] = []
        self.steps: list[int] = []
        self.squeezed: list[int] = []
        self.added: list[int] = []

    def read(self, indices: list[tuple[Any, ...]]) -> None:
        """`indices`: the index at each size, numbers, slices and None."""
        axis = made = 0
        for place, part in enumerate(indices[0]):
            parts = [index[place] for index in indices]
            if part is None:
                self.added.append(made)
                made += 1
            elif isinstance(part, slice):
                self._slice(parts, axis)
                axis, made = axis + 1, made + 1
            else:
                self._number(parts, axis)
                axis += 1

    def cut(self, name: str, moved: Value | None) -> str:
        """The slices of a value; `moved`: the name is of this value with the channels first."""
        if not self.axes:
            return name
        g = self.call.graph
        joined = [
            names[0] if len(names) == 1 else g.node("Concat", names, axis=0) for names in (self.starts, self.ends)
        ]
        axes = self.axes if moved is None else [moved.moved(axis) for axis in self.axes]
        return str(g.node("Slice", [name, *joined, g.integers(axes), g.integers(self.steps)]))

    def _slice(self, parts: list[slice], axis: int) -> None:
        step = parts[0].step or 1
        if all(part == slice(None) for part in parts):
            return
        down = step < 0
        start = [_FAR if down and p.start is None else p.start or 0 for p in parts]
        end = [(-_FAR if down else _FAR) if p.stop is None else p.stop for p in parts]
        self._add(start, end, axis, step)

    def _number(self, parts: list[Any], axis: int) -> None:
        ends = [_FAR if part == -1 else part + 1 for part in parts]
        self._add(parts, ends, axis, 1)
        self.squeezed.append(axis)

    def _add(self, start: list[Any], end: list[Any], axis: int, step: int) -> None:
        for found, given in ((self.starts, start), (self.ends, end)):
            name = self.call.graph.length(tuple(int(x) for x in given))
            if name is None:
                self.call.refuse("it slices at a place that follows from no shape known here")
            found.append(name)
        self.axes.append(axis)
        self.steps.append(step)


# ---------------------------------------------------------------------- taking


def _take_index(c: Call) -> None:
    x, g = c.value("x"), c.graph
    indices = _indices(c, x.rank)
    if any(_is_array(part) for part in indices[0]):
        _take_places(c, x, indices)
        return
    read = _Slices(c, x.rank)
    read.read(indices)
    first = x.is_first and not read.squeezed and not read.added
    name = read.cut(g.first(x) if first else c.last(x), x if first else None)
    if read.squeezed:
        name = g.node("Squeeze", [name, g.integers(read.squeezed)])
    if read.added:
        name = g.node("Unsqueeze", [name, g.integers(read.added)])
    c.give(name if name not in (x.last, x.first) else g.node("Identity", [name]), first=first)


def _indices(c: Call, rank: int) -> list[Index]:
    """The index at each size, one part for each axis (and None for new ones)."""
    found = []
    for index in c.settings("index"):
        parts = list(index) if isinstance(index, tuple) else [index]
        real = sum(part is not None and part is not Ellipsis for part in parts)
        places = [i for i, part in enumerate(parts) if part is Ellipsis] or [len(parts)]
        parts[places[0] : places[0] + 1] = [slice(None)] * (rank - real)
        found.append(tuple(parts))
    if len({tuple(map(type, index)) for index in found}) > 1 or len(found[0]) < rank:
        c.refuse("its index changes with the size of the inputs")
    return found


def _is_array(part: Any) -> bool:
    return isinstance(part, bool) or not (part is None or isinstance(part, (slice, int, numpy.integer)))


def _take_places(c: Call, x: Value, indices: list[Index]) -> None:
    """Arrays among the parts: `Gather` along one axis, `GatherElements`, or `GatherND`."""
    index, g = indices[0], c.graph
    axes = [axis for axis, part in enumerate(index) if not isinstance(part, slice)]
    operands = _operands(c, indices, axes)
    others = [index[i] for i in range(len(index)) if i not in axes]
    if all(part == slice(None) for part in others) and len(axes) == 1 and operands[0].rank == 1 and x.is_first:
        c.give(g.node("Gather", [g.first(x), g.last(operands[0])], axis=x.moved(axes[0])), first=True)
        return
    if len(axes) == x.rank and _elementwise(c, index, x):
        return
    read = _Slices(c, x.rank)
    read.read([tuple([part if isinstance(part, slice) else slice(None) for part in each]) for each in indices])
    name = read.cut(c.last(x), None)
    if len(axes) == 1:
        c.give(g.node("Gather", [name, g.last(operands[0])], axis=axes[0]))
        return
    apart, rank = _places_of(c, x.rank, axes, operands, c.outputs[0].shape)
    found = g.node("GatherND", [_turned(c, name, apart.front), apart.name])
    c.give(_turned(c, found, apart.back(rank)))


def _elementwise(c: Call, index: Index, x: Value) -> bool:
    """`take_along_axis`: one computed place for each element, and all positions along the other axes."""
    computed = [(axis, found) for axis, part in enumerate(index) if (found := c.computed(part)) is not None]
    if len(computed) != 1:
        return False
    axis, found = computed[0]
    others = [part for i, part in enumerate(index) if i != axis]
    if found.rank != x.rank or found.shape != c.outputs[0].shape or not all(map(_counts, others)):
        return False
    if any(found.shape[i] != x.shape[i] for i in range(x.rank) if i != axis):
        return False
    c.give(c.graph.node("GatherElements", [c.last(x), _as_places(c, found)], axis=axis))
    return True


def _counts(part: Any) -> bool:
    """Whether an index goes through an axis from one end to the other."""
    return isinstance(part, numpy.ndarray) and numpy.array_equal(part.reshape(-1), numpy.arange(part.size))


def _as_places(c: Call, found: Value) -> str:
    if found.dtype.kind not in "iu":
        c.refuse("indexing by a tensor of bools gives a length that depends on values; use ops.where")
    return c.cast(c.graph.last(found), found.dtype, numpy.int64)


def _operands(c: Call, indices: list[Index], axes: Sequence[int]) -> list[Value]:
    """The parts at some axes as values of int64."""
    found = []
    for axis in axes:
        part = indices[0][axis]
        if part is None:
            c.refuse("indexing by tensors and None at once has no ONNX form here; use ops.expand_dims")
        value = c.computed(part)
        if value is None:
            arrays = [numpy.asarray(index[axis]) for index in indices]
            if arrays[0].dtype.kind not in "iu":
                c.refuse("indexing by bools gives a length that depends on values; use ops.where")
            name = c.last(Constant([array.astype("int64") for array in arrays]))
            value = Value(list(zip(*[array.shape for array in arrays])), numpy.int64, name)
        found.append(Value(value.shape, numpy.int64, _as_places(c, value)))
    return found


class _Places:
    """Places along some axes, as `GatherND` takes them: those axes come first.

    Attributes:
        name: the name of the places, (..., how many axes).
        axes: which they are.
        front: the order of the axes of what is indexed, with those first.
    """

    def __init__(self, name: str, rank: int, axes: Sequence[int]) -> None:
        self.name, self.axes = name, list(axes)
        self.others = [axis for axis in range(rank) if axis not in axes]
        self.front = [*self.axes, *self.others]
        together = self.axes == list(range(self.axes[0], self.axes[0] + len(self.axes)))
        self.ahead = self.axes[0] if together else 0  # how many other axes stand before them in the result

    def back(self, rank: int) -> list[int]:
        """The order of axes that makes NumPy's result of one whose first `rank` axes are those of the places."""
        others = list(range(rank, rank + len(self.others)))
        return [*others[: self.ahead], *range(rank), *others[self.ahead :]]


def _places_of(
    c: Call, rank: int, axes: Sequence[int], operands: Sequence[Value], shape: Sequence[Lengths]
) -> tuple[_Places, int]:
    """Places by one array for each axis, spread to one shape, which lies in `shape`; and the rank of that."""
    g, made = c.graph, _Places("", rank, axes)
    most = max([each.rank for each in operands])
    spread = g.shape(shape[made.ahead : made.ahead + most])
    if spread is None:
        c.refuse("it indexes in a shape that follows from no shape known here")
    last = g.integers([most])
    names = [g.node("Unsqueeze", [g.node("Expand", [g.last(each), spread]), last]) for each in operands]
    made.name = names[0] if len(names) == 1 else g.node("Concat", names, axis=most)
    return made, most


def _turned(c: Call, name: str, order: list[int]) -> str:
    return name if order == sorted(order) else str(c.graph.node("Transpose", [name], perm=order))


CONVERTERS: dict[str, Callable[[Call], None]] = {"gather": _gather, "of_class": _of_class, "take_index": _take_index}
