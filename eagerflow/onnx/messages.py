"""Writes ONNX files: the few messages that they need, and weights, which are streamed.

Numbers of fields are those of onnx.proto, https://github.com/onnx/onnx (Apache 2.0).
"""

from __future__ import annotations

import os
import pathlib
import struct
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO

import numpy

from eagerflow.base.files import replacing
from eagerflow.onnx.graph import Graph, Node, Value
from eagerflow.onnx.trace import ExportError

__all__ = ["TYPES", "write"]

TYPES = {
    "float32": 1,
    "uint8": 2,
    "int8": 3,
    "uint16": 4,
    "int16": 5,
    "int32": 6,
    "int64": 7,
    "bool": 9,
    "float16": 10,
    "float64": 11,
    "uint32": 12,
    "uint64": 13,
    "bfloat16": 16,
}
_IR = {17: 8, 18: 8, 19: 9, 20: 9, 21: 10, 22: 10, 23: 11}  # the version of the format that came with each opset
_LARGEST = 1_900_000_000  # bytes of weights, as protobuf ends at 2 GiB
_GRAPH, _INITIALIZER, _RAW = 7, 5, 9  # numbers of fields whose contents are streamed


# ---------------------------------------------------------------------- protobuf


def _varint(number: int) -> bytes:
    number = int(number) & (1 << 64) - 1
    made = bytearray()
    while number > 127:
        made.append(number & 127 | 128)
        number >>= 7
    made.append(number)
    return bytes(made)


def _head(number: int, length: int) -> bytes:
    """What stands before the bytes of a field."""
    return _varint(number << 3 | 2) + _varint(length)


def _part(number: int, content: bytes | str) -> bytes:
    """A field of bytes, text or a message."""
    content = content.encode() if isinstance(content, str) else content
    return _head(number, len(content)) + content


def _parts(number: int, contents: Iterable[bytes | str]) -> bytes:
    return b"".join([_part(number, content) for content in contents])


def _given(number: int, value: str | int) -> bytes:
    """A field of text or a number, which is left out where it has protobuf's default."""
    if not value:
        return b""
    return _part(number, value) if isinstance(value, str) else _varint(number << 3) + _varint(value)


def _integers(number: int, values: Iterable[int]) -> bytes:
    packed = b"".join([_varint(int(value)) for value in values])
    return _part(number, packed) if packed else b""


# ---------------------------------------------------------------------- messages


def _attribute(name: str, value: Any) -> bytes:
    """An `AttributeProto`."""
    if isinstance(value, numpy.dtype):
        content, kind = _given(3, TYPES[value.name]), 2
    elif isinstance(value, (bool, int, numpy.integer)):
        content, kind = _given(3, int(value)), 2
    elif isinstance(value, float):
        content, kind = _varint(2 << 3 | 5) + struct.pack("<f", value), 1
        content = content if content[1:] != bytes(4) else b""
    elif isinstance(value, str):
        content, kind = _given(4, value), 3
    elif isinstance(value[0] if value else 0, str):
        content, kind = _parts(9, value), 8
    elif isinstance(value[0] if value else 0, float):
        content, kind = _part(7, struct.pack(f"<{len(value)}f", *value)), 6
    else:
        content, kind = _integers(8, value), 7
    return _given(1, name) + content + _given(20, kind)


def _node(node: Node) -> bytes:
    """A `NodeProto`."""
    attributes = [_attribute(key, value) for key, value in node.attributes.items()]
    names = _parts(1, node.inputs) + _parts(2, node.outputs) + _given(3, node.name)
    return names + _given(4, node.kind) + _parts(5, attributes)


def _described(name: str, value: Value, symbols: Mapping[Any, str]) -> bytes:
    """The `ValueInfoProto` of an input or output: its type and shape, with names for lengths that aren't fixed."""
    shape = list[bytes]()
    for lengths in value.shape:
        fixed = len(set(lengths)) == 1
        shape.append(_given(1, lengths[0]) if fixed else _given(2, symbols.get(lengths, f"{name}_{len(shape)}")))
    tensor = _given(1, TYPES[value.dtype.name]) + _part(2, _parts(1, shape))
    return _given(1, name) + _part(2, _part(1, tensor))


def _tensor(name: str, array: Any) -> bytes:
    """A `TensorProto` without its numbers."""
    return _integers(1, array.shape) + _given(2, TYPES[array.dtype.name]) + _given(8, name)


# ---------------------------------------------------------------------- files


def write(
    graph: Graph, path: str | os.PathLike[str], name: str, version: str, symbols: Mapping[Any, str]
) -> pathlib.Path:
    """Write a graph, whole or not at all."""
    size = sum(array.nbytes for array in graph.constants.values())
    if size > _LARGEST:
        raise ExportError(f"its weights take {size:,} bytes, and ONNX files end at 2 GiB. Export parts of the model.")
    target = pathlib.Path(path)
    body = _parts(1, map(_node, graph.nodes)) + _given(2, name)
    body += _parts(11, [_described(key, value, symbols) for key, value in graph.inputs.items()])
    body += _parts(12, [_described(key, value, symbols) for key, value in graph.outputs.items()])
    model = _given(1, _IR[graph.opset]) + _given(2, "eagerflow") + _given(3, version)
    model += _part(8, _given(2, graph.opset))
    with replacing(target) as file:
        _write(file, model, body, [(_tensor(key, array), array) for key, array in graph.constants.items()])
    return target


def _write(file: BinaryIO, model: bytes, body: bytes, tensors: list[tuple[bytes, Any]]) -> None:
    """The model around the graph around the tensors, each with its length before it."""
    sizes = [len(head) + len(_head(_RAW, array.nbytes)) + array.nbytes for head, array in tensors]
    whole = len(body) + sum([len(_head(_INITIALIZER, size)) + size for size in sizes])
    file.write(model + _head(_GRAPH, whole) + body)
    for (head, array), size in zip(tensors, sizes, strict=True):
        file.write(_head(_INITIALIZER, size) + head + _head(_RAW, array.nbytes))
        _write_numbers(file, array)


def _write_numbers(file: BinaryIO, array: Any) -> None:
    """The numbers in little-endian order, without a copy where they lie so."""
    ordered = numpy.ascontiguousarray(array, array.dtype.newbyteorder("<") if array.dtype.byteorder == ">" else None)
    file.write(ordered.reshape(-1).view(numpy.uint8).data if array.nbytes else b"")
