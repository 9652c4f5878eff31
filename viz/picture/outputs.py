"""Which of several outputs of a box an arrow carries: each has a way out of its own, and is called by its name."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from viz.facts import formatting
from viz.facts.schema import Record
from viz.geometry.graph import Edge, Node

__all__ = ["by_outputs"]

_MOST = 6  # outputs of a box that have ways of their own: with more of them it would be too wide
_LONGEST = 20  # letters of a name


def by_outputs(record: Record, edges: Iterable[Edge], nodes: Mapping[str, Node]) -> list[Edge]:
    """The arrows of a picture, of which each that carried several outputs of one op or layer is one for each.

    What carries an output beside others says which it is: by the name that the user's code gives it, else by its place.

    Args:
        record: the recording.
        edges: at most one of a kind between two boxes.
        nodes: the boxes.
    """
    edges = list(edges)
    carried: dict[str, dict[int, int | None]] = {}  # tail -> tensor -> which of the outputs it is
    for edge in edges:
        if edge.kind == "data" and nodes[edge.tail].kind in ("op", "scope"):
            places = carried.setdefault(edge.tail, {})
            places |= {i: _place(record, nodes[edge.tail], i) for i in edge.tensors if i not in places}
    found: list[Edge] = []
    for edge in edges:
        places = carried.get(edge.tail, {}) if edge.kind == "data" else {}
        outputs = {*places.values()}
        if None in outputs or not 1 < len(outputs) <= _MOST:
            found.append(edge)
        else:
            found += _parted(record, edge, places)
    return found


def _place(record: Record, node: Node, tensor: int) -> int | None:
    """Which of the outputs of its op, or of a closed layer, a tensor is; None where it is no such output."""
    producer = record.tensors[tensor].producer
    if node.kind == "op":
        outputs = record.ops[producer].outputs if producer is not None else ()
    else:
        outputs = () if node.scope is None else record.scopes[node.scope].outputs
    return outputs.index(tensor) if tensor in outputs else None


def _parted(record: Record, edge: Edge, places: Mapping[int, int | None]) -> list[Edge]:
    """An arrow for each output that one carries."""
    of_output: dict[int, list[int]] = {}
    for tensor in edge.tensors:
        of_output.setdefault(places[tensor] or 0, []).append(tensor)
    return [
        dataclasses.replace(edge, label=_label(record, tensors, output), tensors=tuple(tensors), output=output)
        for output, tensors in of_output.items()
    ]


def _label(record: Record, tensors: list[int], output: int) -> str:
    """`"mu  8×4 f32"`, or `"[0]  8×4 f32"` where the user's code has no name for it."""
    names = {record.called.get(tensor, "") for tensor in tensors}
    name = formatting.clean(names.pop(), _LONGEST) if len(names) == 1 else ""
    return f"{name or f'[{output}]'}  {formatting.tensor(record.tensors[tensors[0]])}"
