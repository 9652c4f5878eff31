"""From a model, or any function of tensors, to an ONNX file that was compared with it before it was written."""

from __future__ import annotations

import contextlib
import inspect
import os
import pathlib
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy

from eagerflow._version import __version__
from eagerflow.base import tree
from eagerflow.base.messages import say
from eagerflow.core.dtypes import as_dtype, is_float_dtype
from eagerflow.core.in_place import undone
from eagerflow.core.random import frozen
from eagerflow.core.tensor import Tensor
from eagerflow.onnx.comparing import Different, Run, compare
from eagerflow.onnx.converting import Made, converted, opens
from eagerflow.onnx.graph import Graph, Value
from eagerflow.onnx.messages import TYPES, write
from eagerflow.onnx.sizes import Given, Sizes, given_inputs, packed, schemes
from eagerflow.onnx.trace import ExportError, Seen, Step, Trace, traced

__all__ = ["OPSETS", "Converted", "convert", "export"]

OPSETS = range(17, 24)


def export(
    model: Any,
    path: str | os.PathLike[str],
    input_signature: Any = None,
    opset_version: int | None = None,
    verbose: bool | int | None = None,
) -> pathlib.Path:
    """Writes a model, or a function of tensors, to an ONNX file.

    The model is called in inference mode at several sizes of its inputs, and the ops that run become nodes. Before the
    file is written, the graph is computed at other sizes and its outputs are compared with the model's.

    Args:
        model: a model, a layer, or a function that takes and returns tensors (several, or a structure of them).
        path: the path of the file, which ends in `.onnx`.
        input_signature: `InputSpec`s, shapes, or arrays, in the structure of the inputs; None in a shape stands for any
            length. Default: the model's own inputs, or those of its first call with any batch size.
        opset_version: the version of ONNX' operators, 17 to 23; default: 18.
        verbose: whether to print where the file is.

    Returns:
        The path.

    Raises:
        ExportError: for what ONNX can't express, or what depends on more than the inputs; the message names the layer
            and op.
        ValueError: for a path with another ending, an unknown opset, or when the shapes of the inputs are unknown.

    >>> import os, tempfile
    >>> model = ef.Sequential([ef.Input((4,)), ef.layers.Dense(2)])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     ef.onnx.export(model, os.path.join(folder, "model.onnx")).name
    'model.onnx'
    """
    if not os.fspath(path).endswith(".onnx"):
        raise ValueError(
            f"export({os.fspath(path)!r:.80}): the file's name must end in .onnx, or with format='web' in .html (a "
            "page that runs the model). TensorFlow's folders, which Keras writes under other names, aren't written; "
            "model.save('name.keras') keeps the model for Keras."
        )
    made = convert(model, input_signature, opset_version, keeps=False)
    target = made.write(path)
    if verbose:
        nodes, constants = len(made.graph.nodes), len(made.graph.constants)
        say(f"Saved artifact at {str(target)!r}: {nodes} nodes, {constants} constants.")
    return target


class Converted(NamedTuple):
    """The ONNX graph that `onnx.convert` made, before it is written to a file.

    The conversion runs the model once and translates the recorded ops (the trace).

    Attributes:
        graph: the nodes and constants.
        name: the name of the model.
        symbols: the names of variable lengths.
        values: the graph's values for the tensors of the recorded run, by their numbers in the trace.
        trace: the recorded run.

    >>> model = ef.Sequential([ef.Input((3,), name="x"), ef.layers.Dense(2, activation="relu")])
    >>> converted = ef.onnx.convert(model)
    >>> [node.kind for node in converted.graph.nodes], list(converted.graph.inputs)
    (['MatMul', 'Add', 'Relu', 'Identity'], ['x'])
    """

    graph: Graph
    name: str
    symbols: dict[Any, str]
    values: dict[int, Value]
    trace: Trace

    def write(self, path: str | os.PathLike[str]) -> pathlib.Path:
        """Writes the ONNX file, and returns the path.

        Args:
            path: the path of the file. An existing file is replaced only when the new one is complete.

        >>> from pathlib import Path
        >>> converted = ef.onnx.convert(ef.Sequential([ef.Input((3,)), ef.layers.Dense(2)]))
        >>> path = converted.write("model.onnx")
        >>> Path("model.onnx").exists()
        True
        """
        return write(self.graph, path, self.name, __version__, self.symbols)

    def places(self, arrays: Sequence[Any]) -> list[tuple[str, bool] | None]:
        """Finds arrays of the recorded run in the graph: pairs of a name, and whether the channels are on axis 1.

        None for arrays that don't depend on the inputs, or that no output needs.

        Args:
            arrays: a list of such arrays.

        >>> x, seen = ef.ops.ones((2, 3)), []
        >>> model = ef.Sequential([ef.Input((3,), name="x"), ef.layers.Dense(2)])
        >>> converted = ef.onnx.convert(lambda x: seen.append(x) or model(x), [ef.InputSpec(shape=(None, 3), name="x")])
        >>> converted.places([seen[0].data])
        [('x', False)]
        """
        made = [*self.graph.inputs, *[name for node in self.graph.nodes for name in node.outputs]]
        order = {name: number for number, name in enumerate(made)}
        found = list[tuple[str, bool] | None]()
        for array in arrays:
            seen = self.trace.known.find(array)
            value = self.values.get(seen.number) if isinstance(seen, Seen) else None
            names = [] if value is None else [(value.last, False), (value.first, True)]
            known = [(order[name], (name, first)) for name, first in names if name in order]
            found.append(min(known)[1] if known else None)
        return found


def convert(
    model: Any, input_signature: Any = None, opset_version: int | None = None, *, keeps: bool = True
) -> Converted:
    """Converts a model or function to an ONNX graph, and compares the two; `export` also writes it to a file.

    Args:
        model: as for `export`.
        input_signature: as for `export`.
        opset_version: as for `export`.
        keeps: whether the arrays of the recorded run are kept, so that `places` finds them.

    Returns:
        A `Converted`, whose `write` writes the file.

    >>> converted = ef.onnx.convert(lambda x: 2 * x, [ef.InputSpec(shape=(None, 3))])
    >>> [node.kind for node in converted.graph.nodes]
    ['Mul', 'Identity']
    """
    opset = 18 if opset_version is None else opset_version
    if opset not in OPSETS:
        raise ValueError(f"export(opset_version={opset!r}): expected one of {OPSETS[0]} to {OPSETS[-1]}.")
    given, structure = given_inputs(input_signature, model)
    for each in given:
        if each.dtype == "string":
            raise ExportError(
                f"the input {each.name!r} is text, which exported files don't hold. Export the part of the model that "
                "is behind its text layers: ef.Model(layer.output, model.output)."
            )
        if each.dtype not in TYPES:
            raise ExportError(f"the input {each.name!r} has the type {each.dtype}, which ONNX files don't have here.")
    with undone(), frozen():  # seeds are as they were before
        return _converted(model, _runner(model, structure), given, opset, keeps)


def _converted(model: Any, run: Run, given: Sequence[Given], opset: int, keeps: bool) -> Converted:
    """By the first way to choose sizes that the model takes; another one where two lengths were equal by chance."""
    first: Exception | None = None
    tried = list(schemes(given))
    for sizes in tried:
        try:
            return _at_sizes(model, run, given, sizes, opset, keeps)
        except Different as error:
            if isinstance(first, Different) or not set(sizes.runs[0]) - {"batch"}:
                raise
            first = error
        except ExportError:
            raise
        except (ValueError, TypeError, IndexError) as error:
            first = first or error
    assert first is not None
    if isinstance(first, ExportError) or not set(tried[0].runs[0]) - {"batch"}:
        raise first
    shapes = " ".join([f"{each.name} {shape}" for each, shape in zip(given, tried[0].shapes(given, 0))])
    raise type(first)(
        f"export(): the model takes none of the inputs made up for its open lengths, such as {shapes}: {first} "
        "Say which lengths it takes: input_signature=[InputSpec(shape=(None, 300, 8))]."
    ) from first


def _at_sizes(model: Any, run: Run, given: Sequence[Given], sizes: Sizes, opset: int, keeps: bool) -> Converted:
    data = [_data(given, sizes, i, 7) for i in range(len(sizes.runs) - 1)]
    traces = [traced(run, arrays, opens, keeps and i == 0) for i, arrays in enumerate(data)]
    _check_same(traces)
    first = traces[0]
    made = converted(traces, given, opset, _output_names(model, first))
    del traces
    for place, seed in ((-1, 11), (0, 13)):
        _compare(run, made, partial(_data, given, sizes, place, seed))
    if first.reads:
        warnings.warn(
            f"export(): {first.reads[0]}: Python reads the values of a tensor that depends on the inputs. What follows "
            "from them (a number, the branch of a condition) is fixed in the file, as it was for the inputs tried.",
            stacklevel=5,
        )
    name = str(getattr(model, "name", "function"))
    return Converted(made.graph, name, sizes.names(), made.values, first)


# ---------------------------------------------------------------------- running


def _runner(model: Any, structure: Any) -> Run:
    options = {"training": False} if hasattr(model, "trainable_variables") else {}
    apart = _takes_apart(model, structure)

    def run(tensors: Sequence[Tensor]) -> list[Tensor]:
        arguments = packed(structure, iter(tensors))
        outputs = model(*arguments, **options) if apart else model(arguments, **options)
        leaves = tree.flatten(outputs)
        other = next((leaf for leaf in leaves if not isinstance(leaf, Tensor)), None)
        if other is not None:
            raise ExportError(f"the model gave {type(other).__name__} where a tensor was expected.")
        return leaves

    return run


def _takes_apart(model: Any, structure: Any) -> bool:
    """Whether the inputs are arguments of their own, `f(a, b)`, rather than one list of them."""
    if not isinstance(structure, (list, tuple)) or len(structure) < 2 or hasattr(model, "input"):
        return False
    with contextlib.suppress(TypeError, ValueError):  # what has no signature
        parameters = inspect.signature(getattr(model, "call", model)).parameters.values()
        needed = [p for p in parameters if p.default is p.empty and "POSITIONAL_O" in p.kind.name]
        return len(needed) == len(structure)
    return False


def _compare(run: Run, made: Made, data: Callable[[int], list[Any]]) -> None:
    """On integers as large as the model takes: what are indices must be small, and small ones may tell little."""
    for most in (100, 10):
        try:
            return compare(run, made, data(most))
        except ExportError:
            raise
        except (ValueError, TypeError, LookupError):
            continue
    return compare(run, made, data(2))


def _data(given: Sequence[Given], sizes: Sizes, place: int, seed: int, most: int = 2) -> list[Any]:
    """Numbers of each input's type, integers below `most`."""
    rng = numpy.random.default_rng(seed)
    found = []
    for each, shape in zip(given, sizes.shapes(given, place)):
        kind = as_dtype(each.dtype)
        if is_float_dtype(kind):
            found.append((rng.standard_normal(shape) * (seed / 7)).astype(kind))
        else:
            found.append(rng.integers(0, 2 if kind.kind == "b" else most, shape).astype(kind))
    return found


def _check_same(traces: Sequence[Trace]) -> None:
    """The same ops must run at all sizes."""
    for trace in traces[1:]:
        for one, other in zip(traces[0].steps, trace.steps):
            if one.op.name != other.op.name or len(one.inputs) != len(other.inputs):
                raise _different(traces[0], trace, one)
        if len(trace.steps) != len(traces[0].steps):
            raise _different(traces[0], trace, max(traces[0], trace, key=lambda t: len(t.steps)).steps[-1])


def _different(one: Trace, other: Trace, step: Step) -> ExportError:
    return ExportError(
        f"{step.where()}: {len(one.steps)} ops ran for one size of the inputs and {len(other.steps)} for another, so "
        "a Python loop or condition depends on the size. Give that length a number: "
        "input_signature=[InputSpec(shape=(None, 20, 8))]."
    )


def _output_names(model: Any, trace: Trace) -> list[str]:
    names: list[Any] = []
    with contextlib.suppress(AttributeError, ValueError):  # what subclasses that write `call` say
        names = list(model.output_names)
    if len(names) != len(trace.outputs) or len(set(names)) != len(names):
        return [f"output_{i}" for i in range(len(trace.outputs))]
    return [str(name) for name in names]
