"""From what ran at several sizes to a graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, NoReturn

from eagerflow.core.variable import Variable
from eagerflow.onnx.call import Call
from eagerflow.onnx.constants import Constant, expressed, stored
from eagerflow.onnx.converters import CONVERTERS, REFUSED
from eagerflow.onnx.graph import Graph, Value
from eagerflow.onnx.sizes import Given
from eagerflow.onnx.trace import ExportError, Folded, Seen, Step, Trace

__all__ = ["Made", "converted", "opens"]


_ROUNDING = {"float16": 0.01, "bfloat16": 0.08}


class Made(NamedTuple):
    """A graph, and how it is compared.

    Attributes:
        graph: the graph.
        values: what stands in it for each `Seen`, by its number.
        ran: the names of the ops that it was made of.
        tolerance: by how much it may differ from the model, of the largest number: as its coarsest type rounds.
    """

    graph: Graph
    values: dict[int, Value]
    ran: list[str]
    tolerance: float


def opens(op: Any) -> bool:
    """Whether an op is expressed by the ops of its reference."""
    return op.reference is not None and op.name not in CONVERTERS


def converted(traces: Sequence[Trace], given: Sequence[Given], opset: int, outputs: Sequence[str]) -> Made:
    """The graph of the ops that ran."""
    graph, values = Graph(opset), dict[int, Value]()
    for each, seen in zip(given, zip(*[trace.inputs for trace in traces])):
        name = graph.name(each.name)
        values[seen[0].number] = graph.inputs[name] = Value(_lengths(seen), stored(each.dtype), name)
        graph.remember(graph.inputs[name])
    for steps in zip(*[trace.steps for trace in traces], strict=True):
        _step(graph, steps, values)
    graph.path = ""
    for name, found in zip(outputs, zip(*[trace.outputs for trace in traces]), strict=True):
        _output(graph, name, found, values)
    graph.prune()
    steps = traces[0].steps
    kinds = {each.dtype.name for step in steps for each in step.outputs}
    tolerance = max([rounding for name, rounding in _ROUNDING.items() if name in kinds], default=1e-4)
    return Made(graph, values, [step.op.name for step in steps], tolerance)


def _lengths(found: Sequence[Any]) -> list[tuple[int, ...]]:
    return list(zip(*[each.shape for each in found]))


def _output(graph: Graph, name: str, found: Sequence[Any], values: dict[int, Value]) -> None:
    """One output, under a name of its own; a constant where it doesn't depend on the inputs."""
    value = _operand(tuple(found), values)
    if isinstance(value, Constant):
        value = _made_now(graph, value, values) or _refuse_output(name)
    made = graph.last(value)
    wanted = graph.name(name)
    graph.node("Identity", [made])
    node = graph.nodes.pop()
    graph.nodes.append(node._replace(outputs=[wanted]))
    graph.outputs[wanted] = Value(value.shape, value.dtype, wanted)


def _refuse_output(name: str) -> NoReturn:
    raise ExportError(
        f"the output {name!r} differs from call to call, but doesn't follow from the inputs by ops. Was it computed in "
        "NumPy?"
    )


def _step(graph: Graph, steps: Sequence[Step], values: dict[int, Value]) -> list[Value]:
    """Add the nodes of one op."""
    step = steps[0]
    operands = [_operand(xs, values) for xs in zip(*[s.inputs for s in steps])]
    outputs = [Value(_lengths(seen), stored(seen[0].dtype)) for seen in zip(*[s.outputs for s in steps])]
    graph.path = "/".join(step.path)
    given = dict(zip(step.op.arrays, operands))
    call = Call(graph, steps, given, outputs, values, lambda constant: _made_now(graph, constant, values))
    convert = CONVERTERS.get(step.op.name)
    if convert is None:
        why = f" ({REFUSED[step.op.name]})" if step.op.name in REFUSED else ""
        call.refuse(f"it has no ONNX form{why}. Export the part of the model in front of it or behind it")
    convert(call)
    for value, seen in zip(outputs, step.outputs):
        values[seen.number] = value
        graph.remember(value)
    return outputs


def _made_now(graph: Graph, constant: Constant, values: dict[int, Value]) -> Value | None:
    """A constant as a value: its numbers, or the op that made it where they change with the size."""
    shape, dtype = _lengths(constant.arrays), constant.array.dtype
    if not constant.changes:
        return Value(shape, dtype, graph.constant(constant.array))
    name = expressed(graph, constant)
    if name is not None:
        return Value(shape, dtype, name)
    origins = constant.origins
    if origins is None or len({(each.step.op.name, each.place) for each in origins}) > 1:
        return None
    if origins[0].step.op.name not in CONVERTERS or origins[0].step.op.outputs != 1:
        return None
    steps = [each.step._replace(outputs=(Seen(-1, each.array),)) for each in origins]
    path = graph.path
    try:
        return _step(graph, steps, {**values})[0]
    finally:
        graph.path = path


def _operand(xs: tuple[Any, ...], values: dict[int, Value]) -> Any:
    """What an argument is, from what it was in each run."""
    x = xs[0]
    if x is None:
        return None
    if isinstance(x, Seen):
        return values[x.number]
    if isinstance(x, (list, tuple)):
        return [_operand(each, values) for each in zip(*xs)]
    if isinstance(x, Folded):
        return Constant([each.array for each in xs], origins=xs)
    arrays = [each.data if isinstance(each, Variable) else each for each in xs]
    path = x.path if isinstance(x, Variable) else ""
    return Constant(arrays, not hasattr(x, "dtype"), path)
