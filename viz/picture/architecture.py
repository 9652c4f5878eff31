"""The layers of a model as a graph: from its symbolic calls where it has them, else from a run on zeros."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Collection
from typing import Any

from eagerflow import Layer, Model, tree
from viz.facts import formatting
from viz.facts.schema import Record, Scope
from viz.facts.selection import call_numbers
from viz.frameworks import only_eagerflow
from viz.frameworks.objects import is_layer
from viz.geometry.graph import Cluster, Edge, Graph, Node
from viz.picture.graph_builder import graph as graph_of_run
from viz.picture.palette import LIGHT
from viz.recorder.capture import Options
from viz.recorder.model_inputs import inner_layers, known_shape, symbolic_ends, zeros_for
from viz.recorder.record_builder import record_of

__all__ = ["Shown", "architecture", "has_parts_alone", "trial"]

_NAMED = 4  # layers by name in a caption
_SHAPES = 2 * _NAMED  # in a line
_ALIKE = 2  # neighbours that are the same and are told one by one


@dataclasses.dataclass(frozen=True)
class Shown:
    """What the box of a layer says."""

    shapes: bool = False
    dtype: bool = False
    names: bool = True
    activations: bool = False
    trainable: bool = False

    def write(self, node: Node, facts: _Facts) -> None:
        """Fill a box's lines."""
        cls = formatting.clean(facts.cls, 60)
        is_named = self.names or facts.call is not None  # a name tells which boxes are one layer
        node.title = f"{formatting.clean(facts.name, 40)} ({cls})" if is_named and cls else cls
        node.title = (node.title or formatting.clean(facts.name)) + _call(facts.call)
        node.lines = []
        if self.activations and facts.activation:
            node.lines.append(f"activation: {formatting.clean(facts.activation, 40)}")
        if self.dtype and facts.dtype:
            node.lines.append(f"dtype: {facts.dtype}")
        if self.shapes:
            node.lines += [f"input: {facts.inputs}"] if facts.inputs else []
            node.lines += [f"output: {facts.outputs}"] if facts.outputs else []
        if self.trainable and facts.trainable is not None:
            node.lines.append("trainable" if facts.trainable else "not trainable")
            node.fill = "" if facts.trainable else LIGHT.plain
        node.tooltip = "\n".join([f"{k} = {v!r}"[:160] for k, v in list(facts.config.items())[:20]])


@dataclasses.dataclass(frozen=True)
class _Facts:
    """What is known of one call of a layer.

    `call` counts the calls of a layer that has more than one, from 0; it is None for the only one.
    """

    name: str
    cls: str
    inputs: str = ""
    outputs: str = ""
    activation: str = ""
    dtype: str = ""
    trainable: bool | None = None
    config: dict[str, Any] = dataclasses.field(default_factory=dict)
    call: int | None = None


def _call(number: int | None) -> str:
    """What is added to the name of a layer that was called before."""
    return f" (call {number + 1})" if number else ""


def architecture(
    model: Any, shown: Shown, expand_nested: bool, inputs: Any = None, layers: Collection[Any] | None = None
) -> Graph:
    """The graph of a model's layers.

    A model without a `call` is that of its parts, each in a frame: what lies between them is in its `train_step`.

    Args:
        model: a built model.
        shown: what boxes say.
        expand_nested: show the layers of models within the model.
        inputs: what to call a model with that has no symbolic calls; default: zeros of the shape it was built with.
        layers: the layers of a model with symbolic calls that are drawn; default: all.

    Raises:
        ValueError: when the model isn't built, or nobody knows what to call it with.
    """
    if (inputs is None or layers is not None) and symbolic_ends(model) is not None:
        made = Graph(formatting.clean(model.name))
        drawing = _Symbolic(made, shown, expand_nested, layers)
        drawing.add(model, None)
        drawing.number_calls()
        return made
    if has_parts_alone(model):
        return _of_parts(model, shown, expand_nested)
    return _from_run(model, shown, expand_nested, inputs)


def has_parts_alone(model: Any) -> bool:
    """Can nobody call the model itself, but layers that it holds: as a GAN that has only a `train_step`?"""
    written = getattr(type(model), "call", None) not in (Layer.call, Model.call)
    return is_layer(model) and not written and symbolic_ends(model) is None and bool(inner_layers(model))


def _of_parts(model: Any, shown: Shown, expand: bool) -> Graph:
    made = Graph(formatting.clean(model.name), "the model has no call: these are its parts, as they are called alone")
    for number, part in enumerate(inner_layers(model)):
        start = f"part{number}_"
        title = f"{formatting.clean(part.name, 60)} ({formatting.clean(type(part).__name__, 40)})"
        if not inner_layers(part) or (symbolic_ends(part) is None and known_shape(part) is None):
            box = Node(f"{start}box", "scope", "", row=f"{start}box")
            trained = bool(part.trainable) if part.weights else None
            shown.write(box, _Facts(part.name, type(part).__name__, trainable=trained))
            made.nodes[box.id] = box
            continue
        inner = architecture(part, shown, expand)
        frame = Cluster(f"{start}frame", None, title, inner.caption, kind="model")
        made.clusters[frame.id] = frame
        for cluster in inner.clusters.values():
            around = frame.id if cluster.parent is None else start + cluster.parent
            made.clusters[start + cluster.id] = dataclasses.replace(cluster, id=start + cluster.id, parent=around)
        for node in inner.nodes.values():
            around = frame.id if node.cluster is None else start + node.cluster
            moved = dataclasses.replace(node, id=start + node.id, row=start + (node.row or node.id), cluster=around)
            made.nodes[moved.id] = moved
        made.edges += [dataclasses.replace(e, tail=start + e.tail, head=start + e.head) for e in inner.edges]
    return made


class _Symbolic:
    """Boxes for the symbolic calls between a model's inputs and outputs."""

    def __init__(self, graph: Graph, shown: Shown, expand: bool, layers: Collection[Any] | None) -> None:
        self.graph, self.shown, self.expand = graph, shown, expand
        self.layers = None if layers is None else {id(layer) for layer in layers}  # of the outermost model
        self.calls: dict[int, list[tuple[Node | Cluster, _Facts | None]]] = {}  # of each layer, by its identity

    def number_calls(self) -> None:
        """Say of the boxes and frames of each layer that is called more than once which of its calls they are.

        From call to call an arrow tells that they share weights.
        """
        for calls in self.calls.values():
            boxes = [drawn.id for drawn, facts in calls if facts is not None and facts.trainable is not None]
            pairs = itertools.pairwise(boxes)
            self.graph.edges += [Edge(a, b, "parameter", tooltip="the same weights") for a, b in pairs]
            for number, (drawn, facts) in enumerate(calls if len(calls) > 1 else ()):
                if isinstance(drawn, Cluster):
                    drawn.title += _call(number)
                elif facts is not None:
                    self.shown.write(drawn, dataclasses.replace(facts, call=number))

    def add(self, model: Any, cluster: str | None) -> tuple[list[list[str]], list[str]]:
        """Draw a model; gives the boxes that read each input, and the box of each output."""
        inputs, outputs = symbolic_ends(model) or ([], [])
        ends: dict[Any, str] = {}  # origin of a tensor -> the box it comes from
        readers: dict[Any, list[str]] = {x.origin: [] for x in inputs}
        for node in _calls_between(inputs, outputs):
            if self.layers is None or cluster is not None or id(node.operation) in self.layers:
                self._add_call(node, cluster, ends, readers)
        return [readers[x.origin] for x in inputs], [ends.get(x.origin, "") for x in outputs]

    def _add_call(self, call: Any, cluster: str | None, ends: dict[Any, str], readers: dict[Any, list[str]]) -> None:
        inner = symbolic_ends(call.operation) if self.expand else None
        if inner is not None and call.inputs:
            frame = f"frame{len(self.graph.clusters)}"
            title = f"{formatting.clean(call.operation.name)} ({type(call.operation).__name__})"
            self.graph.clusters[frame] = Cluster(frame, cluster, title, kind="model")
            self.calls.setdefault(id(call.operation), []).append((self.graph.clusters[frame], None))
            heads, tails = self.add(call.operation, frame)
        else:
            if not call.inputs and cluster is not None:
                ends.update({(call.serial, 0): ""})
                return  # what a nested model's Input stands for comes from outside
            box = self._box(call, cluster)
            heads, tails = [[box] for _ in call.inputs], [box] * len(tree.flatten(call.outputs))
        for tensor, boxes in zip(call.inputs, heads):
            readers.setdefault(tensor.origin, []).extend(boxes)
            for box in boxes:
                self._connect(ends.get(tensor.origin, ""), box)
        for i, box in enumerate(tails):
            ends[call.serial, i] = box

    def _connect(self, tail: str, head: str) -> None:
        if tail and head and not any(e.tail == tail and e.head == head for e in self.graph.edges):
            self.graph.edges.append(Edge(tail, head, "data"))

    def _box(self, call: Any, cluster: str | None) -> str:
        id_ = f"layer{len(self.graph.nodes)}"
        node = Node(id_, "input" if not call.inputs else "scope", "", row=id_, cluster=cluster)
        node.phase = "input" if not call.inputs else "forward"
        operation = call.operation
        is_layer = hasattr(operation, "weights")
        facts = _Facts(
            call.name,
            type(operation).__name__ if is_layer else _camel(call.name),
            _shapes([x.shape for x in call.inputs]),
            _shapes([x.shape for x in tree.flatten(call.outputs) if hasattr(x, "shape")]),
            _activation(operation),
            str(next((x.dtype for x in tree.flatten(call.outputs) if hasattr(x, "dtype")), "")),
            bool(operation.trainable) if is_layer and operation.weights else None,
        )
        self.shown.write(node, facts)
        if is_layer and call.inputs:
            self.calls.setdefault(id(operation), []).append((node, facts))
        self.graph.nodes[id_] = node
        return id_


def _calls_between(inputs: list[Any], outputs: list[Any]) -> list[Any]:
    """The calls that lead to the outputs, in order, those of `Input` too."""
    found: dict[Any, Any] = {}
    first = {x.origin for x in inputs}
    waiting = list(outputs)
    for x in inputs:
        if x.node is not None:
            found[x.node.serial] = x.node
    while waiting:
        tensor = waiting.pop()
        if tensor.node is not None and tensor.node.serial not in found:
            found[tensor.node.serial] = tensor.node
            waiting += [x for x in tensor.node.inputs if x.origin not in first]
    return [found[serial] for serial in sorted(found)]


def _shapes(shapes: list[Any]) -> str:
    """`"(None, 4), 3 × (None, 8)"`: of many neighbours of one shape it says how many."""
    runs = [(str(shape), len([*run])) for shape, run in itertools.groupby([tuple(shape) for shape in shapes])]
    told = [each for shape, n in runs for each in ([f"{n} × {shape}"] if n > _ALIKE else [shape] * n)]
    return ", ".join(told[:_SHAPES]) + (", …" if len(told) > _SHAPES else "")


def _activation(layer: Any) -> str:
    activation = getattr(layer, "activation", None)
    return "" if activation is None else str(getattr(activation, "__name__", type(activation).__name__))


def _camel(name: str) -> str:
    """`add_3` as `Add`."""
    return "".join([part.capitalize() for part in name.split("_") if not part.isdigit()])


# ---------------------------------------------------------------------- models that must run


def trial(model: Any, inputs: Any = None) -> Record:
    """What one call of a model ran, in inference.

    Args:
        model: a model or layer.
        inputs: what to call it with; default: zeros of the shapes it was built with.

    Raises:
        TypeError: when it is none.
        ValueError: when it isn't built and no inputs are given.
    """
    only_eagerflow("viz.summary", model)
    if not callable(model) or isinstance(model, type):
        raise TypeError(f"viz.summary(model): expected a model or layer; got {type(model).__name__}")
    if has_parts_alone(model):
        inner = {id(each) for each in inner_layers(model)}
        held = [name for name, value in vars(model).items() if id(value) in inner][:_NAMED]
        parts = ", ".join([f"viz.summary(model.{name})" for name in held])
        raise ValueError(
            f"{type(model).__name__} {model.name!r} has no method `call` to run. Ask for its parts: {parts}"
        )
    given = zeros_for(model, "viz.summary(model, x), viz.plot_model(model, inputs=x)") if inputs is None else inputs
    name = str(getattr(model, "name", type(model).__name__))
    return record_of(lambda: model(given), Options(name, backward=False))


def _from_run(model: Any, shown: Shown, expand: bool, inputs: Any) -> Graph:
    record = trial(model, inputs)
    for scope in record.scopes:
        scope.called = ""  # as the table has them: by their own names
    own = next((scope for scope in record.scopes if scope.parent is None), None)
    made = graph_of_run(record, view="layers", depth=None if expand else 1, collapse_repeats=False, max_nodes=100_000)
    made.title, made.caption = formatting.clean(getattr(model, "name", "")), _not_reached(model, record)
    calls = call_numbers(record)
    again = {record.scopes[i].owner for i, number in enumerate(calls) if number}
    for node in made.nodes.values():
        if node.kind == "scope" and node.scope is not None:
            facts = _of_scope(record, record.scopes[node.scope])
            is_again = record.scopes[node.scope].owner in again
            shown.write(node, dataclasses.replace(facts, call=calls[node.scope]) if is_again else facts)
        elif node.kind == "op" and node.ops:
            op = record.ops[node.ops[0]]
            tensors = record.tensors
            read, wrote = (_shapes([tensors[i].shape for i in ids]) for ids in (op.inputs, op.outputs))
            facts = _Facts(op.name, _camel(op.name), read, wrote)
            shown.write(node, facts)
        elif node.kind == "input":
            given = record.tensors[int(node.id.removeprefix("in"))]
            is_told = shown.dtype and inputs is not None  # else zeros stand for what isn't known
            node.lines = [f"dtype: {given.dtype}"] if is_told else []
            node.lines += [f"output: {_shapes([given.shape])}"] if shown.shapes else []
            node.tooltip = ""
        elif node.kind != "parameter":
            node.lines = [f"{len(node.ops)} ops"]  # of one line; times are those of this one run
    made.nodes = {id_: node for id_, node in made.nodes.items() if node.kind != "parameter"}
    made.edges = [edge for edge in made.edges if edge.tail in made.nodes and edge.head in made.nodes]
    for edge in made.edges:
        edge.label = ""
    for cluster in made.clusters.values():
        cluster.subtitle = ""
    if own is not None and own.cls:
        _unwrap(made, own)
    return made


def _not_reached(model: Any, record: Record) -> str:
    """Which of the model's own layers this run had no use for, as they are behind an `if`; empty for none."""
    ran = {scope.name for scope in record.scopes}
    missing = [formatting.clean(each.name, 40) for each in inner_layers(model) if each.name not in ran]
    if not missing:
        return ""
    named = ", ".join(missing[:_NAMED]) + (f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else "")
    return f"not reached in this call: {named} (other inputs may: inputs=x)"


def _unwrap(graph: Graph, own: Scope) -> None:
    """Leave out the frame of the model itself, whose name stands above."""
    outer = next((c for c in graph.clusters.values() if c.parent is None and c.title == own.name), None)
    if outer is None:
        return
    del graph.clusters[outer.id]
    for node in graph.nodes.values():
        node.cluster = None if node.cluster == outer.id else node.cluster
    for frame in graph.clusters.values():
        frame.parent = None if frame.parent == outer.id else frame.parent


def _of_scope(record: Record, scope: Scope) -> _Facts:
    tensors = record.tensors
    activation = scope.config.get("activation")
    return _Facts(
        scope.name,
        scope.cls,
        _shapes([tensors[i].shape for i in scope.inputs]),
        _shapes([tensors[i].shape for i in scope.outputs]),
        activation if isinstance(activation, str) else "",
        tensors[scope.outputs[0]].dtype if scope.outputs else "",
        scope.config.get("trainable") if scope.params else None,
        scope.config,
    )
