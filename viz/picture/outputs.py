"""Which of several outputs of a box an arrow carries: each has a way out of its own, and is called by its name."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Collection, Container, Iterable, Mapping

from viz.facts import formatting
from viz.facts.schema import Record
from viz.geometry.graph import BACKWARD, Edge, Node

__all__ = ["OUTPUT_NAMES", "array_of", "by_outputs", "number_of"]

_MOST = 6  # outputs of a box that have ways of their own: with more of them it would be too wide
_LONGEST = 20  # letters of a name
_DIRECTIONS = ("forward", "backward")  # of a recurrent pair
OUTPUT_NAMES = {"lstm": ("outputs", "h", "c"), "gru": ("outputs", "h"), "simple_rnn": ("outputs", "h")}
OUTPUT_NAMES |= {"qr": ("q", "r"), "svd": ("u", "s", "vh"), "eigh": ("values", "vectors")}
OUTPUT_NAMES |= {"eig": ("values", "vectors"), "slogdet": ("sign", "log")}
_Output = tuple[int | None, int]


def by_outputs(record: Record, edges: Iterable[Edge], nodes: Mapping[str, Node], casts: Container[int]) -> list[Edge]:
    """The arrows of a picture, of which each that carried several outputs of one op or layer is one for each.

    What carries an output beside others says which it is: by the name that the user's code gives it, else by its place.
    Gradients of one op have ways of their own, too: that of its input, and those of its weights.

    Args:
        record: the recording.
        edges: at most one of a kind between two boxes.
        nodes: the boxes.
        casts: the ids of casts that are shown with other ops: what they make is what they read.
    """
    edges = _gradients_apart(record, list(edges), nodes)
    carried: dict[str, dict[int, _Output]] = {}  # tail -> tensor -> which of the outputs it is
    for edge in edges:
        if edge.kind == "data" and nodes[edge.tail].kind in ("op", "scope"):
            places = carried.setdefault(edge.tail, {})
            places |= {i: _output(record, nodes[edge.tail], i, casts) for i in edge.tensors if i not in places}
    found: list[Edge] = []
    for edge in edges:
        places = carried.get(edge.tail, {}) if edge.kind == "data" else {}
        outputs = {place for place, _ in places.values()}
        if None in outputs or not 1 < len(outputs) <= _MOST:
            found.append(_around_activation(record, _from_within(record, edge, places, nodes[edge.tail]), nodes))
        else:
            found += _parted(record, edge, places, nodes[edge.tail])
    return _of_folded_apart(record, found, nodes)


def _from_within(record: Record, edge: Edge, places: Mapping[int, _Output], node: Node) -> Edge:
    """An arrow that is the only one from a closed layer; it says so where it carries what is inside of that."""
    outputs = () if node.scope is None else record.scopes[node.scope].outputs
    if not all(place is not None and place >= len(outputs) > 0 for place, _ in places.values()):
        return edge
    name = _common(_inside(record, tensor, node) for _, tensor in places.values())
    return dataclasses.replace(edge, label=f"{name}  {edge.label}") if name and edge.label else edge


def _of_folded_apart(record: Record, edges: list[Edge], nodes: Mapping[str, Node]) -> list[Edge]:
    """The arrows, of which those that lead from ops that one box stands for, each to another box, are told apart.

    A name that all of them share, as that of the layer around, tells none from the others, and is left out.
    """
    leaving: dict[str, list[int]] = {}
    for i, edge in enumerate(edges):
        if edge.kind == "data" and edge.output is None and nodes[edge.tail].kind == "op":
            leaving.setdefault(edge.tail, []).append(i)
    found = [*edges]
    for several in leaving.values():
        made = [{record.tensors[tensor].producer for tensor in edges[i].tensors} for i in several]
        if not 1 < len(several) <= _MOST or len(set().union(*made)) < sum(map(len, made)) or None in set().union(*made):
            continue
        names = [
            _common(record.called.get(tensor) or _layer_of(record, tensor) for tensor in edges[i].tensors)
            for i in several
        ]
        for number, (i, name) in enumerate(zip(several, names if len({*names}) > 1 else itertools.repeat(""))):
            label = f"{name}  {edges[i].label}" if name else edges[i].label
            found[i] = dataclasses.replace(edges[i], label=label, output=number)
    return found


def _gradients_apart(record: Record, edges: list[Edge], nodes: Mapping[str, Node]) -> list[Edge]:
    """The arrows, of which different gradients that one box gives to other rows are numbered: other ways out.

    What an op gives to several operands as it is, as a sum does, is one gradient, and leaves as one.
    """
    carried: dict[str, dict[tuple[str, frozenset[tuple[bool, int]]], int]] = {}
    numbers: dict[int, int] = {}
    for i, edge in enumerate(edges):
        if _leads_away(edge, nodes):
            outputs = carried.setdefault(edge.tail, {})
            arrays = frozenset([array_of(record, tensor) for tensor in edge.tensors])
            numbers[i] = outputs.setdefault((edge.label, arrays), len(outputs))
    return [
        dataclasses.replace(edge, output=numbers[i]) if i in numbers and 1 < len(carried[edge.tail]) <= _MOST else edge
        for i, edge in enumerate(edges)
    ]


def array_of(record: Record, tensor: int) -> tuple[bool, int]:
    """What several tensors share that are one array; a part of an array is one for itself."""
    info = record.tensors[tensor]
    if info.storage is None:
        return False, tensor
    given = [] if info.producer is None else [record.tensors[i] for i in record.ops[info.producer].inputs]
    sizes = [each.nbytes for each in given if each.storage == info.storage]  # a broadcast is larger than its memory
    is_part = info.nbytes < max([record.storages[info.storage].nbytes, *sizes])
    return (False, tensor) if is_part else (True, info.storage)


def number_of(record: Record, tensors: Collection[int]) -> int:
    """How many tensors these are; what an op gives as one array to several operands, or in parts to one, is one."""
    arrays, operands = set(), set()
    for i in tensors:
        tensor = record.tensors[i]
        maker = None if tensor.producer is None else record.ops[tensor.producer]
        is_gradient = maker is not None and maker.phase == "backward"
        arrays.add((tensor.producer, *array_of(record, i)) if is_gradient else i)
        operands.add((tensor.producer, tensor.gradient_of) if is_gradient and tensor.gradient_of is not None else i)
    return min(len(arrays), len(operands))


def _layer_of(record: Record, tensor: int) -> str:
    """What the layer is called that made a tensor; "" for none."""
    producer = record.tensors[tensor].producer
    scope = None if producer is None else record.ops[producer].scope
    return record.scopes[scope].shown if scope is not None and record.scopes[scope].kind == "layer" else ""


def _leads_away(edge: Edge, nodes: Mapping[str, Node]) -> bool:
    """Is it a gradient for another row? Those for an update in its own row leave a box at the side."""
    tail = nodes[edge.tail]
    return edge.kind == "gradient" and tail.lane in BACKWARD and tail.row != nodes[edge.head].row


def _output(record: Record, node: Node, tensor: int, casts: Container[int]) -> _Output:
    """Which of the outputs of its op, or of a closed layer, a tensor is, and the tensor itself before it was cast.

    What others read of what is inside a layer, as a loss reads logits before a softmax, is numbered behind those.
    """
    given, producer = tensor, record.tensors[tensor].producer
    while producer in casts and producer in node.ops:
        (before, *_) = record.ops[producer].inputs
        if record.tensors[before].producer not in node.ops:
            break
        tensor, producer = before, record.tensors[before].producer
    if node.kind == "op":
        outputs = record.ops[producer].outputs if producer is not None else ()
    else:
        outputs = () if node.scope is None else record.scopes[node.scope].outputs
        scope = None if producer is None else record.ops[producer].scope
        if given in outputs:  # what a layer gives may be cast at its end
            return outputs.index(given), tensor
        if tensor not in outputs and producer in node.ops and node.scope in [s.id for s in record.ancestors(scope)]:
            return len(outputs) + node.ops.index(producer), tensor
    return (outputs.index(tensor) if tensor in outputs else None), tensor


def _parted(record: Record, edge: Edge, places: Mapping[int, _Output], node: Node) -> list[Edge]:
    """An arrow for each output that one carries."""
    of_output: dict[int, list[int]] = {}
    for tensor in edge.tensors:
        of_output.setdefault(places[tensor][0] or 0, []).append(tensor)
    return [
        dataclasses.replace(
            edge,
            label=_label(record, tensors, {places[i][1] for i in tensors}, output, node),
            tensors=tuple(tensors),
            output=output,
        )
        for output, tensors in of_output.items()
    ]


def _label(record: Record, tensors: list[int], before: Collection[int], output: int, node: Node) -> str:
    """`"mu  8×4 f32"`, or `"[0]  8×4 f32"` where neither the user's code nor the op has a name for it."""
    outputs = () if node.scope is None else record.scopes[node.scope].outputs
    name = _common(record.called.get(tensor, "") for tensor in before)
    name = name or _common(_usual_name(record, tensor) for tensor in before)
    if not name and node.scope is not None and output >= len(outputs):
        name = _common(_inside(record, tensor, node) for tensor in before)
    shape = formatting.tensor(record.tensors[tensors[0]])
    return shape if not name and len(outputs) == 1 and output == 0 else f"{name or f'[{output}]'}  {shape}"


def _around_activation(record: Record, edge: Edge, nodes: Mapping[str, Node]) -> Edge:
    """An arrow to a loss from an op that is in an open layer; it says so where it leads around an activation there.

    As losses do that take logits for probabilities that a softmax made: what that made, nobody reads.
    """
    tail, inner = nodes[edge.tail], nodes[edge.head].ops
    if edge.kind != "data" or tail.kind != "op" or not edge.label:
        return edge
    if not (inner and all(_is_in_loss(record, op) for op in inner)) or any(_is_in_loss(record, op) for op in tail.ops):
        return edge
    name = _common(_activation_behind(record, tensor) for tensor in edge.tensors)
    return dataclasses.replace(edge, label=f"{name}  {edge.label}") if name else edge


def _is_in_loss(record: Record, op: int) -> bool:
    return any(scope.kind == "loss" for scope in record.ancestors(record.ops[op].scope))


def _activation_behind(record: Record, tensor: int) -> str:
    """`"before softmax"` where that, in the same layer, reads what an op made; "" where no op there does."""
    producer = record.tensors[tensor].producer
    scope = None if producer is None else record.ops[producer].scope
    readers = [op for op in record.ops if op.phase == "forward" and op.scope == scope and tensor in op.inputs]
    return f"before {formatting.clean(readers[0].name, 40)}" if scope is not None and readers else ""


def _inside(record: Record, tensor: int, node: Node) -> str:
    """Where in a closed layer what others read of it is: `"before softmax"`; "" where nothing in it reads that."""
    reader = next((op for op in map(record.ops.__getitem__, node.ops) if tensor in op.inputs), None)
    return "" if reader is None else f"before {formatting.clean(reader.name, 40)}"


def _usual_name(record: Record, tensor: int) -> str:
    """What everybody calls an output of some ops: `"h"`, or `"backward h"` of two directions at once."""
    producer = record.tensors[tensor].producer
    op = None if producer is None else record.ops[producer]
    if op is None or tensor not in op.outputs:
        return ""
    names, place = OUTPUT_NAMES.get(op.name.removesuffix("_pair"), ()), op.outputs.index(tensor)
    if op.name.endswith("_pair") and names:
        direction, place = _DIRECTIONS[place >= len(names)], place % len(names)
        return f"{direction} {names[place]}" if place else direction
    return names[place] if place < len(names) else ""


def _common(names: Iterable[str]) -> str:
    """The name that several tensors share; "" where they have others, or none."""
    distinct = set(names)
    return formatting.clean(distinct.pop(), _LONGEST) if len(distinct) == 1 else ""
