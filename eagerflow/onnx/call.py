"""One op to be expressed: what converters are given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import numpy

from eagerflow.core.tensor import Tensor
from eagerflow.onnx.graph import Graph, Value
from eagerflow.onnx.trace import ExportError, Step

__all__ = ["Call", "Constant", "Operand"]


class Constant:
    """What doesn't depend on the inputs' values, at each of the sizes that were run.

    Attributes:
        arrays: one per size.
        is_number: a Python number, which takes the type of what it meets.
        path: of the variable that it is, or "".
    """

    def __init__(self, arrays: Sequence[Any], is_number: bool = False, path: str = "") -> None:
        self.arrays = [numpy.asarray(array) for array in arrays]
        self.is_number, self.path = is_number, path
        first = self.arrays[0]
        self.changes = any(a is not first and not _equal(a, first) for a in self.arrays[1:])

    @property
    def array(self) -> Any:
        return self.arrays[0]


def _same(a: Any, b: Any) -> bool:
    """Whether two settings are the same."""
    if isinstance(a, (tuple, list)) and isinstance(b, (tuple, list)):
        return len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, numpy.ndarray) or isinstance(b, numpy.ndarray):
        return _equal(numpy.asarray(a), numpy.asarray(b))
    return bool(a is b or a == b)


def _equal(a: Any, b: Any) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and bool(numpy.array_equal(a, b, equal_nan=a.dtype.kind in "fc"))


# What stands for an argument: a list for ops on sequences.
Operand = Value | Constant | None


class Call:
    """One op.

    Attributes:
        graph: where its nodes go.
        inputs: by parameter.
        outputs: values without names, to be given names.
        rank: of its first input.
    """

    def __init__(
        self,
        graph: Graph,
        steps: Sequence[Step],
        inputs: dict[str, Any],
        outputs: list[Value],
        values: Mapping[int, Value],
    ) -> None:
        self.graph, self.inputs, self.outputs, self._values = graph, inputs, outputs, values
        self._steps = steps
        self.op = steps[0].op

    def refuse(self, why: str) -> NoReturn:
        """Raise an `ExportError` that names layer, line and op."""
        raise ExportError(f"{self._steps[0].where()}: {why}")

    # ------------------------------------------------------------------ settings

    def settings(self, name: str) -> list[Any]:
        """A setting at each size."""
        place = self.op.settings.index(name)
        return [step.settings[place] for step in self._steps]

    def setting(self, name: str) -> Any:
        """A setting, which must be the same at all sizes."""
        found = self.settings(name)
        if not all(_same(each, found[0]) for each in found[1:]):
            self.refuse(f"its {name} changes with the size of the inputs")
        return found[0]

    def computed(self, part: Any) -> Value | None:
        """What an array in a setting was computed from the inputs as; None for anything else."""
        return self._values.get(id(part)) if isinstance(part, numpy.ndarray) else None

    # ------------------------------------------------------------------ inputs

    def value(self, name: str) -> Value:
        """An input that depends on the model's inputs, or is made to be one."""
        found = self.inputs[name]
        if isinstance(found, Value):
            return found
        if found is None:
            self.refuse(f"it needs its argument {name!r}")
        shape = list(zip(*[array.shape for array in found.arrays]))
        return Value(shape, found.array.dtype, self.last(found))

    def array(self, name: str) -> Any:
        """The array that an input was, at the first of the sizes."""
        x = self._steps[0].inputs[self.op.arrays.index(name)]
        return x.data if isinstance(x, Tensor) else numpy.asarray(x)

    def known(self, name: str) -> Any:
        """The array of an input that is a constant at all sizes; refuses others."""
        found = self.inputs[name]
        if not isinstance(found, Constant) or found.changes:
            self.refuse(f"its argument {name!r} depends on the inputs, which ONNX doesn't take there")
        return found.array

    def is_known(self, *names: str) -> bool:
        """Whether these inputs are constants (or missing)."""
        given = [self.inputs[name] for name in names]
        return all(x is None or (isinstance(x, Constant) and not x.changes) for x in given)

    def last(self, operand: Operand, dtype: Any = None) -> str:
        """The name of an input with the channels last, as `dtype`; "" for a missing one."""
        if operand is None:
            return ""
        if isinstance(operand, Value):
            return self.cast(self.graph.last(operand), operand.dtype, dtype)
        if operand.changes:
            return self.cast(self._changing(operand), operand.array.dtype, dtype)
        array = operand.array if dtype is None else operand.array.astype(dtype)
        named = operand.path if array.dtype == operand.array.dtype else ""
        if named and named in self.graph.constants:
            return named
        return self.graph.constant(array, named)

    def name(self, parameter: str, dtype: Any = None) -> str:
        """`last` of the input of this name."""
        return self.last(self.inputs[parameter], dtype)

    def cast(self, name: str, dtype: Any, wanted: Any) -> str:
        """A name as another type."""
        if wanted is None or numpy.dtype(wanted) == numpy.dtype(dtype):
            return name
        return str(self.graph.node("Cast", [name], to=numpy.dtype(wanted)))

    def together(self, operands: Sequence[Operand], dtype: Any) -> tuple[list[str], bool]:
        """Names of what is combined element by element, and whether they have the channels first.

        They have where the last node left the channels there and all others can follow.
        """
        values = [x for x in operands if isinstance(x, Value)]
        rank = max([v.rank for v in values], default=0)
        first = any(v.first and not v.last for v in values) and rank > 2
        first = first and all(v.rank in (0, rank) for v in values)
        first = first and all(self._follows(x, rank) for x in operands if isinstance(x, Constant))
        if not first:
            return [self.last(x, dtype) for x in operands], False
        names = []
        for x in operands:
            if isinstance(x, Value):
                names.append(self.cast(self.graph.first(x) if x.rank else x.last, x.dtype, dtype))
            elif x is not None:
                array = x.array.astype(dtype)
                array = array.reshape((1,) * (rank - array.ndim) + array.shape) if array.ndim else array
                names.append(self.graph.constant(numpy.moveaxis(array, -1, 1) if array.ndim else array))
            else:
                names.append("")
        return names, True

    @staticmethod
    def _follows(x: Constant, rank: int) -> bool:
        return not x.changes and x.array.ndim <= rank

    # ------------------------------------------------------------------ constants that change with the size

    def _changing(self, constant: Constant) -> str:
        """Zeros, ones and the like of another shape for each size; or numbers in equal steps along one axis."""
        arrays = constant.arrays
        if len({array.ndim for array in arrays}) == 1:
            shape = list(zip(*[array.shape for array in arrays]))
            first = arrays[0].reshape(-1)[:1]
            if first.size and all(array.size and bool((array == first).all()) for array in arrays):
                return self._expanded(self.graph.constant(first.reshape(())), shape)
            found = self._in_steps(arrays, shape)
            if found is not None:
                return found
        return self.refuse(
            "it reads an array that differs from call to call and isn't made of equal or evenly spaced numbers. Random "
            "numbers, and values that Python read from tensors (float(x)), can't be part of a file"
        )

    def _expanded(self, name: str, shape: Sequence[Any]) -> str:
        lengths = self.graph.shape(shape)
        if lengths is None:
            self.refuse("it reads an array whose shape follows from no shape known here")
        return str(self.graph.node("Expand", [name, lengths]))

    def _in_steps(self, arrays: Sequence[Any], shape: Sequence[Any]) -> str | None:
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
        length = self.graph.length(shape[axis])
        if length is None:
            return None
        count = self.graph.node("Squeeze", [length, self.graph.integers([0])])
        zero, one = (self.graph.constant(numpy.int64(i)) for i in (0, 1))
        found = self.cast(self.graph.node("Range", [zero, count, one]), numpy.int64, longest.dtype)
        found = self.graph.node("Mul", [found, self.graph.constant(numpy.asarray(step, longest.dtype))])
        found = self.graph.node("Add", [found, self.graph.constant(numpy.asarray(start, longest.dtype))])
        places = [-1 if i == axis else 1 for i in range(longest.ndim)]
        found = self.graph.node("Reshape", [found, self.graph.integers(places)])
        return self._expanded(found, shape)

    # ------------------------------------------------------------------ results

    def give(self, *names: str, first: bool = False) -> None:
        """Name the outputs; `first`: they have the channels first."""
        for value, name in zip(self.outputs, names, strict=True):
            if first:
                value.first = name
            else:
                value.last = name
