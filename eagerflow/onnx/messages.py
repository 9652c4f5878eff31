"""Writes ONNX files: the few messages that they need, and weights, which are streamed.

Numbers of fields are those of onnx.proto, https://github.com/onnx/onnx (Apache 2.0).
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import secrets
import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO

import numpy

from eagerflow.base.files import mode_of, replacing
from eagerflow.onnx.graph import Graph, Node, Value

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
_LARGEST = 1_900_000_000  # bytes of a file; what is beyond lies beside it, as protobuf ends at 2 GiB
_SMALL = 1024  # bytes of an array that stays in the file, such as shapes, which checkers read
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
    """Write a graph, whole or not at all.

    Args:
        graph: what is written.
        path: where to.
        name: the name of the model.
        version: of the program that wrote it.
        symbols: names of lengths that aren't fixed.
    """
    target, old = pathlib.Path(path), list[pathlib.Path]()
    body = _parts(1, map(_node, graph.nodes)) + _given(2, name)
    body += _parts(11, [_described(key, value, symbols) for key, value in graph.inputs.items()])
    body += _parts(12, [_described(key, value, symbols) for key, value in graph.outputs.items()])
    model = _given(1, _IR[graph.opset]) + _given(2, "eagerflow") + _given(3, version)
    model += _part(8, _given(2, graph.opset))
    large = sum(array.nbytes for array in graph.constants.values()) > _LARGEST
    with replacing(target) as file:
        if large:
            numbers = _free_name(target)
            with replacing(numbers, mode=mode_of(os.fspath(target))) as beside:
                heads = list(_outside(graph, beside, numbers.name))
            old = _numbers_of(target)
        else:
            heads = [(_tensor(key, array), array) for key, array in graph.constants.items()]
        try:
            _write(file, model, body, heads)
        except BaseException:
            if large:
                numbers.unlink(missing_ok=True)
            raise
    for former in old:
        with contextlib.suppress(OSError):  # where it is in use, as on Windows
            former.unlink()
    return target


def _free_name(target: pathlib.Path) -> pathlib.Path:
    """A file for the numbers that the present model doesn't refer to: until the new one is there, it stays whole."""
    usual = target.with_name(f"{target.name}.data")
    unique = target.with_name(f"{target.name}.{secrets.token_hex(4)}.data")
    return unique if target.exists() or usual.exists() else usual


def _numbers_of(target: pathlib.Path) -> list[pathlib.Path]:
    """The files of numbers that a model refers to, as far as their names show that they belong to it."""
    pattern = re.compile(re.escape(target.name) + r"(\.[0-9a-f]{8})?\.data")
    beside = [path for path in target.parent.iterdir() if pattern.fullmatch(path.name)]
    content = target.read_bytes() if beside and target.exists() else b""
    return [path for path in beside if path.name.encode() in content]


def _outside(graph: Graph, file: BinaryIO, name: str) -> Iterator[tuple[bytes, Any]]:
    """Tensors whose numbers are written to another file."""
    for key, array in graph.constants.items():
        if array.nbytes <= _SMALL:
            yield _tensor(key, array), array
            continue
        begin = file.tell()
        _write_numbers(file, array)
        place = {"location": name, "offset": str(begin), "length": str(array.nbytes)}
        yield (
            _tensor(key, array)
            + _parts(13, [_given(1, word) + _given(2, text) for word, text in place.items()])
            + _given(14, 1),
            None,
        )


def _write(file: BinaryIO, model: bytes, body: bytes, tensors: list[tuple[bytes, Any]]) -> None:
    """The model around the graph around the tensors, each with its length before it."""
    sizes = []
    for head, array in tensors:
        raw = 0 if array is None else len(_head(_RAW, array.nbytes)) + array.nbytes
        sizes.append(len(head) + raw)
    whole = len(body) + sum([len(_head(_INITIALIZER, size)) + size for size in sizes])
    file.write(model + _head(_GRAPH, whole) + body)
    for (head, array), size in zip(tensors, sizes, strict=True):
        file.write(_head(_INITIALIZER, size) + head)
        if array is not None:
            file.write(_head(_RAW, array.nbytes))
            _write_numbers(file, array)


def _write_numbers(file: BinaryIO, array: Any) -> None:
    """The numbers in little-endian order, without a copy where they lie so."""
    ordered = numpy.ascontiguousarray(array, array.dtype.newbyteorder("<") if array.dtype.byteorder == ">" else None)
    file.write(ordered.reshape(-1).view(numpy.uint8).data if array.nbytes else b"")
