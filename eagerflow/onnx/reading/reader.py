"""From an ONNX file's message to a program: what is in it is checked before anything is made of it.

Not by ONNX' own checker: that refuses files that onnxruntime runs, such as those whose nodes are in another order.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

from eagerflow.base.machine import budget
from eagerflow.onnx.messages import TYPES
from eagerflow.onnx.nodes import NODES
from eagerflow.onnx.nodes.running import wants
from eagerflow.onnx.nodes.windows import ARRANGED
from eagerflow.onnx.reading.program import Body, FileFunction, Port, Program, Step
from eagerflow.onnx.reading.protos import LoadError, Message, onnx_package, shown
from eagerflow.onnx.reading.roles import weights_of
from eagerflow.onnx.reading.tensors import Folder, array_of

__all__ = ["SPECIFIED", "Reader"]

_DEEPEST_PATH = 12
_STEP = 1500  # bytes that a node takes as an object
_OLDEST, _NEWEST = 7, 28
_OWN = ("", "ai.onnx")
_NAMES = {number: name for name, number in TYPES.items()}
_SCOPES = "pkg.torch.onnx.name_scopes"  # where torch notes the modules around a node
# Nodes that are computed by the functions of other nodes that ONNX' specification gives for them.
SPECIFIED = frozenset(
    """
    Attention Celu CenterCropPad GroupNormalization HardSwish MeanVarianceNormalization Mish
    RMSNormalization RotaryEmbedding Selu Shrink Swish ThresholdedRelu
    """.split()
)
_Functions = Mapping[tuple[str, str], Message]


class Reader:
    """Makes programs of messages."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.unknown = Counter[str]()
        self.constants: dict[int, tuple[Any, Message]] = {}  # arrays of attributes, and their tensors, which stay

    def model(self, model: Message, outputs: Sequence[str] | None) -> Program:
        if not model.graph.node and not model.graph.output:
            raise LoadError("it is no ONNX file, or an empty one: there is no graph in it.")
        opsets = _opsets(model.opset_import)
        functions = {(f.domain, f.name): f for f in model.functions}
        program = self.graph(model.graph, opsets, functions, frozenset(), 0, outputs)
        if self.unknown:
            most = ", ".join([f"{name:.50} ({count})" for name, count in self.unknown.most_common(5)])
            domains = {name.rpartition(".")[0] for name in self.unknown} - {""}
            further = f" of the domains {', '.join(sorted(domains)[:4]):.80}" if domains else ""
            raise LoadError(f"it has kinds of nodes{further} that aren't known here: {most}. See docs/onnx.md.")
        return program

    # ------------------------------------------------------------------ graphs

    def graph(
        self,
        graph: Message,
        opsets: Mapping[str, int],
        functions: _Functions,
        outer: frozenset[str],
        depth: int,
        outputs: Sequence[str] | None = None,
    ) -> Program:
        """A program of a graph, which sees the names of `outer`."""
        if graph.sparse_initializer:
            raise LoadError("sparse initializers aren't known here.")
        arrays: dict[str, Any] = {}
        for tensor in graph.initializer:
            if not tensor.name or tensor.name in arrays:
                raise LoadError(f"an initializer without a name of its own: {shown(tensor.name)}.")
            arrays[tensor.name] = tensor
        ports = [_port(info) for info in graph.input]
        inputs = [port for port in ports if port.name not in arrays]  # others are defaults of old files
        _check_ports(ports)
        steps = [made for node in graph.node for made in self.node(node, opsets, functions, depth, {})]
        ends = [_port(info) for info in graph.output]
        inner = [_port(info) for info in graph.value_info]
        shapes = {port.name: port.shape for port in [*inner, *ends] if port.shape is not None}
        if outputs is not None:
            ends = [next((e for e in ends if e.name == name), Port(name, "", shapes.get(name))) for name in outputs]
        steps = _in_order(steps, {*arrays, *[port.name for port in inputs], *outer}, [port.name for port in ends])
        steps = _without_aliases(steps, arrays, [port.name for port in ends])
        for step in steps:
            self._check(step)
            self._inside(step, functions, frozenset(arrays) | {p.name for p in inputs} | outer, depth, steps)
        used = Program("", inputs, ends, steps, {}, {}, {}).reads
        loaded = {name: array_of(tensor, self.folder) for name, tensor in arrays.items() if name in used}
        constants, weights = weights_of(loaded, steps) if depth == 0 else (loaded, {})
        return Program(graph.name[:100], inputs, ends, steps, constants, weights, shapes)

    def _check(self, step: Step) -> None:
        """Whether a node is known, and has the inputs and attributes that its function takes."""
        if step.function is _unknown:
            self.unknown[step.kind] += 1
            return
        takes, given = wants(ARRANGED.get(step.kind, step.function)), step.attributes
        if not takes.least <= len(step.inputs) <= takes.most or not all(step.inputs[: takes.least]):
            raise LoadError(f"{step.where()}: {len(step.inputs)} inputs; {takes.least} to {takes.most} are known.")
        if takes.attributes is not None:
            further = sorted(given.keys() - takes.attributes.keys())
            if further:
                raise LoadError(f"{step.where()}: attributes that aren't known: {further[:5]!r:.200}.")
            for key, value in given.items():
                wanted = _TYPES.get(takes.attributes[key].partition(" ")[0])
                if wanted is not None and not isinstance(value, wanted):
                    kind = type(value).__name__
                    raise LoadError(f"{step.where()}: its attribute {key} is {kind} rather than {wanted[0].__name__}.")
        if not takes.needed <= given.keys():
            raise LoadError(f"{step.where()}: it needs the attributes {sorted(takes.needed - given.keys())}.")

    def _inside(self, step: Step, functions: _Functions, seen: frozenset[str], depth: int, steps: list[Step]) -> None:
        """Make programs of the graphs that a node holds."""
        for key, value in step.attributes.items():
            if isinstance(value, _Graph):
                if depth >= 8:
                    raise LoadError("graphs are nested too deep.")
                names = seen | {name for other in steps for name in other.outputs}
                step.attributes[key] = Body(self.graph(value.message, value.opsets, functions, names, depth + 1))
        step._bodies[:] = [key for key, value in step.attributes.items() if isinstance(value, Body)]

    # ------------------------------------------------------------------ nodes

    def node(
        self, node: Message, opsets: Mapping[str, int], functions: _Functions, depth: int, given: Mapping[str, Any]
    ) -> Iterable[Step]:
        """A step of a node; `given`: attributes of the function that it is part of."""
        budget.step()
        budget.take(_STEP, "all of its nodes, those of functions once for each call,")
        domain = node.domain
        attributes = {}
        for each in node.attribute:
            if each.name in attributes:
                raise LoadError(f"two attributes {shown(each.name)} at node {shown(node.name)}.")
            if each.ref_attr_name:
                if each.ref_attr_name in given:
                    attributes[each.name] = given[each.ref_attr_name]
            else:
                attributes[each.name] = self._attribute(each, opsets)
        inputs, outputs = list(node.input), list(node.output)
        while inputs and not inputs[-1]:
            inputs.pop()
        while outputs and not outputs[-1]:
            outputs.pop()
        kind = node.op_type if domain in _OWN else f"{domain}.{node.op_type}"
        function = functions.get((domain, node.op_type))
        opset = opsets.get("" if domain in _OWN else domain)
        if opset is None and function is None:
            raise LoadError(f"the file names no version of the operators of {shown(domain or 'ai.onnx')}.")
        path = _path(node)
        if function is not None:
            call = self.function(function, functions, attributes, depth)
            yield Step(kind[:80], call, {}, 1, inputs, outputs, node.name, path)
        elif kind in SPECIFIED:
            made = onnx_package().helper.make_node(kind, inputs, outputs, **attributes)
            yield Step(kind, Specified(made, opset or 1), {}, opset or 1, inputs, outputs, node.name, path)
        elif kind not in NODES:
            yield Step(kind, _unknown, {}, 1, inputs, outputs, node.name, path)
        elif outputs:
            yield Step(kind, NODES[kind], attributes, opset or 1, inputs, outputs, node.name, path)

    def function(
        self, function: Message, functions: _Functions, attributes: Mapping[str, Any], depth: int
    ) -> Callable[..., Any]:
        """What a function of the file's own computes."""
        if depth >= 8:
            raise LoadError("functions call each other too deep.")
        given = self.attributes(function.attribute_proto) | dict(attributes)
        opsets = _opsets(function.opset_import)
        steps = [s for node in function.node for s in self.node(node, opsets, functions, depth + 1, given)]
        inputs = [Port(name, "", None) for name in function.input]
        outputs = [Port(name, "", None) for name in function.output]
        _check_ports(inputs)
        steps = _in_order(steps, {port.name for port in inputs}, [port.name for port in outputs])
        for step in steps:
            self._check(step)
            self._inside(step, functions, frozenset(port.name for port in inputs), depth, steps)
        body = Body(Program(function.name[:100], inputs, outputs, steps, {}, {}, {}))
        return FileFunction(body)

    def attributes(self, given: Iterable[Message]) -> dict[str, Any]:
        """Attributes by name."""
        return {each.name: self._attribute(each, {}) for each in given}

    def _constant(self, tensor: Message) -> Any:
        """Its array, which all calls of the function that it stands in share."""
        if id(tensor) not in self.constants:
            found = array_of(tensor, self.folder)
            self.constants[id(tensor)] = found.copy(), tensor
        return self.constants[id(tensor)][0]

    def _attribute(self, about: Message, opsets: Mapping[str, int]) -> Any:
        """The value of an attribute; None for the type of an optional value that is missing."""
        onnx = onnx_package()
        value = onnx.helper.get_attribute_value(about)
        if isinstance(value, onnx.TensorProto):
            return self._constant(value)
        if isinstance(value, onnx.GraphProto):
            return _Graph(value, opsets)
        if isinstance(value, onnx.TypeProto):
            return None
        if isinstance(value, list) and value and isinstance(value[0], bytes):
            return [each.decode("utf-8", "replace") for each in value]
        if (
            value is None
            or not isinstance(value, (int, float, bytes, list))
            or about.type > onnx.AttributeProto.STRINGS
        ):
            raise LoadError(f"the attribute {shown(about.name)} is of a kind ({about.type}) that isn't known here.")
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _unknown(*inputs: Any) -> Any:
    """Stands for the function of a node that isn't known."""
    raise LoadError("a node that isn't known here.")


class _Graph:
    """A graph in an attribute, before it is linked."""

    def __init__(self, message: Message, opsets: Mapping[str, int]) -> None:
        self.message, self.opsets = message, opsets


class Specified:
    """What a node computes by ONNX' specification, as a function of other nodes; some depend on the inputs' types.

    Raises:
        LoadError: for inputs or attributes that it doesn't have.
    """

    def __init__(self, node: Message, opset: int) -> None:
        self._node, self._opset = node, opset
        self._functions: dict[Any, Callable[..., Any]] = {}
        checker = onnx_package().checker
        context = checker.C.CheckerContext()
        context.ir_version, context.opset_imports = onnx_package().IR_VERSION, {"": opset}
        try:
            checker.check_node(node, context)
        except checker.ValidationError as error:
            raise LoadError(str(error)) from None

    def __call__(self, *inputs: Any) -> Any:
        kinds = tuple([None if x is None else (x.dtype.name, x.ndim) for x in inputs])
        if kinds not in self._functions:
            self._functions[kinds] = self._function(kinds)
        return self._functions[kinds](*inputs)

    def _function(self, kinds: Sequence[tuple[str, int] | None]) -> Callable[..., Any]:
        onnx, node = onnx_package(), self._node
        schema, reader = onnx.defs.get_schema(node.op_type, self._opset), Reader(Folder(None))
        if schema.has_context_dependent_function:
            describe = onnx.helper.make_tensor_type_proto
            types = [describe(TYPES[each[0]], [None] * each[1]) if each else onnx.TypeProto() for each in kinds]
            given = [each.SerializeToString() for each in types]
            made = schema.get_context_dependent_function(node.SerializeToString(), given)
        else:
            made = schema.function_body.SerializeToString()
        function = onnx.FunctionProto.FromString(made)
        wanted = [name if asked else function.output[0] for name, asked in zip(function.output, node.output)]
        function.ClearField("output")  # others aren't computed
        function.output.extend(wanted)
        defaults = [each.default_value for each in schema.attributes.values() if each.default_value.name]
        return reader.function(function, {}, reader.attributes([*defaults, *node.attribute]), 0)


def _opsets(imports: Sequence[Message]) -> dict[str, int]:
    found = {}
    for each in imports:
        domain, version = "" if each.domain in _OWN else each.domain, each.version
        if domain == "" and not _OLDEST <= version <= _NEWEST:
            raise LoadError(
                f"opset {version} isn't known here; onnx.version_converter makes it one of {_OLDEST} to {_NEWEST}."
            )
        found[domain] = version
    return found


def _port(info: Message) -> Port:
    """What goes in or out."""
    if info.type.WhichOneof("value") not in (None, "tensor_type"):
        raise LoadError(f"{shown(info.name)} is no tensor (a sequence, map or optional value).")
    tensor, shape = info.type.tensor_type, None
    if tensor.HasField("shape"):
        shape = tuple(
            [
                each.dim_value if each.HasField("dim_value") else each.dim_param[:100] or None
                for each in tensor.shape.dim
            ]
        )
        if len(shape) > 32 or any(isinstance(n, int) and not 0 <= n < 1 << 48 for n in shape):
            raise LoadError(f"{shown(info.name)}: the shape {shape[:9]!s} can't be.")
    return Port(info.name, _NAMES.get(tensor.elem_type, str(tensor.elem_type or "")), shape)


def _check_ports(ports: Sequence[Port]) -> None:
    names = [port.name for port in ports]
    if len(set(names)) < len(names) or "" in names:
        raise LoadError("inputs without names of their own.")


def _path(node: Message) -> tuple[str, ...]:
    """The parts of the model that a node belongs to, and its own name: from the file's names of nodes."""
    scopes = next((pair.value for pair in node.metadata_props if pair.key == _SCOPES), "")
    parts = re.findall(r"'([^']*)'", scopes[:5000])
    whole = [*parts[-2].split("."), node.name] if len(parts) > 1 else node.name.split("/")
    parts = [part for part in whole if part]
    if len(parts) > _DEEPEST_PATH:
        parts = [*parts[: _DEEPEST_PATH - 1], ".".join(parts[_DEEPEST_PATH - 1 :])]
    return tuple(parts)


_TYPES: dict[str, tuple[type, ...]] = {"int": (int,), "float": (float, int), "str": (str,)}


def _without_aliases(steps: list[Step], arrays: Mapping[str, Any], wanted: Sequence[str]) -> list[Step]:
    """Initializers instead of nodes that only give them another name: weights that several parts share stay one."""
    if any(isinstance(value, _Graph) for step in steps for value in step.attributes.values()):
        return steps
    names: dict[str, str] = {}
    kept = []
    for step in steps:
        step.inputs = [names.get(name, name) for name in step.inputs]
        if (
            step.kind == "Identity"
            and len(step.inputs) == 1
            and step.inputs[0] in arrays
            and step.outputs[0] not in wanted
        ):
            names[step.outputs[0]] = step.inputs[0]
        else:
            kept.append(step)
    return kept


def _in_order(steps: list[Step], known: set[str], wanted: Sequence[str]) -> list[Step]:
    """Those nodes that the outputs need, in an order in which they can run: the file's, where that can.

    Raises:
        LoadError: for values that come from nowhere, from two nodes, or from themselves.
    """
    makers: dict[str, int] = {}
    for i, step in enumerate(steps):
        for name in step.outputs:
            if name and (name in makers or name in known):
                raise LoadError(f"two things are named {shown(name)}.")
            if name:
                makers[name] = i
    needed = sorted(_needed(steps, makers, known, wanted))
    before = {i: {makers[name] for name in _reads(steps[i]) if name in makers} for i in needed}
    if any(i <= max(others, default=-1) for i, others in before.items()):
        try:
            needed = list(TopologicalSorter(before).static_order())
        except CycleError as error:
            raise LoadError(f"{steps[error.args[1][0]].where()} needs its own result.") from None
    return [steps[i] for i in needed]


def _needed(steps: list[Step], makers: Mapping[str, int], known: set[str], wanted: Sequence[str]) -> set[int]:
    """The nodes that values need."""
    found, names = set[int](), list(wanted)
    for name in wanted:
        if name not in makers and name not in known:
            raise LoadError(f"no node gives the output {shown(name)}.")
    while names:
        i = makers.get(names.pop(), -1)
        if i < 0 or i in found:
            continue
        found.add(i)
        for name in _reads(steps[i]):
            if name not in makers and name not in known and name in steps[i].inputs:
                raise LoadError(f"{steps[i].where()}: its input {shown(name)} comes from nowhere.")
            names.append(name)
    return found


def _reads(step: Step) -> list[str]:
    """The values that a node uses, those of graphs inside of it too."""
    found = [name for name in step.inputs if name]
    for value in step.attributes.values():
        if isinstance(value, _Graph):
            stack = [value.message]
            while stack:
                graph = stack.pop()
                for node in graph.node:
                    found += [name for name in node.input if name]
                    stack += [each.g for each in node.attribute if each.HasField("g")]
                found += [info.name for info in graph.output]
    return found
