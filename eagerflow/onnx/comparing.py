"""An exported graph against the model, at sizes and on numbers that it wasn't made from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy

from eagerflow.base.machine.memory import give_back
from eagerflow.core.custom_gradient import no_grad
from eagerflow.core.observe import unobserved
from eagerflow.core.tensor import Tensor
from eagerflow.onnx.constants import stored
from eagerflow.onnx.converting import Made, opens
from eagerflow.onnx.graph import Graph, Value
from eagerflow.onnx.replay import computed, computed_node
from eagerflow.onnx.trace import ExportError, Seen, Step, Trace, as_inputs, traced

__all__ = ["Different", "Run", "compare"]


class Different(ExportError):
    """The graph gives something else than the model: other sizes of the inputs may show what was the same by chance."""


Run = Callable[[Sequence[Tensor]], Sequence[Tensor]]


def compare(run: Run, made: Made, arrays: Sequence[Any]) -> None:
    """Compute a graph on inputs, and refuse where it differs from the model.

    Raises:
        ExportError: naming the first op that differs.
    """
    with unobserved(), no_grad():
        wanted = [tensor.data for tensor in run(as_inputs(arrays))]
    give_back()
    given = _given(made.graph, arrays)
    try:
        found = computed(made.graph, given, made.graph.outputs)
    except (ValueError, TypeError, LookupError, ArithmeticError) as error:
        raise Different(
            f"the exported graph can't be computed for inputs of another size ({type(error).__name__}: {error!s:.200})"
        ) from None
    _check_shapes(made.graph, wanted)
    if all(agree(found[name], array, made.tolerance) for name, array in zip(made.graph.outputs, wanted, strict=True)):
        return
    _compare_each(traced(run, arrays, opens, keeps=True), made, arrays)


def _check_shapes(graph: Graph, wanted: Sequence[Any]) -> None:
    """What was the same at all sizes that were traced must be so at this one."""
    for (name, value), array in zip(graph.outputs.items(), wanted, strict=True):
        known = [value.known(axis) for axis in range(value.rank)]
        if len(known) != array.ndim or any(n not in (None, m) for n, m in zip(known, array.shape)):
            raise Different(
                f"the output {name!r} has the shape {array.shape} for inputs of another size, where {tuple(known)} was "
                "expected of those before. Does a condition in Python depend on a length?"
            )


def _given(graph: Graph, arrays: Sequence[Any]) -> dict[str, Any]:
    return dict(zip(graph.inputs, [array.astype(stored(array.dtype), copy=False) for array in arrays]))


def _compare_each(trace: Trace, made: Made, arrays: Sequence[Any]) -> None:
    """Compute each op on what the model's own ops gave it, and refuse the first that differs.

    Where none does, the graph is right, and the model makes much of rounding: deep ones without trained weights do.

    Raises:
        ExportError: naming the op.
    """
    steps = {seen.number: step for step in trace.steps for seen in step.outputs}
    ran = [step.op.name for step in trace.steps]
    if ran != made.ran:
        place = next((i for i, names in enumerate(zip(ran, made.ran)) if names[0] != names[1]), -1)
        where = trace.steps[place].where() if trace.steps else "the model"
        raise ExportError(
            f"{where}: other ops run for other numbers. Does a condition in Python read values of tensors?"
        )
    found = {"": None, **_given(made.graph, arrays)}
    known = {name: (number, name == value.first) for number, value in made.values.items() for name in _names(value)}
    for node in made.graph.nodes:
        if node.outputs[0] not in found:
            found.update(zip(node.outputs, computed_node(made.graph, node, found), strict=True))
        for name in node.outputs:
            number, first = known.get(name, (-1, False))
            if number in steps:
                wanted = trace.known.arrays[number]
                wanted = wanted.astype(stored(wanted.dtype), copy=False)
                wanted = numpy.moveaxis(wanted, -1, 1) if first else wanted
                if not agree(found[name], wanted, made.tolerance):
                    raise _differs(steps[number])
                found[name] = wanted
    for name, output in zip(made.graph.outputs, trace.outputs, strict=True):
        array = trace.known.arrays[output.number] if isinstance(output, Seen) else getattr(output, "array", output)
        if not agree(found[name], numpy.asarray(array), made.tolerance):
            cut = f"The layer {trace.cut[0]!r} computes outside of ops. " if trace.cut else ""
            raise Different(
                f"the exported graph gives other numbers than the model. {cut}Does it change from call to call?"
            )


def _names(value: Value) -> list[str]:
    return [name for name in (value.last, value.first) if name]


def _differs(step: Step) -> Different:
    return Different(
        f"{step.where()}: the exported graph gives other numbers here than the model for inputs that it wasn't traced "
        "with. Does the model draw random numbers, or read values in Python (float(x), if x.sum() > 0)?"
    )


def agree(ours: Any, theirs: Any, tolerance: float) -> bool:
    """Whether two arrays are equal up to rounding."""
    if ours.shape != theirs.shape or ours.dtype != stored(theirs.dtype):
        return False
    if theirs.dtype.kind not in "fV":
        return bool((ours == theirs).all())
    return difference(ours, theirs) <= tolerance


def difference(ours: Any, theirs: Any) -> float:
    """The largest difference, relative to the largest number; infinite where only one is finite."""
    one, other = (numpy.asarray(x, "float32" if x.dtype.kind == "V" else x.dtype) for x in (ours, theirs))
    finite = numpy.isfinite(other)
    if not numpy.array_equal(finite, numpy.isfinite(one)):
        return float("inf")
    if not numpy.array_equal(one[~finite], other[~finite], equal_nan=True):
        return float("inf")
    largest = float(numpy.abs(other[finite]).max(initial=0.0))
    apart = float(numpy.abs(one[finite] - other[finite]).max(initial=0.0))
    return apart / (largest + 1e-30) if apart > 1e-30 else 0.0
