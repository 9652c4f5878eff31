"""The graph of an ONNX file, for the Graphs tab."""

from __future__ import annotations

import importlib
import os
import pathlib
import re
from typing import Any

from viz.export.event_protos import protos
from viz.export.tensorboard_graph import unique_names

__all__ = ["definition"]


def definition(path: str | os.PathLike[str]) -> Any:
    """The `GraphDef` of a file: its inputs, weights and nodes.

    Args:
        path: the file.

    Raises:
        FileNotFoundError: where there is none.
        eagerflow.onnx.LoadError: for what is no ONNX file.
    """
    reading = importlib.import_module("eagerflow.onnx.reading")  # with all of its package: only where it is asked for
    try:
        content = pathlib.Path(path).read_bytes()
    except OSError as error:
        raise type(error)(error.errno, f"add_onnx_graph({str(path)!r:.100}): {error.strerror}") from None
    graph = reading.model_of(content).graph
    weights = [each.name for each in graph.initializer]
    outside = [(name, "Variable") for name in weights]
    outside += [(each.name, "Placeholder") for each in graph.input if each.name not in weights]
    wanted = {("value", number): _name(name) for number, (name, _) in enumerate(outside)}
    for number, node in enumerate(graph.node):
        wanted["node", number] = _name(node.name or next(iter(node.output), node.op_type))
    names = unique_names(wanted)
    made = protos().graph.GraphDef()
    made.versions.producer = 1
    sources: dict[str, str] = {}  # of each value, the node and the number of its output
    for number, (name, kind) in enumerate(outside):
        sources[name] = names["value", number]
        made.node.add(name=sources[name], op=kind)
    for number, node in enumerate(graph.node):
        for slot, output in enumerate(node.output):
            sources[output] = names["node", number] + (f":{slot}" if slot else "")
    for number, node in enumerate(graph.node):
        inputs = [sources[each] for each in node.input if each in sources]
        told = made.node.add(name=names["node", number], op=node.op_type or "node", input=inputs)
        for attribute in node.attribute:
            told.attr[attribute.name].s = _shown(attribute).encode("utf-8", "replace")
    return made


def _name(name: str) -> str:
    """A name whose parts stand for scopes, without what separates outputs (`:`) or marks control inputs (`^`)."""
    parts = [re.sub(r"[:^\\\s]", "_", part) for part in name.split("/") if part]
    return "/".join(parts)[:200] or "_"


def _shown(attribute: Any) -> str:
    """An attribute's value in short; tensors and graphs by their kind."""
    for field in ("s", "t", "g", "f", "i"):
        if attribute.HasField(field):
            value = getattr(attribute, field)
            if field in ("t", "g"):
                return "tensor" if field == "t" else "graph"
            return bytes(value).decode("utf-8", "replace")[:200] if field == "s" else f"{value!r:.200}"
    return next((f"{list(x)!r:.200}" for x in (attribute.floats, attribute.ints, attribute.strings) if x), "")
