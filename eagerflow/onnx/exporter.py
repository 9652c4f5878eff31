"""From a model, or any function of tensors, to an ONNX file that was compared with it before it was written."""

from __future__ import annotations

import contextlib
import os
import pathlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy

from eagerflow._version import __version__
from eagerflow.base import tree
from eagerflow.core.tensor import Tensor
from eagerflow.core.variable import Variable
from eagerflow.onnx.call import Call, Constant
from eagerflow.onnx.converters import CONVERTERS
from eagerflow.onnx.graph import Graph, Value
from eagerflow.onnx.messages import TYPES, write
from eagerflow.onnx.replay import computed
from eagerflow.onnx.sizes import Given, Sizes, given_inputs, packed, schemes
from eagerflow.onnx.trace import ExportError, Step, Trace, traced

__all__ = ["OPSETS", "Converted", "convert", "export"]

OPSETS = range(17, 24)
_TOLERANCE = 1e-4  # of the largest number, between the model and the file


def export(
    model: Any,
    path: str | os.PathLike[str],
    input_signature: Any = None,
    opset_version: int | None = None,
    verbose: bool | int | None = None,
) -> pathlib.Path:
    """Write a model, or a function of tensors, as an ONNX file.

    What is written is what runs: the model is called in inference at several sizes of its inputs, its ops become
    nodes, and the graph is computed again at other sizes and compared with the model. Only then a file appears.

    Args:
        model: a model, a layer, or a function that takes tensors (or a structure of them) and gives tensors.
        path: the file, whose name ends in `.onnx`.
        input_signature: `InputSpec`s, shapes, or arrays, in the structure of the inputs; None in a shape stands for any
            length. Default: the model's own inputs, or those of its first call with the batch open.
        opset_version: the version of ONNX' operators, 17 to 23; default: 18.
        verbose: whether to say where the file is.

    Returns:
        The path.

    Raises:
        ExportError: for what ONNX can't express, or what depends on more than the inputs; names layer, line and op.
        ValueError: for another name, an unknown opset, or inputs whose shapes nothing tells.

    >>> import os, tempfile
    >>> import eagerflow as ef
    >>> model = ef.Sequential([ef.Input((4,)), ef.layers.Dense(2)])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     export(model, os.path.join(folder, "model.onnx")).name
    'model.onnx'
    """
    if not os.fspath(path).endswith(".onnx"):
        raise ValueError(
            f"export({os.fspath(path)!r:.80}): the file's name must end in .onnx. TensorFlow's folders, which Keras "
            "writes under other names, are not written here; model.save('name.keras') keeps the model for Keras."
        )
    made = convert(model, input_signature, opset_version)
    target = made.write(path)
    if verbose:
        nodes, constants = len(made.graph.nodes), len(made.graph.constants)
        print(f"Saved artifact at {str(target)!r}: {nodes} nodes, {constants} constants.")
    return target


class Converted(NamedTuple):
    """A graph, and how what ran is found in it.

    Attributes:
        graph: nodes and constants.
        name: of the model.
        symbols: names of open lengths.
        values: what stands for an array of the first run, by the array's `id`.
        trace: the first run, which keeps those arrays.
    """

    graph: Graph
    name: str
    symbols: dict[Any, str]
    values: dict[int, Value]
    trace: Trace

    def write(self, path: str | os.PathLike[str]) -> pathlib.Path:
        """Write the file, whole or not at all."""
        return write(self.graph, path, self.name, __version__, self.symbols, {})

    def places(self, arrays: Sequence[Any]) -> list[tuple[str, bool] | None]:
        """Under which names the graph has arrays of the first run, and whether with the channels on axis 1.

        None for what doesn't depend on the inputs, and for what no output needs.
        """
        made = [*self.graph.inputs, *[name for node in self.graph.nodes for name in node.outputs]]
        order = {name: number for number, name in enumerate(made)}
        found = list[tuple[str, bool] | None]()
        for array in arrays:
            value = self.values.get(id(array))
            names = [] if value is None else [(value.last, False), (value.first, True)]
            known = [(order[name], (name, first)) for name, first in names if name in order]
            found.append(min(known)[1] if known else None)
        return found


def convert(model: Any, input_signature: Any = None, opset_version: int | None = None) -> Converted:
    """Make a graph of a model or function, and compare it; `export` writes what this gives.

    Args:
        model: as for `export`.
        input_signature: as for `export`.
        opset_version: as for `export`.
    """
    opset = 18 if opset_version is None else opset_version
    if opset not in OPSETS:
        raise ValueError(f"export(opset_version={opset!r}): expected one of {OPSETS[0]} to {OPSETS[-1]}.")
    given, structure = given_inputs(input_signature, model)
    for each in given:
        if each.dtype not in TYPES:
            raise ExportError(f"the input {each.name!r} has the type {each.dtype}, which ONNX files don't have here.")
    run = _runner(model, structure)
    sizes, traces = _traces(run, given)
    graph, made, values = _converted(traces, given, opset, _output_names(model, traces[0]))
    _compare(run, given, sizes, graph, made)
    return Converted(graph, str(getattr(model, "name", "function")), sizes.names(), values, traces[0])


# ---------------------------------------------------------------------- running


def _runner(model: Any, structure: Any) -> Callable[[Sequence[Tensor]], list[Tensor]]:
    takes_training = hasattr(model, "trainable_variables")

    def run(tensors: Sequence[Tensor]) -> list[Tensor]:
        arguments = packed(structure, iter(tensors))
        outputs = model(arguments, training=False) if takes_training else model(arguments)
        leaves = tree.flatten(outputs)
        other = next((leaf for leaf in leaves if not isinstance(leaf, Tensor)), None)
        if other is not None:
            raise ExportError(f"the model gave {type(other).__name__} where a tensor was expected.")
        return leaves

    return run


def _data(given: Sequence[Given], shapes: Sequence[tuple[int, ...]], seed: int) -> list[Any]:
    """Numbers of each input's type; small integers, which are indices most often."""
    rng = numpy.random.default_rng(seed)
    found = []
    for each, shape in zip(given, shapes):
        kind = numpy.dtype(each.dtype).kind
        array = rng.standard_normal(shape) * (seed / 7) if kind == "f" else rng.integers(0, 2, shape)
        found.append(array.astype(each.dtype))
    return found


def _opens(op: Any) -> bool:
    return op.reference is not None and op.name not in CONVERTERS


def _traces(run: Callable[[Sequence[Tensor]], Sequence[Tensor]], given: Sequence[Given]) -> tuple[Sizes, list[Trace]]:
    """What runs at each size; of the ways to choose sizes, the first that the model takes."""
    first: Exception | None = None
    for sizes in schemes(given):
        try:
            count = len(sizes.runs) - 1
            traces = [traced(run, _data(given, sizes.shapes(given, i), 7), _opens) for i in range(count)]
        except ExportError:
            raise
        except (ValueError, TypeError, IndexError) as error:
            first = first or error
            continue
        _check_same(traces)
        return sizes, traces
    assert first is not None
    raise first


def _check_same(traces: Sequence[Trace]) -> None:
    """The same ops must run at all sizes."""
    for trace in traces[1:]:
        for one, other in zip(traces[0].steps, trace.steps):
            if (one.op is None) != (other.op is None) or (one.op is not None and one.op.name != other.op.name):
                raise _different(traces[0], trace, one if one.op is not None else other)
        if len(trace.steps) != len(traces[0].steps):
            raise _different(traces[0], trace, max(traces[0], trace, key=lambda t: len(t.steps)).steps[-1])


def _different(one: Trace, other: Trace, step: Step) -> ExportError:
    where = step.where() if step.op is not None else "the model"
    return ExportError(
        f"{where}: {len(one.steps)} ops ran for one size of the inputs and {len(other.steps)} for another, so a Python "
        "loop or condition depends on the size. Give that length a number: "
        "input_signature=[InputSpec(shape=(None, 20, 8))]."
    )


# ---------------------------------------------------------------------- converting


def _output_names(model: Any, trace: Trace) -> list[str]:
    names: list[Any] = []
    with contextlib.suppress(AttributeError, ValueError):  # what subclasses that write `call` say
        names = list(model.output_names)
    if len(names) != len(trace.outputs) or len(set(names)) != len(names):
        return [f"output_{i}" for i in range(len(trace.outputs))]
    return [str(name) for name in names]


def _converted(
    traces: Sequence[Trace], given: Sequence[Given], opset: int, outputs: list[str]
) -> tuple[Graph, list[tuple[int, list[Value]]], dict[int, Value]]:
    """The graph, for each step that became nodes its values, and values by the identity of the first run's arrays."""
    graph, made = Graph(opset), list[tuple[int, list[Value]]]()
    values: dict[int, Value] = {}
    for number, each in enumerate(given):
        name = graph.name(each.name)
        shape = list(zip(*[trace.inputs[number].shape for trace in traces]))
        values[id(traces[0].inputs[number].data)] = graph.inputs[name] = Value(shape, each.dtype, name)
        graph.remember(graph.inputs[name])
    for number, steps in enumerate(zip(*[trace.steps for trace in traces], strict=True)):
        found = _step(graph, steps, values)
        if found:
            made.append((number, found))
    graph.path = ""
    for name, tensors in zip(outputs, zip(*[trace.outputs for trace in traces]), strict=True):
        value = values.get(id(tensors[0].data))
        shape = list(zip(*[tensor.shape for tensor in tensors]))
        if value is None:
            value = Value(shape, tensors[0].data.dtype, graph.constant(tensors[0].data))
        wanted = graph.name(name)
        graph.nodes.append(_identity(graph, graph.last(value), wanted))
        graph.outputs[wanted] = Value(shape, value.dtype, wanted)
    graph.prune()
    return graph, made, values


def _identity(graph: Graph, name: str, wanted: str) -> Any:
    made = graph.node("Identity", [name])
    node = graph.nodes.pop()
    assert node.outputs == [made]
    return node._replace(outputs=[wanted])


def _step(graph: Graph, steps: tuple[Step, ...], values: dict[int, Value]) -> list[Value]:
    """Add the nodes of one op; none where it doesn't depend on the inputs."""
    step = steps[0]
    operands = [_operand(xs, values) for xs in zip(*[s.inputs for s in steps])]
    if step.op is None:
        for output, operand in zip(step.outputs, operands, strict=True):
            if isinstance(operand, Value):
                values[id(output.data)] = operand
        return []
    if not any(isinstance(x, Value) for x in _spread(operands)) and not _reads(step.settings, values):
        return []
    shapes = [list(zip(*[s.outputs[i].shape for s in steps])) for i in range(len(step.outputs))]
    outputs = [Value(shape, out.data.dtype) for shape, out in zip(shapes, step.outputs)]
    graph.path = "/".join(step.path)
    call = Call(graph, steps, dict(zip(step.op.arrays, operands)), outputs, values)
    convert = CONVERTERS.get(step.op.name)
    if convert is None:
        call.refuse("it has no ONNX form. Export the part of the model in front of it or behind it")
    convert(call)
    for value, tensor in zip(outputs, step.outputs):
        values[id(tensor.data)] = value
        graph.remember(value)
    return outputs


def _reads(settings: Any, values: dict[int, Value]) -> bool:
    """Whether an array among settings (an index, a mask) was computed from the inputs."""
    if isinstance(settings, (tuple, list)):
        return any(_reads(each, values) for each in settings)
    return isinstance(settings, numpy.ndarray) and id(settings) in values


def _spread(operands: Sequence[Any]) -> list[Any]:
    return [x for each in operands for x in (each if isinstance(each, list) else [each])]


def _operand(xs: tuple[Any, ...], values: dict[int, Value]) -> Any:
    """What an argument is, from what it was in each run."""
    x = xs[0]
    if x is None:
        return None
    if isinstance(x, (list, tuple)):
        return [_operand(each, values) for each in zip(*xs)]
    arrays = [each.data if isinstance(each, Tensor) else each for each in xs]
    known = values.get(id(arrays[0]))
    if known is not None:
        return known
    path = x.path if isinstance(x, Variable) else ""
    return Constant(arrays, not hasattr(x, "dtype"), path)


# ---------------------------------------------------------------------- comparing


def _compare(
    run: Callable[[Sequence[Tensor]], Sequence[Tensor]],
    given: Sequence[Given],
    sizes: Sizes,
    graph: Graph,
    made: list[tuple[int, list[Value]]],
) -> None:
    """Compute the graph at sizes and on numbers that it wasn't made from, and refuse where it differs."""
    for place, seed in ((-1, 11), (0, 13)):
        _compare_once(run, given, _data(given, sizes.shapes(given, place), seed), graph, made)


def _compare_once(
    run: Callable[[Sequence[Tensor]], Sequence[Tensor]],
    given: Sequence[Given],
    arrays: Sequence[Any],
    graph: Graph,
    made: list[tuple[int, list[Value]]],
) -> None:
    trace = traced(run, arrays, _opens)
    found = computed(graph, dict(zip(graph.inputs, arrays)))
    wanted = dict(zip(graph.outputs, trace.outputs))
    if all(_agree(found[name], tensor.data) for name, tensor in wanted.items()):
        return
    for number, values in made:
        step = trace.steps[number] if number < len(trace.steps) else None
        if step is None or step.op is None:
            continue
        for value, tensor in zip(values, step.outputs):
            array = found.get(value.last) if value.last in found else _back(found.get(value.first))
            if array is not None and not _agree(array, tensor.data):
                raise ExportError(
                    f"{step.where()}: the exported graph gives other numbers here than the model for inputs that it "
                    "wasn't traced with. Does the model draw random numbers, or read values in Python (float(x), if "
                    "x.sum() > 0)?"
                )
    raise ExportError("the exported graph gives other numbers than the model, which changes from call to call.")


def _back(array: Any) -> Any:
    return None if array is None else numpy.moveaxis(array, 1, -1)


def _agree(ours: Any, theirs: Any) -> bool:
    if ours.shape != theirs.shape:
        return False
    if theirs.dtype.kind != "f":
        return bool((ours == theirs).all())
    finite = numpy.isfinite(theirs)
    if not numpy.array_equal(finite, numpy.isfinite(ours)):
        return False
    largest = float(numpy.abs(theirs[finite]).max(initial=0.0))
    return bool((numpy.abs(ours[finite] - theirs[finite]) <= _TOLERANCE * largest + 1e-30).all())
