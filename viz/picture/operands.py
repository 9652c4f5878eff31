"""Which operands an op has: what a box says of them, and which of them an arrow carries."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from viz.facts import formatting
from viz.facts.parts import SinglePart
from viz.facts.schema import Op, Record
from viz.geometry.graph import BACKWARD, Edge, Graph, Node

__all__ = ["ORDERED", "between_parts", "operands", "taken", "tell_in_words", "with_operands"]

_SLICE = re.compile(r"slice\((None|-?\d+), (None|-?\d+), (None|-?\d+)\)")
_MOST_UNREAD = 3  # gradients that a box names
_LONGEST_NUMBER = 12  # signs of a number beside a tensor
_SIGNS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "floor_divide": "//", "mod": "%", "power": "**"}
_SIGNS |= {"greater": ">", "greater_equal": ">=", "less": "<", "less_equal": "<=", "equal": "==", "not_equal": "!="}
_FUNCTIONS = ("maximum", "minimum")
_INDICES = ("index", "indices")  # parameters

# Ops of which it matters which operand is the first: their arrows say so.
ORDERED = frozenset("subtract divide floor_divide mod power greater greater_equal less less_equal arctan2".split())
ORDERED |= frozenset("matmul solve where concatenate stack overwrite dot_product_attention".split())


def taken(record: Record, ops: Sequence[Op], beside: Mapping[int, Collection[int]]) -> list[str]:
    """What a box of equal ops says of what they are given, in a line: `operands`, and `kernel of dense_1`.

    The latter where ops outside of all layers read a weight that no box beside them shows, as penalties do.

    Args:
        record: the recording.
        ops: equal ones, in their order.
        beside: by op, the weights that stand beside it.
    """
    whose = [_weight_of_layer(record, op) for op in ops if not beside.get(op.id)]
    told = dict.fromkeys([whose[0], whose[-1]]) if len(whose) == len(ops) and all(whose) else ()
    line = "  ·  ".join([*operands(ops), *([" … ".join(told)] if told else [])])
    return [line] if line else []


def _weight_of_layer(record: Record, op: Op) -> str:
    """The one weight that a forward op outside of layers reads, with its layer; "" for others."""
    read = {i for i in op.inputs if record.tensors[i].role in ("parameter", "frozen")}
    if op.phase != "forward" or len(read) != 1 or any(s.kind in ("layer", "model") for s in record.ancestors(op.scope)):
        return ""
    layer, name = _layer_and_name(record, read.pop())
    return f"{formatting.clean(name, 20)} of {formatting.clean(layer, 24)}" if layer else ""


def _layer_and_name(record: Record, weight: int) -> tuple[str, str]:
    """What the layer is called that holds a weight, "" for none, and what the weight is called in it."""
    path, _, name = record.shown(weight).rpartition("/")
    return path.rpartition("/")[2], name


def operands(ops: Sequence[Op]) -> list[str]:
    """Which part of a tensor equal ops take, `x[:, -1]`, or what stands beside it, `1 - x`, `x * x`, as in Python.

    Of ops that differ in it, that of the first and last. Nothing for ops that do something else, or where an index is
    an array.
    """
    told = ["" if op.phase == "backward" else _taken(op) or _of_one_tensor(op) for op in ops]
    return [" … ".join(dict.fromkeys([told[0], told[-1]]))] if all(told) else []


def _taken(op: Op) -> str:
    index = _index(op.settings.get("index")) if op.name == "take_index" else ""
    return f"x[{index}]" if index else ""


def _of_one_tensor(op: Op) -> str:
    """What an op of two operands does with a number and a tensor, or with one tensor twice: no arrow shows that."""
    if len({*op.inputs}) != 1 or not (op.name in _SIGNS or op.name in _FUNCTIONS):
        return ""
    pair = [_number(op.settings[name]) if name in op.settings else "x" for name in ("x1", "x2")]
    if pair.count("x") != len(op.inputs) or not all(pair):
        return ""
    return f"{op.name}({', '.join(pair)})" if op.name in _FUNCTIONS else f" {_SIGNS[op.name]} ".join(pair)


def _number(value: Any) -> str:
    """A short number as it is written; "" for others, and what is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    text = str(value) if isinstance(value, int) else f"{value:.6g}"
    return text if len(text) <= _LONGEST_NUMBER else ""


def _index(index: Any) -> str:
    """An index as it was written, without the axes at its end that it takes whole; "" where it isn't known."""
    parts = [_part_of_index(part) for part in (index if isinstance(index, list | tuple) else [index])]
    while len(parts) > 1 and parts[-1] == ":":
        parts.pop()
    return ", ".join(parts) if all(parts) else ""


def _part_of_index(part: Any) -> str:
    if part is None:  # a new axis
        return "None"
    if isinstance(part, int) and not isinstance(part, bool):
        return str(part)
    if not isinstance(part, str):
        return ""
    if part == "Ellipsis":
        return "..."
    match = _SLICE.fullmatch(part)
    if match is None:
        return ""
    start, stop, step = ["" if bound == "None" else bound for bound in match.groups()]
    return f"{start}:{stop}:{step}" if step else f"{start}:{stop}"


def between_parts(parts: Sequence[SinglePart], rows: Sequence[str]) -> list[Edge]:
    """The arrows between the parts of an opened op, whose boxes are given."""
    maker = {i: row for part, row in zip(parts, rows) for i in part.op.outputs}
    found = []
    for part, row in zip(parts, rows):
        for i, info in zip(part.op.inputs, part.read):
            if i in maker:
                label = formatting.tensor(info)
                found.append(Edge(maker[i], row, "data", label, label))
    return found


def with_operands(
    record: Record, edges: Iterable[Edge], nodes: Mapping[str, Node], casts: Collection[int]
) -> list[Edge]:
    """The arrows of a picture, of which those say which operand they carry that end where this matters.

    Operands are numbered from 1; one by which an op takes elements of another is called `index`.

    Args:
        record: the recording.
        edges: the arrows.
        nodes: the boxes.
        casts: the ids of casts that are shown with other ops.
    """
    found = [*edges]
    into: dict[str, list[int]] = {}
    for i, edge in enumerate(found):
        if edge.kind in ("data", "parameter") and nodes[edge.head].kind in ("op", "scope"):
            into.setdefault(edge.head, []).append(i)
    for head, arrows in into.items():
        places = _places([record.ops[i] for i in nodes[head].ops], casts)
        told = [sorted({place for tensor in found[i].tensors for place in places.get(tensor, ())}) for i in arrows]
        known = {place for of_tensor in places.values() for place in of_tensor}
        if len(arrows) > 1 or (nodes[head].kind == "op" and len(known) > len(told[0])):  # closed layers hold the others
            for i, each in zip(arrows, told):
                found[i] = dataclasses.replace(found[i], operand=formatting.ranges(each, least=3, most=len(each)))
        indices = _indices([record.ops[i] for i in nodes[head].ops])
        marked = [i for i in arrows if found[i].tensors and indices.keys() >= {*found[i].tensors}]
        if marked and any(found[i].kind == "data" for i in arrows if i not in marked):
            are_several = max(map(max, indices.values())) > 1
            for i in marked:
                numbers = sorted({number for x in found[i].tensors for number in indices[x]})
                which = f" {formatting.ranges(numbers, least=3, most=len(numbers))}" if are_several else ""
                found[i] = dataclasses.replace(found[i], operand=f"index{which}")
    return found


def tell_in_words(record: Record, graph: Graph) -> None:
    """Let boxes say what no arrow shows: whose gradients they compute, and of which weights penalties are.

    Args:
        record: the recording.
        graph: with all arrows of data, weights and gradients; those of penalties of several layers are taken away.
    """
    _tell_unread_gradients(record, graph)
    _tell_weights_of_terms(record, graph)


def _tell_unread_gradients(record: Record, graph: Graph) -> None:
    """Let a box say whose gradients it computes, `→ ∇ kernel, bias`, where no arrow leaves it: nothing else reads them.

    As `tellUnreadGradients` of the page.
    """
    read = {edge.tail for edge in graph.edges}
    for node in [node for node in graph.nodes.values() if node.lane in BACKWARD and node.id not in read]:
        made = [record.tensors[i].gradient_of for op in node.ops for i in record.ops[op].outputs]
        of = [record.tensors[i] for i in dict.fromkeys(made) if i is not None]
        forward = [info.id for info in of if info.producer is None or record.ops[info.producer].phase != "backward"]
        names = [formatting.clean(record.shown(i).rpartition("/")[2], 20) for i in forward]
        names = list(dict.fromkeys(filter(None, names)))
        if names:
            more = ", …" if len(names) > _MOST_UNREAD else ""
            node.lines.insert(-1, f"→ ∇ {', '.join(names[:_MOST_UNREAD])}{more}")


def _tell_weights_of_terms(record: Record, graph: Graph) -> None:
    """Let the box of weight penalties say which weights it reads, of several layers, and that of its gradient, too.

    Arrows from each layer to one box, and back to what updates each, lead around the whole network. As
    `tellWeightsOfTerms` of the page.
    """
    for row in [node.id for node in graph.nodes.values() if node.role == "terms"]:
        read = [edge for edge in graph.edges if edge.head == row and edge.kind == "parameter"]
        if len(read) < 2:
            continue
        weights = list(dict.fromkeys([tensor for edge in read for tensor in edge.tensors]))
        keepers = [formatting.clean(_layer_and_name(record, i)[0], 20) for i in weights]
        of = (" … " if len({*keepers}) > 2 else ", ").join(dict.fromkeys([keepers[0], keepers[-1]]))
        graph.nodes[row].lines[-1:-1] = [f"reads {len(weights)} weights", f"of {of}"]
        given = [e for e in graph.edges if graph.nodes[e.tail].row == row and graph.nodes[e.head].lane == "update"]
        for back in {edge.tail for edge in given}:
            updates = " ".join(dict.fromkeys([graph.nodes[edge.head].title for edge in given if edge.tail == back]))
            graph.nodes[back].lines.insert(-1, f"→ {updates}")
        graph.edges = [edge for edge in graph.edges if edge not in read and edge not in given]


def _indices(ops: Sequence[Op]) -> dict[int, set[int]]:
    """The tensors that ops are given as indices of others, and as nothing else: which of their indices, from 1.

    What an op among them makes an index of is as good as one: `i` of `i[:, None]`.
    """
    found: dict[int, set[int]] = {}
    others: set[int] = set()
    for op in [op for op in reversed(ops) if op.phase == "forward"]:
        if len(op.inputs) == 1 and found.keys() >= {*op.outputs} and others.isdisjoint(op.outputs):
            found.setdefault(op.inputs[0], set()).update(*[found[made] for made in op.outputs])
            continue
        given = [x for x, name in zip(op.inputs, op.input_names) if name in _INDICES]
        others |= {x for x, name in zip(op.inputs, op.input_names) if name not in _INDICES}
        for number, x in enumerate(given, 1):
            found.setdefault(x, set()).add(number)
    return {x: numbers for x, numbers in found.items() if x not in others}


def _places(ops: Sequence[Op], casts: Collection[int]) -> dict[int, set[int]]:
    """For the tensors that equal ops read, which of their operands they are, from 1; none where that doesn't matter."""
    found: dict[int, set[int]] = {}
    own = [op for op in ops if op.id not in casts]
    if any(op.name not in ORDERED or op.phase != "forward" or op.name != own[0].name for op in own):
        return {}
    for op in own:
        if len({*op.inputs}) > 1:
            for place, tensor in enumerate(op.inputs, 1):
                found.setdefault(tensor, set()).add(place)
    for op in ops:
        if op.id in casts and op.outputs[0] in found:
            found.setdefault(op.inputs[0], set()).update(found[op.outputs[0]])
    return found
