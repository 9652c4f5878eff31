"""One op to be expressed: the argument of converters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import numpy

from eagerflow.onnx.constants import Constant, equal
from eagerflow.onnx.graph import Graph, Value
from eagerflow.onnx.trace import ExportError, Seen, Step

__all__ = ["Call", "Constant", "Operand"]


def _same(a: Any, b: Any) -> bool:
    """Whether two settings are the same."""
    if isinstance(a, (tuple, list)) and isinstance(b, (tuple, list)):
        return len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, numpy.ndarray) or isinstance(b, numpy.ndarray):
        return equal(numpy.asarray(a), numpy.asarray(b))
    return bool(a is b or a == b)


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
        remake: Callable[[Constant], Value | None] = lambda constant: None,
    ) -> None:
        self.graph, self.inputs, self.outputs, self._values = graph, inputs, outputs, values
        self._steps, self._remake = steps, remake
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
        return self._values[part.number] if isinstance(part, Seen) else None

    def operand(self, name: str) -> Operand:
        """An array that stands among the settings, as if it were an input."""
        found = self.settings(name)
        return self._values[found[0].number] if isinstance(found[0], Seen) else Constant(found)

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
        array = operand.array if dtype is None else operand.array.astype(dtype, copy=False)
        if operand.path and array is operand.array:
            return self.graph.weight(array, operand.path)
        return self.graph.constant(array)

    def name(self, parameter: str, dtype: Any = None) -> str:
        """`last` of the input of this name."""
        return self.last(self.inputs[parameter], dtype)

    def cast(self, name: str, dtype: Any, wanted: Any) -> str:
        """A name as another type."""
        if wanted is None or numpy.dtype(wanted) == numpy.dtype(dtype):
            return name
        return str(self.graph.node("Cast", [name], to=numpy.dtype(wanted)))

    def together(self, operands: Sequence[Operand], dtype: Any) -> tuple[list[str], bool]:
        """Names of what is combined element by element, as one type or each as its own; whether channels are first.

        They have where the last node left the channels there and all others can follow.
        """
        values = [x for x in operands if isinstance(x, Value)]
        rank = max([v.rank for v in values], default=0)
        first = any(v.is_first for v in values) and rank > 2
        first = first and all(v.rank in (0, rank) for v in values)
        first = first and all(self._follows(x, rank) for x in operands if isinstance(x, Constant))
        kinds = dtype if isinstance(dtype, list) else [dtype] * len(operands)
        if not first:
            return [self.last(x, kind) for x, kind in zip(operands, kinds)], False
        return [self._first(x, kind, rank) for x, kind in zip(operands, kinds)], True

    def _first(self, x: Operand, dtype: Any, rank: int) -> str:
        if isinstance(x, Value):
            return self.cast(self.graph.first(x) if x.rank else x.last, x.dtype, dtype)
        if x is None:
            return ""
        array = x.array.astype(dtype, copy=False)
        array = array.reshape((1,) * (rank - array.ndim) + array.shape) if array.ndim else array
        return self.graph.constant(numpy.moveaxis(array, -1, 1) if array.ndim else array)

    @staticmethod
    def _follows(x: Constant, rank: int) -> bool:
        return not x.changes and x.array.ndim <= rank

    def _changing(self, constant: Constant) -> str:
        """An array that changes with the size: by its numbers, or by the op that made it."""
        made = self._remake(constant)
        if made is not None:
            return self.graph.last(made)
        return self.refuse(
            "it reads an array that differs from call to call and isn't made of equal or evenly spaced numbers. Random "
            "numbers, and values that Python read from tensors (float(x)), can't be part of a file"
        )

    # ------------------------------------------------------------------ results

    def give(self, *names: str, first: bool = False) -> None:
        """Name the outputs; `first`: they have the channels first."""
        for value, name in zip(self.outputs, names, strict=True):
            if first:
                value.first, value.is_first = name, True
            else:
                value.last = name
